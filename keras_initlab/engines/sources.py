"""What a trial is fed: the same batches in the same order for every initializer of a replicate."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import keras
import numpy as np

from keras_initlab.trials.plan import Trial

Batch = tuple[Any, ...]
"""`(x, y)` or `(x, y, sample_weight)`, as `fit` takes it."""


class Source(Protocol):
    """Training or validation data, from which any epoch of any trial can be read again."""

    steps: int

    def epoch(self, trial: Trial, epoch: int) -> Sequence[Batch]:
        """The batches of one epoch; they depend on the trial's replicate, never on its label."""

    def digest(self) -> str:
        """A fingerprint of the data."""


class Arrays:
    """Arrays (nested in lists, tuples or dicts), cut into batches in a derived order.

    The last batch of an epoch may be smaller, as in `fit`; `steps` cuts an epoch short.
    """

    def __init__(self, data: Batch, batch_size: int, *, shuffle: bool, steps: int | None = None):
        self.data = _without_lists(data)
        self.examples = len(keras.tree.flatten(data)[0])
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.steps = steps or -(-self.examples // batch_size)

    def order(self, trial: Trial, epoch: int) -> np.ndarray:
        """Indices of the examples in the order in which they come."""
        if not self.shuffle:
            return np.arange(self.examples)
        return np.random.default_rng(trial.order_seed(epoch)).permutation(self.examples)

    def epoch(self, trial: Trial, epoch: int) -> Sequence[Batch]:
        order = self.order(trial, epoch)

        def batch(step: int) -> Batch:
            chosen = order[step * self.batch_size : (step + 1) * self.batch_size]
            return keras.tree.map_structure(lambda array: array[chosen], self.data)

        return _Lazy(batch, self.steps)

    def digest(self) -> str:
        return fingerprint(keras.tree.flatten(self.data))


class Recorded:
    """A `tf.data.Dataset` or `PyDataset`, read once per epoch of a replicate and then kept.

    Such a data set may shuffle or augment differently each time it is read, so what the first
    initializer of a replicate saw is replayed to the others. An epoch that repeats an earlier one is
    kept once: a data set in fixed order costs its own size in memory, a reshuffling one `epochs`
    times that.
    """

    def __init__(self, read: Callable[[], Iterable[Batch]], first: list[Batch], steps: int | None = None):
        self._read, self._steps = read, steps
        self.known_batches = first  # a check of the data has read one epoch already: it is used first
        self._unused: list[Batch] | None = first
        self._replicate: int | None = None
        self._epochs: dict[int, list[Batch]] = {}
        self._digest = fingerprint(keras.tree.flatten(first))
        self.steps = steps or len(first)

    def epoch(self, trial: Trial, epoch: int) -> Sequence[Batch]:
        if trial.replicate != self._replicate:
            self._replicate, self._epochs = trial.replicate, {}
        if epoch not in self._epochs:
            self._epochs[epoch] = self._next_epoch()
        return self._epochs[epoch]

    def _next_epoch(self) -> list[Batch]:
        if self._unused is not None:
            batches, self._unused = self._unused, None
            return batches
        batches = read_epoch(self._read, self._steps)
        mark = fingerprint(keras.tree.flatten(batches))
        for known in self._epochs.values():
            if fingerprint(keras.tree.flatten(known)) == mark:
                return known
        return batches

    def digest(self) -> str:
        return self._digest


class Fixed:
    """Batches that are the same in every epoch of every trial: validation data read once."""

    def __init__(self, batches: list[Batch]):
        self.known_batches = batches
        self.steps = len(batches)

    def epoch(self, trial: Trial, epoch: int) -> Sequence[Batch]:
        return self.known_batches

    def digest(self) -> str:
        return fingerprint(keras.tree.flatten(self.known_batches))


def read_epoch(read: Callable[[], Iterable[Batch]], steps: int | None) -> list[Batch]:
    """One pass over a data set, as NumPy batches."""
    batches = []
    for batch in read():
        batches.append(keras.tree.map_structure(lambda leaf: np.asarray(leaf), tuple(batch)))
        if len(batches) == steps:
            break
    return batches


class Feed(keras.utils.PyDataset):
    """The batches that `fit` is given; `begin` says which trial and epoch they are of."""

    def __init__(self, source: Source):
        super().__init__()
        self.source = source
        self._batches: Sequence[Batch] = ()

    @property
    def fit_input(self) -> "Feed":
        """What `fit` takes as `x`."""
        return self

    def begin(self, trial: Trial, epoch: int) -> None:
        self._batches = self.source.epoch(trial, epoch)

    def __len__(self) -> int:
        return self.source.steps

    def __getitem__(self, step: int) -> Batch:
        return keras.tree.map_structure(_text_as_tensor, self._batches[step])


def _text_as_tensor(leaf: np.ndarray) -> Any:
    """Text as TensorFlow's strings: Keras does not know NumPy's."""
    return keras.ops.convert_to_tensor(leaf, dtype="string") if leaf.dtype.kind in "SU" else leaf


def _without_lists(nest):
    """The same nest with tuples for lists, which `tf.data` would take for tensors."""
    if isinstance(nest, dict):
        return {key: _without_lists(inner) for key, inner in nest.items()}
    return tuple(map(_without_lists, nest)) if isinstance(nest, list | tuple) else nest


class _Lazy(Sequence):
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
