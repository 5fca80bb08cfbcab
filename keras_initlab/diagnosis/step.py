"""The first step that an optimizer takes, without taking it."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_initlab.core.keras_private import excluded_from_decay

_ELEMENTWISE = tuple(
    getattr(keras.optimizers, name)
    for name in ("SGD", "Adam", "AdamW", "Nadam", "Adamax", "RMSprop", "Adagrad", "Adadelta", "Lion")
)


def first_step(
    optimizer: keras.optimizers.Optimizer,
    variables: Sequence[Any],
    values: Sequence[Any],
    gradients: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """What the variables would be after one update, on copies of them.

    Args:
        optimizer: A fresh one; it is built for the copies.
        variables: Those that train.
        values: The values they start from.
        gradients: Those of the loss.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # scaling a loss changes no step
    # By way of the host: an optimizer writes in place where a backend lets tensors share memory.
    held = [np.array(keras.ops.convert_to_numpy(value)) for value in values]
    if not _is_elementwise(optimizer, variables):
        return _applied(optimizer, variables, held, gradients)
    joined, slopes = (np.concatenate([one.ravel() for one in many]) for many in (held, gradients))
    (moved,) = _applied(optimizer, variables[:1], [joined], [slopes])
    cuts = np.cumsum([one.size for one in held])[:-1]
    return [part.reshape(one.shape) for part, one in zip(np.split(moved, cuts), held, strict=True)]


def _applied(
    optimizer: keras.optimizers.Optimizer,
    variables: Sequence[Any],
    values: Sequence[np.ndarray],
    gradients: Sequence[np.ndarray],
) -> list[np.ndarray]:
    copies = []
    for variable, value in zip(variables, values, strict=True):
        copies.append(keras.Variable(value, dtype=variable.dtype, name=variable.name))
        copies[-1].constraint = variable.constraint
    optimizer.build(copies)
    given = [
        keras.ops.convert_to_tensor(one, dtype=copy.dtype)
        for one, copy in zip(gradients, copies, strict=True)
    ]
    optimizer.apply(given, copies)
    return [np.array(keras.ops.convert_to_numpy(keras.ops.cast(copy.value, "float32"))) for copy in copies]


def _is_elementwise(optimizer: keras.optimizers.Optimizer, variables: Sequence[Any]) -> bool:
    """Whether all variables can be updated as one, which costs a hundredth of the calls."""
    if type(optimizer) not in _ELEMENTWISE or optimizer.clipnorm or excluded_from_decay(optimizer):
        return False
    return all(one.dtype == "float32" and one.constraint is None for one in variables)


def is_sgd(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether its steps are as long as the gradient; others divide by its size."""
    return isinstance(getattr(optimizer, "inner_optimizer", optimizer), keras.optimizers.SGD)
