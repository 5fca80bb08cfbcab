"""Kernels with a fixed structure."""

from typing import Any

import numpy as np

from keras_initlab.initializers.base import Scheme, Shape, positive
from keras_initlab.registry import Claims, register


def unit_diagonal(values: np.ndarray) -> np.ndarray:
    """Ones on the diagonal, zeros elsewhere, as many as fit."""
    rows, columns = values.shape
    return values - (np.arange(rows)[:, None] == np.arange(columns))


@register(
    "identity",
    claims=Claims(
        law="W = gain · I, padded with zeros or cut",
        reference="Le et al. 2015, arXiv:1504.00941 (recurrent kernels)",
        bound=lambda fans: 1.0,
        exact=unit_diagonal,
        ranks=(2, 2),
        roles=("kernel", "recurrent_kernel"),
    ),
)
class Identity(Scheme):
    """Each output copies the input of the same index.

    Draws `W = gain · I`; a kernel that is not square is padded with zero rows or columns.

    Args:
        gain: The diagonal. Positive, dimensionless.

    Shapes: rank 2. Convolutions need a tap of their own for it.

    Raises:
        InputError: If `gain` is not a positive finite number, or the rank is not 2.

    Reference: Le et al. 2015, arXiv:1504.00941 (as the recurrent kernel of a ReLU network).

    >>> Identity()((2, 3)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """

    def __init__(self, gain: float = 1.0):
        self.gain = positive("gain", gain)

    def draw(self, shape: Shape) -> Any:
        rows, columns = shape
        return self.gain * np.eye(rows, columns)
