"""Convolutions that keep norms, and convolutions with filters that differ."""

import math
from typing import Any

import numpy as np
from keras import ops

from keras_initlab.core.arguments import at_least
from keras_initlab.initializers import kinds
from keras_initlab.initializers.base import Gained, RandomScheme, Shape
from keras_initlab.initializers.orthogonal.haar import uniform_orthogonal
from keras_initlab.initializers.registry import register


def centre_orthonormal(values: np.ndarray) -> np.ndarray:
    """The centre tap has orthonormal rows; all other taps are zero."""
    *window, inputs, _ = values.shape
    centre = tuple((size - 1) // 2 for size in window)
    rest = values.copy()
    rest[centre] = 0
    tap = values[centre]
    return np.append(tap @ tap.T - np.eye(inputs), rest)


def circular_isometry(values: np.ndarray) -> np.ndarray:
    """At every frequency the kernel's transfer matrix has orthonormal rows: circular padding keeps norms."""
    *window, inputs, _ = values.shape
    transfer = np.fft.fftn(values, s=[2 * size for size in window], axes=range(len(window)))
    return np.abs(transfer @ np.conj(np.swapaxes(transfer, -1, -2)) - np.eye(inputs))


def he_mean_square(values: np.ndarray) -> np.ndarray:
    """The variance of the entries is exactly 2/fan_in."""
    return np.asarray(values.var() * values.size / values.shape[-1] / 2 - 1)


def haar(rng: np.random.Generator, size: int, *stack: int) -> np.ndarray:
    """Uniform orthogonal matrices in float64, one or a stack of them."""
    Q, R = np.linalg.qr(rng.normal(size=(*stack, size, size)))
    return Q * np.sign(np.diagonal(R, axis1=-2, axis2=-1))[..., None, :]


@register(
    "delta_orthogonal",
    claims=kinds.convolution(
        law="orthonormal rows at the centre tap, zeros elsewhere",
        reference="Xiao et al. 2018, arXiv:1806.05393",
        mean=0.0,
        bound=lambda fans: 1.0,
        exact=centre_orthonormal,
        shapes=((5, 20, 30), (3, 3, 16, 24), (3, 3, 3, 4, 6)),
        use="For very deep plain convolutional nets of tanh, without normalization",
        avoid="Where the kernel should see its whole window from the start: take initlab_conv_orthogonal",
    ),
)
class DeltaOrthogonal(Gained, RandomScheme):
    """Convolution that keeps the norm of every image: trains nets of ten thousand layers.

    Draws an `(in, out)` matrix with orthonormal rows at the centre tap, `(size - 1) // 2`, and zeros at
    all others.

    Args:
        gain: The singular values. Positive, dimensionless.

    Shapes: rank 3 to 5, `(*window, in, out)` with `in <= out`.

    Raises:
        InputError: If `gain` is not positive, there are fewer outputs than inputs, or the rank is
            another.

    Reference: Xiao et al. 2018, arXiv:1806.05393, section 3.

    >>> tuple(DeltaOrthogonal(seed=0)((3, 3, 8, 16)).shape)
    (3, 3, 8, 16)
    """

    def unit(self, shape: Shape) -> Any:
        *window, inputs, outputs = shape
        if inputs > outputs:
            raise self.refusal(shape, "at least as many outputs as inputs")
        tall = self.normal((outputs, inputs), seed=self.seed_for(shape))
        tap = ops.transpose(uniform_orthogonal(tall))
        before = [(size - 1) // 2 for size in window]
        padding = [(low, size - 1 - low) for low, size in zip(before, window, strict=True)]
        taps = ops.reshape(tap, (*([1] * len(window)), inputs, outputs))
        return ops.pad(taps, [*padding, (0, 0), (0, 0)])


@register(
    "conv_orthogonal",
    claims=kinds.convolution(
        law="orthonormal rows convolved with two-tap blocks [P, I - P], P random projections",
        reference="Xiao et al. 2018, arXiv:1806.05393, algorithm 1",
        mean=0.0,
        bound=lambda fans: 1.0,
        exact=circular_isometry,
        shapes=((5, 20, 30), (3, 3, 16, 24), (3, 2, 3, 4, 6)),
        use="For very deep plain convolutional nets whose kernels should see their whole window at once",
        avoid="In nets of thousands of layers, which the paper trains from initlab_delta_orthogonal",
    ),
)
class ConvOrthogonal(Gained, RandomScheme):
    """Convolution that keeps the norm of every image, with weights all over its window.

    The isometry is exact with circular padding and stride 1; zero padding loses some at the borders.

    Draws an `(in, out)` matrix with orthonormal rows and convolves it, `size - 1` times along each axis of
    the window and the axes in turn, with the two taps `P` and `I - P`. Each `P` projects onto some columns
    of a uniform orthogonal matrix, every column taken with probability one half.

    Args:
        gain: The singular values at every frequency. Positive, dimensionless.

    Shapes: rank 3 to 5, `(*window, in, out)` with `in <= out`: 1-D, 2-D and 3-D convolutions, windows
    of unequal sides included.

    Raises:
        InputError: If `gain` is not positive, there are fewer outputs than inputs, or the rank is
            another.

    Reference: Xiao et al. 2018, arXiv:1806.05393, algorithm 1, for square windows of two dimensions.

    >>> tuple(ConvOrthogonal(seed=0)((3, 3, 8, 16)).shape)
    (3, 3, 8, 16)
    """

    def unit(self, shape: Shape) -> Any:
        *window, inputs, outputs = shape
        if inputs > outputs:
            raise self.refusal(shape, "at least as many outputs as inputs")
        rng = self.generator(shape)
        kernel = haar(rng, outputs)[:inputs].reshape(*(1 for _ in window), inputs, outputs)
        for turn in range(1, max(window)):
            for axis, size in enumerate(window):
                if turn < size:
                    kernel = self._extended(kernel, axis, rng)
        return kernel

    @staticmethod
    def _extended(kernel: np.ndarray, axis: int, rng: np.random.Generator) -> np.ndarray:
        """The kernel convolved along an axis with the taps P and I - P of a random projection P."""
        outputs = kernel.shape[-1]
        basis = haar(rng, outputs)[:, rng.random(outputs) < 0.5]
        projected = (kernel @ basis) @ basis.T
        longer = np.zeros([size + (place == axis) for place, size in enumerate(kernel.shape)])
        along = np.moveaxis(longer, axis, 0)
        along[:-1] += np.moveaxis(projected, axis, 0)
        along[1:] += np.moveaxis(kernel - projected, axis, 0)
        return longer


@register(
    "conv_aware",
    claims=kinds.convolution(
        law="inverse Fourier transforms of orthonormal spectra plus N(0, 0.05²), rescaled to variance "
        "2/fan_in",
        reference="Aghajanyan 2017, arXiv:1702.06295",
        mean=0.0,
        std=lambda fans: math.sqrt(2 / fans.fan_in),
        exact=he_mean_square,
        shapes=((5, 20, 30), (3, 3, 16, 24), (3, 2, 3, 4, 30)),
        use="For plain convolutional ReLU nets whose filters should not repeat each other at the start",
        avoid="For windows of one tap and dense layers: take initlab_he_normal or initlab_orthogonal",
    ),
)
class ConvAware(Gained, RandomScheme):
    """Convolution whose filters differ as much as filters can: orthogonal in the Fourier domain.

    The spectra are real, so that without noise every filter is symmetric about its first tap, the window
    taken as a circle. Where a unit has more inputs than the half spectrum has frequencies, several bases
    follow each other. Their signs are random; the author's code leaves those of LAPACK's SVD, under which
    the filters' mean is not zero.

    Draws for every unit a uniform orthonormal basis of the real spectra of the window, one vector per
    input; `W` is their inverse Fourier transform plus `N(0, noise²)`, rescaled to variance
    `gain² · 2 / fan_in`. In more than one dimension the part of a spectrum that no real filter has is
    dropped, so that orthogonality is approximate there, as in the author's code.

    Args:
        noise: Deviation of the noise that breaks the symmetry, before rescaling. At least 0.

    Shapes: rank 3 to 5, `(*window, in, out)`, the window of at least two taps.

    Raises:
        InputError: If `noise` is negative, `gain` is not positive, the window has one tap, or the rank is
            another.

    Reference: Aghajanyan 2017, Convolution Aware Initialization, arXiv:1702.06295.

    >>> tuple(ConvAware(seed=0)((3, 3, 8, 16)).shape)
    (3, 3, 8, 16)
    """

    def __init__(self, noise: float = 0.05, *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.noise = at_least("noise", noise, 0)

    def draw(self, shape: Shape) -> Any:
        *window, inputs, outputs = shape
        if math.prod(window) < 2:
            raise self.refusal(shape, "a window of at least two taps")
        rng = self.generator(shape)
        half = [*window[:-1], window[-1] // 2 + 1]
        frequencies = math.prod(half)
        bases = haar(rng, frequencies, outputs, math.ceil(inputs / frequencies))
        spectra = bases.reshape(outputs, -1, *half)[:, :inputs]
        filters = np.fft.irfftn(spectra, s=window, axes=range(2, len(shape)))
        filters += rng.normal(0, self.noise, filters.shape)
        filters *= self.gain * math.sqrt(2 / (inputs * math.prod(window))) / filters.std()
        return np.moveaxis(filters, (0, 1), (-1, -2))
