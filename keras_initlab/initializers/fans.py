"""Fans: how many inputs a unit sums over, and how many units an input feeds."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Fans(NamedTuple):
    """The two numbers that a fan-scaled law divides by."""

    fan_in: int
    fan_out: int

    @property
    def fan_avg(self) -> float:
        return (self.fan_in + self.fan_out) / 2

    @property
    def fan_geo_avg(self) -> float:
        return math.sqrt(self.fan_in * self.fan_out)


MODES = ("fan_in", "fan_out", "fan_avg", "fan_geo_avg")


def shape_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> Fans:
    """Fans of a weight by Keras's convention, which knows nothing but the shape.

    Rank 0 has fans (1, 1), rank 1 (n, n), rank 2 (rows, columns), and above that
    `(*receptive_field, in, out)` has the receptive field multiplied into both. If both axes are
    given, the fans are the products of the dimensions that they name.

    >>> shape_fans((3, 3, 16, 32))
    Fans(fan_in=144, fan_out=288)
    >>> shape_fans((64, 8, 16), input_axes=[0], output_axes=[1, 2])
    Fans(fan_in=64, fan_out=128)
    """
    if input_axes is not None and output_axes is not None:
        return Fans(
            math.prod(shape[axis] for axis in input_axes),
            math.prod(shape[axis] for axis in output_axes),
        )
    if len(shape) == 0:
        return Fans(1, 1)
    if len(shape) == 1:
        return Fans(shape[0], shape[0])
    receptive_field = math.prod(shape[:-2])
    return Fans(receptive_field * shape[-2], receptive_field * shape[-1])


def as_matrix(values: np.ndarray) -> np.ndarray:
    """A weight `(*receptive_field, in, out)` as the matrix of all inputs by outputs."""
    return values.reshape(-1, values.shape[-1])
