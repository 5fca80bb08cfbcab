"""What is varied beside the start: names and levels as they were given -> cells, and what each is made of."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import keras

from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import learning_rate, tensorflow_left_alone
from keras_initlab.engines.hyperparameters import NEUTRAL, own_number
from keras_initlab.engines.lending import optimizers, remade
from keras_initlab.experiment.describing import described, is_own
from keras_initlab.remedies import Remedy, Subject, in_order
from keras_initlab.trials.plan import Levels
from keras_initlab.trials.record import VALIDATION


@dataclass(frozen=True, eq=False)
class Factor:
    """One thing that is varied.

    Attributes:
        name: As it was given.
        kind: `keyword` (of the model function), `argument` (of `compare`), `optimizer`, `schedule` (the
            learning rate, with schedules among its levels), `number` (of the optimizer) or `remedy`.
        levels: Label -> value, the reference first.
    """

    name: str
    kind: str
    levels: Mapping[str, Any]

    def described(self, label: str) -> dict[str, Any]:
        """A level as JSON data: what it is, its number if it is one, and which metrics compare."""
        value = self.levels[label]
        if self.kind != "remedy":
            return {"kind": self.kind, "level": described(value)} | _number(value)
        told: dict[str, Any] = {"kind": self.kind, "level": None}
        if value is not None:
            code = {"code": described(type(value))} if is_own(type(value)) else {}
            told["level"] = {"remedy": value.name, "config": value.get_config()} | code
        given = [one for one in self.levels.values() if one is not None]
        if len({one.structure for one in given}) == 1 and given[0].scalars():
            told |= _number(0.0 if value is None else next(iter(value.scalars().values())))
        if not self.same_loss:
            told["compares"] = [VALIDATION]
        return told

    @property
    def same_loss(self) -> bool:
        """Whether the training loss is the same measure at all levels."""
        remedies = self.levels.values() if self.kind == "remedy" else ()
        return all(one is None or one.claims.same_loss for one in remedies)

    def remedies(self, label: str) -> list[Remedy]:
        """What a level puts beside the start: its own remedy, and those of other levels that can stand there
        without effect, so that one program serves all."""
        own = self.levels[label]
        found: dict[Any, Remedy] = {}
        for other in self.levels.values():
            if other is not None and other.off() is not None:
                found.setdefault(other.structure, other.off())
        if own is not None:
            found[own.structure] = own
        return list(found.values())


def _number(value: Any) -> dict[str, Any]:
    """The entry for a number; nothing where it is none."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return {}
    return {"value": float(value) if math.isfinite(value) else str(float(value))}


@dataclass(frozen=True, eq=False)
class Structure:
    """Cells that one model, fed alike and trained by one kind of optimizer, can serve.

    Attributes:
        keywords: Of the model function.
        arguments: Of `compare`, instead of those given.
        optimizer: The optimizer or learning-rate schedule to train with, if it is a factor.
        remedies: Those that stand in all of the cells, of the first one's strength.
        cells: The numbers in which the cells differ.
    """

    keywords: Mapping[str, Any]
    arguments: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    remedies: Sequence[Remedy] = ()
    cells: dict[Levels, dict[str, float]] = field(default_factory=dict)

    def remedied(self, subject: Subject) -> Subject:
        """The model and the data with all remedies.

        Raises:
            InputError: If one cannot be used there.
        """
        with tensorflow_left_alone():
            for one in self.remedies:
                try:
                    subject = one.apply(subject)
                except InputError as error:
                    raise InputError(f"factors: {error}") from error
        return subject

    def trained_with(self, model: keras.Model) -> keras.optimizers.Optimizer | None:
        """The optimizer in the place of the model's; None where no factor touches its structure.

        Raises:
            InputError: If the model does not train with one optimizer.
        """
        numbers = next(iter(self.cells.values()))
        if not self.optimizer and not numbers:
            return None
        if list(optimizers(model)) != ["optimizer"]:
            raise InputError(
                f"factors has {', '.join([*self.optimizer, *numbers])}, but {model.name!r} does not train "
                "with one optimizer of its own: make it a keyword of a function that builds the model."
            )
        made = self.optimizer.get("optimizer") or model.optimizer
        rate = self.optimizer.get("learning_rate")
        if rate is not None:
            made = remade(made, type(made))
            made.learning_rate = rate
        scheduled = isinstance(learning_rate(made), keras.optimizers.schedules.LearningRateSchedule)
        if scheduled and "learning_rate" in numbers:
            raise InputError(
                "factors has learning_rate, but the optimizer has a schedule: give schedules as levels, or "
                "an optimizer with a fixed rate."
            )
        return made if self.optimizer else None

    def numbers(self, optimizer: keras.optimizers.Optimizer) -> dict[Levels, dict[str, float]]:
        """Of each cell, every number in which any cell differs; the optimizer's own where it has no level."""
        names = dict.fromkeys(itertools.chain.from_iterable(self.cells.values()))
        own = {name: own_number(optimizer, name) for name in names if name in ("learning_rate", *NEUTRAL)}
        return {levels: {**own, **held} for levels, held in self.cells.items() if names}


@dataclass(frozen=True, eq=False)
class Factors:
    """All of it.

    Attributes:
        by_name: The factors.
        cells: The combinations of levels, the reference first.
        partial: Whether these are not all.
        most: Runs that are trained without asking.
    """

    by_name: Mapping[str, Factor]
    cells: tuple[Levels, ...]
    partial: bool = False
    most: int = 0

    def require_few(self, runs: int) -> None:
        """That grids multiply is easily forgotten.

        Raises:
            InputError: If the runs are more than are trained without asking.
        """
        if self.by_name and runs > self.most:
            raise InputError(
                f"factors makes {len(self.cells)} cells, which initializers and replicates make {runs} "
                f"runs. Give max_runs={runs} if that is meant."
            )

    def require_no_validation(self) -> None:
        """Without validation data nothing may compare across levels that is not the training loss.

        Raises:
            InputError: If a factor changes what the training loss means.
        """
        for factor in self.by_name.values():
            if not factor.same_loss:
                raise InputError(
                    f"factors has {factor.name!r}, across which the training loss does not compare: give "
                    "validation_data or validation_split."
                )

    def structures(self) -> Iterator[Structure]:
        """The cells by what they have in common, that of the reference first."""
        found: dict[Any, Structure] = {}
        for levels in self.cells:
            kinds: dict[str, dict[str, Any]] = {
                kind: {} for kind in ("keyword", "argument", "optimizer", "schedule", "number", "remedy")
            }
            for name, label in levels:
                kinds[self.by_name[name].kind][name] = self.by_name[name].levels[label]
            own = dict(levels)
            remedies = in_order(
                one for name in kinds["remedy"] for one in self.by_name[name].remedies(own[name])
            )
            key = (
                tuple(pair for pair in levels if self.by_name[pair[0]].kind not in ("number", "remedy")),
                tuple(one.structure for one in remedies),
            )
            if key not in found:
                optimizer = kinds["optimizer"] | kinds["schedule"]
                found[key] = Structure(kinds["keyword"], kinds["argument"], optimizer, remedies)
            found[key].cells[levels] = _united([kinds["number"], *(one.scalars() for one in remedies)])
        yield from found.values()

    def described(self) -> dict[str, dict[str, Any]]:
        """Factors and levels as JSON data."""
        return {
            name: {label: factor.described(label) for label in factor.levels}
            for name, factor in self.by_name.items()
        }


def _united(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in parts:
        for name, number in part.items():
            if name in found:
                raise InputError(
                    f"factors sets {name} twice: leave it to one factor, or give a list of dicts."
                )
            found[name] = number
    return found


NONE = Factors({}, ((),))
