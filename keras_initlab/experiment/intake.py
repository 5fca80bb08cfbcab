"""From the arguments of `compare` to a plan (pure data) and a setup (live objects).

Everything that can be known to be wrong before training is refused here, with one clear error.
"""

import functools
import inspect
import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import keras
import numpy as np

from keras_initlab.core.arguments import one_of, whole
from keras_initlab.core.errors import GuessedRoleWarning, InputError
from keras_initlab.core.rng import Generators
from keras_initlab.core.seeds import derive
from keras_initlab.engines.setup import Setup, Setups
from keras_initlab.engines.sources import Arrays, Source
from keras_initlab.experiment import data, factors, model, schemes, targets
from keras_initlab.experiment.arrays import parts_of
from keras_initlab.experiment.factors import Factors
from keras_initlab.network import selection
from keras_initlab.network.drawing import FANS
from keras_initlab.network.selection import Layers
from keras_initlab.network.slots import Slot
from keras_initlab.remedies import Subject
from keras_initlab.remedies.graph import strengths
from keras_initlab.trials.plan import Levels, Plan, Trial

MOST_RUNS = 10**6
"""Runs of one comparison: more are a slip of the keyboard."""


@dataclass(frozen=True)
class Length:
    """How often and how long is trained, from which seed.

    Raises:
        InputError: If one of them is no such whole number.
    """

    replicates: int
    epochs: int
    seed: int
    batch_size: int | None
    steps_per_epoch: int | None

    def __post_init__(self) -> None:
        for name, lowest in (
            ("replicates", 1),
            ("epochs", 1),
            ("seed", 0),
            ("batch_size", 1),
            ("steps_per_epoch", 1),
        ):
            value = getattr(self, name)
            if value is not None or name in ("replicates", "epochs", "seed"):
                object.__setattr__(self, name, whole(name, value, lowest))

    def plan(self, labels: Iterable[str], steps_per_epoch: int, cells: tuple[Levels, ...] = ((),)) -> Plan:
        """The trials of these labels at these levels.

        Raises:
            InputError: If they are absurdly many.
        """
        labels = tuple(labels)
        if len(labels) * self.replicates > MOST_RUNS:
            raise InputError(
                f"replicates is {self.replicates}, which makes {len(labels) * self.replicates} runs of "
                f"{len(labels)} initializers: at most {MOST_RUNS} runs."
            )
        return Plan(labels, self.replicates, self.seed, self.epochs, steps_per_epoch, cells)


@dataclass(frozen=True, eq=False)
class Given:
    """The data as `compare` was given them, by the names of its arguments."""

    x: Any
    y: Any
    validation_data: Any
    validation_split: float
    shuffle: bool
    class_weight: Mapping[int, float] | None
    sample_weight: Any

    def sources(self, length: Length) -> tuple[Source, Source | None]:
        """Where the training batches come from, and the validation batches if there are any.

        Raises:
            InputError: If an argument cannot work.
        """
        if not isinstance(self.shuffle, bool | np.bool_):
            raise InputError(f"shuffle is {self.shuffle!r}: give True or False.")
        if self.validation_data is not None and self.validation_split:
            raise InputError(
                f"validation_split is {self.validation_split!r} beside validation_data: give one of them."
            )
        training, held_out = data.training_source(
            self.x,
            self.y,
            self.sample_weight,
            self.class_weight,
            batch_size=length.batch_size,
            epochs=length.epochs,
            steps=length.steps_per_epoch,
            shuffle=bool(self.shuffle),
            validation_split=self.validation_split,
            seed=length.seed,
        )
        if self.validation_data is None:
            return training, held_out
        return training, data.validation_source(self.validation_data, length.batch_size)


def fitting(
    given: Any, training: Source, validation: Source | None, seed: int, generators: Generators
) -> keras.Model:
    """The model, built and shown to have a loss on the first batches of the data.

    Raises:
        InputError: If it is no compiled model, or data and model do not fit.
    """
    first = training.first_batch()
    names = ("x", "y") if isinstance(training, Arrays) else parts_of("x")[:2]
    ready = model.ready(given, first, derive(seed, "build"), generators)
    targets.check(ready, training, names[1])
    model.rehearse(ready, first, *names)
    if validation is not None:
        targets.check(ready, validation, "validation_data")
        names = parts_of("validation_data")[:2]
        model.rehearse(ready, validation.first_batch(), *names, step="test_step")
    return ready


def tested(ready: keras.Model, layers: Layers, roles: Any) -> list[Slot]:
    """The slots under test.

    What is under test by a guess, and not because the user named it, is named in a `GuessedRoleWarning`.

    Raises:
        InputError: If none matches, or an argument is of another kind.
    """
    chosen = selection.under_test(ready, layers, roles)
    guessed = ", ".join(slot.path for slot in chosen if slot.guessed)
    if guessed and layers is None and roles is None:
        warnings.warn(
            f"Taken for kernels by name and shape, for their layers' code could not be followed: {guessed}. "
            "Say with layers= or roles= what is to be drawn.",
            GuessedRoleWarning,
            stacklevel=4,  # where `compare` is called
        )
    return chosen


def callback_factory(callbacks: Callable | None) -> Callable[[Trial], list] | None:
    """The function of a trial: its label, its replicate and, where it takes them, the levels of the factors.

    A single callback that it returns is put in a list.

    Raises:
        InputError: If it cannot be called so.
    """
    if callbacks is None:
        return None
    example = "Write callbacks=lambda label, replicate: [...]."
    if not callable(callbacks):
        raise InputError(
            "callbacks must be a function of label and replicate that returns a list: one callback object "
            f"cannot serve several runs. {example}"
        )
    takes_levels = False
    try:
        signature = inspect.signature(callbacks)
        takes_levels = "levels" in signature.parameters
        signature.bind("label", 0, **({"levels": {}} if takes_levels else {}))
    except TypeError as error:
        raise InputError(
            f"callbacks cannot be called with a label and a replicate: {error}. {example}"
        ) from error
    except ValueError:  # a builtin without a signature
        pass

    def made(trial: Trial) -> list:
        levels = {"levels": dict(trial.levels)} if takes_levels else {}
        found = callbacks(trial.label, trial.replicate, **levels)
        return [found] if isinstance(found, keras.callbacks.Callback) else list(found)

    return functools.update_wrapper(made, callbacks, updated=())


def check_choices(fans: str, target_loss: Any) -> None:
    """Refuse what no other part looks at before training.

    Raises:
        InputError: If a value cannot work.
    """
    one_of("fans", fans, FANS)
    if target_loss is not None and not (isinstance(target_loss, Real) and math.isfinite(target_loss)):
        raise InputError(f"target_loss is {target_loss!r}: give a finite number.")


def take_in(
    given_model: Any,
    initializers: Any,
    given: Given,
    length: Length,
    generators: Generators,
    *,
    layers: Layers,
    roles: Any,
    fans: str,
    callbacks: Callable | None,
    varied: Factors = factors.NONE,
    weight_changes: bool = False,
) -> tuple[Plan, Setups]:
    """The plan of a comparison, and the setup for each combination of levels.

    Raises:
        InputError: If an argument cannot work.
    """
    factory = callback_factory(callbacks)
    by_label = schemes.by_label(initializers)
    varied.require_few(len(length.plan(by_label, 1, varied.cells).trials))  # before anything is read
    if given.validation_data is None and not given.validation_split:
        varied.require_no_validation()
    found: dict[Levels, Setup] = {}
    built = given_model
    for structure in varied.structures():
        length_there = replace(length, **_part(structure.arguments, "batch_size"))
        sources = replace(given, **_part(structure.arguments, "shuffle")).sources(length_there)
        if structure.keywords:
            built = functools.partial(given_model, **structure.keywords)
        ready = fitting(built, *sources, length.seed, generators)
        if not structure.keywords:
            built = ready  # the same for all
        if structure.remedies:
            changed = structure.remedied(Subject(ready, *sources, epochs=length.epochs))
            sources = changed.training, changed.validation
            ready = fitting(changed.model, *sources, length.seed, generators)
        slots = tested(ready, layers, roles)
        if not found or structure.keywords:
            schemes.try_out(by_label, slots, length.seed, generators)
        optimizer = structure.trained_with(ready)
        setup = Setup(
            ready,
            by_label,
            slots,
            selection.restarted(ready, slots),
            *sources,
            factory,
            fans,
            epochs=length.epochs,
            layers=layers,
            roles=roles,
            numbers=structure.numbers(optimizer or ready.optimizer),
            strengths=strengths(ready) if structure.remedies else {},
            trained_with=optimizer,
            weight_changes=weight_changes,
        )
        schemes.try_recipes(setup, length.seed, generators)
        found.update(dict.fromkeys(structure.cells, setup))
    plan = length.plan(by_label, found[varied.cells[0]].training.steps, varied.cells)
    return plan, found


def _part(arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: arguments[name]} if name in arguments else {}
