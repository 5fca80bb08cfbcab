"""The stacked engine: trials that share a model train side by side, as one model with a member axis."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from keras_initlab.core.keras_private import build_symbolically, set_untracked
from keras_initlab.core.rng import Generators, isolated
from keras_initlab.engines.contract import Observer
from keras_initlab.engines.lending import fresh_optimizer
from keras_initlab.engines.setup import Setup
from keras_initlab.engines.sources import Fixed
from keras_initlab.engines.stacked.blocks import Blocks, blocks
from keras_initlab.engines.stacked.convolution import as_products
from keras_initlab.engines.stacked.groups import groups
from keras_initlab.engines.stacked.members import Members, Template, Values, stack
from keras_initlab.engines.stacked.programs import program
from keras_initlab.engines.stacked.refusal import reason_not_to_stack
from keras_initlab.engines.stacked.rows import tables
from keras_initlab.trials.plan import Trial
from keras_initlab.trials.record import VALIDATION, Record, outcome


class Stacked:
    """Trains many trials in the time of little more than one."""

    name = "stacked"

    def why_not(self, setup: Setup, trials: Sequence[Trial]) -> str | None:
        return reason_not_to_stack(setup) or _failure(setup)

    def run(self, setup: Setup, trials: Sequence[Trial], observer: Observer) -> Iterator[Record]:
        with isolated() as generators, _lent(setup) as template:
            machine = None
            for part in groups(trials, setup, template):
                group = _Group(setup, part, template, generators, machine, observer)
                yield from group.run()
                machine = group.machine


@contextmanager
def _lent(setup: Setup) -> Iterator[Template]:
    """The model as a template, built as `fit` would build it, without touching its optimizer."""
    model, optimizer = setup.model, setup.model.optimizer
    set_untracked(model, "optimizer", None)
    try:
        build_symbolically(model, setup.training.first_batch())
    finally:
        set_untracked(model, "optimizer", optimizer)
    model.reset_metrics()
    with as_products(model):
        yield Template(model, tables(setup))


def _failure(setup: Setup) -> str | None:
    """What is in the way of a step of two members. PyTorch does not say before it runs one."""
    if keras.backend.backend() != "torch":
        return None
    batch = keras.tree.map_structure(lambda leaf: leaf[None], setup.training.first_batch())
    fed = blocks(Fixed([setup.training.first_batch()]), ())
    with isolated(), _lent(setup) as template:
        members = Members(template, fresh_optimizer(setup.model.optimizer), 2)
        members.load(stack([template.values()] * 2))
        try:
            program(members, fed, fed).train(batch)
        except Exception as error:
            lines = re.sub(r"\x1b\[\d*m", "", str(error)).splitlines()
            return f"PyTorch's vmap cannot run it: {' '.join(filter(None, lines[:3]))}".rstrip(".")
    return None


class _Machine:
    """Members with their program and what feeds it; fits any as many trials that are fed alike."""

    def __init__(self, template: Template, setup: Setup, trials: Sequence[Trial], before: "_Machine | None"):
        self.training: Blocks = blocks(setup.training, trials, before.training if before else None)
        self.validation: Blocks | None = None
        if setup.validation is not None:
            self.validation = blocks(setup.validation, trials, before.validation if before else None)
        self.members = Members(template, fresh_optimizer(setup.model.optimizer), len(trials))
        self.program = program(self.members, self.training, self.validation or self.training)

    def fits(self, trials: Sequence[Trial]) -> bool:
        return self.members.size == len(trials) and self.training.fits(trials)


class _Course:
    """What is known of one trial so far."""

    def __init__(self, trial: Trial):
        self.trial = trial
        self.losses: list[float] = []
        self.epochs: dict[str, list[float]] = {}
        self.alive = True


class _Group:
    """Trials that train together."""

    def __init__(
        self,
        setup: Setup,
        trials: Sequence[Trial],
        template: Template,
        generators: Generators,
        machine: _Machine | None,
        observer: Observer,
    ):
        self._setup, self._trials, self._template = setup, trials, template
        self._generators = generators
        self.machine = machine
        self._observer = observer
        self._began = time.perf_counter()

    def run(self) -> Iterator[Record]:
        courses, starts = [], []
        for trial in self._trials:
            self._observer.started(trial)
            try:
                starts.append(self._template.start(self._setup, trial, self._generators))
            except Exception as error:
                # An initializer that refuses a shape must not cost the runs that can finish.
                yield self._finished(outcome(trial, Stacked.name, (), {}, self._share(), error))
            else:
                courses.append(_Course(trial))
        failure = None
        if courses:
            try:
                self._train(courses, self._loaded(courses, stack(starts)))
            except Exception as caught:
                failure = caught
        for course in courses:
            yield self._finished(
                outcome(
                    course.trial,
                    Stacked.name,
                    course.losses,
                    course.epochs,
                    self._share(),
                    failure if course.alive else None,
                )
            )

    def _share(self) -> float:
        return (time.perf_counter() - self._began) / len(self._trials)

    def _finished(self, record: Record) -> Record:
        self._observer.finished(record)
        return record

    def _loaded(self, courses: Sequence[_Course], values: Values) -> _Machine:
        """A machine with these values, the one at hand where it fits."""
        trials = [course.trial for course in courses]
        if self.machine is None or not self.machine.fits(trials):
            self.machine = _Machine(self._template, self._setup, trials, self.machine)
        self.machine.members.load(values)
        return self.machine

    def _train(self, courses: list[_Course], machine: _Machine) -> None:
        """Train all epochs; `courses` are those in the machine, in its order."""
        warmth = _Warmth()
        for epoch in range(self._setup.epochs):
            trials = [course.trial for course in courses]
            machine.members.reset_metrics()
            for block in machine.training.epoch(trials, epoch):
                with warmth.measured():
                    losses = machine.program.train(block)
                self._note_losses(courses, losses)
            if not any(course.alive for course in courses):
                return
            _note_epoch(courses, "", machine.program.results())
            if machine.validation is not None:
                machine.members.reset_metrics()
                for block in machine.validation.epoch(trials, epoch):
                    machine.program.test(block)
                _note_epoch(courses, VALIDATION, machine.program.results())
            kept = [index for index, course in enumerate(courses) if course.alive]
            if warmth.pays_to_rebuild(1 - len(kept) / len(courses), self._setup.epochs - epoch - 1):
                courses = [courses[index] for index in kept]
                machine = self._loaded(courses, machine.members.values(kept))

    def _note_losses(self, courses: Sequence[_Course], losses: np.ndarray) -> None:
        """Each live member's losses of a block, up to the first that is not finite."""
        finite = np.isfinite(losses)
        for index, course in enumerate(courses):
            if course.alive:
                course.alive = bool(finite[:, index].all())
                steps = len(losses) if course.alive else int(finite[:, index].argmin()) + 1
                course.losses += losses[:steps, index].tolist()
                for _ in range(steps):
                    self._observer.stepped(course.trial)


def _note_epoch(courses: Sequence[_Course], prefix: str, results: dict[str, np.ndarray]) -> None:
    for name, values in results.items():
        for course, value in zip(courses, values, strict=True):
            if course.alive:
                course.epochs.setdefault(prefix + name, []).append(float(value))


class _Warmth:
    """What building a program costs and what it saves, from the blocks that ran."""

    def __init__(self):
        self._seconds: list[float] = []
        self._epochs = 0

    @contextmanager
    def measured(self):
        began = time.perf_counter()
        yield
        self._seconds.append(time.perf_counter() - began)

    def pays_to_rebuild(self, dead: float, epochs_left: int) -> bool:
        """Whether leaving out a share `dead` of the members saves twice what a new program costs."""
        self._epochs += 1
        first, *others = self._seconds
        if not dead or not others:
            return False
        epoch = sum(others) / self._epochs
        return dead * epoch * epochs_left > 2 * first
