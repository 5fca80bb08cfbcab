"""Comparisons made up from numbers, for tests of everything that reads a result."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_initlab.results.comparison import Comparison, Grid
from keras_initlab.trials.record import Record

TEN = (
    "he_normal",
    "glorot_uniform",
    "uniform(-0.1, 0.1)",
    "initlab_uniform_sqrt_n",
    "lecun_normal",
    "orthogonal",
    "random_normal",
    "random_uniform(-1, 1)",
    "zeros",
    "ones",
)


def config(labels: Sequence[str], **changes: Any) -> dict[str, Any]:
    """What `compare` writes, for two epochs of 100 steps."""
    return {
        "labels": {label: {"class_name": "HeNormal", "config": {"seed": None}} for label in labels},
        "replicates": 5,
        "seed": 0,
        "epochs": 2,
        "steps_per_epoch": 100,
        "batch_size": 128,
        "target_loss": None,
        "directions": {"loss": "down", "accuracy": "up"},
        "slots": [{"path": "dense/kernel", "shape": [784, 256], "role": "kernel"}],
        "engine": {"name": "sequential", "reason": "asked for"},
        "versions": {"keras_initlab": "0.1.0", "keras": "3.15.1", "python": "3.11.9"},
        "backend": "jax",
        "dtype": "float32",
        "digest": {"data": "0a1b", "model": "2c3d"},
        "started": "2026-11-22T00:00:00+00:00",
        "baseline": None,
        **changes,
    }


def made_up(
    labels: Sequence[str] = TEN,
    replicates: int = 5,
    steps: int = 200,
    diverged: Mapping[str, int] | None = None,
    failed: Mapping[str, int] | None = None,
    **changes: Any,
) -> Comparison:
    """Initializers that get worse from first to last; the last starts from a loss of some 300.

    `diverged` and `failed` say how many of a label's first replicates do.
    """
    records = []
    for replicate in range(replicates):
        for index, label in enumerate(labels):
            generator = np.random.default_rng([replicate, index])
            decay = np.exp(-0.03 / (1 + 0.3 * index) * np.arange(steps))
            noise = np.exp(generator.normal(0, 0.08, steps))
            start = 300.0 if index == len(labels) - 1 else 2.3
            losses = start * decay * noise + 0.1
            accuracy = 0.97 - 0.01 * index + generator.normal(0, 0.002)
            epochs = {
                "loss": tuple(losses.reshape(2, -1).mean(axis=1)),
                "accuracy": (accuracy - 0.02, accuracy + 0.01),
                "val_loss": tuple(losses.reshape(2, -1).mean(axis=1) + 0.02),
                "val_accuracy": (accuracy - 0.03, accuracy),
            }
            record = Record(label, replicate, "completed", "", tuple(losses), epochs, 1.5, {"order": 7})
            if replicate < (diverged or {}).get(label, 0):
                grown = (*losses[:60] * np.exp(np.arange(60) / 10), math.nan)
                record = Record(label, replicate, "diverged", "The loss became nan at step 61.", grown)
            if replicate < (failed or {}).get(label, 0):
                record = Record(label, replicate, "failed", "ValueError: needs rank 2")
            records.append(record)
    return Comparison(records, config(labels, replicates=replicates, steps_per_epoch=steps // 2, **changes))


def tiny(values: Mapping[str, Sequence[float]], **changes: Any) -> Comparison:
    """One final `val_accuracy` per replicate and label; NaN for a run that diverged at its first step."""
    records = [
        Record(label, replicate, "completed", step_losses=(1.0,), epochs={"val_accuracy": (value,)})
        if math.isfinite(value)
        else Record(label, replicate, "diverged", step_losses=(math.nan,))
        for label, own in values.items()
        for replicate, value in enumerate(own)
    ]
    return Comparison(records, config(list(values), **changes))


def made_up_grid(
    labels: Sequence[str] = TEN[:2],
    factors: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
    replicates: int = 5,
    lost: Mapping[tuple[str, ...], int] | None = None,
    value: Callable[[tuple[str, ...], int], float] | None = None,
    **changes: Any,
) -> Grid:
    """A final accuracy and loss for each cell and replicate, each initializer .02 worse than the one before.

    `lost` says how many of a cell's first replicates diverged, `value` what the accuracy is of a cell in a
    replicate; by default each step of a level adds .01.
    """
    factors = factors or {"batch_norm": SWITCH}
    cells = changes.get("cells") or [
        dict(zip(factors, cell, strict=True)) for cell in itertools.product(*factors.values())
    ]
    records = []
    for replicate, (row, label), cell in itertools.product(range(replicates), enumerate(labels), cells):
        key = (label, *cell.values())
        if replicate < (lost or {}).get(key, 0):
            records.append(Record(label, replicate, "diverged", "", (2.0, math.nan), levels=cell))
            continue
        steps = sum(list(factors[name]).index(level) for name, level in cell.items())
        noise = np.random.default_rng([replicate, row, cells.index(cell)]).normal(0, 0.002)
        accuracy = value(key, replicate) if value else 0.9 - 0.02 * row + 0.01 * steps + noise
        epochs = {
            "loss": (2.0, 1.1 - accuracy),
            "val_loss": (2.1, 1.2 - accuracy),
            "val_accuracy": (0.5, accuracy),
        }
        losses = tuple(np.linspace(2.0, 1.1 - accuracy, 20))
        records.append(Record(label, replicate, "completed", "", losses, epochs, 1.5, {}, levels=cell))
    told = {"replicates": replicates, "epochs": 2, "steps_per_epoch": 10, "factors": factors, **changes}
    return Grid(records, config(labels, **told))


SWITCH = {"off": {"kind": "remedy", "value": 0}, "on": {"kind": "remedy"}}


def numbers(*values: float) -> dict[str, dict[str, Any]]:
    """The levels of a factor that is a number."""
    return {f"{value:g}": {"kind": "number", "value": value} for value in values}
