"""Random numbers from plain arithmetic, which every backend maps over members of a stack.

Keras's own draws are not: TensorFlow's `vectorized_map` runs them one member after another, PyTorch's refuses
them. So inserted layers hash the place of each number with the state of a `keras.random.SeedGenerator`. The
numbers are the same to the bit on every backend.
"""

from collections.abc import Sequence
from typing import Any

from keras import ops

_GOLDEN, _OTHER = -1640531527, 1013904223  # 2**32 / golden ratio; the increment of Numerical Recipes
_FIRST, _SECOND = 2146121005, -2073254261  # 0x7FEB352D, 0x846CA68B


def uniform(shape: Sequence[Any], generator: Any) -> Any:
    """Float32 numbers of (0, 1) in steps of 2**-23, the next ones of the generator."""
    state = ops.cast(generator.next(), "int32")
    seed, count = state[:1], state[1:]  # arrays: NumPy warns where a scalar overflows
    first = _mixed(seed + _GOLDEN * count)
    second = _mixed(ops.bitwise_xor(first, count + _OTHER))
    bits = _mixed(ops.bitwise_xor(_mixed(_places(shape) + first), second))
    return (ops.cast(_shifted(bits, 9), "float32") + 0.5) / 2**23


def normal(shape: Sequence[Any], generator: Any) -> Any:
    """Float32 numbers of N(0, 1): the quantiles of `uniform`."""
    return 2**0.5 * ops.erfinv(2 * uniform(shape, generator) - 1)


def _places(shape: Sequence[Any]) -> Any:
    """The numbers 0, 1, ... in this shape."""
    found = ops.zeros((1,) * len(shape), "int32")
    for axis, length in enumerate(shape):
        along = ops.arange(length, dtype="int32")
        found = found * length + ops.reshape(along, (*(1,) * axis, -1, *(1,) * (len(shape) - axis - 1)))
    return found


def _mixed(bits: Any) -> Any:
    """A bijection of 32 bits in which each output bit depends on every input bit (Wellons, lowbias32)."""
    bits = ops.bitwise_xor(bits, _shifted(bits, 16)) * _FIRST
    bits = ops.bitwise_xor(bits, _shifted(bits, 15)) * _SECOND
    return ops.bitwise_xor(bits, _shifted(bits, 16))


def _shifted(bits: Any, by: int) -> Any:
    """To the right, zeros coming in: int32 has a sign, and uint32 has no products on PyTorch."""
    return ops.bitwise_and(ops.right_shift(bits, by), 2 ** (32 - by) - 1)
