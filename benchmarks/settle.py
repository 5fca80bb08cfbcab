"""Runs until a comparison is settled, against fixed replicates of equal power.

Power is the share of comparisons with the baseline that have a verdict (better, worse or equivalent within the
margin). Against the rule stands the smallest fixed number of replicates that has as much.

Made-up landscapes are normal, in spreads of a difference; trained ones are replicates of the digits, trained
once and then drawn in random order as often as is asked for.

    PYTHONPATH=. python benchmarks/settle.py [--times 600] [--trained mlp deep_tanh --replicates 40]
"""

import argparse

import numpy as np

import keras_initlab as initlab
from keras_initlab import presets
from keras_initlab.results.judging import judge
from keras_initlab.results.settling import is_settled
from tests.settling import play

MOST, MARGIN = 40, 0.005
MADE_UP = {
    "classic": [-30, -30, -8, -4, -3, -1.5, -0.5, 0.3, 0.8],
    "close": [-1, -0.7, -0.5, -0.3, 0, 0.3, 0.5, 0.7, 1],
    "equal": [-30, -10, -3, 0, 0, 0, 0, 0.1, -0.1],
    "null": [0] * 9,
}


def made_up(means, times):
    noise = np.random.default_rng(0).standard_normal((times, len(means) + 1, MOST)) / np.sqrt(2)
    return np.array([0, *means])[:, None] + noise


def trained(model, replicates, times):
    """Values and lost runs of the ten classic initializers, replicates in random orders; baseline first."""
    data = initlab.datasets.load("digits")
    result = initlab.compare(
        presets.build(model, (8, 8), 10),
        presets.classic(),
        data.x,
        data.y,
        validation_data=(data.x_val, data.y_val),
        epochs=5,
        replicates=replicates,
        baseline=presets.CLASSIC_BASELINE,
    )
    runs = result.runs.pivot(index="initializer", columns="replicate")
    labels = [result.baseline, *(label for label in result.labels if label != result.baseline)]
    values = runs[f"final_{result.metric}"].loc[labels].to_numpy(float)
    lost = (runs["status"].loc[labels] != "completed").to_numpy()
    values = np.where(lost & ~lost.all(1, keepdims=True), np.nan, values)
    orders = np.random.default_rng(0).permuted(np.tile(np.arange(replicates), (times, 1)), axis=1)
    return values[:, orders].transpose(1, 0, 2), lost[:, orders].transpose(1, 0, 2), 1 / len(data.x_val)


def fixed(values, lost, n, margin, resolution):
    found = judge(values[..., :n], lost[..., :n], np.ones(lost[..., :n].shape, bool), resolution=resolution)
    return is_settled(found, margin)[..., 1:, 0].mean()


def measured(name, values, lost, first, margin, resolution=0.0):
    played = play(values, lost, first, margin, resolution)
    power = np.isfinite(played.verdicts).mean()
    counts = range(2, values.shape[-1] + 1)
    equal = next((n for n in counts if fixed(values, lost, n, margin, resolution) >= power), counts[-1])
    runs = equal * values.shape[1]
    print(
        f"{name:10} from {first}, margin {margin:g}: power {power:.3f}, {played.runs:.0f} runs until settled, "
        f"{runs} of {equal} fixed replicates ({played.runs / runs:.2f}); all settled in "
        f"{played.settled.mean():.0%}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=600)
    parser.add_argument("--trained", nargs="*", default=[], help="presets: mlp, deep_tanh, cnn")
    parser.add_argument("--replicates", type=int, default=MOST)
    given = parser.parse_args()
    for name, means in MADE_UP.items():
        values = made_up(means, given.times)
        for first in (3, 5):
            measured(name, values, np.zeros(values.shape, bool), first, 1.0)
    for name in given.trained:
        values, lost, resolution = trained(name, given.replicates, min(given.times, 200))
        for margin in (MARGIN, 4 * MARGIN):
            measured(name, values, lost, 5, margin, resolution)


if __name__ == "__main__":
    main()
