"""Random numbers of Keras, drawn so that JAX has little to compile."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

JOINED = (1 << 12, 1 << 16)
"""Numbers that JAX draws at once for a tensor of up to so many."""


def drawn(draw: Callable, shape: tuple[int, ...], first: float, second: float, seed: Any) -> Any:
    """Float32 values of a function of `keras.random`, to the bit those of calling it with `shape`.

    JAX compiles a draw for each shape, which takes hundreds of times as long as drawing. Its numbers depend
    on the seed and on their place in the array alone: those of a small tensor begin a longer draw.

    Args:
        draw: Takes a shape, two numbers, a dtype and a seed.
        shape: Of the values.
        first, second: The numbers.
        seed: As `keras.random` takes it.
    """
    most = _joined(math.prod(shape))
    if most is None:
        return draw(shape, first, second, dtype="float32", seed=seed)
    values = draw((most,), first, second, dtype="float32", seed=seed)
    count = math.prod(shape)
    if _is_traced(values):
        return ops.reshape(values[:count], shape)
    return ops.convert_to_tensor(np.asarray(values)[:count].reshape(shape))


def _joined(count: int) -> int | None:
    """How many numbers to draw for so many; None for no more than are asked for."""
    if keras.backend.backend() != "jax":
        return None
    import jax

    if not jax.config.jax_threefry_partitionable:  # then a number depends on how many are drawn
        return None
    return next((most for most in JOINED if count <= most), None)


def _is_traced(values: Any) -> bool:
    """Whether JAX only notes what is done with values that are not there yet."""
    import jax

    return isinstance(values, jax.core.Tracer)
