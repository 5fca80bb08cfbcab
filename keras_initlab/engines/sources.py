"""What a trial is fed: the same batches in the same order for every initializer of a replicate."""

import copy
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import keras
import numpy as np

from keras_initlab.core.seeds import Seeds
from keras_initlab.recipes import probing

Batch = tuple[Any, ...]
"""`(x, y)` or `(x, y, sample_weight)`, as `fit` takes it."""


class Source(Protocol):
    """Training or validation data, from which any epoch of any replicate can be read again.

    Attributes:
        steps: Batches in an epoch.
        joins_replicates: Whether several replicates can be read side by side, and not only one after
            another.
    """

    steps: int
    joins_replicates: bool

    def epoch(self, seeds: Seeds, epoch: int) -> Sequence[Batch]:
        """The batches of one epoch; they are the same for all trials with these seeds."""

    def alike(self, seeds: Iterable[Seeds]) -> bool:
        """Whether trials with these seeds meet the same batches."""

    def marks(self, seeds: Seeds, epochs: int) -> list[str]:
        """Fingerprints of a replicate's first epochs; none where no process can read others."""

    def first_batch(self) -> Batch:
        """A batch, for its shapes; nothing is read once more for it."""

    def head(self, steps: int) -> "Source":
        """The first batches of each epoch, which nothing is read once more for either."""

    def rows(self, seeds: Seeds, count: int) -> Batch:
        """Examples that are looked at before the replicate's training: so many, or as many as there are."""

    def targets(self) -> list[Any]:
        """All targets, in one piece or batch by batch; none where the data have none."""

    def digest(self) -> str:
        """A fingerprint of the data."""


class Arrays:
    """Arrays (nested in lists, tuples or dicts), cut into batches in a derived order.

    The last batch of an epoch may be smaller, as in `fit`; `steps` cuts an epoch short.
    """

    joins_replicates = True

    def __init__(self, data: Batch, batch_size: int, *, shuffle: bool, steps: int | None = None):
        self.data = _without_lists(data)
        self.examples = len(keras.tree.flatten(data)[0])
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.steps = steps or -(-self.examples // batch_size)

    def order(self, seeds: Seeds, epoch: int) -> np.ndarray:
        """Indices of the examples in the order in which they come."""
        if not self.shuffle:
            return np.arange(self.examples)
        return np.random.default_rng(seeds.order(epoch)).permutation(self.examples)

    def epoch(self, seeds: Seeds, epoch: int) -> Sequence[Batch]:
        order = self.order(seeds, epoch)

        def batch(step: int) -> Batch:
            chosen = order[step * self.batch_size : (step + 1) * self.batch_size]
            return keras.tree.map_structure(lambda array: array[chosen], self.data)

        return Lazy(batch, self.steps)

    def alike(self, seeds: Iterable[Seeds]) -> bool:
        return not self.shuffle or len(set(seeds)) == 1

    def marks(self, seeds: Seeds, epochs: int) -> list[str]:
        return []

    def first_batch(self) -> Batch:
        return self.epoch(Seeds(0, 0), 0)[0]

    def head(self, steps: int) -> "Arrays":
        return self._but(steps=steps)

    def holding(self, data: Batch) -> "Arrays":
        """Other arrays in the same order and batches; as many examples."""
        return self._but(data=_without_lists(data))

    def _but(self, **changed: Any) -> "Arrays":
        other = copy.copy(self)
        vars(other).update(changed)
        return other

    def rows(self, seeds: Seeds, count: int) -> Batch:
        return probing.chosen(self.data[:2], seeds, count)

    def targets(self) -> list[Any]:
        return [self.data[1]] if len(self.data) > 1 else []

    def digest(self) -> str:
        return fingerprint(keras.tree.flatten(self.data))


class Fixed:
    """Batches that are the same in every epoch of every trial: validation data read once."""

    joins_replicates = True

    def __init__(self, batches: list[Batch], steps: int | None = None):
        self._batches = batches
        self._digest = fingerprint(keras.tree.flatten(batches))
        self.steps = steps or len(batches)

    def epoch(self, seeds: Seeds, epoch: int) -> Sequence[Batch]:
        return self._batches

    def alike(self, seeds: Iterable[Seeds]) -> bool:
        return True

    def marks(self, seeds: Seeds, epochs: int) -> list[str]:
        return []

    def first_batch(self) -> Batch:
        return self._batches[0]

    def head(self, steps: int) -> "Fixed":
        return Fixed(self._batches[:steps])

    def rows(self, seeds: Seeds, count: int) -> Batch:
        return probing.first(self.epoch(seeds, 0), count)

    def targets(self) -> list[Any]:
        return [batch[1] for batch in self._batches if len(batch) > 1]

    def digest(self) -> str:
        return self._digest


class Recorded(Fixed):
    """A `tf.data.Dataset` or `PyDataset`, read once per epoch of a replicate and then kept.

    Such a data set may shuffle or augment differently each time it is read, so what the first
    initializer of a replicate saw is replayed to the others: the epochs of replicate r are readings
    r * `epochs` and following, whatever came of the runs before. A comparison that goes on in another process
    therefore reads past those of earlier replicates. A batch that repeats an earlier one of its replicate is
    kept once: a data set in fixed order costs its own size in memory, a reshuffling one `epochs`
    times that. What can be asked without reading answers from the epoch that a check of the data has
    read already, which is the first reading.
    """

    joins_replicates = False  # it is read replicate by replicate, as one model after another would

    def __init__(self, reading: "Reading", first: list[Batch], epochs: int, steps: int | None = None):
        super().__init__(first, steps)
        self._reading, self._of_replicate = reading, epochs
        self._first: list[Batch] | None = first
        self._readings = 0
        self._replicate: int | None = None
        self._epochs: list[list[Batch]] = []
        self._marks: list[str] = []
        self._kept: dict[str, Batch] = {}

    def epoch(self, seeds: Seeds, epoch: int) -> Sequence[Batch]:
        if seeds.replicate != self._replicate:
            self._replicate, self._epochs, self._marks, self._kept = seeds.replicate, [], [], {}
        while len(self._epochs) <= epoch:
            batches = self._read(seeds, len(self._epochs))
            mark = fingerprint(keras.tree.flatten(batches))
            if mark in self._marks:
                batches = self._epochs[self._marks.index(mark)]
            elif self._reading.goes_on:
                batches = [
                    self._kept.setdefault(fingerprint(keras.tree.flatten(one)), one) for one in batches
                ]
            self._epochs.append(batches)
            self._marks.append(mark)
        return self._epochs[epoch]

    def alike(self, seeds: Iterable[Seeds]) -> bool:
        return len(set(seeds)) == 1

    def marks(self, seeds: Seeds, epochs: int) -> list[str]:
        for epoch in range(epochs):
            self.epoch(seeds, epoch)
        return self._marks[:epochs]

    def _read(self, seeds: Seeds, epoch: int) -> list[Batch]:
        """The data set as it comes for this epoch."""
        while self._readings < seeds.replicate * self._of_replicate + epoch:
            self._next_reading()
        return self._next_reading()

    def _next_reading(self) -> list[Batch]:
        if self._readings and self._readings % self._of_replicate == 0:
            self._reading.begin()
        self._readings += 1
        return self._first_once() or self._reading.epoch()

    def _first_once(self) -> list[Batch] | None:
        """What was read already, when it is asked for the first time."""
        first, self._first = self._first, None
        return first


class Reading:
    """Epochs of a data set, one after another, as NumPy batches.

    An epoch is a pass over the data set, or the first `steps` batches of one.

    Args:
        read: Begins a pass.
        steps: Batches in an epoch; None for all.
        goes_on: Whether an epoch begins where the one before ended, as in `fit`: of a data set that may have
            no end. If it has one after all, it begins again.
    """

    def __init__(self, read: Callable[[], Iterable[Batch]], steps: int | None, goes_on: bool = False):
        self._read, self._steps, self.goes_on = read, steps, goes_on
        self.begin()

    def begin(self) -> None:
        """Let the next epoch be the first again."""
        self._batches: Iterator[Batch] = iter(())

    def epoch(self) -> list[Batch]:
        """The batches of the next epoch; fewer than `steps` if the whole data set has fewer."""
        batches = self._take(self._steps) if self.goes_on else []
        if not batches or len(batches) < (self._steps or 0):
            self._batches = iter(self._read())
            batches += self._take(self._steps and self._steps - len(batches))
        return batches

    def _take(self, count: int | None) -> list[Batch]:
        return as_numpy(itertools.islice(self._batches, count))


def as_numpy(batches: Iterable[Batch]) -> list[Batch]:
    """All of them, with NumPy arrays for tensors."""
    return [keras.tree.map_structure(lambda leaf: np.asarray(leaf), tuple(batch)) for batch in batches]


def _without_lists(nest):
    """The same nest with tuples for lists, which `tf.data` would take for tensors."""
    if isinstance(nest, dict):
        return {key: _without_lists(inner) for key, inner in nest.items()}
    return tuple(map(_without_lists, nest)) if isinstance(nest, list | tuple) else nest


class Lazy(Sequence):
    """A sequence whose items are made when they are asked for."""

    def __init__(self, make: Callable[[int], Batch], length: int):
        self._make, self._length = make, length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, step):
        if not 0 <= step < self._length:
            raise IndexError(step)
        return self._make(step)


def fingerprint(arrays: Iterable[np.ndarray]) -> str:
    """BLAKE2b over the shapes, types and bytes of some arrays, as 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        array = np.ascontiguousarray(array)
        digest.update(f"{array.shape}{array.dtype}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
