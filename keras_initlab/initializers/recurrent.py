"""Recurrent kernels and the biases of gates."""

import math
from typing import Any

import numpy as np

from keras_initlab.errors import InputError
from keras_initlab.initializers.base import (
    RandomScheme,
    Scheme,
    Shape,
    finite,
    fraction,
    one_of,
    positive,
)
from keras_initlab.registry import Claims, register


def largest_eigenvalue_one(values: np.ndarray) -> np.ndarray:
    """Symmetric, positive definite, largest eigenvalue 1."""
    eigenvalues = np.linalg.eigvalsh((values + values.T) / 2)
    return np.array([np.abs(values - values.T).max(), eigenvalues[-1] - 1, min(0, eigenvalues[0])])


def radius_nine_tenths(values: np.ndarray) -> np.ndarray:
    """The spectral radius is 0.9."""
    return np.abs(np.linalg.eigvals(values)).max() - 0.9


def forget_ones(values: np.ndarray) -> np.ndarray:
    """One for the second of four gates, zero for the others."""
    gates = values.reshape(4, -1)
    return gates - np.array([0, 1, 0, 0])[:, None]


def opposite_gates(values: np.ndarray) -> np.ndarray:
    """The input gate has minus the forget gate's biases; cell and output gate have none."""
    into, forget, cell, out = values.reshape(4, -1)
    return np.concatenate([into + forget, cell, out])


def chrono_range(values: np.ndarray) -> np.ndarray:
    """As opposite gates, with forget biases in [0, ln 99]."""
    forget = values.reshape(4, -1)[1]
    beyond = np.maximum(0, np.maximum(-forget, forget - math.log(99)))
    return np.concatenate([opposite_gates(values), beyond])


def _square(scheme: Scheme, shape: Shape) -> int:
    if shape[0] != shape[1]:
        raise scheme.refusal(shape, "as many rows as columns")
    return shape[0]


def _gates(scheme: Scheme, shape: Shape) -> int:
    """Units of an LSTM whose bias has `shape`."""
    if shape[0] % 4:
        raise scheme.refusal(shape, "the bias of an LSTM, (4 · units,)")
    return shape[0] // 4


@register(
    "np_rnn",
    claims=Claims(
        law="(A + I)/λ_max, A = RᵀR/n, R ~ N(0, 1)",
        reference="Talathi & Vartak 2016, arXiv:1511.03771",
        bound=lambda fans: 1.0,
        exact=largest_eigenvalue_one,
        ranks=(2, 2),
        roles=("recurrent_kernel",),
        shapes=((40, 40), (25, 25)),
    ),
)
class NpRnn(RandomScheme):
    """Recurrent kernel of a ReLU network: positive definite with largest eigenvalue one.

    Draws `W = gain · (A + I) / λ_max(A + I)`, `A = RᵀR / n`, `R ~ N(0, 1)` of shape `(n, n)`.

    Args:
        gain: The largest eigenvalue. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.

    Shapes: square, `(units, units)`.

    Raises:
        InputError: If `gain` is not positive, or the kernel is not square.

    Reference: Talathi & Vartak 2016, arXiv:1511.03771, section 3.2.

    >>> tuple(NpRnn(seed=0)((8, 8)).shape)
    (8, 8)
    """

    def __init__(self, gain: float = 1.0, seed: Any = None):
        super().__init__(seed)
        self.gain = positive("gain", gain)

    def draw(self, shape: Shape) -> Any:
        units = _square(self, shape)
        R = self.generator(shape).normal(size=shape)
        A = R.T @ R / units + np.eye(units)
        return self.gain * A / np.linalg.eigvalsh(A)[-1]


@register(
    "reservoir",
    claims=Claims(
        law="sparse U[-1, 1) (or a ring) rescaled to spectral radius 0.9",
        reference="Jaeger 2001, GMD Report 148; Rodan & Tino 2011, IEEE Trans. Neural Networks 22",
        exact=radius_nine_tenths,
        ranks=(2, 2),
        roles=("recurrent_kernel",),
        shapes=((40, 40), (65, 65)),
    ),
)
class Reservoir(RandomScheme):
    """Recurrent kernel of an echo state network.

    Draws for `"sparse"` each weight from `U[-1, 1)` with chance `density` and zero otherwise, rescaled
    to spectral radius `radius`; for `"ring"` the weights from unit `i` to `i + 1` and from the last to the
    first are `radius`.

    Args:
        radius: Largest magnitude of an eigenvalue. Positive; below one signals fade.
        density: Share of weights that are not zero, between 0 and 1; not used by the ring.
        topology: `"sparse"` or `"ring"`.
        seed: None, an integer or a `keras.random.SeedGenerator`.

    Shapes: square, `(units, units)`.

    Raises:
        InputError: If `radius` is not positive, `density` does not lie between 0 and 1, `topology` is
            another, the kernel is not square, or its draw is too sparse to have any cycle.

    Reference: Jaeger 2001, GMD Report 148; Rodan & Tino 2011, Minimum complexity echo state network.

    >>> np.asarray(Reservoir(topology="ring", radius=0.5)((3, 3))).tolist()
    [[0.0, 0.5, 0.0], [0.0, 0.0, 0.5], [0.5, 0.0, 0.0]]
    """

    def __init__(self, radius: float = 0.9, density: float = 0.2, topology: str = "sparse", seed: Any = None):
        super().__init__(seed)
        self.radius = positive("radius", radius)
        self.density = fraction("density", density)
        self.topology = one_of("topology", topology, ("sparse", "ring"))

    def draw(self, shape: Shape) -> Any:
        units = _square(self, shape)
        if self.topology == "ring":
            return self.radius * np.roll(np.eye(units), 1, axis=1)
        rng = self.generator(shape)
        kernel = rng.uniform(-1, 1, shape) * (rng.uniform(size=shape) < self.density)
        radius = np.abs(np.linalg.eigvals(kernel)).max()
        if radius < 1e-6:
            raise self.refusal(shape, "a kernel large enough for its density to have a cycle")
        return self.radius / radius * kernel


@register(
    "forget_bias",
    claims=Claims(
        law="1 for the forget gate, 0 for the others",
        reference="Jozefowicz et al. 2015, ICML, section 4",
        bound=lambda fans: 1.0,
        exact=forget_ones,
        ranks=(1, 1),
        roles=("bias",),
        shapes=((80,), (12,)),
    ),
)
class ForgetBias(Scheme):
    """Bias of an LSTM that starts by remembering.

    Draws `value` for the second of four gates (Keras's order is input, forget, cell, output) and zero for
    the others. Build the layer with `unit_forget_bias=False`.

    Args:
        value: The forget gate's bias.

    Shapes: rank 1, `(4 · units,)`.

    Raises:
        InputError: If `value` is not finite, or the shape is no LSTM's.

    Reference: Jozefowicz, Zaremba & Sutskever 2015, ICML, section 4.

    >>> np.asarray(ForgetBias()((4,))).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """

    def __init__(self, value: float = 1.0):
        self.value = finite("value", value)

    def draw(self, shape: Shape) -> Any:
        units = _gates(self, shape)
        return np.repeat([0.0, self.value, 0.0, 0.0], units)


@register(
    "chrono_bias",
    claims=Claims(
        law="b_forget = ln U[1, T-1], b_input = -b_forget, others 0; T = 100",
        reference="Tallec & Ollivier 2018, arXiv:1804.11188",
        exact=chrono_range,
        ranks=(1, 1),
        roles=("bias",),
        shapes=((800,), (12,)),
    ),
)
class ChronoBias(RandomScheme):
    """Bias of an LSTM whose memories last up to a given number of steps.

    Draws `b_forget = ln(u)`, `u ~ U[1, timescale - 1)`, and `b_input = -b_forget`; the other gates have
    none. Build the layer with `unit_forget_bias=False`.

    Args:
        timescale: T, the longest dependence in steps. Above 2.
        seed: None, an integer or a `keras.random.SeedGenerator`.

    Shapes: rank 1, `(4 · units,)`.

    Raises:
        InputError: If `timescale <= 2`, or the shape is no LSTM's.

    Reference: Tallec & Ollivier 2018, arXiv:1804.11188, section 2.

    >>> bias = np.asarray(ChronoBias(seed=0)((4,)))
    >>> bool(bias[0] == -bias[1])
    True
    """

    def __init__(self, timescale: float = 100.0, seed: Any = None):
        super().__init__(seed)
        self.timescale = finite("timescale", timescale)
        if self.timescale <= 2:
            raise InputError(f"`timescale` must be above 2; got {timescale!r}.")

    def draw(self, shape: Shape) -> Any:
        units = _gates(self, shape)
        forget = np.log(self.generator(shape).uniform(1, self.timescale - 1, units))
        return np.concatenate([-forget, forget, np.zeros(2 * units)])


@register(
    "uniform_gate_bias",
    claims=Claims(
        law="b_forget = logit U[1/d, 1-1/d], b_input = -b_forget, others 0; d units",
        reference="Gu et al. 2020, arXiv:1910.09890",
        exact=opposite_gates,
        ranks=(1, 1),
        roles=("bias",),
        shapes=((800,), (12,)),
    ),
)
class UniformGateBias(RandomScheme):
    """Bias of an LSTM whose forget gates are spread evenly between closed and open.

    Draws `b_forget = ln(u / (1 - u))`, `u ~ U[1/d, 1 - 1/d)` with `d` units, and `b_input = -b_forget`;
    the other gates have none. Build the layer with `unit_forget_bias=False`.

    Args:
        seed: None, an integer or a `keras.random.SeedGenerator`.

    Shapes: rank 1, `(4 · units,)`, of three units or more.

    Raises:
        InputError: If the shape is no LSTM's, or has fewer units.

    Reference: Gu et al. 2020, Improving the gating mechanism of recurrent neural networks,
    arXiv:1910.09890.

    >>> tuple(UniformGateBias(seed=0)((64,)).shape)
    (64,)
    """

    def draw(self, shape: Shape) -> Any:
        units = _gates(self, shape)
        if units < 3:
            raise self.refusal(shape, "three units or more")
        open_ = self.generator(shape).uniform(1 / units, 1 - 1 / units, units)
        forget = np.log(open_ / (1 - open_))
        return np.concatenate([-forget, forget, np.zeros(2 * units)])
