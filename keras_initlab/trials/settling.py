"""When a comparison that goes on until it is settled looks at its runs, and what that may cost: pure data."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

GROWTH = 1.5
"""Replicates at a look over those at the look before."""

KEPT = 0.2
"""Of the error that is left, the part that a plan keeps back for those who raise `max_replicates` later."""


@dataclass(frozen=True)
class Look:
    """A number of replicates at which it is decided who goes on, and what that costs.

    Attributes:
        n: Replicates.
        share: Part of the error allowed that is spent here; those of all looks add up to less than 1.
    """

    n: int
    share: float


@dataclass(frozen=True)
class Settling:
    """The rule by which a comparison ends, fixed before its first run, and how far it has come.

    Attributes:
        margin: Differences smaller than this do not matter, in the unit of the metric that ranks.
        looks: All that are planned.
        resolution: By metric, the step in which its values come, where that is known: no spread of
            differences is taken for less.
        stages: For each look that was begun, the labels that were trained up to it.
        ended: `settled`, `max_replicates` or `budget`; empty while it is under way or was interrupted.
    """

    margin: float
    looks: tuple[Look, ...]
    resolution: Mapping[str, float] = field(default_factory=dict)
    stages: tuple[tuple[str, ...], ...] = ()
    ended: str = ""

    @property
    def begun(self) -> list[tuple[Look, tuple[str, ...]]]:
        """The looks that were begun, each with the labels that were trained up to it."""
        return list(zip(self.looks, self.stages, strict=False))

    @property
    def ahead(self) -> Look | None:
        """The next look that was not begun."""
        return self.looks[len(self.stages)] if len(self.stages) < len(self.looks) else None

    def going_on(self, labels: Sequence[str]) -> "Settling":
        """With one more stage, in which these labels are trained up to the next look."""
        return replace(self, stages=(*self.stages, tuple(labels)), ended="")

    def extended(self, last: int) -> "Settling":
        """With looks up to `last`, if those that are planned end before; these stay as they are."""
        return replace(self, looks=planned(self.looks, self.looks[-1].n, last))

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON data."""
        return {
            "margin": self.margin,
            "looks": [[look.n, look.share] for look in self.looks],
            "resolution": dict(self.resolution),
            "stages": [list(labels) for labels in self.stages],
            "ended": self.ended,
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Settling":
        """What `to_json` wrote."""
        return cls(
            raw["margin"],
            tuple(Look(n, share) for n, share in raw["looks"]),
            raw["resolution"],
            tuple(map(tuple, raw["stages"])),
            raw["ended"],
        )


def planned(before: tuple[Look, ...], first: int, last: int) -> tuple[Look, ...]:
    """The looks `before`, and those that follow up to `last`, from `first` on if there are none before.

    Each look has half as many replicates again as the one before. A plan spends four fifths of the error that
    is left, in proportion to the replicates (f(t) = t), and keeps the rest for a later one.

    >>> [look.n for look in planned((), 5, 40)]
    [5, 8, 12, 18, 27, 40]
    >>> round(sum(look.share for look in planned((), 5, 40)), 6)
    0.8
    >>> [(look.n, round(look.share, 4)) for look in planned(planned((), 5, 40), 40, 80)[6:]]
    [(60, 0.08), (80, 0.08)]
    """
    left = (1 - KEPT) * (1 - sum(look.share for look in before))
    start = before[-1].n if before else 0
    counts = [] if before else [first]
    while max([start, *counts]) < last:
        counts.append(min(last, math.ceil(GROWTH * max([start, *counts]))))
    steps = [n - then for n, then in zip(counts, [start, *counts], strict=False)]
    return (*before, *(Look(n, left * step / (last - start)) for n, step in zip(counts, steps, strict=True)))
