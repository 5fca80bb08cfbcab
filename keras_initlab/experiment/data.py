"""What the user passed as data -> sources of batches, checked."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError, gist
from keras_initlab.engines.sources import Arrays, Batch, Fixed, Reading, Recorded, Source, as_numpy
from keras_initlab.experiment import arrays, loader

DEFAULT_BATCH_SIZE = 32  # Keras's own

MOST_BATCHES = 10**7
"""An epoch of a data set is held in memory: longer ones are refused before they are read."""

MOST_UNKNOWN = 10**5
"""Batches after which a data set that cannot say how many it has is taken for one without an end."""


def training_source(
    x: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Mapping[int, float] | None,
    *,
    batch_size: int | None,
    epochs: int,
    steps: int | None,
    shuffle: bool,
    validation_split: float,
    seed: int,
) -> tuple[Source, Source | None]:
    """Training data, and the validation data split off it (or None)."""
    if class_weight is not None:
        arrays.check_class_weight(class_weight)
    if is_dataset(x):
        _refuse(y=y, sample_weight=sample_weight, batch_size=batch_size)
        if validation_split:
            raise InputError("validation_split needs arrays: give validation_data beside a data set.")
        return _recorded(x, class_weight, epochs, steps, seed), None

    data = _arrays(x, y, sample_weight, ("x", "y", "sample_weight"))
    if class_weight is not None:
        data = arrays.with_class_weight(data, class_weight)
        arrays.check_classes(class_weight, [data])
    validation = None
    if validation_split:
        data, validation = _split(data, validation_split)
    size = batch_size or DEFAULT_BATCH_SIZE
    examples = len(keras.tree.flatten(data)[0])
    if batch_size is not None and size > examples:
        raise InputError(
            f"batch_size is {size} but there are {examples} training examples: give at most that."
        )
    if steps is not None and (steps - 1) * size >= examples:
        raise InputError(
            f"steps_per_epoch is {steps}, but {examples} examples make {-(-examples // size)} batches of "
            f"{size}."
        )
    source = Arrays(data, size, shuffle=shuffle, steps=steps)
    return source, Arrays(validation, size, shuffle=False) if validation else None


def validation_source(validation_data: Any, batch_size: int | None) -> Source:
    """Validation data: `(x, y)`, `(x, y, sample_weight)` or a data set, in one fixed order."""
    if is_dataset(validation_data):
        ordered = loader.is_loader(validation_data)
        read = (
            loader.Order(validation_data, 0, "validation_data").read
            if ordered
            else lambda: _batches(validation_data)
        )
        return Fixed(_first_epoch(_reader(read, None), validation_data, None, "validation_data"))
    if not isinstance(validation_data, list | tuple) or len(validation_data) not in (2, 3):
        raise InputError(
            f"validation_data is {type(validation_data).__name__}: give (x, y), (x, y, sample_weight), a "
            "tf.data.Dataset or a PyDataset."
        )
    x, y, *weight = validation_data
    data = _arrays(x, y, weight[0] if weight else None, arrays.parts_of("validation_data"))
    return Arrays(data, batch_size or DEFAULT_BATCH_SIZE, shuffle=False)


def is_dataset(x: Any) -> bool:
    """Whether it yields batches by itself."""
    tf_dataset = type(x).__module__.startswith("tensorflow") and hasattr(x, "as_numpy_iterator")
    return tf_dataset or isinstance(x, keras.utils.PyDataset) or loader.is_loader(x)


def _refuse(**given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise InputError(
                f"{name} must not be given when x is a data set: let it yield batches with them."
            )


def _recorded(
    x: Any, class_weight: Mapping[int, float] | None, epochs: int, steps: int | None, seed: int
) -> Recorded:
    order = loader.Order(x, seed, "x") if loader.is_loader(x) else None
    read = _reader(order.read if order else lambda: _batches(x), class_weight)
    reading = Reading(read, steps, goes_on=bool(steps) and not _is_known(_length(x, "x")))
    first = _first_epoch(reading.epoch if steps else read, x, steps, "x")
    if class_weight is not None:
        arrays.check_classes(class_weight, first)
    if order is None:
        return Recorded(reading, first, epochs, steps)
    return loader.Loaded(order, reading, first, epochs, steps)


def _batches(dataset: Any) -> Iterable[Any]:
    if not isinstance(dataset, keras.utils.PyDataset):
        yield from dataset.as_numpy_iterator()
        return
    count = dataset.num_batches
    for index in itertools.count() if count is None else range(count):
        yield dataset[index]
    dataset.on_epoch_end()


def _reader(
    read: Callable[[], Iterable[Any]], class_weight: Mapping[int, float] | None
) -> Callable[[], Iterable[Batch]]:
    """The same reader with NumPy batches, weighted by class."""

    def batches() -> Iterable[Batch]:
        for batch in read():
            batch = tuple(batch) if isinstance(batch, tuple | list) else (batch,)
            parts = keras.tree.map_structure(arrays.as_array, batch)
            yield arrays.with_class_weight(parts, class_weight)

    return batches


def _length(dataset: Any, name: str) -> Any:
    """Batches of an epoch; None where there is no end, NaN where nobody knows."""
    try:
        if isinstance(dataset, keras.utils.PyDataset):
            return dataset.num_batches
        if hasattr(dataset, "cardinality"):
            count = int(dataset.cardinality())  # -1: infinite, -2: unknown
            return None if count == -1 else count if count >= 0 else np.nan
        return len(dataset)
    except TypeError:
        return np.nan
    except Exception as error:
        raise InputError(f"{name} cannot say how many batches it has: {gist(error)}") from error


def _is_known(length: Any) -> bool:
    return length is not None and length == length


def _first_epoch(
    read: Callable[[], Iterable[Batch]], dataset: Any, steps: int | None, name: str
) -> list[Batch]:
    for spec in keras.tree.flatten(getattr(dataset, "element_spec", ())):
        arrays.require_dense(spec, name)
    count = _length(dataset, name) if steps is None else steps
    if count is None:
        limit = "steps_per_epoch" if name == "x" else f"{name}.take(...)"
        raise InputError(f"{name} is a data set without an end: give {limit}.")
    if count > MOST_BATCHES:
        raise InputError(
            f"{name} has {count} batches per epoch, which are held in memory: at most {MOST_BATCHES}."
        )
    most = None if _is_known(count) else MOST_UNKNOWN
    try:
        batches = as_numpy(itertools.islice(read(), most))
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{name} cannot be read: {gist(error)}") from error
    if not batches:
        raise InputError(f"{name} yields no batch.")
    if len(batches) == most:
        limit = "steps_per_epoch" if name == "x" else f"{name}.take(...)"
        raise InputError(f"{name} has not ended after {most} batches: give {limit}.")
    if steps is not None and len(batches) < steps:
        raise InputError(f"steps_per_epoch is {steps}, but {name} yields {len(batches)} batches.")
    if any(array.ndim == 0 for array in keras.tree.flatten(batches[0])):
        raise InputError(f"{name} yields single examples: let it yield batches, such as {name}.batch(32).")
    arrays.check(batches, arrays.parts_of(name))
    return batches


def _arrays(x: Any, y: Any, sample_weight: Any, names: arrays.Names) -> Batch:
    if x is None:
        raise InputError(f"{names[0]} is None: give arrays, a tf.data.Dataset or a PyDataset.")
    if y is None and sample_weight is not None:
        raise InputError(f"{names[2]} is given without {names[1]}: give both or none.")
    given = [part for part in (x, y, sample_weight) if part is not None]
    data = tuple(arrays.numbers(part, name) for part, name in zip(given, names, strict=False))
    arrays.check([data], names)
    return data


def _split(data: Batch, fraction: Any) -> tuple[Batch, Batch]:
    examples = len(keras.tree.flatten(data)[0])
    possible = isinstance(fraction, float | np.floating) and 0 < fraction < 1
    cut = int(examples * (1 - fraction)) if possible else 0
    if cut in (0, examples):
        raise InputError(
            f"validation_split is {fraction!r} with {examples} examples: give a fraction between 0 and 1 "
            "that leaves at least one on each side."
        )
    first = keras.tree.map_structure(lambda array: array[:cut], data)
    last = keras.tree.map_structure(lambda array: array[cut:], data)
    return first, last
