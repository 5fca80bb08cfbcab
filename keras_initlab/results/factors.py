"""What was varied beside the start, as a configuration says it: factors, levels, and the cells there are."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.trials.record import Record

INITIALIZER = "initializer"
_TAKEN = (
    *(INITIALIZER, "replicate", "status", "message", "first_100", "steps_to_target", "steps", "seconds"),
    *("step", "epoch", "split", "metric", "value", "rank", "n"),
)
_STEPWISE = ("first_100", "steps_to_target", "steps")
_OFF, _ON = ("off", "none"), ("on",)


@dataclass(frozen=True)
class Factor:
    """One thing that was varied beside the start.

    Attributes:
        name: What it is called, also as a column.
        levels: Label -> what the configuration says of the level, the reference first.
    """

    name: str
    levels: Mapping[str, Mapping[str, Any]]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of its levels, the reference first."""
        return tuple(self.levels)

    @property
    def reference(self) -> str:
        """The level that others are held against."""
        return self.labels[0]

    def find(self, given: object) -> str:
        """The label of a level, given by label or value: `"0.001"`, 1e-3, True for `on`, None for `off`.

        Raises:
            UnknownNameError: If there is no such level.
        """
        usual = {None: _OFF, False: _OFF, True: _ON}
        if given is None or isinstance(given, bool):
            named = [label for label in self.labels if label in (*usual[given], str(given))]
        else:
            named = [label for label in self.labels if label == str(given)]
        if not named and (given is None or isinstance(given, Real)):
            value = float(given or 0)
            named = [
                label for label, number in self.values.items() if math.isclose(number, value, rel_tol=1e-9)
            ]
        if not named:
            raise UnknownNameError(
                f"level of {self.name}", given, self.labels, f"There are: {', '.join(self.labels)}."
            )
        return named[0]

    def numbers(self) -> dict[str, float]:
        """Label -> the number that the level is.

        Raises:
            InputError: If a level is no number.
        """
        found = self.values
        for label in self.labels:
            if label not in found:
                raise InputError(
                    f"factor={self.name!r} has the level {label!r}, which is no number. Name a factor whose "
                    "levels are numbers."
                )
        return found

    @property
    def values(self) -> dict[str, float]:
        """Label -> the number that the level is, for those that are one."""
        values = {label: entry.get("value") for label, entry in self.levels.items()}
        return {
            label: float(value)
            for label, value in values.items()
            if isinstance(value, Real) and not isinstance(value, bool)
        }

    def compares(self, metric: str) -> bool:
        """Whether a metric means the same at each level.

        Training losses do not across dropout or noise, and steps do not where a step holds another number of
        examples.
        """
        bare = metric.removeprefix("final_").removeprefix("best_")
        lengths = {entry.get("steps_per_epoch") for entry in self.levels.values()}
        if bare in _STEPWISE and len(lengths) > 1:
            return False
        allowed = [entry["compares"] for entry in self.levels.values() if "compares" in entry]
        return all(bare.startswith(tuple(prefixes)) for prefixes in allowed)


def held(records: Sequence[Record], varied: Iterable[str] = ()) -> str:
    """In words, the levels at which all runs stand, without what was varied; empty where there are none."""
    names = [name for name in (records[0].levels if records else ()) if name not in set(varied)]
    if any(run.levels.get(name) != records[0].levels[name] for run in records for name in names):
        return ""
    return ", ".join(f"{name} {records[0].levels[name]}" for name in names)


@dataclass(frozen=True)
class Design:
    """Factors, and the combinations of their levels at which each initializer was trained.

    Attributes:
        factors: By name, in the order in which levels stand in a cell.
        cells: A level of each factor; the reference first.
    """

    factors: Mapping[str, Factor]
    cells: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Design":
        """The design that a configuration describes.

        Raises:
            InputError: If it has no factors, or one is called as a column of the frames.
        """
        factors = {name: Factor(name, dict(levels)) for name, levels in config.get("factors", {}).items()}
        if not factors:
            raise InputError("config has no factors: a comparison at fixed levels is a `Comparison`.")
        for name in factors:
            if name in _TAKEN:
                raise InputError(f"factors has the name {name!r}, which is that of a column. Choose another.")
        given = config.get("cells") or ()
        cells: Sequence[tuple[str, ...]] = [tuple(cell[name] for name in factors) for cell in given]
        if not cells:
            cells = list(itertools.product(*(factor.labels for factor in factors.values())))
        return cls(factors, tuple(cells))

    def factor(self, name: str) -> Factor:
        """A factor by its name.

        Raises:
            UnknownNameError: If there is none of that name.
        """
        if name not in self.factors:
            raise UnknownNameError("factor", name, self.factors, f"There are: {', '.join(self.factors)}.")
        return self.factors[name]

    def axis(self, name: str) -> int:
        """The place of a name in a full cell: 0 for the initializer, then the factors in order."""
        if name == INITIALIZER:
            return 0
        return 1 + list(self.factors).index(self.factor(name).name)

    def cell_of(self, levels: Mapping[str, str]) -> tuple[str, ...]:
        """The cell that a record's levels stand for; levels of other names are passed over."""
        return tuple(levels.get(name, "") for name in self.factors)

    def steps_per_epoch(self, cell: Sequence[str], usual: int) -> int:
        """Batches per epoch in a cell."""
        for factor, label in zip(self.factors.values(), cell, strict=True):
            usual = factor.levels[label].get("steps_per_epoch", usual)
        return usual

    def fixed(self, config: Mapping[str, Any], levels: Mapping[str, str]) -> dict[str, Any]:
        """The configuration of what was trained at these levels.

        Raises:
            InputError: If nothing was.
        """
        place = {list(self.factors).index(name): label for name, label in levels.items()}
        kept = [cell for cell in self.cells if all(cell[at] == label for at, label in place.items())]
        if not kept:
            told = ", ".join(f"{name} {label}" for name, label in levels.items())
            raise InputError(f"Nothing was trained at {told}. The cells are in config['cells'].")
        left = {name: factor for name, factor in self.factors.items() if name not in levels}
        changed = {key: value for key, value in config.items() if key not in ("factors", "cells", "groups")}
        changed["at"] = dict(config.get("at", {}))
        for name, label in levels.items():
            entry = self.factors[name].levels[label]
            changed["at"][name] = {label: dict(entry)}
            changed["steps_per_epoch"] = entry.get("steps_per_epoch", changed["steps_per_epoch"])
            if name == "batch_size":
                changed[name] = entry.get("value", changed.get(name))
        if not left:
            return changed
        seen = {name: {cell[list(self.factors).index(name)] for cell in kept} for name in left}
        changed["factors"] = {
            name: {label: dict(entry) for label, entry in factor.levels.items() if label in seen[name]}
            for name, factor in left.items()
        }
        cells = [
            {name: cell[at] for at, name in enumerate(self.factors) if name not in levels} for cell in kept
        ]
        if len(cells) < math.prod(len(levels) for levels in changed["factors"].values()):
            changed["cells"] = cells
        return changed


def released(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of runs at fixed levels as that of a grid in which each of these is a factor's only
    one: so they are saved, since no level that decides numbers may be missing beside the records."""
    at = config["at"]
    changed = {key: value for key, value in config.items() if key != "at"}
    changed["factors"] = {**at, **config.get("factors", {})}
    if config.get("cells"):
        held = {name: next(iter(levels)) for name, levels in at.items()}
        changed["cells"] = [{**held, **cell} for cell in config["cells"]]
    return changed
