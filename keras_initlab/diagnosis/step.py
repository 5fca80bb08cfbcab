"""The first step that an optimizer takes, without taking it."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np


def first_step(
    optimizer: keras.optimizers.Optimizer,
    variables: Sequence[Any],
    values: Sequence[Any],
    gradients: Sequence[Any],
) -> list[np.ndarray]:
    """What the variables would be after one update, on copies of them.

    Args:
        optimizer: A fresh one; it is built for the copies.
        variables: Those that train.
        values: The values they start from.
        gradients: Those of the loss.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # scaling a loss changes no step
    copies = []
    for variable, value in zip(variables, values, strict=True):
        # By way of the host: an optimizer writes in place where a backend lets tensors share memory.
        held = np.array(keras.ops.convert_to_numpy(value))
        copy = keras.Variable(held, dtype=variable.dtype, name=variable.name)
        copy.constraint = variable.constraint
        copies.append(copy)
    optimizer.build(copies)
    given = [
        keras.ops.convert_to_tensor(one, dtype=copy.dtype)
        for one, copy in zip(gradients, copies, strict=True)
    ]
    optimizer.apply(given, copies)
    return [np.array(keras.ops.convert_to_numpy(keras.ops.cast(copy.value, "float32"))) for copy in copies]


def is_sgd(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether its steps are as long as the gradient; others divide by its size."""
    return isinstance(getattr(optimizer, "inner_optimizer", optimizer), keras.optimizers.SGD)
