"""Banks of fixed filters and waves."""

import math
from typing import Any

import numpy as np

from keras_initlab.core.arguments import above, flag, positive, whole
from keras_initlab.initializers import kinds
from keras_initlab.initializers.base import Gained, Scheme, Shape
from keras_initlab.initializers.fans import as_matrix
from keras_initlab.initializers.registry import Claims, register
from keras_initlab.initializers.structured.identity import FixedMatrix


def cosines(values: np.ndarray) -> np.ndarray:
    """The filters of each input channel are orthonormal."""
    filters = values[..., 0, :].reshape(-1, values.shape[-1])
    return filters.T @ filters - np.eye(filters.shape[1])


def sines_and_cosines(values: np.ndarray) -> np.ndarray:
    """sin² + cos² = 1 for every position and frequency."""
    half = values.shape[1] // 2
    return values[:, :half] ** 2 + values[:, half : 2 * half] ** 2 - 1


@register(
    "dct",
    claims=kinds.convolution(
        law="the orthonormal cosines (DCT-II) of the window, lowest frequencies first",
        reference="Ahmed, Natarajan & Rao 1974, IEEE Trans. Computers C-23",
        bound=lambda fans: 1.0,
        exact=cosines,
        shapes=((8, 3, 8), (4, 4, 3, 16), (3, 3, 3, 2, 9)),
        use="For a first convolution that should see frequencies, frozen or trained, with few data",
        avoid="For hidden layers, where it sums all channels alike: take initlab_he_normal there",
    ),
)
class Dct(Gained):
    """Convolution whose filters are cosines: a fixed basis for patches.

    Draws for output `o` the product of DCT-II cosines number `o` along the window, ordered by total
    frequency, the same for every input channel; after the last it starts again.

    Shapes: rank 3 to 5, `(*window, in, out)`.

    Raises:
        InputError: If `gain` is not positive, or the rank is another.

    Reference: Ahmed, Natarajan & Rao 1974, Discrete cosine transform, IEEE Trans. Computers C-23.

    >>> [round(float(value), 4) for value in np.asarray(Dct()((2, 1, 2)))[:, 0, 1]]
    [0.7071, -0.7071]
    """

    def unit(self, shape: Shape) -> Any:
        *window, _, outputs = shape
        basis: Any = np.ones((1, 1))
        frequency = np.zeros(1)
        for size in window:
            number = np.arange(size)
            cosine = np.cos(np.pi * (2 * number[:, None] + 1) * number / (2 * size)) * math.sqrt(2 / size)
            cosine[:, 0] /= math.sqrt(2)
            basis = np.kron(basis, cosine)
            frequency = np.add.outer(frequency, number).ravel()
        order = np.argsort(frequency, kind="stable")
        filters = basis[:, order[np.arange(outputs) % len(order)]]
        return np.broadcast_to(filters.reshape(*window, 1, outputs), shape)


@register(
    "sincos_position",
    claims=Claims(
        law="sin(p/T^(k/h)) and cos(p/T^(k/h)), k = 0 … h-1, h = ⌈width/2⌉, T = 10000",
        reference="Vaswani et al. 2017, arXiv:1706.03762, section 3.5",
        bound=lambda fans: 1.0,
        exact=sines_and_cosines,
        ranks=(2, 2),
        roles=("embeddings",),
        shapes=((50, 16), (7, 64)),
        use="For position embeddings, frozen or trained, that should know distances from the start",
        avoid="For embeddings of words or categories, which have no order: take initlab_embedding_normal",
    ),
)
class SincosPosition(Scheme):
    """Positions as sines and cosines of falling frequency.

    Draws `[sin(p / T^(k / h)), cos(p / T^(k / h))]` for position `p` and `k = 0 … h - 1`, the sines in
    the first half of the width and the cosines in the second.

    Args:
        max_wavelength: T, the longest wavelength over 2π. Positive.

    Shapes: rank 2, `(positions, width)`, of even width.

    Raises:
        InputError: If `max_wavelength` is not positive, the width is odd, or the rank is not 2.

    Reference: Vaswani et al. 2017, arXiv:1706.03762, section 3.5 (which interleaves the halves).

    >>> np.asarray(SincosPosition()((2, 2)))[0].tolist()
    [0.0, 1.0]
    """

    def __init__(self, max_wavelength: float = 10000.0):
        self.max_wavelength = positive("max_wavelength", max_wavelength)

    def draw(self, shape: Shape) -> Any:
        positions, width = shape
        if width % 2:
            raise self.refusal(shape, "an even width")
        half = width // 2
        frequency = self.max_wavelength ** (-np.arange(half) / half)
        angle = np.arange(positions)[:, None] * frequency
        return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)


def waves_of_full_rank(values: np.ndarray) -> np.ndarray:
    """Rank min(inputs, outputs), unbiased variance 2/(inputs + outputs)."""
    matrix = as_matrix(values)
    rank = np.linalg.matrix_rank(matrix, tol=1e-3 * np.linalg.norm(matrix, 2))
    return np.array([rank - min(matrix.shape), matrix.var(ddof=1) * sum(matrix.shape) / 2 - 1])


@register(
    "sinusoidal",
    claims=Claims(
        law="a sin(2πik/n + π/4 + 2πb/B), unit i = 1 …, input k of n, b = ⌊(i-1)/n⌋, B odd, variance "
        "2/(inputs + outputs)",
        reference="Fernández-Hernández et al. 2025, arXiv:2505.12909 (whose phases leave square kernels "
        "rank-deficient)",
        exact=waves_of_full_rank,
        ranks=(2, None),
        roles=("kernel",),
        use="For runs that must repeat without any seed and still start from varied, balanced units",
        avoid="Where replicates must differ, since there is no seed: take initlab_glorot_normal",
    ),
)
class Sinusoidal(FixedMatrix):
    """Waves in the place of chance: every unit has its own frequency and phase.

    Draws, for unit `i = 1 … outputs` and input `k = 0 … n - 1`, `W_ki = a sin(2π i k / n + φ_i)`, with `a`
    such that the unbiased variance of all weights is `gain² · 2 / (n + outputs)`. The phases are
    `φ_i = π/4 + 2π b / B` with `b = ⌊(i - 1) / n⌋` and `B` the least odd number of blocks of `n` units.
    Then the kernel has full rank for every shape (up to `n` units it is a part of the orthogonal Hartley
    matrix), and no unit equals another one or its negative. The paper's phases `φ_i = 2π i / outputs`,
    `full_rank=False`, give square kernels about half of their rank. Their size differs too: the authors' code
    has the variance `gain² / n` and a gain of √2.

    Args:
        gain: Multiplies every weight. Positive, dimensionless; √2 before ReLU.
        full_rank: Whether to take the phases of full rank or those of the paper.

    Shapes: rank 2 or more, of two weights or more; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not positive, `full_rank` is no bool, the rank is below 2, the law has no
            variance for the shape, or the axes do not name every axis once.

    Reference: Fernández-Hernández et al. 2025, arXiv:2505.12909; the size, which is Glorot's, and the
    default phases are ours.

    >>> int(np.linalg.matrix_rank(np.asarray(Sinusoidal()((64, 64)))))
    64
    >>> int(np.linalg.matrix_rank(np.asarray(Sinusoidal(full_rank=False)((64, 64)), "float64"), tol=1e-3))
    31
    """

    def __init__(self, gain: float = 1.0, full_rank: bool = True, *rest: Any, **common: Any):
        super().__init__(gain, *rest, **common)
        self.full_rank = flag("full_rank", full_rank)

    def matrix(self, inputs: int, outputs: int) -> np.ndarray:
        unit = np.arange(1, outputs + 1)
        blocks = -(-outputs // inputs)
        phase = 2 * np.pi * unit / outputs
        if self.full_rank:
            phase = np.pi / 4 + 2 * np.pi * ((unit - 1) // inputs) / (blocks + 1 - blocks % 2)
        # Whole turns are taken off in integers: sin(2π · 10⁶) is not what it should be.
        turns = np.outer(np.arange(inputs), unit) % inputs / inputs
        waves = np.sin(2 * np.pi * turns + phase)
        spread = waves.std(ddof=1) if waves.size > 1 else 0.0
        if spread < 1e-6:
            raise self.refusal((inputs, outputs), "a kernel whose waves are not all the same")
        return waves * math.sqrt(2 / (inputs + outputs)) / spread


def even_and_odd_waves(values: np.ndarray) -> np.ndarray:
    """Norm 1 and sum 0; eight filters equal their mirror image, the next eight are its negative."""
    filters = values.reshape(-1, values.shape[-1])
    parity = np.where(np.arange(values.shape[-1]) // 8 % 2, -1, 1)
    mirrored = values[::-1, ::-1] * parity - values
    norms = np.linalg.norm(filters, axis=0) - 1
    return np.concatenate([mirrored.ravel(), norms, filters.sum(axis=0)])


@register(
    "gabor",
    claims=Claims(
        law="exp(-|x|²/2σ²) cos or sin(2πx·e/λ) less its mean, norm 1; 8 directions e, octaves λ = 4, 8, …",
        reference="Daugman 1985, J. Opt. Soc. Am. A 2; Jain & Farrokhnia 1991, Pattern Recognition 24",
        mean=0.0,
        bound=lambda fans: 1.0,
        exact=even_and_odd_waves,
        ranks=(4, 4),
        roles=("kernel",),
        shapes=((7, 7, 3, 32), (5, 9, 2, 24)),
        use="For the first convolution of images, frozen or trained, with few data: edges of all directions",
        avoid="For hidden layers and small windows: take initlab_he_normal there",
    ),
)
class Gabor(Gained):
    """Convolution whose filters are edges and bars: waves under a Gaussian window.

    Draws for output `o`, with `x` the place in the window from its centre, `exp(-|x|² / 2σ²)` times
    `cos(2π x·e / λ)` for the first `orientations` outputs and times the sine for the next ones, less its
    mean, rescaled to norm `gain` over window and inputs. The direction `e` turns by `π / orientations`
    from output to output, beginning along the columns; every `2 · orientations` outputs `λ` doubles, up
    to the shorter side of the window, after which it starts again. `σ = 3 √(ln 2 / 2) / π · λ`, a
    bandwidth of one octave. All input channels have the same filter.

    Args:
        gain: Norm of every filter. Positive, dimensionless.
        orientations: Number of directions in half a turn.
        wavelength: The shortest λ, in pixels. Above 2, the shortest that pixels can show.

    Shapes: rank 4, `(height, width, in, out)`, of windows of three by three or more.

    Raises:
        InputError: If `gain` is not positive, `orientations` is not a whole number, `wavelength <= 2`, the
            window is smaller, or the rank is not 4.

    Reference: Daugman 1985, J. Opt. Soc. Am. A 2, 1160; Jain & Farrokhnia 1991, Pattern Recognition 24
    (the octaves).

    >>> bank = np.asarray(Gabor()((7, 7, 1, 16)))
    >>> bool(np.allclose(bank[:, :, 0, 0], bank[::-1, ::-1, 0, 0], atol=1e-6))
    True
    """

    def __init__(self, gain: float = 1.0, orientations: int = 8, wavelength: float = 4.0):
        super().__init__(gain)
        self.orientations = whole("orientations", orientations)
        self.wavelength = above("wavelength", wavelength, 2)

    def draw(self, shape: Shape) -> Any:
        height, width, inputs, outputs = shape
        if min(height, width) < 3:
            raise self.refusal(shape, "a window of three by three or more")
        octaves = 1 + max(0, math.floor(math.log2(min(height, width) / self.wavelength)))
        number = np.arange(outputs)
        angle = np.pi * (number % self.orientations) / self.orientations
        odd = number // self.orientations % 2 == 1
        length = self.wavelength * 2.0 ** (number // (2 * self.orientations) % octaves)
        row = (np.arange(height) - (height - 1) / 2)[:, None, None]
        column = (np.arange(width) - (width - 1) / 2)[None, :, None]
        along = 2 * np.pi * (column * np.cos(angle) + row * np.sin(angle)) / length
        deviation = 3 * math.sqrt(math.log(2) / 2) / math.pi * length
        filters = np.exp(-(row**2 + column**2) / (2 * deviation**2))
        filters = filters * np.where(odd, np.sin(along), np.cos(along))
        filters = filters - filters.mean(axis=(0, 1))
        filters = self.gain * filters / np.sqrt(inputs * (filters**2).sum(axis=(0, 1)))
        return np.broadcast_to(filters[:, :, None, :], shape)
