"""Diagonal state matrices and their time steps (S4D, LRU, Mamba)."""

import math
from typing import Any

import numpy as np

from keras_initlab.core.arguments import finite, one_of, positive, refused
from keras_initlab.initializers import kinds
from keras_initlab.initializers.base import RandomScheme, Scheme, Shape
from keras_initlab.initializers.registry import register


def counts_down(values: np.ndarray) -> np.ndarray:
    """-1, -2, …, -n along the last axis."""
    return values + np.arange(1, values.shape[-1] + 1)


def even_spacing(values: np.ndarray) -> np.ndarray:
    """0, π, 2π, … along the last axis."""
    return (values - np.pi * np.arange(values.shape[-1])) / np.maximum(1, np.abs(values))


def logs(values: np.ndarray) -> np.ndarray:
    """ln 1, ln 2, …, ln n along the last axis."""
    return np.exp(values) / np.arange(1, values.shape[-1] + 1) - 1


def step_range(values: np.ndarray) -> np.ndarray:
    """softplus of it lies in [0.001, 0.1] and comes near both ends."""
    steps = np.log1p(np.exp(values))
    beyond = np.maximum(0.001 - steps, steps - 0.1)
    short = [0.0975 - steps.max(), steps.min() - 0.001025]
    return np.maximum(0, np.append(beyond, short))


def ring_of_eigenvalues(values: np.ndarray) -> np.ndarray:
    """|λ| = exp(-exp ν) lies in [0.4, 0.99], and |λ|² is uniform there (Kolmogorov-Smirnov)."""
    radius = np.exp(-np.exp(values))
    squares = np.sort(((radius**2 - 0.4**2) / (0.99**2 - 0.4**2)).ravel())
    uniform = np.arange(1, squares.size + 1) / squares.size
    beyond = np.maximum(0, np.maximum(0.4 - radius, radius - 0.99))
    distance = np.abs(squares - uniform).max()
    return np.append(beyond, max(0.0, distance - 2.5 / math.sqrt(squares.size)))


def ring_of_phases(values: np.ndarray) -> np.ndarray:
    """exp θ is uniform between 0 and 2π (Kolmogorov-Smirnov)."""
    turns = np.sort(np.exp(values).ravel()) / (2 * math.pi)
    uniform = np.arange(1, turns.size + 1) / turns.size
    distance = np.abs(turns - uniform).max()
    return np.array([max(0.0, turns[-1] - 1), max(0.0, distance - 2.5 / math.sqrt(turns.size))])


@register(
    "s4d_real",
    claims=kinds.state(
        law="-(n + 1) along the last axis",
        reference="Gu et al. 2022, S4D, arXiv:2206.11893",
        exact=counts_down,
        shapes=((16,), (5, 9)),
        use="For diagonal state-space layers with a real state, as a short memory that costs half",
        avoid="Where the state is complex: take initlab_s4d_imag with real parts of -1/2",
    ),
)
class S4dReal(Scheme):
    """Real eigenvalues of a diagonal state matrix: those of HiPPO-LegS.

    Draws `λ_n = -(n + 1)` along the last axis, the same for all others.

    Shapes: rank 1 or more, `(*channels, state)`.

    Reference: Gu et al. 2022, arXiv:2206.11893, section 4.

    >>> np.asarray(S4dReal()((3,))).tolist()
    [-1.0, -2.0, -3.0]
    """

    def draw(self, shape: Shape) -> Any:
        return np.broadcast_to(-np.arange(1.0, shape[-1] + 1), shape)


@register(
    "s4d_imag",
    claims=kinds.state(
        law="lin: πn; inv: (N/π)(N/(2n+1) - 1), N twice the axis; by default lin",
        reference="Gu et al. 2022, S4D, arXiv:2206.11893, eq. 8 and 9",
        exact=even_spacing,
        shapes=((16,), (5, 9)),
        use="For S4D layers with a complex state on long sequences; the real parts are Constant(-0.5)",
        avoid="Where the state is real: take initlab_s4d_real",
    ),
)
class S4dImag(Scheme):
    """Imaginary parts of the eigenvalues of a diagonal state matrix; the real parts are -1/2.

    The axis holds one eigenvalue of each conjugate pair, half of the N states. `"inv"` comes near the
    eigenvalues of HiPPO-LegS, `"lin"` near those of HiPPO-Fourier.

    Draws along the last axis `π n` (`"lin"`) or `(N / π)(N / (2 n + 1) - 1)` (`"inv"`), n from 0, N twice
    the length of the axis.

    Args:
        spacing: `"lin"` or `"inv"`.

    Shapes: rank 1 or more, `(*channels, state)`.

    Raises:
        InputError: If `spacing` is another, or the rank is 0.

    Reference: Gu et al. 2022, arXiv:2206.11893, section 4.

    >>> [round(float(value), 4) for value in np.asarray(S4dImag()((2,)))]
    [0.0, 3.1416]
    """

    def __init__(self, spacing: str = "lin"):
        self.spacing = one_of("spacing", spacing, ("lin", "inv"))

    def draw(self, shape: Shape) -> Any:
        size, n = 2 * shape[-1], np.arange(shape[-1])
        lin, inv = np.pi * n, size / np.pi * (size / (2 * n + 1) - 1)
        return np.broadcast_to(lin if self.spacing == "lin" else inv, shape)


@register(
    "lru_ring",
    claims=kinds.state(
        law="ν = ln(-½ ln(u (r₁² - r₀²) + r₀²)), u ~ U(0, 1]; r₀ = 0.4, r₁ = 0.99",
        reference="Orvieto et al. 2023, arXiv:2303.06349, lemma 3.2",
        exact=ring_of_eigenvalues,
        shapes=((4096,), (64, 50)),
        use="For linear recurrent units: `outer` near 1 gives long memory, and no eigenvalue exceeds it",
        avoid="For state-space layers in continuous time, whose eigenvalues lie left of zero: take "
        "initlab_s4d_imag",
    ),
)
class LruRing(RandomScheme):
    """Log decay rates whose eigenvalues lie evenly on a ring of the complex plane.

    Draws `ν = ln(-½ ln(u (r₁² - r₀²) + r₀²))`, `u ~ U(0, 1]`; the eigenvalue's magnitude is
    `|λ| = exp(-exp ν)`, so that `|λ|²` is uniform. The layer makes its `γ = √(1 - |λ|²)` of the same ν.

    Args:
        inner: r₀, the least magnitude. At least 0.
        outer: r₁, the largest. Above `inner`, below 1.

    Shapes: rank 1 or more.

    Raises:
        InputError: If not `0 <= inner < outer < 1`, or the rank is 0.

    Reference: Orvieto et al. 2023, arXiv:2303.06349, lemma 3.2.

    >>> tuple(LruRing(seed=0)((16,)).shape)
    (16,)
    """

    def __init__(self, inner: float = 0.4, outer: float = 0.99, seed: Any = None):
        super().__init__(seed)
        self.inner = finite("inner", inner)
        self.outer = finite("outer", outer)
        if not 0 <= self.inner < self.outer < 1:
            raise refused("(inner, outer)", (inner, outer), "0 <= inner < outer < 1")

    def draw(self, shape: Shape) -> Any:
        u = 1 - self.generator(shape).uniform(size=shape)  # in (0, 1]: the logarithm exists
        square = u * (self.outer**2 - self.inner**2) + self.inner**2
        return np.log(-0.5 * np.log(square))


@register(
    "lru_phase",
    claims=kinds.state(
        law="θ = ln(u φ), u ~ U(0, 1]; φ = 2π",
        reference="Orvieto et al. 2023, arXiv:2303.06349, lemma 3.2",
        exact=ring_of_phases,
        shapes=((4096,), (64, 50)),
        use="For linear recurrent units, beside initlab_lru_ring; a small `largest` for long sequences",
        avoid="For units whose state is real, which have no phase: take initlab_lru_ring alone",
    ),
)
class LruPhase(RandomScheme):
    """Log phases of eigenvalues that lie evenly on a ring, or on a part of it.

    Draws `θ = ln(u φ)`, `u ~ U(0, 1]`; the eigenvalue's phase is `exp θ`, uniform between 0 and φ.

    Args:
        largest: φ, the largest phase in radians. Above 0, at most 2π; π/10 for very long sequences.

    Shapes: rank 1 or more.

    Raises:
        InputError: If not `0 < largest <= 2π`, or the rank is 0.

    Reference: Orvieto et al. 2023, arXiv:2303.06349, lemma 3.2 and section 3.4.

    >>> tuple(LruPhase(seed=0)((16,)).shape)
    (16,)
    """

    def __init__(self, largest: float = 2 * math.pi, seed: Any = None):
        super().__init__(seed)
        self.largest = positive("largest", largest)
        if self.largest > 2 * math.pi:
            raise refused("largest", largest, "at most 2π radians")

    def draw(self, shape: Shape) -> Any:
        u = 1 - self.generator(shape).uniform(size=shape)  # in (0, 1]: the logarithm exists
        return np.log(u * self.largest)


@register(
    "mamba_dt",
    claims=kinds.bias(
        law="softplus⁻¹(dt), ln dt ~ U[ln 0.001, ln 0.1), dt at least 0.0001",
        reference="Gu & Dao 2023, Mamba, arXiv:2312.00752, section 3.6",
        exact=step_range,
        shapes=((4096,),),
        use="For the bias of the step-size projection in Mamba and other selective state-space layers",
        avoid="For any other bias, which it makes negative: take initlab_zeros",
    ),
)
class MambaDt(RandomScheme):
    """Bias of Mamba's step-size projection: steps spread over two decades.

    Draws `b = dt + ln(1 - exp(-dt))`, the inverse of softplus, with `ln dt ~ U[ln smallest, ln largest)` and
    `dt` raised to `floor`.

    Args:
        smallest: Least step. Positive.
        largest: Largest step. Above `smallest`.
        floor: Steps below it are raised to it. Positive.

    Shapes: rank 1.

    Raises:
        InputError: If `largest <= smallest`, one of them is not positive, or the rank is not 1.

    Reference: Gu & Dao 2023, arXiv:2312.00752, section 3.6.

    >>> tuple(MambaDt(seed=0)((16,)).shape)
    (16,)
    """

    def __init__(
        self, smallest: float = 0.001, largest: float = 0.1, floor: float = 0.0001, seed: Any = None
    ):
        super().__init__(seed)
        self.smallest = positive("smallest", smallest)
        self.largest = positive("largest", largest)
        self.floor = positive("floor", floor)
        if self.largest <= self.smallest:
            raise refused("largest", largest, f"a number above smallest, which is {smallest!r}")

    def draw(self, shape: Shape) -> Any:
        low, high = math.log(self.smallest), math.log(self.largest)
        steps = np.maximum(np.exp(self.generator(shape).uniform(low, high, shape)), self.floor)
        return steps + np.log(-np.expm1(-steps))


@register(
    "mamba_a_log",
    claims=kinds.state(
        law="ln(n + 1) along the last axis",
        reference="Gu & Dao 2023, Mamba, arXiv:2312.00752, section 3.6",
        exact=logs,
        shapes=((16,), (5, 9)),
        use="For Mamba's state matrix, stored as the log of its negative, so that it stays stable",
        avoid="Where the layer stores the eigenvalues themselves: take initlab_s4d_real",
    ),
)
class MambaALog(Scheme):
    """Logs of Mamba's state matrix, whose eigenvalues are those of S4D-Real.

    Draws `ln(n + 1)` along the last axis, the same for all others; the state matrix is `-exp` of it.

    Shapes: rank 1 or more, `(*channels, state)`.

    Reference: Gu & Dao 2023, arXiv:2312.00752, section 3.6.

    >>> [round(float(value), 4) for value in np.asarray(MambaALog()((2,)))]
    [0.0, 0.6931]
    """

    def draw(self, shape: Shape) -> Any:
        return np.broadcast_to(np.log(np.arange(1.0, shape[-1] + 1)), shape)
