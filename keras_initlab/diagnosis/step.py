"""The first step that an optimizer takes, without taking it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from keras_initlab.core.keras_private import excluded_from_decay

_ELEMENTWISE = ("SGD", "Adam", "AdamW", "Nadam", "Adamax", "RMSprop", "Adagrad", "Adadelta", "Lion")
_TOGETHER = 2**22  # numbers that are updated at once, which bounds the memory


def first_step(
    make: Callable[[], keras.optimizers.Optimizer],
    variables: Sequence[Any],
    values: Sequence[Any],
    gradients: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """What the variables would be after one update, on copies of them.

    Args:
        make: Makes a fresh optimizer, which is built for the copies.
        variables: Those that train.
        values: The values they start from.
        gradients: Those of the loss.
    """
    held = [np.asarray(keras.ops.convert_to_numpy(value)) for value in values]
    if not _is_elementwise(_plain(make()), variables):
        # An optimizer writes in place where a backend lets tensors share memory.
        return _applied(_plain(make()), variables, [one.copy() for one in held], gradients)
    moved: list[np.ndarray] = []
    for part in _parts([one.size for one in held]):
        joined, slopes = (np.concatenate([one.ravel() for one in many[part]]) for many in (held, gradients))
        (new,) = _applied(_plain(make()), variables[:1], [joined], [slopes])
        cuts = np.cumsum([one.size for one in held[part]])[:-1]
        moved += [one.reshape(old.shape) for one, old in zip(np.split(new, cuts), held[part], strict=True)]
    return moved


def _plain(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """What is inside one that scales the loss, which changes no step."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def _parts(sizes: Sequence[int]) -> Iterator[slice]:
    """Neighbours that are not too large together.

    >>> list(_parts([3_000_000, 2_000_000, 1_000_000]))
    [slice(0, 1, None), slice(1, 3, None)]
    """
    first = 0
    for at in range(1, len(sizes) + 1):
        if at == len(sizes) or sum(sizes[first : at + 1]) > _TOGETHER:
            yield slice(first, at)
            first = at


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
    kind = type(optimizer)  # PyTorch has its own of the same name
    if kind.__name__ not in _ELEMENTWISE or not kind.__module__.startswith("keras."):
        return False
    if excluded_from_decay(optimizer) or optimizer.clipnorm or optimizer.global_clipnorm:
        return False
    return all(one.dtype == "float32" and one.constraint is None for one in variables)


def is_sgd(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether its steps are as long as the gradient; others divide by its size."""
    return isinstance(_plain(optimizer), keras.optimizers.SGD)
