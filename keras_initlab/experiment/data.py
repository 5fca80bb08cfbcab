"""What the user passed as data -> sources of batches, checked."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.engines.sources import Arrays, Batch, Fixed, Recorded, Source, read_epoch

DEFAULT_BATCH_SIZE = 32  # Keras's own


def training_source(
    x: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Mapping[int, float] | None,
    *,
    batch_size: int | None,
    steps: int | None,
    shuffle: bool,
    validation_split: float,
) -> tuple[Source, Source | None, Batch]:
    """Training data, the validation data split off it (or None), and one batch to look at."""
    if _is_dataset(x):
        _refuse(y=y, sample_weight=sample_weight, batch_size=batch_size)
        if validation_split:
            raise InputError("validation_split needs arrays: give validation_data beside a data set.")
        read = _reader(x, class_weight)
        first = _first_epoch(read, steps, "x")
        return Recorded(read, first, steps), None, first[0]

    data = _arrays(x, y, sample_weight, "x")
    data = with_class_weight(data, class_weight)
    validation = None
    if validation_split:
        data, validation = _split(data, validation_split)
    size = batch_size or DEFAULT_BATCH_SIZE
    examples = len(keras.tree.flatten(data)[0])
    if batch_size is not None and size > examples:
        raise InputError(
            f"batch_size is {size} but there are {examples} training examples: give at most that."
        )
    source = Arrays(data, size, shuffle=shuffle, steps=steps)
    if steps is not None and (steps - 1) * size >= examples:
        raise InputError(
            f"steps_per_epoch is {steps}, but {examples} examples make {-(-examples // size)} batches of "
            f"{size}."
        )
    first_batch = keras.tree.map_structure(lambda array: array[:size], data)
    held_out = Arrays(validation, size, shuffle=False) if validation else None
    return source, held_out, first_batch


def validation_source(validation_data: Any, batch_size: int | None) -> Source:
    """Validation data: `(x, y)`, `(x, y, sample_weight)` or a data set, in one fixed order."""
    if _is_dataset(validation_data):
        return Fixed(_first_epoch(_reader(validation_data, None), None, "validation_data"))
    if not isinstance(validation_data, list | tuple) or len(validation_data) not in (2, 3):
        raise InputError(
            f"validation_data is {type(validation_data).__name__}: give (x, y), (x, y, sample_weight), a "
            "tf.data.Dataset or a PyDataset."
        )
    x, y, *weight = validation_data
    data = _arrays(x, y, weight[0] if weight else None, "validation_data")
    return Arrays(data, batch_size or DEFAULT_BATCH_SIZE, shuffle=False)


def with_class_weight(batch: Batch, class_weight: Mapping[int, float] | None) -> Batch:
    """The batch with the weight of each example's class as its sample weight, as `fit` does it."""
    if class_weight is None:
        return batch
    if len(batch) != 2 or not hasattr(batch[1], "shape"):
        raise InputError("class_weight needs one target array y and no sample_weight beside it.")
    y = batch[1]
    classes = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y)).astype("int64")
    weight = np.ones(len(y), keras.config.floatx())
    for label, value in class_weight.items():
        weight[classes == label] = value
    return (*batch, weight)


def _refuse(**given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise InputError(
                f"{name} must not be given when x is a data set: let it yield batches with them."
            )


def _is_dataset(x: Any) -> bool:
    tf_dataset = type(x).__module__.startswith("tensorflow") and hasattr(x, "as_numpy_iterator")
    return tf_dataset or isinstance(x, keras.utils.PyDataset)


def _reader(dataset: Any, class_weight: Mapping[int, float] | None) -> Callable[[], Iterable[Batch]]:
    def read() -> Iterable[Batch]:
        batches = (
            (dataset[index] for index in range(len(dataset)))
            if isinstance(dataset, keras.utils.PyDataset)
            else dataset.as_numpy_iterator()
        )
        for batch in batches:
            batch = batch if isinstance(batch, tuple) else (batch,)
            yield with_class_weight(keras.tree.map_structure(_as_array, batch), class_weight)
        if isinstance(dataset, keras.utils.PyDataset):
            dataset.on_epoch_end()

    return read


def _first_epoch(read: Callable[[], Iterable[Batch]], steps: int | None, name: str) -> list[Batch]:
    batches = read_epoch(read, steps)
    if not batches:
        raise InputError(f"{name} yields no batch.")
    if steps is not None and len(batches) < steps:
        raise InputError(f"steps_per_epoch is {steps}, but {name} yields {len(batches)} batches.")
    for batch in batches:
        _check_equal_lengths(batch, name)
        for array in keras.tree.flatten(batch):
            _check_array(array, name)
    return batches


def _arrays(x: Any, y: Any, sample_weight: Any, name: str) -> Batch:
    if x is None:
        raise InputError(f"{name} is None: give arrays, a tf.data.Dataset or a PyDataset.")
    parts = [x] if y is None else [x, y]
    if sample_weight is not None:
        parts.append(sample_weight)
    data = tuple(_nested(part, name) for part in parts)
    for array in keras.tree.flatten(data):
        _check_array(array, name)
    _check_equal_lengths(data, name)
    return data


def _nested(part: Any, name: str) -> Any:
    if isinstance(part, list | tuple) and not any(
        hasattr(leaf, "shape") for leaf in keras.tree.flatten(part)
    ):
        try:
            part = np.asarray(part)  # plain numbers
        except ValueError as error:
            raise InputError(f"{name} is a ragged list: give an array of equal rows.") from error
    return keras.tree.map_structure(_as_array, part)


def _as_array(leaf: Any) -> np.ndarray:
    array = np.asarray(leaf if not keras.ops.is_tensor(leaf) else keras.ops.convert_to_numpy(leaf))
    # Keras's own array adapter does the same.
    return array.astype(keras.config.floatx(), copy=False) if array.dtype.kind == "f" else array


def _check_array(array: np.ndarray, name: str) -> None:
    if array.dtype.kind not in "biufV":  # V: bfloat16 and the 8-bit floats
        raise InputError(f"{name} holds values of type {array.dtype}: only numbers can be trained on.")
    if array.ndim == 0 or array.size == 0:
        raise InputError(f"{name} holds an array of shape {array.shape}: there is nothing to train on.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        count = int((~np.isfinite(array)).sum())
        raise InputError(f"{name} holds {count} NaN or infinite values: remove or replace them first.")


def _check_equal_lengths(data: Batch, name: str) -> None:
    lengths = [len(array) for array in keras.tree.flatten(data)]
    if len(set(lengths)) > 1:
        raise InputError(
            f"{name} and what goes with it (targets, sample weights) have unequal lengths {lengths}: "
            "each example needs one of each."
        )


def _split(data: Batch, fraction: float) -> tuple[Batch, Batch]:
    examples = len(keras.tree.flatten(data)[0])
    cut = int(examples * (1 - fraction))
    if not 0 < fraction < 1 or cut in (0, examples):
        raise InputError(
            f"validation_split is {fraction} with {examples} examples: give a fraction between 0 and 1 that "
            "leaves at least one on each side."
        )
    first = keras.tree.map_structure(lambda array: array[:cut], data)
    last = keras.tree.map_structure(lambda array: array[cut:], data)
    return first, last
