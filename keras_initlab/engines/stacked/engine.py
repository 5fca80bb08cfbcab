"""The stacked engine: trials that share a model train side by side, as one model with a member axis."""

import itertools
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import keras
import numpy as np

from keras_initlab.core.keras_private import build_symbolically, set_untracked
from keras_initlab.core.rng import Generators, isolated
from keras_initlab.engines.contract import Observer, StoppedError
from keras_initlab.engines.hyperparameters import holding, in_a_stack, own_number, set_numbers
from keras_initlab.engines.setup import Setup
from keras_initlab.engines.sources import Fixed
from keras_initlab.engines.stacked.blocks import Blocks, blocks
from keras_initlab.engines.stacked.convolution import as_products
from keras_initlab.engines.stacked.groups import cut, pays_to_rebuild
from keras_initlab.engines.stacked.members import Members, Template, Values, stack
from keras_initlab.engines.stacked.programs import program
from keras_initlab.engines.stacked.refusal import reason_not_to_stack
from keras_initlab.engines.stacked.rows import tables
from keras_initlab.trials.checkpoint import Checkpoint, Checkpoints
from keras_initlab.trials.plan import Group, Trial
from keras_initlab.trials.record import VALIDATION, WEIGHT_CHANGE, Record, outcome


class Stacked:
    """Trains many trials in the time of little more than one."""

    name = "stacked"

    def why_not(self, setup: Setup, trials: Sequence[Trial]) -> str | None:
        return reason_not_to_stack(setup) or _failure(setup)

    def cut(self, setup: Setup, trials: Sequence[Trial]) -> list[Group]:
        return cut(setup, trials)

    def run(
        self, setup: Setup, groups: Iterable[Group], observer: Observer, checkpoints: Checkpoints
    ) -> Iterator[list[Record]]:
        with isolated() as generators, _lent(setup) as template:
            machine = None
            for part in groups:
                if checkpoints.stopping:
                    return
                group = _Group(setup, part, template, generators, machine, observer, checkpoints)
                yield group.run()
                machine = group.machine


@contextmanager
def _lent(setup: Setup) -> Iterator[Template]:
    """The model as a template, built as `fit` would build it, without touching its optimizer."""
    model, optimizer = setup.model, setup.model.optimizer
    held = in_a_stack(setup.optimizer, setup.held)
    set_untracked(model, "optimizer", None)
    try:
        build_symbolically(model, setup.training.first_batch())
    finally:
        set_untracked(model, "optimizer", optimizer)
    model.reset_metrics()
    with as_products(model):
        yield Template(setup, tables(setup), held)


def _failure(setup: Setup) -> str | None:
    """What is in the way of a step of two members. PyTorch does not say before it runs one."""
    if keras.backend.backend() != "torch":
        return None
    batch = keras.tree.map_structure(lambda leaf: leaf[None], setup.training.first_batch())
    fed = blocks(Fixed([setup.training.first_batch()]), ())
    with isolated(), _lent(setup) as template:
        members = Members(template, _optimizer(setup, template, 2), 2)
        members.load(stack([template.values()] * 2))
        try:
            program(members, fed, fed).train(batch)
        except Exception as error:
            lines = re.sub(r"\x1b\[\d*m", "", str(error)).splitlines()
            return f"PyTorch's vmap cannot run it: {' '.join(filter(None, lines[:3]))}".rstrip(".")
    return None


def _optimizer(setup: Setup, template: Template, members: int) -> keras.optimizers.Optimizer:
    penalized = [setup.penalized[pack[0]] for pack in template.packing.packs]
    return holding(setup.optimizer, template.held, members, penalized)


class _Machine:
    """Members with their program and what feeds it; fits any as many trials that are fed alike."""

    def __init__(self, template: Template, setup: Setup, trials: Sequence[Trial], before: "_Machine | None"):
        self.training: Blocks = blocks(setup.training, trials, before.training if before else None)
        self.validation: Blocks | None = None
        if setup.validation is not None:
            self.validation = blocks(setup.validation, trials, before.validation if before else None)
        self.members = Members(template, _optimizer(setup, template, len(trials)), len(trials))
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


@dataclass
class _Place:
    """How far a group is: the epoch, the blocks of it that were trained, who is in the machine, and the
    weights with which the epoch began, where changes are recorded."""

    epoch: int
    blocks: int
    courses: list[_Course]
    weights: list[np.ndarray] = field(default_factory=list)


class _Group:
    """Trials that train together."""

    def __init__(
        self,
        setup: Setup,
        trials: Group,
        template: Template,
        generators: Generators,
        machine: _Machine | None,
        observer: Observer,
        checkpoints: Checkpoints,
    ):
        self._setup, self._trials, self._template = setup, trials, template
        self._generators = generators
        self.machine = machine
        self._observer, self._checkpoints = observer, checkpoints
        self._began = time.perf_counter()
        self._seconds_before = 0.0
        self._courses: list[_Course] = []

    def run(self) -> list[Record]:
        records, starts = [], []
        for trial in self._trials:
            self._observer.started(trial)
            try:
                starts.append(self._template.start(self._setup, trial, self._generators))
            except Exception as error:
                # An initializer that refuses a shape must not cost the runs that can finish.
                records.append(self._outcome(_Course(trial), error))
            else:
                self._courses.append(_Course(trial))
        failure, stopped = None, False
        if self._courses:
            try:
                self._train(*self._begun(stack(starts)))
            except StoppedError:
                stopped = True
            except Exception as caught:
                failure = caught
        records += [
            self._outcome(course, failure if course.alive else None, stopped) for course in self._courses
        ]
        for record in records:
            if not stopped:
                self._observer.finished(record)
        return records

    def _outcome(self, course: _Course, error: Exception | None, stopped: bool = False) -> Record:
        seconds = self._seconds() / len(self._trials)
        return outcome(course.trial, Stacked.name, course.losses, course.epochs, seconds, error, stopped)

    def _seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._began

    def _begun(self, start: Values) -> tuple[_Machine, _Place]:
        """The machine at the start, or where a checkpoint was."""
        kept = self._checkpoints.load(self._trials)
        if (
            kept is None
            or len(kept.notes["courses"]) != len(self._courses)
            or not self._setup.goes_on(kept, self._trials[0].seeds)
        ):
            return self._loaded(self._courses, start), _Place(0, 0, self._courses)
        for course, noted in zip(self._courses, kept.notes["courses"], strict=True):
            course.losses, course.epochs, course.alive = noted["losses"], noted["epochs"], noted["alive"]
            for _ in course.losses:
                self._observer.stepped(course.trial)
        self._seconds_before = kept.notes["seconds"]
        inside = [self._courses[index] for index in kept.notes["inside"]]
        counts = [len(start.trainable), len(start.state)]
        first, second = counts[0], sum(counts)
        third = len(kept.arrays) - kept.notes["weights"]
        values = Values(kept.arrays[:first], kept.arrays[first:second], kept.arrays[second:third])
        place = _Place(kept.notes["epoch"], kept.notes["blocks"], inside, kept.arrays[third:])
        return self._loaded(inside, values), place

    def _save(self, machine: _Machine, place: _Place) -> None:
        self._checkpoints.save(self._trials, lambda: self._checkpoint(machine, place))

    def _checkpoint(self, machine: _Machine, place: _Place) -> Checkpoint:
        values = machine.members.values(range(machine.members.size))
        assert values.optimizer is not None
        notes = {
            "epoch": place.epoch,
            "blocks": place.blocks,
            "weights": len(place.weights),
            "inside": [self._courses.index(course) for course in place.courses],
            "courses": [
                {"losses": course.losses, "epochs": course.epochs, "alive": course.alive}
                for course in self._courses
            ],
            "seconds": self._seconds(),
            "batches": self._setup.training.marks(self._trials[0].seeds, place.epoch + bool(place.blocks)),
        }
        return Checkpoint([*values.trainable, *values.state, *values.optimizer, *place.weights], notes)

    def _loaded(self, courses: Sequence[_Course], values: Values) -> _Machine:
        """A machine with these values, the one at hand where it fits."""
        trials = [course.trial for course in courses]
        if self.machine is None or not self.machine.fits(trials):
            self.machine = _Machine(self._template, self._setup, trials, self.machine)
        self.machine.members.load(values)
        if self._template.held:
            own = {name: own_number(self._setup.optimizer, name) for name in self._template.held}
            numbers = [{**own, **self._setup.numbers.get(trial.levels, {})} for trial in trials]
            set_numbers(self.machine.members.optimizer, numbers, trials[0].seeds, values.optimizer is None)
        return self.machine

    def _train(self, machine: _Machine, place: _Place) -> None:
        """Train what is left of all epochs."""
        while place.epoch < self._setup.epochs:
            self._train_epoch(machine, place)
            if not any(course.alive for course in place.courses):
                return
            machine, place = self._without_dead(machine, _Place(place.epoch + 1, 0, place.courses))
            if place.epoch < self._setup.epochs:
                self._save(machine, place)

    def _train_epoch(self, machine: _Machine, place: _Place) -> None:
        trials = [course.trial for course in place.courses]
        if not place.blocks:
            machine.members.reset_metrics()
            if self._setup.weight_changes:
                place.weights = machine.members.held()
        for block in itertools.islice(machine.training.epoch(trials, place.epoch), place.blocks, None):
            self._note_losses(place.courses, machine.program.train(block))
            place.blocks += 1
            if self._checkpoints.stopping and any(course.alive for course in place.courses):
                self._save(machine, place)
                raise StoppedError
        if not any(course.alive for course in place.courses):
            return
        _note_epoch(place.courses, "", machine.program.results())
        if self._setup.weight_changes:
            _note_epoch(place.courses, "", {WEIGHT_CHANGE: machine.members.largest_changes(place.weights)})
        if machine.validation is not None:
            machine.members.reset_metrics()
            for block in machine.validation.epoch(trials, place.epoch):
                machine.program.test(block)
            _note_epoch(place.courses, VALIDATION, machine.program.results())

    def _without_dead(self, machine: _Machine, place: _Place) -> tuple[_Machine, _Place]:
        """The same group, in a smaller machine where that pays."""
        kept = [index for index, course in enumerate(place.courses) if course.alive]
        steps = (self._setup.epochs - place.epoch) * self._setup.training.steps
        if not pays_to_rebuild(self._setup, len(place.courses) - len(kept), steps):
            return machine, place
        courses = [place.courses[index] for index in kept]
        machine = self._loaded(courses, machine.members.values(kept))
        return machine, _Place(place.epoch, place.blocks, courses)

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
