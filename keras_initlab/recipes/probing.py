"""Which rows of the data a recipe looks at."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.core.seeds import Seeds


def chosen(data: Sequence[Any], seeds: Seeds, rows: int) -> tuple[Any, ...]:
    """So many examples of some arrays, nested as they are, chosen by the replicate; all if there are no more.

    Raises:
        InputError: If they are of different lengths, or there are none.
    """
    lengths = {len(leaf) for leaf in keras.tree.flatten(tuple(data))}
    if len(lengths) != 1 or not (length := lengths.pop()):
        raise InputError("x and y have no rows, or not as many: give one target for each example.")
    if length <= rows:
        return tuple(data)
    places = np.sort(np.random.default_rng(seeds.probe).choice(length, rows, replace=False))
    return tuple(keras.tree.map_structure(lambda leaf: leaf[places], part) for part in data)


def first(batches: Iterable[Any], rows: int) -> tuple[Any, ...]:
    """The first examples of batches `(x, y, ...)`, as many or as many as there are.

    Raises:
        InputError: If there is no batch.
    """
    taken: list[tuple[Any, ...]] = []
    there = 0
    for batch in batches:
        batch = batch if isinstance(batch, tuple | list) else (batch,)
        parts = keras.tree.map_structure(np.asarray, tuple(batch[:2]))
        taken.append(parts)
        there += len(keras.tree.flatten(parts)[0])
        if there >= rows:
            break
    if not taken:
        raise InputError("x is a data set without a batch: give one that has rows.")
    return keras.tree.map_structure(lambda *leaves: np.concatenate(leaves)[:rows], *taken)


def given(x: Any, y: Any, seeds: Seeds, rows: int) -> tuple[Any, ...]:
    """The examples that a recipe looks at, of arrays or of a data set of batches.

    Raises:
        InputError: If `x` has none.
    """
    if isinstance(x, keras.utils.PyDataset):
        return first((x[place] for place in range(x.num_batches or 0)), rows)
    arrays = all(hasattr(leaf, "shape") for leaf in keras.tree.flatten(x))
    if not arrays and isinstance(x, Iterable) and not isinstance(x, str | list | tuple | dict):
        return first(itertools.islice(x, rows), rows)
    parts = (x,) if y is None else (x, y)
    return chosen(keras.tree.map_structure(np.asarray, parts), seeds, rows)


def check_finite(x: Any) -> None:
    """Refuse data with which nothing can be measured.

    Raises:
        InputError: If there is a NaN or an infinity.
    """
    for leaf in keras.tree.flatten(x):
        values = np.asarray(leaf)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise InputError("x holds NaN or infinite values: clean it, for the recipe measures on it.")
