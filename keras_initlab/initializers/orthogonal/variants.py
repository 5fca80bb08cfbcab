"""Orthogonal kernels with another scale, another place or another distribution."""

import math
from typing import Any

import numpy as np
from keras import ops

from keras_initlab.initializers.base import RandomScheme, Shape, positive
from keras_initlab.initializers.orthogonal.haar import Orthogonal, orthonormal, uniform_orthogonal
from keras_initlab.registry import Claims, register


def mean_square_kept(values: np.ndarray) -> np.ndarray:
    """WᵀW = max(1, outputs/inputs) · I on the smaller side: the mean square of a signal is kept."""
    matrix = values.reshape(-1, values.shape[-1])
    return orthonormal(values / max(1.0, math.sqrt(matrix.shape[1] / matrix.shape[0])))


def glorot_mean_square(values: np.ndarray) -> np.ndarray:
    """The variance of the entries is exactly 2/(inputs + outputs)."""
    matrix = values.reshape(-1, values.shape[-1])
    return matrix.var() * sum(matrix.shape) / 2 - 1


def rotation(values: np.ndarray) -> np.ndarray:
    """QᵀQ = I and det Q = +1."""
    return np.append(orthonormal(values), np.linalg.det(values) - 1)


def gates_orthonormal(values: np.ndarray) -> np.ndarray:
    """Every gate's square block is orthogonal."""
    units = values.shape[0]
    gates = values.reshape(units, -1, units).transpose(1, 0, 2)
    return gates.transpose(0, 2, 1) @ gates - np.eye(units)


def centre_orthonormal(values: np.ndarray) -> np.ndarray:
    """The centre tap has orthonormal rows; all other taps are zero."""
    *window, inputs, _ = values.shape
    centre = tuple((size - 1) // 2 for size in window)
    rest = values.copy()
    rest[centre] = 0
    tap = values[centre]
    return np.append(tap @ tap.T - np.eye(inputs), rest)


@register(
    "scaled_orthogonal",
    claims=Claims(
        law="max(1, √(outputs/inputs)) · Q",
        reference="Martens et al. 2021, arXiv:2110.01765, scaled uniform orthogonal",
        mean=0.0,
        exact=mean_square_kept,
        ranks=(2, None),
        shapes=((200, 40), (40, 200), (3, 3, 8, 24)),
    ),
)
class ScaledOrthogonal(Orthogonal):
    """Orthogonal kernel that keeps the mean square of a signal when the width changes.

    Draws `W = gain · max(1, √(outputs / inputs)) · Q`, `Q` uniform as in `initlab_orthogonal`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means all but the last.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: rank 2 or more, seen as the matrix (inputs, outputs).

    Raises:
        InputError: If `gain` is not positive, the rank is below 2, or the axes do not name every axis
            once.

    Reference: Martens et al. 2021, arXiv:2110.01765, section on scaled uniform orthogonal weights.

    >>> tuple(ScaledOrthogonal(seed=0)((16, 64)).shape)
    (16, 64)
    """

    def draw(self, shape: Shape) -> Any:
        inputs, outputs = self.matrix_shape(shape)
        return max(1.0, math.sqrt(outputs / inputs)) * super().draw(shape)


@register(
    "glorot_orthogonal",
    claims=Claims(
        law="Q rescaled to variance 2/(inputs + outputs)",
        reference="Gasteiger et al. 2020, DimeNet, arXiv:2003.03123",
        mean=0.0,
        exact=glorot_mean_square,
        ranks=(2, None),
        shapes=((200, 40), (40, 200), (3, 3, 8, 24)),
    ),
)
class GlorotOrthogonal(Orthogonal):
    """Orthogonal directions with exactly Glorot's variance.

    Draws `W = gain · Q · √(2 / ((inputs + outputs) · Var Q))`, `Q` as in `initlab_orthogonal` and
    `Var Q` the variance of its entries.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means all but the last.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: rank 2 or more, seen as the matrix (inputs, outputs).

    Raises:
        InputError: If `gain` is not positive, the rank is below 2, or the axes do not name every axis
            once.

    Reference: Gasteiger et al. 2020, arXiv:2003.03123, appendix.

    >>> tuple(GlorotOrthogonal(seed=0)((16, 64)).shape)
    (16, 64)
    """

    def draw(self, shape: Shape) -> Any:
        inputs, outputs = self.matrix_shape(shape)
        Q = super().draw(shape)
        return self.gain * Q * ops.sqrt(2 / ((inputs + outputs) * ops.var(Q)))


@register(
    "haar_so",
    claims=Claims(
        law="Q uniform among the rotations (det Q = +1)",
        reference="Lezcano-Casado & Martinez-Rubio 2019, arXiv:1901.08428; Mezzadri 2007",
        mean=0.0,
        bound=lambda fans: 1.0,
        exact=rotation,
        ranks=(2, 2),
        roles=("kernel", "recurrent_kernel"),
        shapes=((31, 31), (40, 40)),
    ),
)
class HaarSo(Orthogonal):
    """A random rotation proper: an orthogonal kernel that mirrors nothing.

    Draws `W = gain · Q`, `Q` uniform among the orthogonal matrices with determinant +1: a uniform
    orthogonal matrix whose first column changes sign if its determinant is -1.

    Args:
        gain: The singular values. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means all but the last.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: as many inputs as outputs.

    Raises:
        InputError: If `gain` is not positive, or the kernel is not square.

    Reference: Lezcano-Casado & Martinez-Rubio 2019, arXiv:1901.08428.

    >>> round(float(np.linalg.det(np.asarray(HaarSo(seed=1)((7, 7))))), 4)
    1.0
    """

    def draw(self, shape: Shape) -> Any:
        inputs, outputs = self.matrix_shape(shape)
        if inputs != outputs:
            raise self.refusal(shape, "as many inputs as outputs")
        Q = super().draw(shape)
        flip = ops.ones((outputs,), "float32")
        if float(ops.convert_to_numpy(ops.det(Q / self.gain))) < 0:
            flip = ops.concatenate([-flip[:1], flip[1:]])
        return Q * flip


@register(
    "per_gate_orthogonal",
    claims=Claims(
        law="one uniform orthogonal block per gate",
        reference="github.com/keras-team/keras/issues/9149; Saxe et al. 2014, arXiv:1312.6120",
        mean=0.0,
        bound=lambda fans: 1.0,
        exact=gates_orthonormal,
        ranks=(2, 2),
        roles=("recurrent_kernel",),
        shapes=((20, 80), (30, 90), (40, 40)),
    ),
)
class PerGateOrthogonal(RandomScheme):
    """Recurrent kernel with an orthogonal matrix for every gate.

    Keras's default draws one wide semi-orthogonal matrix for all gates, so that each gate's own matrix
    has singular values of about one half.

    Draws `W = gain · [Q_1 … Q_G]`, independent uniform orthogonal blocks, `G = columns / units`.

    Args:
        gain: The singular values of each gate. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.

    Shapes: `(units, G · units)`: SimpleRNN has one gate, GRU three, LSTM four.

    Raises:
        InputError: If `gain` is not positive, or the columns are no multiple of the rows.

    Reference: Saxe et al. 2014, arXiv:1312.6120, applied per gate (Keras issue 9149).

    >>> tuple(PerGateOrthogonal(seed=0)((16, 64)).shape)
    (16, 64)
    """

    def __init__(self, gain: float = 1.0, seed: Any = None):
        super().__init__(seed)
        self.gain = positive("gain", gain)

    def draw(self, shape: Shape) -> Any:
        units, columns = shape
        if columns % units:
            raise self.refusal(shape, "columns that are a multiple of the rows (units, gates · units)")
        gates = columns // units
        tall = self.normal((gates, units, units), seed=self.seed_for(shape))
        blocks = self.gain * uniform_orthogonal(tall)
        return ops.reshape(ops.transpose(blocks, (1, 0, 2)), shape)


@register(
    "delta_orthogonal",
    claims=Claims(
        law="orthonormal rows at the centre tap, zeros elsewhere",
        reference="Xiao et al. 2018, arXiv:1806.05393",
        mean=0.0,
        bound=lambda fans: 1.0,
        exact=centre_orthonormal,
        ranks=(3, 5),
        roles=("kernel",),
        shapes=((5, 20, 30), (3, 3, 16, 24), (3, 3, 3, 4, 6)),
    ),
)
class DeltaOrthogonal(RandomScheme):
    """Convolution that keeps the norm of every image: trains nets of ten thousand layers.

    Draws an `(in, out)` matrix with orthonormal rows at the centre tap, `(size - 1) // 2`, and zeros at
    all others.

    Args:
        gain: The singular values. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.

    Shapes: rank 3 to 5, `(*window, in, out)` with `in <= out`.

    Raises:
        InputError: If `gain` is not positive, there are fewer outputs than inputs, or the rank is
            another.

    Reference: Xiao et al. 2018, arXiv:1806.05393, section 3.

    >>> tuple(DeltaOrthogonal(seed=0)((3, 3, 8, 16)).shape)
    (3, 3, 8, 16)
    """

    def __init__(self, gain: float = 1.0, seed: Any = None):
        super().__init__(seed)
        self.gain = positive("gain", gain)

    def draw(self, shape: Shape) -> Any:
        *window, inputs, outputs = shape
        if inputs > outputs:
            raise self.refusal(shape, "at least as many outputs as inputs")
        tall = self.normal((outputs, inputs), seed=self.seed_for(shape))
        tap = self.gain * ops.transpose(uniform_orthogonal(tall))
        before = [(size - 1) // 2 for size in window]
        padding = [(low, size - 1 - low) for low, size in zip(before, window, strict=True)]
        taps = ops.reshape(tap, (*([1] * len(window)), inputs, outputs))
        return ops.pad(taps, [*padding, (0, 0), (0, 0)])
