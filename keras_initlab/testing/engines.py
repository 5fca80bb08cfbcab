"""What every engine must do: leave the records that plain training, one model after another, leaves."""

import itertools
from collections.abc import Sequence

import numpy as np

from keras_initlab.core.keras_private import parts
from keras_initlab.engines.contract import Engine, Observer
from keras_initlab.engines.sequential import Sequential
from keras_initlab.engines.setup import Setup
from keras_initlab.trials.checkpoint import Checkpoints
from keras_initlab.trials.plan import Name, Plan, Trial
from keras_initlab.trials.record import Record

FIRST = {"float64": 1e-6, "float32": 1e-5, "bfloat16": 1e-2}
"""Relative tolerance of the first step's loss: one forward pass in this type."""

LATER = {"float64": 1e-6, "float32": 1e-3, "bfloat16": 3e-2}
"""Relative tolerance of the losses of 20 steps: rounding, grown by training. In double precision what is
left is that of the losses themselves, which Keras may give in single precision."""


def check_engine(engine: Engine, plan: Plan, setup: Setup) -> None:
    """Hold an engine to the reference on one comparison.

    The same trials with the same statuses; losses of the first step, losses of 20 steps and
    metrics within rounding of each other; and each step of each trial announced to the observer.
    The comparison should be well conditioned, for rounding grows with training.

    Args:
        engine: The engine to check; it must accept the comparison.
        plan: Its trials are what is to be trained.
        setup: The comparison.

    Raises:
        AssertionError: Says which trial differs, in what, and by how much.
    """
    trials = plan.trials
    refusal = engine.why_not(setup, trials)
    assert refusal is None, f"{engine.name} refuses: {refusal}"
    expected = _by_trial(Sequential(), setup, trials)
    found = _by_trial(engine, setup, trials)
    assert found.keys() == expected.keys(), f"trials {sorted(found)} instead of {sorted(expected)}"
    dtypes = {layer.compute_dtype for layer in parts(setup.model)}
    coarsest = next((dtype for dtype in ("bfloat16", "float32") if dtype in dtypes), "float64")
    for name, record in expected.items():
        _check(f"{engine.name}, {name}", found[name], record, coarsest)


def _by_trial(engine: Engine, setup: Setup, trials: Sequence[Trial]) -> dict[Name, Record]:
    log = _Log()
    groups = engine.cut(setup, trials)
    assert [trial for group in groups for trial in group] == list(trials), f"{engine.name}: other trials"
    ended = itertools.chain.from_iterable(engine.run(setup, groups, log, Checkpoints()))
    records = {record.name: record for record in ended}
    for name, record in records.items():
        assert log.steps.get(name, 0) == len(record.step_losses), (
            f"{engine.name}, {name}: {log.steps.get(name, 0)} steps announced, {len(record.step_losses)} made"
        )
    assert log.begun == log.ended == set(records), f"{engine.name}: a trial began or ended unannounced"
    return records


def _check(where: str, found: Record, expected: Record, dtype: str) -> None:
    assert found.status == expected.status, f"{where}: {found.status} instead of {expected.status}"
    assert found.seeds == expected.seeds, f"{where}: seeds {found.seeds} instead of {expected.seeds}"
    assert len(found.step_losses) == len(expected.step_losses), (
        f"{where}: {len(found.step_losses)} steps instead of {len(expected.step_losses)}"
    )
    for steps, limit in ((1, FIRST[dtype]), (20, LATER[dtype])):
        _check_close(f"{where}: loss", found.step_losses[:steps], expected.step_losses[:steps], limit)
    assert found.epochs.keys() == expected.epochs.keys(), (
        f"{where}: metrics {sorted(found.epochs)} instead of {sorted(expected.epochs)}"
    )
    for metric, values in expected.epochs.items():
        _check_close(f"{where}: {metric}", found.epochs[metric], values, LATER[dtype])


def _check_close(what: str, found, expected, limit: float) -> None:
    close = np.isclose(found, expected, rtol=limit, atol=limit / 10, equal_nan=True)
    close |= ~np.isfinite(found) & ~np.isfinite(expected)  # how a loss overflows is rounding too
    if not close.all():
        place = int(np.argmin(close))
        raise AssertionError(f"{what}[{place}] is {found[place]} instead of {expected[place]} ± {limit:.0e}")


class _Log(Observer):
    """Counts."""

    def __init__(self):
        self.begun: set[Name] = set()
        self.ended: set[Name] = set()
        self.steps: dict[Name, int] = {}

    def started(self, trial: Trial) -> None:
        self.begun.add(trial.name)

    def stepped(self, trial: Trial) -> None:
        self.steps[trial.name] = self.steps.get(trial.name, 0) + 1

    def finished(self, record: Record) -> None:
        self.ended.add(record.name)
