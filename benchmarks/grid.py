"""A grid of initializers and learning rates as one program, against what a user would do instead.

150 runs on the digits (ten initializers, five rates, three replicates), compile time included, timed in turns
in this process: `compare(factors=...)` stacked; the 30 runs at one rate; `sequential`; and a loop of fresh
models, whose time is the median of a few runs times their number.

    KERAS_BACKEND=jax python benchmarks/grid.py [--rounds 3] [--without-sequential]
"""

import argparse
import statistics
import time

import keras
import numpy as np

import keras_initlab as initlab
from keras_initlab import presets

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
EPOCHS, REPLICATES = 5, 3


def model(rate=1e-3):
    built = presets.build("mlp", (8, 8), 10)
    built.optimizer.learning_rate = rate
    return built


def compare(data, rates, engine):
    started = time.perf_counter()
    factors = {"learning_rate": list(rates)} if len(rates) > 1 else None
    result = initlab.compare(
        model(rates[0]),
        presets.classic(),
        data.x,
        data.y,
        validation_data=(data.x_val, data.y_val),
        batch_size=128,
        epochs=EPOCHS,
        replicates=REPLICATES,
        factors=factors,
        engine=engine,
        verbose=False,
    )
    return time.perf_counter() - started, result


def fresh_fit(data):
    started = time.perf_counter()
    validation = (data.x_val, data.y_val)
    model().fit(data.x, data.y, batch_size=128, epochs=EPOCHS, validation_data=validation, verbose=0)
    return time.perf_counter() - started


def agreement(one, other):
    """The share of runs whose status is the same, and the largest relative gap of their first 20 losses."""
    pairs = list(zip(one.records, other.records, strict=True))
    same = sum(a.status == b.status for a, b in pairs) / len(pairs)
    gaps = [
        np.max(np.abs(np.subtract(a.step_losses[:20], b.step_losses[:20])) / np.abs(a.step_losses[:20]))
        for a, b in pairs
        if a.status == b.status == "completed"
    ]
    return same, max(gaps)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-sequential", action="store_true")
    given = parser.parse_args()
    data = initlab.datasets.load("digits")
    times = {name: [] for name in ("grid", "one rate", "fresh")}
    for _ in range(given.rounds):
        seconds, grid = compare(data, RATES, "stacked")
        times["grid"].append(seconds)
        times["one rate"].append(compare(data, RATES[2:3], "stacked")[0])
        times["fresh"].append(fresh_fit(data))
    whole, part, fresh = (statistics.median(seconds) for seconds in times.values())
    runs = len(grid.records)
    print(
        f"grid, {keras.backend.backend()}: {runs} runs stacked {whole:.2f} s, the {runs // len(RATES)} at "
        f"one rate {part:.2f} s, ratio {whole / part:.2f} (target 2.5); loop of fresh models "
        f"{fresh * runs:.0f} s, ratio {fresh * runs / whole:.1f} (target 30 on TensorFlow)"
    )
    if not given.without_sequential:
        seconds, alone = compare(data, RATES, "sequential")
        same, gap = agreement(grid, alone)
        print(
            f"sequential {seconds:.1f} s, ratio {seconds / whole:.1f}; equal statuses {same:.0%}, losses of "
            f"20 steps within {gap:.0e}"
        )


if __name__ == "__main__":
    main()
