"""Runs until a comparison is settled, against fixed replicates of equal power.

Power is the share of comparisons with the baseline that have a verdict (better, worse or equivalent within
the margin). Against the rule stands the smallest fixed number of replicates that has as much.

Made-up landscapes are normal, in spreads of a difference; trained ones are replicates of the digits, trained
once and then drawn in random order as often as is asked for.

    PYTHONPATH=. python benchmarks/settle.py [--times 600] [--trained mlp deep_tanh --replicates 40]

With `--picture FILE` it draws instead what looking again costs, for docs/settling.md.
"""

import argparse

import numpy as np
from scipy import stats

import keras_initlab as initlab
from keras_initlab import presets
from keras_initlab.results.judging import judge
from keras_initlab.results.settling import is_settled
from keras_initlab.trials.settling import planned
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
        f"{name:10} from {first}, margin {margin:g}: power {power:.3f}, {played.runs:.0f} runs until "
        f"settled, {runs} of {equal} fixed replicates ({played.runs / runs:.2f}); all settled in "
        f"{played.settled.mean():.0%}",
        flush=True,
    )


def draw(path):
    """Two that do not differ: one comparison as it is looked at, and how often any look is wrong."""
    from matplotlib.figure import Figure

    looks = planned((), 3, MOST)
    counts = np.array([look.n for look in looks])
    shares = np.array([look.share for look in looks])
    differences = np.random.default_rng(0).standard_normal((20_000, MOST))
    means = np.stack([differences[:, :n].mean(1) for n in counts], -1)
    errors = np.stack([differences[:, :n].std(1, ddof=1) / np.sqrt(n) for n in counts], -1)
    halves = [stats.t.ppf(1 - 0.025 * share, counts - 1) for share in (1, shares)]
    wrong = [np.abs(means) > half * errors for half in halves]
    shown = np.flatnonzero(wrong[0][:, 3] & ~wrong[0][:, -1] & ~wrong[1].any(1))[0]
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for half, color, shift, text in zip(
        halves,
        ("tab:red", "tab:blue"),
        (-0.012, 0.012),
        ("each look as if it were the only one", "5 % shared"),
        strict=True,
    ):
        mean, bar = means[shown], half * errors[shown]
        left.errorbar(counts * np.exp(shift * 2), mean, bar, fmt="o", color=color, capsize=3, label=text)
    left.axhline(0, color="grey", linewidth=0.8)
    left.set(xscale="log", xticks=counts, xticklabels=counts, ylim=(-3, 3))
    left.minorticks_off()
    left.set(xlabel="replicates", ylabel="difference, in spreads", title="Two that do not differ")
    for one, color in zip(wrong, ("tab:red", "tab:blue"), strict=True):
        rates = 100 * np.logical_or.accumulate(one, axis=1).mean(0)
        right.plot(range(1, len(counts) + 1), rates, "o-", color=color)
        right.annotate(f"{rates[-1]:.0f} %", (len(counts), rates[-1]), (4, 4), textcoords="offset points")
    right.axhline(5, color="grey", linewidth=0.8)
    right.set(xlabel="looks so far", ylabel="%", ylim=(0, None), title="Chance that any look was wrong")
    left.legend(loc="upper right", fontsize="small")
    figure.savefig(path, dpi=110)
    print([f"{100 * one.any(1).mean():.1f} %" for one in wrong])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=600)
    parser.add_argument("--trained", nargs="*", default=[], help="presets: mlp, deep_tanh, cnn")
    parser.add_argument("--replicates", type=int, default=MOST)
    parser.add_argument("--picture", metavar="FILE")
    given = parser.parse_args()
    if given.picture:
        draw(given.picture)
        return
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
