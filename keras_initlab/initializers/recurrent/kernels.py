"""Recurrent kernels: what a state becomes one step later."""

from typing import Any

import numpy as np

from keras_initlab.core.arguments import fraction, one_of, positive
from keras_initlab.initializers import kinds
from keras_initlab.initializers.base import Gained, RandomScheme, Shape
from keras_initlab.initializers.registry import register


def largest_eigenvalue_one(values: np.ndarray) -> np.ndarray:
    """Symmetric, positive definite, largest eigenvalue 1."""
    eigenvalues = np.linalg.eigvalsh((values + values.T) / 2)
    return np.array([np.abs(values - values.T).max(), eigenvalues[-1] - 1, min(0, eigenvalues[0])])


def radius_nine_tenths(values: np.ndarray) -> np.ndarray:
    """The spectral radius is 0.9."""
    return np.abs(np.linalg.eigvals(values)).max() - 0.9


def keeps_the_state(values: np.ndarray) -> np.ndarray:
    """The identity."""
    return values - np.eye(len(values))


@register(
    "irnn",
    claims=kinds.recurrent(
        law="W = gain · I",
        reference="Le et al. 2015, arXiv:1504.00941",
        bound=lambda fans: 1.0,
        exact=keeps_the_state,
        shapes=((40, 40), (25, 25)),
        use="For SimpleRNN with ReLU on long sequences: without input the state stays as it is",
        avoid="For gated layers, whose gates need no identity: take initlab_per_gate_orthogonal",
    ),
)
class Irnn(Gained):
    """Recurrent kernel of a ReLU network that holds its state.

    The input kernel goes with it as `RandomNormal(stddev=0.001)`, the bias as zeros.

    Draws `W = gain · I`.

    Args:
        gain: The diagonal: how much of the state is left a step later. Positive; the paper takes 1, and
            0.01 where long memory only disturbs.

    Shapes: square, `(units, units)`.

    Raises:
        InputError: If `gain` is not positive, or the kernel is not square.

    Reference: Le, Jaitly & Hinton 2015, arXiv:1504.00941.

    >>> np.asarray(Irnn()((2, 2))).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    def unit(self, shape: Shape) -> Any:
        return np.eye(self.side(shape))


@register(
    "np_rnn",
    claims=kinds.recurrent(
        law="(A + I)/λ_max, A = RᵀR/n, R ~ N(0, 1)",
        reference="Talathi & Vartak 2015, arXiv:1511.03771",
        bound=lambda fans: 1.0,
        exact=largest_eigenvalue_one,
        shapes=((40, 40), (25, 25)),
        use="For SimpleRNN with ReLU where initlab_irnn diverges: no direction grows, all but one fade",
        avoid="With tanh or gates, for which its positive spectrum was not made: take initlab_orthogonal",
    ),
)
class NpRnn(Gained, RandomScheme):
    """Recurrent kernel of a ReLU network: positive definite with largest eigenvalue one.

    Draws `W = gain · (A + I) / λ_max(A + I)`, `A = RᵀR / n`, `R ~ N(0, 1)` of shape `(n, n)`.

    Args:
        gain: The largest eigenvalue. Positive, dimensionless.

    Shapes: square, `(units, units)`.

    Raises:
        InputError: If `gain` is not positive, or the kernel is not square.

    Reference: Talathi & Vartak 2015, arXiv:1511.03771, section 3.2.

    >>> tuple(NpRnn(seed=0)((8, 8)).shape)
    (8, 8)
    """

    def draw(self, shape: Shape) -> Any:
        units = self.side(shape)
        R = self.generator(shape).normal(size=shape)
        A = R.T @ R / units + np.eye(units)
        return self.gain * A / np.linalg.eigvalsh(A)[-1]


@register(
    "reservoir",
    claims=kinds.recurrent(
        law="sparse U[-1, 1), a ring or a delay line; of spectral radius 0.9",
        reference="Jaeger 2001, GMD Report 148; Rodan & Tino 2011, IEEE Trans. Neural Networks 22",
        exact=radius_nine_tenths,
        shapes=((40, 40), (65, 65)),
        use="For echo state networks, whose recurrent kernel is frozen and only the readout learns",
        avoid="For recurrent layers that are trained: take initlab_orthogonal or initlab_per_gate",
    ),
)
class Reservoir(RandomScheme):
    """Recurrent kernel of an echo state network.

    Draws for `"sparse"` each weight from `U[-1, 1)` with chance `density` and zero otherwise, rescaled
    to spectral radius `radius`. For `"ring"` the weights from unit `i` to `i + 1` and from the last to the
    first are `radius`; for `"delay_line"` the last one is missing, so that a signal fades as it passes
    and leaves after `units` steps.

    Args:
        radius: Largest magnitude of an eigenvalue, or weight of the delay line, which has no eigenvalue
            but zero. Positive; below one signals fade.
        density: Share of weights that are not zero, between 0 and 1; used by `"sparse"` alone.
        topology: `"sparse"`, `"ring"` or `"delay_line"`.

    Shapes: square, `(units, units)`.

    Raises:
        InputError: If `radius` is not positive, `density` does not lie between 0 and 1, `topology` is
            another, the kernel is not square, or its draw is too sparse to have any cycle.

    Reference: Jaeger 2001, GMD Report 148; Rodan & Tino 2011, Minimum complexity echo state network (ring
    and delay line).

    >>> np.asarray(Reservoir(topology="ring", radius=0.5)((3, 3))).tolist()
    [[0.0, 0.5, 0.0], [0.0, 0.0, 0.5], [0.5, 0.0, 0.0]]
    """

    def __init__(self, radius: float = 0.9, density: float = 0.2, topology: str = "sparse", seed: Any = None):
        super().__init__(seed)
        self.radius = positive("radius", radius)
        self.density = fraction("density", density)
        self.topology = one_of("topology", topology, ("sparse", "ring", "delay_line"))

    def draw(self, shape: Shape) -> Any:
        units = self.side(shape)
        if self.topology == "ring":
            return self.radius * np.roll(np.eye(units), 1, axis=1)
        if self.topology == "delay_line":
            return self.radius * np.eye(units, k=1)
        rng = self.generator(shape)
        kernel = rng.uniform(-1, 1, shape) * (rng.uniform(size=shape) < self.density)
        radius = np.abs(np.linalg.eigvals(kernel)).max()
        if radius < 1e-6:
            raise self.refusal(shape, "a kernel large enough for its density to have a cycle")
        return self.radius / radius * kernel
