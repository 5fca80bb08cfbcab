"""Which entries of a larger tensor's axes a smaller one takes, and what reshapes and joins make of that."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Entries:
    """These of so many entries of an axis."""

    indices: np.ndarray
    size: int

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entries):
            return NotImplemented
        return self.size == other.size and np.array_equal(self.indices, other.indices)

    __hash__ = None  # type: ignore[assignment]


Axes = tuple[Entries | None, ...]
"""For each axis of a tensor after its examples the entries; None where nothing was chosen."""


def places(larger: int, smaller: int) -> np.ndarray:
    """Which entries of an axis are taken: evenly spread, from the first.

    >>> places(12, 5).tolist(), places(12, 6).tolist()
    ([0, 3, 6, 8, 11], [0, 2, 4, 6, 8, 10])
    """
    if larger % smaller == 0:
        return np.arange(0, larger, larger // smaller)
    return np.linspace(0, larger - 1, smaller).round().astype("int64")


def spread(larger: int, smaller: int) -> Entries:
    """Evenly spread entries."""
    return Entries(places(larger, smaller), larger)


def reshaped(axes: Axes, before: Sequence[int], after: Sequence[int]) -> Axes | None:
    """The entries after a reshape; None where they are no choice along one axis.

    Args:
        axes: Those before.
        before: Sizes of the smaller tensor before, without examples.
        after: Its sizes after.

    >>> entries = spread(4, 2)
    >>> reshaped((None, entries), (3, 2), (6,))[0].indices.tolist()
    [0, 2, 4, 6, 8, 10]
    >>> reshaped((None, entries), (3, 2), (1, 3, 2)) == (None, None, entries)
    True
    """
    if not any(axes):
        return (None,) * len(after)
    chosen = [one or spread(size, size) for one, size in zip(axes, before, strict=True)]
    sizes = [one.size for one in chosen]
    count = math.prod(sizes)
    numbers = np.arange(count).reshape(sizes)[np.ix_(*(one.indices for one in chosen))].reshape(after)
    for axis in reversed(range(len(after))):
        larger = list(after)
        larger[axis] = count // (math.prod(after) // after[axis])
        if math.prod(larger) != count:
            continue
        grid = np.unravel_index(numbers, larger)
        taken = [np.arange(size) for size in after]
        taken[axis] = np.moveaxis(grid[axis], axis, 0).reshape(after[axis], -1)[:, 0]
        if all(map(np.array_equal, grid, np.meshgrid(*taken, indexing="ij"))):
            entries = Entries(taken[axis], larger[axis])
            return tuple(entries if place == axis else None for place in range(len(after)))
    return None


def split(
    entries: Entries, larger: tuple[int, int], smaller: tuple[int, int]
) -> tuple[Entries, Entries] | None:
    """The groups and the entries of each, where all groups take the same ones; else None.

    Args:
        entries: Of an axis of groups of entries.
        larger: How many groups of how many entries it has in the larger tensor.
        smaller: In the smaller one.

    >>> split(spread(12, 6), (2, 6), (2, 3))
    (Entries(indices=array([0, 1]), size=2), Entries(indices=array([0, 2, 4]), size=6))
    """
    if entries.size != math.prod(larger):
        return None
    groups, each = np.divmod(entries.indices.reshape(smaller), larger[1])
    if (groups != groups[:, :1]).any() or (each != each[:1]).any():
        return None
    return Entries(groups[:, 0], larger[0]), Entries(each[0], larger[1])


def joined(parts: Sequence[Entries | None], sizes: Sequence[int]) -> Entries | None:
    """The entries of an axis along which tensors of these sizes are joined.

    >>> joined([spread(4, 2), None], [2, 3])
    Entries(indices=array([0, 2, 4, 5, 6]), size=7)
    """
    if not any(parts):
        return None
    chosen = [one or spread(size, size) for one, size in zip(parts, sizes, strict=True)]
    starts = np.cumsum([0, *(one.size for one in chosen)])
    indices = [start + one.indices for start, one in zip(starts, chosen, strict=False)]
    return Entries(np.concatenate(indices), int(starts[-1]))


def met(parts: Sequence[Axes], shapes: Sequence[Sequence[int]], rank: int) -> Axes | None:
    """The entries of tensors that meet number by number; None where they have different ones."""
    found: list[Entries | None] = [None] * rank
    for axes, shape in zip(parts, shapes, strict=True):
        for at in range(1, len(shape) + 1):
            if axes[-at] is None or shape[-at] == 1:
                continue
            if found[-at] not in (None, axes[-at]):
                return None
            found[-at] = axes[-at]
    return tuple(found)
