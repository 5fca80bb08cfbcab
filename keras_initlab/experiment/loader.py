"""A torch `DataLoader` as training data, in an order that derives from the trial's seeds."""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.sources import Batch, Reading, Recorded


def is_loader(x: Any) -> bool:
    """Whether it is a `torch.utils.data.DataLoader`; does not import torch."""
    data = sys.modules.get("torch.utils.data")
    return data is not None and isinstance(x, data.DataLoader)


class Order:
    """Reads a loader's examples in the order of one epoch of one trial, without its workers.

    Raises:
        InputError: If the loader's order is its own affair: an iterable data set, a sampler or batch sampler.
    """

    def __init__(self, loader: Any, seed: int, name: str):
        data = sys.modules["torch.utils.data"]
        sampler, batches = loader.sampler, loader.batch_sampler
        if isinstance(loader.dataset, data.IterableDataset):
            own = "an IterableDataset"
        elif type(sampler) not in (data.RandomSampler, data.SequentialSampler):
            own = f"a {type(sampler).__name__}"
        elif len(sampler) != len(loader.dataset) or getattr(sampler, "replacement", False):
            own = "a RandomSampler that draws with replacement or some examples only"
        elif type(batches) is not data.BatchSampler:
            own = f"batch_sampler={batches!r}"
        else:
            own = ""
        if own:
            raise InputError(
                f"{name} is a DataLoader with {own}, whose order cannot be derived from the seed: give one "
                "of a map-style data set with batch_size and shuffle, or a keras.utils.PyDataset."
            )
        self._loader, self._shuffle = loader, type(sampler) is data.RandomSampler
        self.seed = Seeds(seed, 0).order(0)

    def read(self) -> Iterator[Any]:
        """The batches of the epoch that `seed` stands for."""
        loader, torch = self._loader, sys.modules["torch"]
        examples = len(loader.dataset)
        order = np.random.default_rng(self.seed).permutation(examples) if self._shuffle else range(examples)
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)  # of transforms that draw
            for start in range(0, examples, loader.batch_size):
                chosen = order[start : start + loader.batch_size]
                if len(chosen) == loader.batch_size or not loader.drop_last:
                    yield loader.collate_fn([loader.dataset[int(index)] for index in chosen])


class Loaded(Recorded):
    """The epochs of a `DataLoader`: each in its derived order, kept for all initializers of a replicate."""

    def __init__(self, order: Order, reading: Reading, first: list[Batch], epochs: int, steps: int | None):
        super().__init__(reading, first, epochs, steps)
        self._order, self._first_seed = order, order.seed

    def _read(self, seeds: Seeds, epoch: int) -> list[Batch]:
        self._order.seed = seeds.order(epoch)
        self._reading.begin()
        first = self._first_once() if self._order.seed == self._first_seed else None
        return first or self._reading.epoch()
