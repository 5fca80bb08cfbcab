"""Orthogonal kernels most of whose entries are zero."""

import math
from typing import Any

import numpy as np

from keras_initlab.core.arguments import fraction
from keras_initlab.initializers.base import MatrixScheme, Shape
from keras_initlab.initializers.orthogonal.haar import orthonormal
from keras_initlab.initializers.registry import Claims, register


def orthonormal_and_a_tenth(values: np.ndarray) -> np.ndarray:
    """Orthonormal columns, or rows if wide, and a tenth of the entries not zero, to one row's length."""
    excess = (values != 0).mean() - 0.1
    longer = max(values.size // values.shape[-1], values.shape[-1])
    return np.append(orthonormal(values), [min(excess, 0), max(excess - 1 / longer, 0)])


@register(
    "sparse_orthogonal",
    claims=Claims(
        law="products of random plane rotations, until a tenth of the entries is not zero",
        reference="Nowak et al. 2024, arXiv:2406.01755, exact orthogonal initialization",
        bound=lambda fans: 1.0,
        exact=orthonormal_and_a_tenth,
        ranks=(2, None),
        shapes=((200, 40), (40, 200), (60, 60), (3, 3, 8, 24)),
        use="For nets that are trained sparse from the start, with the zeros held by a mask",
        avoid="Where the zeros may fill in: take initlab_orthogonal",
    ),
)
class SparseOrthogonal(MatrixScheme):
    """Orthogonal kernel with a chosen share of weights that are not zero.

    Exactly orthogonal, where pruning an orthogonal kernel is not. The shape with ones on its diagonal
    already has the density `1 / max(inputs, outputs)`, the least that there is.

    Draws `W = gain · G_1 ⋯ G_k I`, each `G` turning a random pair of the longer side's axes by an angle of
    `U[0, 2π)`, until the share of entries that are not zero reaches `density`; the last rotation may
    exceed it by less than `1 / max(inputs, outputs)`.

    Args:
        density: Share of entries that are not zero, between 0 and 1.
        gain: The singular values. Positive, dimensionless; √2 suits ReLU.

    Shapes: rank 2 or more, seen as the matrix (inputs, outputs); the paper puts such a matrix at the
    centre tap of a convolution.

    Raises:
        InputError: If `density` does not lie between 0 and 1, `gain` is not positive, the rank is below 2,
            or the axes do not name every axis once.

    Reference: Nowak et al. 2024, Sparser, Better, Deeper, Stronger, arXiv:2406.01755.

    >>> Q = np.asarray(SparseOrthogonal(0.2, seed=0)((50, 20)))
    >>> bool(0.2 <= (Q != 0).mean() < 0.22)
    True
    """

    def __init__(self, density: float = 0.1, *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.density = fraction("density", density)

    def matrix(self, shape: Shape) -> Any:
        inputs, outputs = self.matrix_shape(shape)
        tall = self._tall(self.generator(shape), max(inputs, outputs), min(inputs, outputs))
        return tall if inputs >= outputs else tall.T

    def _tall(self, rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
        """Orthonormal columns, sparse."""
        matrix = np.eye(rows, columns)
        filled = columns
        while filled < self.density * matrix.size:
            pair = rng.choice(rows, 2, replace=False, shuffle=False)
            angle = rng.uniform(0, 2 * math.pi)
            cosine, sine = math.cos(angle), math.sin(angle)
            before = matrix[pair]
            matrix[pair] = np.array([[cosine, -sine], [sine, cosine]]) @ before
            filled += int(np.count_nonzero(matrix[pair]) - np.count_nonzero(before))
        return matrix
