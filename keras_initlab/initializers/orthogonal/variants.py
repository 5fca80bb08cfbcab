"""Orthogonal kernels with another scale, another place or another distribution."""

import math
from typing import Any

import numpy as np
from keras import ops

from keras_initlab.initializers import kinds
from keras_initlab.initializers.base import Gained, RandomScheme, Shape
from keras_initlab.initializers.fans import as_matrix
from keras_initlab.initializers.orthogonal.haar import Orthogonal, orthonormal, uniform_orthogonal
from keras_initlab.initializers.registry import Claims, register


def mean_square_kept(values: np.ndarray) -> np.ndarray:
    """WᵀW = max(1, outputs/inputs) · I on the smaller side: the mean square of a signal is kept."""
    matrix = as_matrix(values)
    return orthonormal(values / max(1.0, math.sqrt(matrix.shape[1] / matrix.shape[0])))


def glorot_mean_square(values: np.ndarray) -> np.ndarray:
    """The variance of the entries is exactly 2/(inputs + outputs)."""
    matrix = as_matrix(values)
    return matrix.var() * sum(matrix.shape) / 2 - 1


def rotation(values: np.ndarray) -> np.ndarray:
    """QᵀQ = I and det Q = +1."""
    return np.append(orthonormal(values), np.linalg.det(values) - 1)


def gates_orthonormal(values: np.ndarray) -> np.ndarray:
    """Every gate's square block is orthogonal."""
    units = values.shape[0]
    gates = values.reshape(units, -1, units).transpose(1, 0, 2)
    return gates.transpose(0, 2, 1) @ gates - np.eye(units)


def unit_standardized(values: np.ndarray) -> np.ndarray:
    """Each unit's weights have mean 0 and unbiased variance 1/fan_in."""
    matrix = as_matrix(values)
    return np.append(matrix.mean(axis=0), len(matrix) * matrix.var(axis=0, ddof=1) - 1)


@register(
    "scaled_orthogonal",
    claims=Claims(
        law="max(1, √(outputs/inputs)) · Q",
        reference="Martens et al. 2021, arXiv:2110.01765, scaled uniform orthogonal",
        mean=0.0,
        exact=mean_square_kept,
        ranks=(2, None),
        shapes=((200, 40), (40, 200), (3, 3, 8, 24)),
        use="For plain nets whose width changes from layer to layer",
        avoid="Before ReLU without a gain of √2, or where norms must keep instead: take initlab_orthogonal",
    ),
)
class ScaledOrthogonal(Orthogonal):
    """Orthogonal kernel that keeps the mean square of a signal when the width changes.

    Draws `W = gain · max(1, √(outputs / inputs)) · Q`, `Q` uniform as in `initlab_orthogonal`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.

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
        use="For graph networks such as DimeNet, and dense layers before swish or tanh",
        avoid="Where every singular value must be one: take initlab_orthogonal",
    ),
)
class GlorotOrthogonal(Orthogonal):
    """Orthogonal directions with exactly Glorot's variance.

    Draws `W = gain · Q · √(2 / ((inputs + outputs) · Var Q))`, `Q` as in `initlab_orthogonal` and
    `Var Q` the variance of its entries.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.

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
    "he_orthogonal",
    claims=Claims(
        law="Q with each unit's weights shifted and scaled to mean 0 and variance 1/fan_in",
        reference="Gasteiger et al. 2021, GemNet, arXiv:2106.08903",
        mean=0.0,
        std=lambda fans: math.sqrt((fans.fan_in - 1) / fans.fan_in**2),
        exact=unit_standardized,
        ranks=(2, None),
        shapes=((200, 40), (40, 200), (3, 3, 8, 24)),
        use="For graph networks such as GemNet, whose activations are scaled to unit variance",
        avoid="Before ReLU without a gain of √2, where the signal's power halves: take initlab_he_normal",
    ),
)
class HeOrthogonal(Orthogonal):
    """Nearly orthogonal units, each with weights of mean zero and the same variance.

    Named after He by its authors, although it lacks the factor 2 for ReLU: their networks scale the
    activations instead.

    Draws `W = gain · (Q - mean) / (std · √inputs)`, with `Q` as in `initlab_orthogonal` and each unit's
    mean and (unbiased) standard deviation over its inputs.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.

    Shapes: rank 2 or more, seen as the matrix (inputs, outputs), of at least two inputs.

    Raises:
        InputError: If `gain` is not positive, the rank is below 2, there is one input only, or the axes
            do not name every axis once.

    Reference: Gasteiger, Becker & Günnemann 2021, arXiv:2106.08903, and its published code.

    >>> tuple(HeOrthogonal(seed=0)((16, 64)).shape)
    (16, 64)
    """

    def matrix(self, shape: Shape) -> Any:
        inputs, _ = self.matrix_shape(shape)
        if inputs < 2:
            raise self.refusal(shape, "at least two inputs")
        Q = super().matrix(shape)
        centred = Q - ops.mean(Q, axis=0)
        variance = ops.sum(ops.square(centred), axis=0) / (inputs - 1)
        return centred / ops.sqrt(inputs * variance)


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
        use="For recurrent kernels that are parametrized as rotations, whose determinant must be +1",
        avoid="For kernels that are not square: take initlab_orthogonal",
    ),
)
class HaarSo(Orthogonal):
    """A random rotation proper: an orthogonal kernel that mirrors nothing.

    Draws `W = gain · Q`, `Q` uniform among the orthogonal matrices with determinant +1: a uniform
    orthogonal matrix whose first column changes sign if its determinant is -1.

    Args:
        gain: The singular values. Positive, dimensionless.

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
    claims=kinds.recurrent(
        law="one uniform orthogonal block per gate",
        reference="github.com/keras-team/keras/issues/9149; Saxe et al. 2014, arXiv:1312.6120",
        mean=0.0,
        bound=lambda fans: 1.0,
        exact=gates_orthonormal,
        shapes=((20, 80), (30, 90), (40, 40)),
        use="For the recurrent kernels of LSTM and GRU, whose gates each get a rotation",
        avoid="For kernels that read the input: take initlab_glorot_uniform",
    ),
)
class PerGateOrthogonal(Gained, RandomScheme):
    """Recurrent kernel with an orthogonal matrix for every gate.

    Keras's default draws one wide semi-orthogonal matrix for all gates, so that each gate's own matrix
    has singular values of about one half.

    Draws `W = gain · [Q_1 … Q_G]`, independent uniform orthogonal blocks, `G = columns / units`.

    Args:
        gain: The singular values of each gate. Positive, dimensionless.

    Shapes: `(units, G · units)`: SimpleRNN has one gate, GRU three, LSTM four.

    Raises:
        InputError: If `gain` is not positive, or the columns are no multiple of the rows.

    Reference: Saxe et al. 2014, arXiv:1312.6120, applied per gate (Keras issue 9149).

    >>> tuple(PerGateOrthogonal(seed=0)((16, 64)).shape)
    (16, 64)
    """

    def unit(self, shape: Shape) -> Any:
        units, columns = shape
        if columns % units:
            raise self.refusal(shape, "columns that are a multiple of the rows (units, gates · units)")
        gates = columns // units
        tall = self.normal((gates, units, units), seed=self.seed_for(shape))
        blocks = uniform_orthogonal(tall)
        return ops.reshape(ops.transpose(blocks, (1, 0, 2)), shape)
