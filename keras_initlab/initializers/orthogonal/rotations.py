"""Recurrent kernels made of plane rotations."""

import math
from typing import Any

import numpy as np

from keras_initlab.initializers import kinds
from keras_initlab.initializers.base import Gained, RandomScheme, Shape
from keras_initlab.initializers.registry import Claims, register


def plane_rotations(values: np.ndarray) -> np.ndarray:
    """QᵀQ = I, and nothing outside the 2 x 2 blocks on the diagonal."""
    size = values.shape[0]
    block = np.arange(size) // 2
    outside = values[block[:, None] != block[None, :]]
    return np.concatenate([(values.T @ values - np.eye(size)).ravel(), outside])


def _claims(law: str, reference: str, *, use: str, avoid: str) -> Claims:
    return kinds.recurrent(
        law=law,
        reference=reference,
        bound=lambda fans: 1.0,
        exact=plane_rotations,
        shapes=((40, 40), (31, 31)),
        use=use,
        avoid=avoid,
    )


class PlaneRotations(Gained, RandomScheme):
    """Base of the kernels that turn pairs of units by random angles."""

    def angles(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """One angle per pair of units, in radians."""
        raise NotImplementedError

    def unit(self, shape: Shape) -> Any:
        rows = self.side(shape)
        pairs = rows // 2
        angles = self.angles(self.generator(shape), pairs)
        kernel = np.eye(rows)
        first, second = 2 * np.arange(pairs), 2 * np.arange(pairs) + 1
        kernel[first, first] = kernel[second, second] = np.cos(angles)
        kernel[first, second] = np.sin(angles)
        kernel[second, first] = -np.sin(angles)
        return kernel


@register(
    "henaff",
    claims=_claims(
        "rotations of pairs by θ ~ U[-π, π)",
        "Henaff et al. 2016, arXiv:1602.06662",
        use="For simple recurrent nets that must remember for long, as in copying tasks",
        avoid="For LSTM and GRU kernels, which are not square: take initlab_per_gate_orthogonal",
    ),
)
class Henaff(PlaneRotations):
    """Recurrent kernel that turns each pair of units by a random angle.

    Draws `W = gain · exp(A)`, `A` skew-symmetric with 2 x 2 blocks `[[0, θ], [-θ, 0]]` on its diagonal,
    `θ ~ U[-π, π)`. A last unit without a partner keeps its value.

    Args:
        gain: The singular values. Positive, dimensionless.

    Shapes: square, `(units, units)`.

    Raises:
        InputError: If `gain` is not positive, or the kernel is not square.

    Reference: Henaff, Szlam & LeCun 2016, arXiv:1602.06662.

    >>> tuple(Henaff(seed=0)((8, 8)).shape)
    (8, 8)
    """

    def angles(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return rng.uniform(-math.pi, math.pi, count)


@register(
    "cayley",
    claims=_claims(
        "rotations of pairs by θ ~ U[0, π/2)",
        "Helfrich et al. 2018, arXiv:1707.09520",
        use="For recurrent nets that must remember and change slowly: each pair turns by at most a quarter",
        avoid="Where all angles should occur: take initlab_henaff or initlab_haar_so",
    ),
)
class Cayley(PlaneRotations):
    """Recurrent kernel that turns each pair of units by at most a quarter.

    Draws `W = gain · (I + A)⁻¹ (I - A)`, `A` skew-symmetric with 2 x 2 blocks `[[0, s], [-s, 0]]`,
    `s = -√((1 - cos u) / (1 + cos u)) = -tan(u / 2)`, `u ~ U[0, π/2)`: the rotation by `u`.

    Args:
        gain: The singular values. Positive, dimensionless.

    Shapes: square, `(units, units)`.

    Raises:
        InputError: If `gain` is not positive, or the kernel is not square.

    Reference: Helfrich, Willmott & Ye 2018, arXiv:1707.09520; as in Lezcano-Casado &
    Martinez-Rubio 2019, arXiv:1901.08428.

    >>> tuple(Cayley(seed=0)((8, 8)).shape)
    (8, 8)
    """

    def angles(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return rng.uniform(0, math.pi / 2, count)
