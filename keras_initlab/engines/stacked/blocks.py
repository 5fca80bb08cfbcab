"""Batches for many members at once, cut into blocks of steps that one program call can run."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import keras
import numpy as np

from keras_initlab.engines.sources import Arrays, Batch, Source
from keras_initlab.trials.plan import Trial

BLOCK = 64
"""Steps in a block: enough to hide the price of a call, few enough for a lively progress bar."""

LARGE = 1 << 26
"""Bytes of data from which the host gathers the batches that all members share: a second copy on the
device would cost more than it saves."""


class Blocks(Protocol):
    """What a group of trials is fed.

    Attributes:
        shared: Whether all members meet the same batch; otherwise batches have a leading member axis.
        data: What stays on the device, as nested tensors.
    """

    shared: bool
    data: Any

    def fits(self, trials: Sequence[Trial]) -> bool:
        """Whether these trials can be fed so too."""

    def epoch(self, trials: Sequence[Trial], epoch: int) -> Iterator[Any]:
        """Nested arrays with a leading step axis."""

    def batch(self, data: Any, item: Any) -> Batch:
        """The batch of one step, from one item of a block; traced into the program."""


def blocks(source: Source, trials: Sequence[Trial], before: Blocks | None = None) -> Blocks:
    """How the trials' batches of `source` are fed; as `before` where that fits, or with its data."""
    if before is not None and before.fits(trials):
        return before
    if not isinstance(source, Arrays):
        return _Read(source)
    if _fed_alike(source, trials) and _bytes(source) > LARGE:
        return _Sliced(source, trials)
    return _Gathered(source, trials, before)


class _Indexed:
    """Arrays in the orders of the trials' replicates, as blocks of indices."""

    def __init__(self, source: Arrays, trials: Sequence[Trial]):
        self._source = source
        self.shared = _fed_alike(source, trials)

    def fits(self, trials):
        return self.shared == _fed_alike(self._source, trials)

    def epoch(self, trials, epoch):
        size = self._source.batch_size
        order = self._order(trials, epoch)
        full = min(self._source.steps, order.shape[-1] // size)
        indices = order[..., : full * size].reshape(*order.shape[:-1], full, size)
        indices = np.moveaxis(indices, -2, 0)
        for start in range(0, full, BLOCK):
            yield indices[start : start + BLOCK]
        if full < self._source.steps:
            yield order[None, ..., full * size :]

    def _order(self, trials: Sequence[Trial], epoch: int) -> np.ndarray:
        """Shape `(examples,)` where the order is shared, else `(members, examples)`."""
        if self.shared:
            return self._source.order(trials[0].seeds, epoch).astype("int32")
        by_replicate = {trial.replicate: self._source.order(trial.seeds, epoch) for trial in trials}
        return np.stack([by_replicate[trial.replicate] for trial in trials]).astype("int32")


class _Gathered(_Indexed):
    """The arrays stay on the device, where each step gathers its batch."""

    def __init__(self, source: Arrays, trials: Sequence[Trial], before: Blocks | None):
        super().__init__(source, trials)
        self.data: Any = (
            before.data
            if isinstance(before, _Gathered)
            else keras.tree.map_structure(keras.ops.convert_to_tensor, source.data)
        )

    def batch(self, data, item):
        return keras.tree.map_structure(lambda array: keras.ops.take(array, item, axis=0), data)


class _Sliced(_Indexed):
    """The arrays stay on the host, which gathers a block of batches at a time."""

    data = ()

    def epoch(self, trials, epoch):
        for indices in super().epoch(trials, epoch):
            yield keras.tree.map_structure(
                functools.partial(np.take, indices=indices, axis=0), self._source.data
            )

    def batch(self, data, item):
        return item


class _Read:
    """Batches as the source gives them; runs of equal shape make a block."""

    shared = True
    data = ()

    def __init__(self, source: Source):
        self._source = source

    def fits(self, trials):
        return _fed_alike(self._source, trials)

    def epoch(self, trials, epoch):
        batches = itertools.islice(self._source.epoch(trials[0].seeds, epoch), self._source.steps)
        for _, run in itertools.groupby(batches, _shapes):
            while block := list(itertools.islice(run, BLOCK)):
                yield keras.tree.map_structure(lambda *leaves: np.stack(leaves), *block)

    def batch(self, data, item):
        return item


def _fed_alike(source: Source, trials: Sequence[Trial]) -> bool:
    return source.alike(trial.seeds for trial in trials)


def _bytes(source: Arrays) -> int:
    return sum(array.nbytes for array in keras.tree.flatten(source.data))


def _shapes(batch: Batch) -> list[tuple[int, ...]]:
    return [leaf.shape for leaf in keras.tree.flatten(batch)]
