"""What is varied beside the start: names and levels as they were given -> cells, and what each is made of."""

import inspect
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import keras
import numpy as np

from keras_initlab.core.arguments import at_least, flag, positive, refused, whole
from keras_initlab.core.errors import InputError, UnknownNameError, gist
from keras_initlab.core.keras_private import learning_rate
from keras_initlab.engines.hyperparameters import NEUTRAL, own_number
from keras_initlab.engines.lending import optimizers, remade
from keras_initlab.experiment.describing import described
from keras_initlab.trials.plan import Levels

ARGUMENTS = ("batch_size", "shuffle")
"""Arguments of `compare` that can be factors."""

NUMBERS = ("learning_rate", *NEUTRAL)
"""Numbers of the optimizer that can be factors."""

COLUMNS = ("initializer", "replicate", "status", "message", "step", "epoch", "split", "metric", "value")
"""Columns of frames, which no factor may be called."""

MOST_RUNS = 2000
"""Runs of a grid that are trained without asking: that grids multiply is easily forgotten."""


@dataclass(frozen=True, eq=False)
class Factor:
    """One thing that is varied.

    Attributes:
        name: As it was given.
        kind: `keyword` (of the model function), `argument` (of `compare`), `optimizer`, `schedule` (the
            learning rate, with schedules among its levels) or `number` (of the optimizer).
        levels: Label -> value, the reference first.
    """

    name: str
    kind: str
    levels: Mapping[str, Any]

    def described(self, label: str) -> dict[str, Any]:
        """A level as JSON data: what it is, and its number if it is one."""
        value = self.levels[label]
        told = {"kind": self.kind, "level": described(value)}
        if isinstance(value, Real) and not isinstance(value, bool):
            told["value"] = float(value) if math.isfinite(value) else str(float(value))
        return told


@dataclass(frozen=True, eq=False)
class Structure:
    """Cells that one model, fed alike and trained by one kind of optimizer, can serve.

    Attributes:
        keywords: Of the model function.
        arguments: Of `compare`, instead of those given.
        optimizer: The optimizer or learning-rate schedule to train with, if it is a factor.
        cells: The numbers in which the cells differ.
    """

    keywords: Mapping[str, Any]
    arguments: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    cells: dict[Levels, dict[str, float]] = field(default_factory=dict)

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
                f"factors has {', '.join([*self.optimizer, *numbers])}, but {model.name!r} does not train with "
                "one optimizer of its own: make it a keyword of a function that builds the model."
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
        own = {name: own_number(optimizer, name) for name in names if name in NUMBERS}
        return {levels: {**own, **held} for levels, held in self.cells.items() if names}


@dataclass(frozen=True, eq=False)
class Factors:
    """All of it.

    Attributes:
        by_name: The factors.
        cells: The combinations of levels, the reference first.
        partial: Whether these are not all.
    """

    by_name: Mapping[str, Factor]
    cells: tuple[Levels, ...]
    partial: bool = False

    def structures(self) -> Iterator[Structure]:
        """The cells by what they have in common, that of the reference first."""
        found: dict[Any, Structure] = {}
        for levels in self.cells:
            kinds: dict[str, dict[str, Any]] = {
                kind: {} for kind in ("keyword", "argument", "optimizer", "schedule", "number")
            }
            for name, label in levels:
                kinds[self.by_name[name].kind][name] = self.by_name[name].levels[label]
            key = tuple(pair for pair in levels if self.by_name[pair[0]].kind != "number")
            if key not in found:
                optimizer = kinds["optimizer"] | kinds["schedule"]
                found[key] = Structure(kinds["keyword"], kinds["argument"], optimizer)
            found[key].cells[levels] = kinds["number"]
        yield from found.values()

    def described(self) -> dict[str, dict[str, Any]]:
        """Factors and levels as JSON data."""
        return {
            name: {label: factor.described(label) for label in factor.levels}
            for name, factor in self.by_name.items()
        }


NONE = Factors({}, ((),))


def read(given: Any, model: Any) -> Factors:
    """The argument `factors` of `compare`.

    Args:
        given: Factor -> levels, or several such dicts, each crossed by itself.
        model: The model, or the function whose keywords can be factors.

    Raises:
        InputError: If a name or level cannot be a factor.
    """
    if given is None:
        return NONE
    grids = [given] if isinstance(given, Mapping) else given
    if not isinstance(grids, Sequence) or not grids or not all(isinstance(grid, Mapping) for grid in grids):
        raise refused(
            "factors",
            given,
            "a dict of factor -> levels, such as {'learning_rate': [1e-3, 1e-2]}, or a list of such",
        )
    keywords = _keywords(model)
    parts = [{name: _factor(name, levels, keywords) for name, levels in grid.items()} for grid in grids]
    joined: dict[str, Factor] = {}
    for part in parts:
        for name, factor in part.items():
            before = joined.get(name)
            levels = {**factor.levels, **before.levels, **factor.levels} if before else factor.levels
            order = [*before.levels, *factor.levels] if before else factor.levels
            kind = factor.kind if before is None or factor.kind == before.kind else "schedule"
            joined[name] = Factor(name, kind, {label: levels[label] for label in dict.fromkeys(order)})
    for name, factor in joined.items():
        if len(factor.levels) < 2:
            raise InputError(
                f"factors[{name!r}] has the single level {next(iter(factor.levels), None)!r}: give at least "
                "two, or leave it out."
            )
    reference = {name: next(iter(factor.levels)) for name, factor in joined.items()}
    cells = dict.fromkeys(
        tuple(sorted({**reference, **dict(zip(part, labels, strict=True))}.items()))
        for part in parts
        for labels in itertools.product(*(factor.levels for factor in part.values()))
    )
    everything = math.prod(len(factor.levels) for factor in joined.values())
    return Factors(joined, tuple(cells), len(cells) < everything)


def _keywords(model: Any) -> frozenset[str]:
    """Names by which the function that builds the model can be called."""
    if isinstance(model, keras.Layer) or not callable(model):
        return frozenset()
    try:
        parameters = inspect.signature(model).parameters.values()
    except (TypeError, ValueError):
        return frozenset()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(one.name for one in parameters if one.kind in named)


def _factor(name: Any, given: Any, keywords: frozenset[str]) -> Factor:
    known = [*keywords, *NUMBERS, "optimizer", *ARGUMENTS]
    if not isinstance(name, str) or name not in known:
        raise UnknownNameError(
            "factor",
            name,
            known,
            f"A factor is a keyword of the model function or one of {', '.join(known)}.",
        )
    if name in COLUMNS:
        raise InputError(
            f"factors has {name!r}, which is a column of the result: call the keyword otherwise."
        )
    if isinstance(given, str | bytes) or not isinstance(given, Mapping | Sequence | np.ndarray):
        raise InputError(
            f"factors[{name!r}] is {given!r}: give a list of levels, or a dict of label -> level."
        )
    kind = (
        "keyword"
        if name in keywords
        else "number"
        if name in NUMBERS
        else "argument"
        if name in ARGUMENTS
        else "optimizer"
    )
    labelled = (
        given.items() if isinstance(given, Mapping) else [(_label(level), level) for level in list(given)]
    )
    levels: dict[str, Any] = {}
    for label, level in labelled:
        if not isinstance(label, str) or not label:
            raise InputError(f"factors[{name!r}] has the label {label!r}: a label is a non-empty string.")
        if label in levels:
            raise InputError(
                f"factors[{name!r}] has the level {label!r} twice. Pass a dict of label -> level to tell "
                "them apart."
            )
        if _is_schedule(level) and name == "learning_rate" and kind == "number":
            kind = "schedule"
        levels[label] = level
    return Factor(name, kind, {label: _checked(name, kind, level) for label, level in levels.items()})


def _label(level: Any) -> str:
    if level is None or isinstance(level, bool | np.bool_):
        return "on" if level else "off"
    if isinstance(level, str):
        return level
    if isinstance(level, Real):
        return f"{level:g}" if not isinstance(level, int | np.integer) else str(level)
    return getattr(level, "__name__", type(level).__name__)


def _is_schedule(level: Any) -> bool:
    return isinstance(level, keras.optimizers.schedules.LearningRateSchedule)


def _checked(name: str, kind: str, level: Any) -> Any:
    """The level, ready for use."""
    where = f"factors[{name!r}]"
    if kind == "keyword" or (kind == "schedule" and _is_schedule(level)):
        return level
    if name == "batch_size":
        return whole(where, level, 1)
    if name == "shuffle":
        return flag(where, level)
    if kind == "optimizer":
        try:
            return keras.optimizers.get(level)
        except Exception as error:
            raise InputError(f"{where} is {level!r}, which is no optimizer: {gist(error)}") from error
    if name == "learning_rate":
        return positive(where, level)
    if level is None or level is False:
        return NEUTRAL[name]
    return positive(where, level) if NEUTRAL[name] == math.inf else at_least(where, level, 0.0)
