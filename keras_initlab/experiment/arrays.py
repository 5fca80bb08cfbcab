"""What the user passed as arrays -> NumPy arrays that can be trained on; each fault named for its part."""

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import scipy.sparse

from keras_initlab.core.errors import InputError
from keras_initlab.engines.sources import Batch

TEXT = "SU"  # kinds of NumPy's types of bytes and of strings

Names = tuple[str, str, str]
"""What inputs, targets and sample weights are called in an error."""


def parts_of(name: str) -> Names:
    """The names of what one argument holds, inputs first."""
    return name, f"{name} (targets)", f"{name} (sample weights)"


def numbers(part: Any, name: str) -> Any:
    """The part as NumPy arrays, in the nesting it came in.

    Raises:
        InputError: If it holds what no array can be made of.
    """
    for leaf in keras.tree.flatten(part):
        require_dense(leaf, name)
    if isinstance(part, list | tuple) and not any(
        hasattr(leaf, "shape") for leaf in keras.tree.flatten(part)
    ):
        try:
            part = np.asarray(part)  # plain numbers
        except ValueError as error:
            raise InputError(f"{name} is a ragged list: give an array of equal rows.") from error
    return keras.tree.map_structure(as_array, part)


def require_dense(leaf: Any, name: str) -> None:
    """Refuse a leaf (or the spec of one) that is read once or not dense, with the way to wrap it.

    Raises:
        InputError: If it is.
    """
    kind = type(leaf)
    if isinstance(leaf, Iterator | types.GeneratorType):
        raise InputError(
            f"{name} is a {kind.__name__}, which can be read only once, and every initializer must meet the "
            "same batches: give arrays, a keras.utils.PyDataset or tf.data.Dataset.from_generator(function, "
            "output_signature=...)."
        )
    if scipy.sparse.issparse(leaf):
        raise InputError(f"{name} is a sparse {kind.__name__}: give {name}.toarray().")
    if kind.__name__ in _DENSE:
        raise InputError(f"{name} is a {kind.__name__}: give {_DENSE[kind.__name__].format(name)}.")


_DENSE = {
    "SparseTensor": "tf.sparse.to_dense({})",
    "SparseTensorSpec": "{}.map(lambda *batch: tf.nest.map_structure(tf.sparse.to_dense, batch))",
    "RaggedTensor": "{}.to_tensor()",
    "RaggedTensorSpec": "{}.map(...) with to_tensor() for its ragged tensors",
    "BCOO": "{}.todense()",
}


def as_array(leaf: Any) -> np.ndarray:
    """One leaf as NumPy array, floats in Keras's precision."""
    array = np.asarray(leaf if not keras.ops.is_tensor(leaf) else keras.ops.convert_to_numpy(leaf))
    if array.dtype.kind == "O" and array.size:
        kinds = set(map(type, array.flat))
        if kinds in ({str}, {bytes}):
            return array.astype(kinds.pop())
    # Keras's own array adapter does the same.
    return array.astype(keras.config.floatx(), copy=False) if array.dtype.kind == "f" else array


def check(batches: Sequence[Batch], names: Names) -> None:
    """Refuse what nothing can be learned from, in one batch or in all of an epoch.

    Raises:
        InputError: If lengths differ, or a part is empty, no number (inputs may be text on TensorFlow), NaN
            or infinite, or a sample weight is negative or all are 0.
    """
    for batch in batches:
        for part, name in zip(batch, names, strict=False):
            for array in keras.tree.flatten(part):
                _check_array(array, name, text=name == names[0])
        _check_equal_lengths(batch, names)
    weights = [array for batch in batches if len(batch) > 2 for array in keras.tree.flatten(batch[2])]
    if any(array.min() < 0 for array in weights):
        lowest = min(array.min() for array in weights)
        raise InputError(f"{names[2]} holds {lowest}: give weights of at least 0.")
    if weights and not any(array.any() for array in weights):
        raise InputError(f"{names[2]} holds nothing but 0: nothing would be learned. Leave it out.")


def _check_array(array: np.ndarray, name: str, *, text: bool) -> None:
    if array.dtype.kind in TEXT and text:
        if keras.backend.backend() != "tensorflow":
            raise InputError(
                f"{name} holds text, which models take on TensorFlow only: give {name} as numbers, such as "
                "those of keras.layers.StringLookup called on it."
            )
    elif array.dtype.kind in TEXT:
        raise InputError(
            f"{name} holds text: give numbers, such as np.unique(labels, return_inverse=True)[1] for classes."
        )
    elif array.dtype.kind not in "biufV":  # V: bfloat16 and the 8-bit floats
        held = {type(value).__name__ for value in array.flat[:1]} if array.dtype.kind == "O" else set()
        raise InputError(
            f"{name} holds values of type {''.join(held) or array.dtype}: only numbers can be trained on. "
            "Give arrays, a tf.data.Dataset, a keras.utils.PyDataset or a torch DataLoader."
        )
    if array.ndim == 0 or array.size == 0:
        raise InputError(f"{name} holds an array of shape {array.shape}: there is nothing to train on.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        count = int((~np.isfinite(array)).sum())
        raise InputError(f"{name} holds {count} NaN or infinite values: remove or replace them first.")


def _check_equal_lengths(data: Batch, names: Names) -> None:
    lengths = [len(array) for array in keras.tree.flatten(data)]
    if len(set(lengths)) > 1:
        raise InputError(
            f"{names[0]} and what goes with it (targets, sample weights) have unequal lengths {lengths}: "
            "each example needs one of each."
        )


def with_class_weight(batch: Batch, class_weight: Mapping[int, float] | None) -> Batch:
    """The batch with the weight of each example's class as its sample weight, as `fit` does it."""
    if class_weight is None:
        return batch
    if len(batch) != 2 or not hasattr(batch[1], "shape"):
        raise InputError("class_weight needs one target array y and no sample_weight beside it.")
    classes = classes_of(batch)
    weight = np.ones(len(classes), keras.config.floatx())
    for label, value in class_weight.items():
        weight[classes == label] = value
    return (*batch, weight)


def classes_of(batch: Batch) -> np.ndarray:
    """The class index of each example, from one-hot rows or from labels."""
    y = batch[1]
    return y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y)).astype("int64")


def check_class_weight(class_weight: Any) -> None:
    """Refuse what is no mapping of class index -> weight.

    Raises:
        InputError: If it is none, or a weight is no finite number of at least 0.
    """
    if not isinstance(class_weight, Mapping):
        raise InputError(f"class_weight is {class_weight!r}: give a dict of class index -> weight.")
    for label, value in class_weight.items():
        if not isinstance(label, int | np.integer):
            raise InputError(f"class_weight has the class {label!r}: give class indices such as 0.")
        if not isinstance(value, int | float | np.number) or not 0 <= value < np.inf:
            raise InputError(f"class_weight of {label} is {value!r}: give a number of at least 0.")


def check_classes(class_weight: Mapping[int, float], batches: Sequence[Batch]) -> None:
    """Refuse a weight for a class that no example has.

    Raises:
        InputError: If there is one.
    """
    present = set().union(*(np.unique(classes_of(batch)).tolist() for batch in batches))
    for label in class_weight:
        if label not in present:
            raise InputError(
                f"class_weight has the class {label}, which no example has: y has {sorted(present)[:20]}."
            )
