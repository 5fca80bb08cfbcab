"""A comparison as pure data: labels x levels x replicates -> trials, each with its derived seeds."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from keras_initlab.core.seeds import Seeds

Levels = tuple[tuple[str, str], ...]
"""Each factor with the label of its level, in the order of their names; empty where nothing but the start is
varied."""

MANY_RUNS = 2000
"""Runs of a grid that are trained without asking."""

Cell = tuple[Any, ...]
"""The label of an initializer, followed by the levels beside it: what replicates repeat."""

Name = tuple[Any, ...]
"""Label, replicate, and the levels: whose record it is."""


def name_of(label: str, replicate: int, levels: Iterable[tuple[str, str]]) -> Name:
    """The name of a trial, whatever the order of its factors."""
    return label, replicate, *sorted(levels)


def cell_of(name: Name) -> Cell:
    """The cell of a trial, by its name.

    >>> cell_of(name_of("zeros", 4, (("depth", "3"), ("batch_norm", "on"))))
    ('zeros', ('batch_norm', 'on'), ('depth', '3'))
    """
    label, _, *levels = name
    return label, *levels


def told(label: str, levels: Iterable[tuple[str, str]]) -> str:
    """An initializer at its levels in words.

    >>> told("zeros", (("batch_norm", "on"), ("learning_rate", "0.1")))
    'zeros, batch_norm on, learning_rate 0.1'
    >>> told("zeros", ())
    'zeros'
    """
    return ", ".join([label, *(f"{factor} {level}" for factor, level in levels)])


@dataclass(frozen=True)
class Trial:
    """One training run: an initializer's label, the seeds that all labels of its replicate share, whatever
    stands beside the start, and the levels of what does."""

    label: str
    seeds: Seeds
    levels: Levels = ()

    @property
    def replicate(self) -> int:
        """Which repetition of the comparison this is, from 0."""
        return self.seeds.replicate

    @property
    def name(self) -> Name:
        """Label, replicate and levels, as its record has them."""
        return name_of(self.label, self.replicate, self.levels)


Group = tuple[Trial, ...]
"""Trials that train together. The rounding of each may depend on its place and on how many there are."""


@dataclass(frozen=True)
class Plan:
    """Which trials make up a comparison, and how long each trains.

    Trials come replicate by replicate, so that after any interruption the finished ones pair up.

    Attributes:
        labels: Of the initializers.
        replicates: Independent repetitions.
        seed: Root of all seeds.
        epochs: Passes over the data.
        steps_per_epoch: Batches per epoch, at the reference levels.
        cells: The combinations of levels at which each initializer is trained, the reference first.
    """

    labels: tuple[str, ...]
    replicates: int
    seed: int
    epochs: int
    steps_per_epoch: int
    cells: tuple[Levels, ...] = ((),)

    @property
    def trials(self) -> tuple[Trial, ...]:
        return tuple(
            Trial(label, Seeds(self.seed, replicate), levels)
            for replicate in range(self.replicates)
            for levels in self.cells
            for label in self.labels
        )
