"""The gradients of a pass by weights, inputs and the tensors between; one function for each backend."""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_initlab.core.errors import InputError

Objective = Callable[[list, list, Any, Callable[[Any, int], Any]], tuple[Any, tuple]]
"""Of weights, inputs, the rest and `mark`, which gives a tensor between two layers as one of its own.

Gives the number that is differentiated, and what else the pass shows, the marked tensors last.
"""


def differentiated(objective: Objective, weights: list, inputs: list, rest: Any) -> tuple[tuple, tuple]:
    """What a pass shows, and the gradients by weights, inputs and marked tensors.

    Raises:
        InputError: If Keras computes no gradients on this backend.
    """
    backend = keras.backend.backend()
    if backend not in _BY_BACKEND:
        raise InputError(
            f"Keras on {backend} computes no gradients: set KERAS_BACKEND to one of {', '.join(_BY_BACKEND)}."
        )
    return _BY_BACKEND[backend](objective, weights, inputs, rest)


def _by_tensorflow(objective: Objective, weights: list, inputs: list, rest: Any) -> tuple[tuple, tuple]:
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:

        def mark(value: Any, at: int) -> Any:
            value = tf.identity(value)
            tape.watch(value)
            return value

        weights, inputs = ([tf.identity(one) for one in group] for group in (weights, inputs))
        tape.watch((weights, inputs))
        number, shown = objective(weights, inputs, rest, mark)
    zero = tf.UnconnectedGradients.ZERO
    found = tape.gradient(number, (weights, inputs, shown[-1]), unconnected_gradients=zero)
    return shown, tf.nest.map_structure(tf.convert_to_tensor, found)


def _by_torch(objective: Objective, weights: list, inputs: list, rest: Any) -> tuple[tuple, tuple]:
    import torch

    def mark(value: Any, at: int) -> Any:
        value = value.view_as(value)
        return value if value.requires_grad else value.detach().requires_grad_()

    with torch.enable_grad():
        weights, inputs = ([one.detach().requires_grad_() for one in group] for group in (weights, inputs))
        number, shown = objective(weights, inputs, rest, mark)
        wanted = [weights, inputs, shown[-1]]
        flat = [one for group in wanted for one in group]
        found = torch.autograd.grad(number, flat, allow_unused=True)
    filled = iter(
        torch.zeros_like(one) if gradient is None else gradient
        for one, gradient in zip(flat, found, strict=True)
    )
    return shown, tuple([next(filled) for _ in group] for group in wanted)


def _by_jax(objective: Objective, weights: list, inputs: list, rest: Any) -> tuple[tuple, tuple]:
    """By zeros that are added to the tensors: their shapes come from a pass without values."""
    import jax

    def run(weights: list, inputs: list, probes: list | None, rest: Any) -> tuple[Any, tuple]:
        def mark(value: Any, at: int) -> Any:
            return ops.copy(value) if probes is None else value + probes[at]

        return objective(weights, inputs, rest, mark)

    shapes = jax.eval_shape(functools.partial(run, probes=None), weights, inputs, rest=rest)[1][-1]
    probes = [ops.zeros(one.shape, one.dtype) for one in shapes]
    differentiated = jax.value_and_grad(run, argnums=(0, 1, 2), has_aux=True)
    (_, shown), gradients = differentiated(weights, inputs, probes, rest)
    return shown, gradients


_BY_BACKEND = {"tensorflow": _by_tensorflow, "jax": _by_jax, "torch": _by_torch}
