"""Sources that give what another gives, altered."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np

from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.sources import Arrays, Batch, Lazy, Source

Change = Callable[[Batch], Batch]
Draw = Callable[[Batch, np.random.Generator], Batch]


class Mapped:
    """The batches of a source, each changed in the same way whenever it comes."""

    def __init__(self, source: Source, change: Change):
        self.source, self._change = source, change
        self.steps = source.steps
        self.joins_replicates = source.joins_replicates

    def epoch(self, seeds: Seeds, epoch: int) -> Sequence[Batch]:
        batches = self.source.epoch(seeds, epoch)
        return Lazy(lambda step: self._change(batches[step]), len(batches))

    def alike(self, seeds: Iterable[Seeds]) -> bool:
        return self.source.alike(seeds)

    def marks(self, seeds: Seeds, epochs: int) -> list[str]:
        return self.source.marks(seeds, epochs)

    def first_batch(self) -> Batch:
        return self._change(self.source.first_batch())

    def head(self, steps: int) -> Source:
        return Mapped(self.source.head(steps), self._change)

    def rows(self, seeds: Seeds, count: int) -> Batch:
        return self._change(self.source.rows(seeds, count))

    def targets(self) -> list[Any]:
        return [self._change((target, target))[1] for target in self.source.targets()]

    def digest(self) -> str:
        return self.source.digest()


class Redrawn:
    """The batches of a source, each changed by chance, anew in each step.

    What a recipe looks at before the training is as it was.

    Args:
        source: Where they come from.
        purpose: The name of the remedy, on which the chance depends; never on its strength.
        draw: Changes a batch.
    """

    joins_replicates = False

    def __init__(self, source: Source, purpose: str, draw: Draw):
        self.source, self._purpose, self._draw = source, purpose, draw
        self.steps = source.steps

    def epoch(self, seeds: Seeds, epoch: int) -> Sequence[Batch]:
        batches = self.source.epoch(seeds, epoch)

        def batch(step: int) -> Batch:
            return self._draw(batches[step], np.random.default_rng(seeds.remedy(self._purpose, epoch, step)))

        return Lazy(batch, len(batches))

    def alike(self, seeds: Iterable[Seeds]) -> bool:
        return len(set(seeds)) == 1

    def marks(self, seeds: Seeds, epochs: int) -> list[str]:
        return self.source.marks(seeds, epochs)

    def first_batch(self) -> Batch:
        return self._draw(self.source.first_batch(), np.random.default_rng(0))

    def head(self, steps: int) -> Source:
        return Redrawn(self.source.head(steps), self._purpose, self._draw)

    def rows(self, seeds: Seeds, count: int) -> Batch:
        return self.source.rows(seeds, count)

    def targets(self) -> list[Any]:
        return self.source.targets()

    def digest(self) -> str:
        return self.source.digest()


class OfReplicate:
    """Arrays that are changed by chance once for each replicate.

    Args:
        source: The arrays.
        purpose: The name of the remedy, on which the chance depends; never on its strength.
        draw: Changes all of them.
    """

    joins_replicates = False

    def __init__(self, source: Arrays, purpose: str, draw: Draw):
        self.source, self._purpose, self._draw = source, purpose, draw
        self.steps = source.steps
        self._last: tuple[Seeds, Arrays] | None = None

    def _of(self, seeds: Seeds) -> Arrays:
        if self._last is None or self._last[0] != seeds:
            generator = np.random.default_rng(seeds.remedy(self._purpose))
            self._last = seeds, self.source.holding(self._draw(self.source.data, generator))
        return self._last[1]

    def epoch(self, seeds: Seeds, epoch: int) -> Sequence[Batch]:
        return self._of(seeds).epoch(seeds, epoch)

    def alike(self, seeds: Iterable[Seeds]) -> bool:
        return len(set(seeds)) == 1

    def marks(self, seeds: Seeds, epochs: int) -> list[str]:
        return []

    def first_batch(self) -> Batch:
        return self.source.first_batch()

    def head(self, steps: int) -> Source:
        return OfReplicate(self.source.head(steps), self._purpose, self._draw)

    def rows(self, seeds: Seeds, count: int) -> Batch:
        return self._of(seeds).rows(seeds, count)

    def targets(self) -> list[Any]:
        return self.source.targets()

    def digest(self) -> str:
        return self.source.digest()


def mapped(source: Source, change: Change) -> Source:
    """A source with its batches changed in the same way; arrays stay arrays."""
    if isinstance(source, Arrays):
        return source.holding(change(source.data))
    return Mapped(source, change)


def on_inputs(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """What is done to each array of inputs, done to a batch."""
    return lambda batch: (keras.tree.map_structure(change, batch[0]), *batch[1:])


def on_targets(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """What is done to the targets, done to a batch."""
    return lambda batch: (batch[0], change(batch[1]), *batch[2:])
