"""State matrices that keep a running fit of the past (HiPPO), and their input vectors."""

import math
from typing import Any

import numpy as np

from keras_initlab.core.arguments import one_of, positive
from keras_initlab.initializers import kinds
from keras_initlab.initializers.base import Gained, Scheme, Shape
from keras_initlab.initializers.registry import register

MEASURES = ("legs", "legt", "lmu", "lagt", "fourier")


def _lengths(size: int) -> np.ndarray:
    """√(2n + 1): the values at the present of Legendre polynomials of norm one."""
    return np.sqrt(2 * np.arange(size) + 1)


def _signs(size: int) -> np.ndarray:
    """1, -1, 1, …: their signs at the far end of the window."""
    return 1.0 - 2 * (np.arange(size) % 2)


def _waves(size: int) -> np.ndarray:
    """1, √2, 0, √2, 0, …: the values at the present of 1, √2 cos and √2 sin of rising frequency."""
    values = math.sqrt(2) * (np.arange(size) % 2)
    values[0] = 1
    return values


def _balance(values: np.ndarray, *ends: np.ndarray) -> np.ndarray:
    """A + Aᵀ plus what passes the ends of the window, over the largest weight."""
    passed = sum(np.outer(end, end) for end in ends)
    return (values + values.T + passed) / np.abs(values).max()


def eigenvalues_count_down(values: np.ndarray) -> np.ndarray:
    """Lower triangular with eigenvalues -1, -2, …, -n on the diagonal."""
    size = values.shape[0]
    return np.concatenate([np.triu(values, 1).ravel(), np.diag(values) + np.arange(1, size + 1)])


def legendre_window(values: np.ndarray) -> np.ndarray:
    """A + Aᵀ = -bbᵀ - eeᵀ: what enters at the present and leaves at the end of the window."""
    lengths = _lengths(len(values))
    return _balance(values, lengths, lengths * _signs(len(values)))


def legendre_delay(values: np.ndarray) -> np.ndarray:
    """In units of norm one it is the Legendre window's matrix."""
    units = _lengths(len(values)) * _signs(len(values))
    return legendre_window(values * units / units[:, None])


def laguerre_fade(values: np.ndarray) -> np.ndarray:
    """A + Aᵀ = -I - 11ᵀ, and A is triangular: all eigenvalues are -1."""
    ones = np.ones(len(values))
    return np.concatenate([_balance(values, ones) + np.eye(len(values)), np.triu(values, 1)])


def fourier_window(values: np.ndarray) -> np.ndarray:
    """A + Aᵀ = -4ppᵀ, and A + 2ppᵀ turns the k-th pair by 2πk."""
    waves = _waves(len(values))
    turning = values + 2 * np.outer(waves, waves)
    pairs = np.diag(turning, 1)[1::2] - 2 * np.pi * np.arange(1, (len(values) + 1) // 2)
    return np.concatenate([_balance(values, 2 * waves).ravel(), pairs / np.abs(values).max()])


def odd_numbers(values: np.ndarray) -> np.ndarray:
    """B_n² = 2n + 1."""
    return values**2 / (2 * np.arange(values.shape[-1]) + 1) - 1


@register(
    "hippo_legs",
    claims=kinds.recurrent(
        law="A_nk = -√((2n+1)(2k+1)) for n > k, -(n+1) for n = k, 0 above",
        reference="Gu et al. 2020, HiPPO, arXiv:2008.07669, theorem 2",
        exact=eigenvalues_count_down,
        shapes=((16, 16), (9, 9)),
        use="For state-space layers that should remember all of the past, the early part ever more coarsely",
        avoid="Where only the last steps matter (initlab_hippo_legt), or the state is diagonal "
        "(initlab_s4d_imag)",
    ),
)
class HippoLegs(Gained):
    """State matrix that keeps the best polynomial fit to all that came so far.

    The state obeys `t dc/dt = A c + B f`, with B from `hippo_input`.

    Draws `A_nk = -√((2n + 1)(2k + 1))` for `n > k`, `-(n + 1)` for `n = k` and 0 above, n and k from 0.

    Shapes: square, `(state, state)`; row n is the equation of coefficient n.

    Raises:
        InputError: If `gain` is not positive, or the matrix is not square.

    Reference: Gu et al. 2020, arXiv:2008.07669, theorem 2 (LegS).

    >>> np.asarray(HippoLegs()((2, 2)))[0].tolist()
    [-1.0, 0.0]
    """

    def unit(self, shape: Shape) -> Any:
        size = self.side(shape)
        root = _lengths(size)
        below = np.tril(np.outer(root, root), -1)
        return 0.0 - (below + np.diag(np.arange(1.0, size + 1)))


class WindowMatrix(Scheme):
    """Base of the state matrices that remember a window of time.

    Args:
        window: θ, how much time is remembered. Positive.

    Shapes: square, `(state, state)`; row n is the equation of coefficient n.

    Raises:
        InputError: If `window` is not positive, or the matrix is not square.
    """

    def __init__(self, window: float = 1.0):
        super().__init__()
        self.window = positive("window", window)

    def matrix(self, size: int) -> np.ndarray:
        """The matrix for a window of one."""
        raise NotImplementedError

    def draw(self, shape: Shape) -> Any:
        return self.matrix(self.side(shape)) / self.window


@register(
    "hippo_legt",
    claims=kinds.recurrent(
        law="A_nk = -√((2n+1)(2k+1)) for n >= k, times (-1)^(n-k) above",
        reference="Gu et al. 2020, HiPPO, arXiv:2008.07669, theorem 1",
        exact=legendre_window,
        shapes=((16, 16), (9, 9)),
        use="For state-space layers that should remember a window of known length and nothing before it",
        avoid="Where dependences have no fixed length: take initlab_hippo_legs",
    ),
)
class HippoLegt(WindowMatrix):
    """State matrix that keeps the best polynomial fit to the last window of time.

    The state obeys `dc/dt = A c + B f`, with B from `hippo_input`; its coefficients are those of
    Legendre polynomials of norm one.

    Draws `A_nk = -√((2n + 1)(2k + 1)) / window` for `n >= k`, and that times `(-1)^(n - k)` above.

    Reference: Gu et al. 2020, arXiv:2008.07669, theorem 1 (LegT).

    >>> [round(float(value), 4) for value in np.asarray(HippoLegt()((2, 2)))[0]]
    [-1.0, 1.7321]
    """

    def matrix(self, size: int) -> np.ndarray:
        lengths, signs = _lengths(size), _signs(size)
        kept = np.outer(lengths, lengths)
        return -np.where(np.tri(size) > 0, kept, kept * np.outer(signs, signs))


@register(
    "hippo_lmu",
    claims=kinds.recurrent(
        law="A_nk = (2n+1)(-1)^(n-k+1) for n >= k, -(2n+1) above",
        reference="Voelker et al. 2019, Legendre Memory Units, NeurIPS 32",
        exact=legendre_delay,
        shapes=((16, 16), (9, 9)),
        use="For Legendre memory units: the state is a delay line, read at any delay within the window",
        avoid="For state-space layers, which want coefficients of equal size: take initlab_hippo_legt",
    ),
)
class HippoLmu(WindowMatrix):
    """State matrix of a Legendre memory unit: the window of HiPPO-LegT in other units.

    The state obeys `dm/dt = A m + B u`, with B from `hippo_input`; the input a time `r θ` ago is
    `Σ_n m_n P_n(2 r - 1)` with Legendre's polynomials.

    Draws `A_nk = (2n + 1)(-1)^(n - k + 1) / window` for `n >= k`, and `-(2n + 1) / window` above.

    Reference: Voelker, Kajić & Eliasmith 2019, Legendre Memory Units, NeurIPS 32, eq. 2.

    >>> np.asarray(HippoLmu()((2, 2))).tolist()
    [[-1.0, -1.0], [3.0, -3.0]]
    """

    def matrix(self, size: int) -> np.ndarray:
        signs = np.where(np.tri(size) > 0, np.outer(_signs(size), _signs(size)), 1)
        return -((2 * np.arange(size) + 1)[:, None] * signs)


@register(
    "hippo_lagt",
    claims=kinds.recurrent(
        law="A_nk = -1 for n >= k, 0 above",
        reference="Gu et al. 2020, HiPPO, arXiv:2008.07669, theorem 1",
        exact=laguerre_fade,
        shapes=((16, 16), (9, 9)),
        use="For state-space layers whose memory should fade exponentially",
        avoid="On long sequences, which it forgets after a few units of time: take initlab_hippo_legs",
    ),
)
class HippoLagt(WindowMatrix):
    """State matrix that keeps a polynomial fit to a past of exponentially falling weight.

    The state obeys `dc/dt = A c + B f`, with B from `hippo_input`; its coefficients are those of
    Laguerre's polynomials. The code of S4 adds ½ to the diagonal, which is another measure.

    Draws `A_nk = -1 / window` for `n >= k` and 0 above.

    Args:
        window: θ, the time in which the weight of the past falls to 1/e. Positive.

    Reference: Gu et al. 2020, arXiv:2008.07669, theorem 1 (LagT, with α = 0 and β = 1).

    >>> np.asarray(HippoLagt()((2, 2))).tolist()
    [[-1.0, 0.0], [-1.0, -1.0]]
    """

    def matrix(self, size: int) -> np.ndarray:
        return 0.0 - np.tri(size)


@register(
    "hippo_fourier",
    claims=kinds.recurrent(
        law="turns by 2πk in the k-th pair of states, less 2ppᵀ, p = (1, √2, 0, √2, 0, …)",
        reference="Gu et al. 2022, How to Train Your HiPPO, arXiv:2206.12037; 2020, arXiv:2008.07669",
        exact=fourier_window,
        shapes=((16, 16), (9, 9)),
        use="For state-space layers that should find periodic patterns within a window of known length",
        avoid="For smooth trends, which waves fit badly at the ends of a window: take initlab_hippo_legt",
    ),
)
class HippoFourier(WindowMatrix):
    """State matrix that keeps the Fourier series of the last window of time.

    The state obeys `dc/dt = A c + B f`, with B from `hippo_input`; its coefficients are those of
    `1, √2 cos 2πx, √2 sin 2πx, √2 cos 4πx, …`, x the place in the window from its start (S4's `fourier2`
    counts from the present, which turns the signs of the sines). What leaves the window is told from the
    series, which at a jump gives the mean of both ends; hence the factor 2.

    Draws `A = (R - 2 p pᵀ) / window`, `p = (1, √2, 0, √2, 0, …)`, where R has `2πk` from the cosine of
    frequency k to its sine (above the diagonal) and `-2πk` back.

    Shapes: square, `(state, state)`; in an even size the last cosine lacks its sine.

    Reference: Gu et al. 2022, arXiv:2206.12037 (FouT, with this factor); Gu et al. 2020,
    arXiv:2008.07669 (without it).

    >>> [round(float(value), 4) for value in np.asarray(HippoFourier()((3, 3)))[0]]
    [-2.0, -2.8284, 0.0]
    """

    def matrix(self, size: int) -> np.ndarray:
        step = np.zeros(size - 1)
        step[1::2] = 2 * np.pi * np.arange(1, (size + 1) // 2)
        waves = _waves(size)
        turning = np.diag(step, 1) - np.diag(step, -1)
        return turning - 2 * np.outer(waves, waves)


@register(
    "hippo_input",
    claims=kinds.state(
        law="B_n = √(2n+1) (legs, legt), (2n+1)(-1)^n (lmu), 1 (lagt), (2, 2√2, 0, …) (fourier)",
        reference="Gu et al. 2020, HiPPO, arXiv:2008.07669; Voelker et al. 2019, NeurIPS 32 (lmu)",
        exact=odd_numbers,
        shapes=((16,), (5, 9)),
        use="For the input vector B beside a HiPPO state matrix of the same measure",
        avoid="Beside another state matrix, which it does not fit: take initlab_ones, as S4D does",
    ),
)
class HippoInput(Scheme):
    """Input vector that goes with a HiPPO state matrix.

    Draws along the last axis `√(2n + 1)` for `"legs"`, that over `window` for `"legt"`,
    `(2n + 1)(-1)^n / window` for `"lmu"`, `1 / window` for `"lagt"`, and
    `(2, 2√2, 0, 2√2, 0, …) / window` for `"fourier"`; the same for all other axes.

    Args:
        measure: `"legs"`, `"legt"`, `"lmu"`, `"lagt"` or `"fourier"`: that of the state matrix.
        window: θ of the state matrix; `"legs"` has none. Positive.

    Shapes: rank 1 or more, `(*channels, state)`.

    Raises:
        InputError: If `measure` is another, `window` is not positive, or the rank is 0.

    Reference: Gu et al. 2020, arXiv:2008.07669, theorems 1 and 2; Voelker et al. 2019, eq. 2.

    >>> np.asarray(HippoInput("lmu")((3,))).tolist()
    [1.0, -3.0, 5.0]
    """

    def __init__(self, measure: str = "legs", window: float = 1.0):
        self.measure = one_of("measure", measure, MEASURES)
        self.window = positive("window", window)

    def draw(self, shape: Shape) -> Any:
        size = shape[-1]
        values = {
            "legs": _lengths(size),
            "legt": _lengths(size) / self.window,
            "lmu": _lengths(size) ** 2 * _signs(size) / self.window,
            "lagt": np.ones(size) / self.window,
            "fourier": 2 * _waves(size) / self.window,
        }
        return np.broadcast_to(values[self.measure], shape)
