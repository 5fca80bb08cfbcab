"""A comparison as pure data: labels x replicates -> trials, each with its derived seeds."""

from dataclasses import dataclass

from keras_initlab.core.seeds import Seeds


@dataclass(frozen=True)
class Trial:
    """One training run: an initializer's label, and the seeds that all labels of its replicate share."""

    label: str
    seeds: Seeds

    @property
    def replicate(self) -> int:
        """Which repetition of the comparison this is, from 0."""
        return self.seeds.replicate

    @property
    def name(self) -> tuple[str, int]:
        """Label and replicate, as its record has them."""
        return self.label, self.replicate


Group = tuple[Trial, ...]
"""Trials that train together. The rounding of each may depend on its place and on how many there are."""


@dataclass(frozen=True)
class Plan:
    """Which trials make up a comparison, and how long each trains.

    Trials come replicate by replicate, so that after any interruption the finished ones pair up.
    """

    labels: tuple[str, ...]
    replicates: int
    seed: int
    epochs: int
    steps_per_epoch: int

    @property
    def trials(self) -> tuple[Trial, ...]:
        return tuple(
            Trial(label, Seeds(self.seed, replicate))
            for replicate in range(self.replicates)
            for label in self.labels
        )
