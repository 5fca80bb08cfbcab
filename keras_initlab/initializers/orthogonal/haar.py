"""Orthogonal kernels."""

from typing import Any

import numpy as np
from keras import ops

from keras_initlab.initializers.base import MatrixScheme, Shape
from keras_initlab.initializers.fans import as_matrix
from keras_initlab.initializers.registry import Claims, register


def orthonormal(values: np.ndarray) -> np.ndarray:
    """The kernel as a matrix `(inputs, outputs)` has orthonormal columns, or rows if it is wide."""
    matrix = as_matrix(values)
    if matrix.shape[0] < matrix.shape[1]:
        matrix = matrix.T
    return matrix.T @ matrix - np.eye(matrix.shape[1])


def uniform_orthogonal(tall: Any) -> Any:
    """The orthogonal factor of a tall normal matrix, or of a stack of them, uniform by its signs."""
    Q, R = ops.qr(tall)
    signs = ops.sign(ops.diagonal(R, axis1=-2, axis2=-1))
    return Q * ops.expand_dims(signs, -2)


@register(
    "orthogonal",
    claims=Claims(
        law="gain · Q, Q uniform among the (semi-)orthogonal matrices",
        reference="Saxe et al. 2014, arXiv:1312.6120",
        mean=0.0,
        bound=lambda fans: 1.0,
        exact=orthonormal,
        ranks=(2, None),
        shapes=((200, 40), (40, 200), (3, 3, 8, 24)),
        use="For deep plain nets and recurrent kernels of one gate, at gain √2 before ReLU",
        avoid="For the fused gates of LSTM and GRU: take initlab_per_gate_orthogonal",
    ),
)
class Orthogonal(MatrixScheme):
    """A random rotation: every singular value of the kernel is the same.

    Draws `W = gain · Q`, where `Q` is the orthogonal factor of a normal matrix with the signs of
    R's diagonal moved into it, which makes `Q` uniform (Haar). Computed in float32, so that it
    exists in half precision too.

    Args:
        gain: The singular values. Positive, dimensionless; √2 suits ReLU.

    Shapes: rank 2 or more, seen as the matrix (inputs, outputs), whose columns are orthonormal, or
    rows if it is wide; `(*receptive_field, in, out)` is the matrix `(receptive_field · in, out)`.

    Raises:
        InputError: If `gain` is not a positive finite number, the rank is below 2, or the axes do not
            name every axis once.

    Reference: Saxe et al. 2014, arXiv:1312.6120; the signs: Mezzadri 2007, arXiv:math-ph/0609050.

    >>> Q = np.asarray(Orthogonal(seed=0)((64, 16)))
    >>> bool(abs(Q.T @ Q - np.eye(16, dtype="float32")).max() < 1e-5)
    True
    """

    def matrix(self, shape: Shape) -> Any:
        rows, columns = self.matrix_shape(shape)
        tall = self.normal((max(rows, columns), min(rows, columns)), seed=self.seed_for(shape))
        Q = uniform_orthogonal(tall)
        return Q if rows >= columns else ops.transpose(Q)
