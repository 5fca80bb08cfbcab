"""The stacked engine: trials that share a model train side by side, as one model with a member axis."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from keras_initlab.engines.blocks import blocks
from keras_initlab.engines.members import Members, Template, start, together
from keras_initlab.engines.programs import program
from keras_initlab.engines.sequential import fresh_optimizer
from keras_initlab.engines.setup import Observer, Setup
from keras_initlab.plan import Plan, Trial
from keras_initlab.records import Record
from keras_initlab.rng import isolated


class Stacked:
    """Trains many trials in the time of little more than one."""

    name = "stacked"

    def why_not(self, plan: Plan, setup: Setup) -> str | None:
        return None

    def run(self, trials: Sequence[Trial], plan: Plan, setup: Setup, observer: Observer) -> Iterator[Record]:
        with isolated(), _lent(setup) as template:
            yield from _Group(trials, plan, setup, template, observer).run()


class _Group:
    """Trials that train together, and what is known of each so far."""

    def __init__(self, trials, plan: Plan, setup: Setup, template: Template, observer: Observer):
        self._plan, self._setup, self._template, self._observer = plan, setup, template, observer
        self._trials = list(trials)
        self._losses: list[list[float]] = [[] for _ in trials]
        self._epochs: list[dict[str, list[float]]] = [{} for _ in trials]
        self._alive = np.ones(len(trials), bool)

    def run(self) -> Iterator[Record]:
        began = time.perf_counter()
        setup, trials = self._setup, self._trials
        for trial in trials:
            self._observer.started(trial)
        values = together([start(self._template, setup, trial) for trial in trials])
        members = Members(self._template, values, fresh_optimizer(setup.model.optimizer))
        training = blocks(setup.training, trials)
        validation = setup.validation and blocks(setup.validation, trials)
        runner = program(members, training, validation)
        for epoch in range(self._plan.epochs):
            members.reset_metrics()
            for block in training.epoch(trials, epoch):
                self._note_losses(runner.train(block))
            if not self._alive.any():
                break
            self._note_epoch("", runner.results())
            if validation is not None:
                members.reset_metrics()
                for block in validation.epoch(trials, epoch):
                    runner.test(block)
                self._note_epoch("val_", runner.results())
        seconds = (time.perf_counter() - began) / len(trials)
        for index in range(len(trials)):
            record = self._record(index, seconds)
            self._observer.finished(record)
            yield record

    def _note_losses(self, losses: np.ndarray) -> None:
        """Each member's losses of a block, up to the first that is not finite."""
        finite = np.isfinite(losses)
        for index in np.flatnonzero(self._alive):
            steps = len(losses) if finite[:, index].all() else int(finite[:, index].argmin()) + 1
            self._losses[index] += losses[:steps, index].tolist()
            for _ in range(steps):
                self._observer.stepped(self._trials[index])
        self._alive &= finite.all(axis=0)

    def _note_epoch(self, prefix: str, results: dict[str, np.ndarray]) -> None:
        for name, values in results.items():
            for index in np.flatnonzero(self._alive):
                self._epochs[index].setdefault(prefix + name, []).append(float(values[index]))

    def _record(self, index: int, seconds: float) -> Record:
        trial, losses = self._trials[index], self._losses[index]
        return Record(
            label=trial.label,
            replicate=trial.replicate,
            status="completed" if self._alive[index] else "diverged",
            message="",
            step_losses=tuple(losses),
            epochs={name: tuple(values) for name, values in self._epochs[index].items()},
            seconds=seconds,
            seeds={"root": trial.root_seed, "global": trial.global_seed(), "order": trial.order_seed(0)},
            engine=Stacked.name,
        )


@contextmanager
def _lent(setup: Setup) -> Iterator[Template]:
    """The model as a template, built as `fit` would build it; its optimizer stays as it was."""
    model = setup.model
    optimizer = model.optimizer
    batch = setup.training.epoch(Trial("", 0, 0), 0)[0]
    object.__setattr__(model, "optimizer", None)
    try:
        model._symbolic_build(data_batch=batch)
        model.reset_metrics()
    finally:
        object.__setattr__(model, "optimizer", optimizer)
    yield Template(model)
