"""Kernels with a fixed structure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_initlab.initializers.base import AxesAware, Scheme, Shape, positive
from keras_initlab.registry import Claims, register


def copies_inputs(values: np.ndarray) -> np.ndarray:
    """Ones where input and output have the same index, at the centre tap; zeros elsewhere."""
    *window, inputs, outputs = values.shape
    expected = np.zeros(values.shape)
    centre = tuple((size - 1) // 2 for size in window)
    for index in range(min(inputs, outputs)):
        expected[(*centre, index, index)] = 1
    return values - expected


@register(
    "identity",
    claims=Claims(
        law="W = gain · I, padded with zeros or cut",
        reference="Le et al. 2015, arXiv:1504.00941; Zagoruyko & Komodakis 2017, arXiv:1706.00388",
        bound=lambda fans: 1.0,
        exact=copies_inputs,
        ranks=(2, None),
        roles=("kernel", "recurrent_kernel"),
    ),
)
class Identity(Scheme, AxesAware):
    """Each output copies the input of the same index.

    Draws `W = gain · I`, padded with zeros if there are more outputs than inputs or the reverse. A
    convolution has it at its centre tap, `(size - 1) // 2` for padding "same", and zeros elsewhere.

    Args:
        gain: The diagonal. Positive, dimensionless.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: rank 2 or more; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, the rank is below 2, or the axes do not
            name every axis once.

    Reference: Le et al. 2015, arXiv:1504.00941 (as the recurrent kernel of a ReLU network);
    Zagoruyko & Komodakis 2017, arXiv:1706.00388 (convolutions).

    >>> Identity()((2, 3)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """

    seed = None  # EinsumDense copies it into the config of any descendant of VarianceScaling

    def __init__(
        self,
        gain: float = 1.0,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        self.gain = positive("gain", gain)
        self._set_axes(input_axes, output_axes)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Identity":
        return cls(**{name: value for name, value in config.items() if name != "seed"})

    def draw(self, shape: Shape) -> Any:
        if self.input_axes is not None:
            return self.from_matrix(self.gain * np.eye(*self.matrix_shape(shape)), shape)
        *window, inputs, outputs = shape
        kernel = np.zeros(shape)
        kernel[tuple((size - 1) // 2 for size in window)] = self.gain * np.eye(inputs, outputs)
        return kernel
