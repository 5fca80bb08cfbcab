"""Names and levels as they were given to `compare(factors=...)` -> factors and cells."""

import inspect
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import keras
import numpy as np

from keras_initlab.core.arguments import at_least, flag, positive, refused, whole
from keras_initlab.core.errors import InputError, UnknownNameError, gist
from keras_initlab.engines.hyperparameters import NEUTRAL
from keras_initlab.experiment.factors import NONE, Factor, Factors
from keras_initlab.remedies import Remedy, list_remedies, remedy

ARGUMENTS = ("batch_size", "shuffle")
"""Arguments of `compare` that can be factors."""

NUMBERS = ("learning_rate", "weight_decay", "clipnorm", "global_clipnorm")
"""Numbers of the optimizer that can be factors; more are strengths of remedies."""

BUILT_IN = (*NUMBERS, "optimizer", *ARGUMENTS)
"""Names that are looked up behind the keywords of the model function."""

COLUMNS = ("initializer", "replicate", "status", "message", "step", "epoch", "split", "metric", "value")
"""Columns of frames, which no factor may be called."""


def read(given: Any, model: Any, max_runs: int) -> Factors:
    """The argument `factors` of `compare`.

    Args:
        given: Factor -> levels, or several such dicts, each crossed by itself.
        model: The model, or the function whose keywords can be factors.
        max_runs: Runs that are trained without asking.

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
    return Factors(joined, tuple(cells), len(cells) < everything, whole("max_runs", max_runs))


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
    if isinstance(given, str | bytes) or not isinstance(given, Mapping | Sequence | np.ndarray):
        raise InputError(
            f"factors[{name!r}] is {given!r}: give a list of levels, or a dict of label -> level."
        )
    kind = _kind(name, given.values() if isinstance(given, Mapping) else given, keywords)
    if name in COLUMNS:
        raise InputError(f"factors has {name!r}, which is a column of the result: give another name.")
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


def _kind(name: Any, levels: Iterable[Any], keywords: frozenset[str]) -> str:
    """Where a name is looked up: the model function first."""
    levels = list(levels)
    if name in keywords:
        return "keyword"
    if name in NUMBERS:
        return "number"
    if name == "optimizer":
        return "optimizer"
    if name == "batch_size" or (
        name == "shuffle" and all(isinstance(one, bool | np.bool_) for one in levels)
    ):
        return "argument"  # other rules of shuffling are those of the remedy
    remedies = [level for level in levels if isinstance(level, Remedy)]
    if isinstance(name, str) and name and (name in list_remedies() or remedies):
        return "remedy"
    known = [*keywords, *BUILT_IN, *list_remedies()]
    raise UnknownNameError(
        "factor",
        name,
        known,
        "A factor is a keyword of the model function, any name whose levels are remedies, or one of "
        f"{', '.join(known)}.",
    )


def _label(level: Any) -> str:
    if level is None or isinstance(level, bool | np.bool_):
        return "on" if level else "off"
    if isinstance(level, str):
        return level
    if isinstance(level, Remedy):
        return level.label()
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
    if kind == "remedy":
        try:
            return remedy(name, level)
        except UnknownNameError:
            raise refused(where, level, "None, a remedy, or a remedy's name") from None
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
