"""Sources in the form that `fit` takes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.sources import Arrays, Batch, Source

if TYPE_CHECKING:
    from keras_initlab.engines.graph_feed import GraphFeed


class Feeds:
    """Training and validation data as `fit` takes them, made once for all trials."""

    def __init__(self, training: Source, validation: Source | None):
        self.training = _feed(training)
        self.validation = _feed(validation) if validation is not None else None

    def begin(self, seeds: Seeds, epoch: int) -> None:
        """Say whose batches come next."""
        self.training.begin(seeds, epoch)
        if self.validation is not None:
            self.validation.begin(seeds, epoch)


def _feed(source: Source) -> "Feed | GraphFeed":
    if keras.backend.backend() == "tensorflow" and isinstance(source, Arrays):
        from keras_initlab.engines.graph_feed import GraphFeed

        return GraphFeed(source)
    return Feed(source)


class Feed(keras.utils.PyDataset):
    """The batches that `fit` is given; `begin` says whose seeds and which epoch they are of."""

    def __init__(self, source: Source):
        super().__init__()
        self.source = source
        self._batches: Sequence[Batch] = ()

    @property
    def fit_input(self) -> "Feed":
        """What `fit` takes as `x`."""
        return self

    def begin(self, seeds: Seeds, epoch: int) -> None:
        self._batches = self.source.epoch(seeds, epoch)

    def __len__(self) -> int:
        return self.source.steps

    def __getitem__(self, step: int) -> Batch:
        return as_fed(self._batches[step])


def as_fed(batch: Any) -> Any:
    """A batch, or a part of one, as `fit` is given it."""
    return keras.tree.map_structure(_text_as_tensor, batch)


def _text_as_tensor(leaf: np.ndarray) -> Any:
    """Text as TensorFlow's strings: Keras does not know NumPy's."""
    return keras.ops.convert_to_tensor(leaf, dtype="string") if leaf.dtype.kind in "SU" else leaf
