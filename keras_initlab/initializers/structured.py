"""Kernels with a fixed structure."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_initlab.initializers.base import AxesAware, Scheme, Shape, positive, whole
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

    >>> np.asarray(Identity()((2, 3))).tolist()
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


def hadamard_entries(values: np.ndarray) -> np.ndarray:
    """Entries are 0 or 1 where outputs <= inputs, and ± 1/√p with p the next power of two elsewhere."""
    inputs, outputs = values.shape
    if outputs <= inputs:
        return copies_inputs(values)
    return np.abs(values) - 2.0 ** (-math.ceil(math.log2(outputs)) / 2)


def keeps_constants(values: np.ndarray) -> np.ndarray:
    """Upsampling by ⌈size/2⌉: the taps that meet one output pixel sum to one, channel by channel."""
    *window, _, _ = values.shape
    kernel = values[..., 0, 0]
    for axis, size in enumerate(window):
        factor = math.ceil(size / 2)
        padded = np.pad(
            kernel, [(0, 2 * factor - size if other == axis else 0) for other in range(len(window))]
        )
        kernel = np.add(*np.split(padded, 2, axis=axis))
    return np.append(kernel - 1, values[..., 0, 1])


def cosines(values: np.ndarray) -> np.ndarray:
    """The filters of each input channel are orthonormal."""
    filters = values[..., 0, :].reshape(-1, values.shape[-1])
    return filters.T @ filters - np.eye(filters.shape[1])


def sines_and_cosines(values: np.ndarray) -> np.ndarray:
    """sin² + cos² = 1 for every position and frequency."""
    half = values.shape[1] // 2
    return values[:, :half] ** 2 + values[:, half : 2 * half] ** 2 - 1


@register(
    "dirac",
    claims=Claims(
        law="identity at the centre tap, group by group",
        reference="Zagoruyko & Komodakis 2017, arXiv:1706.00388",
        bound=lambda fans: 1.0,
        exact=copies_inputs,
        ranks=(3, 5),
        roles=("kernel",),
    ),
)
class Dirac(Scheme):
    """Convolution that passes its input through.

    Draws one at the centre tap, `(size - 1) // 2`, where input and output have the same index within
    their group; zeros elsewhere. PyTorch's centre is `size // 2`, another one for even sizes.

    Args:
        gain: The ones. Positive, dimensionless.
        groups: Groups of the convolution; each passes its own channels.

    Shapes: rank 3 to 5, `(*window, in / groups, out)`.

    Raises:
        InputError: If `gain` is not positive, the outputs are no multiple of `groups`, or the rank is
            another.

    Reference: Zagoruyko & Komodakis 2017, arXiv:1706.00388.

    >>> [float(value) for value in np.asarray(Dirac()((3, 1, 2)))[:, 0, 0]]
    [0.0, 1.0, 0.0]
    """

    def __init__(self, gain: float = 1.0, groups: int = 1):
        self.gain = positive("gain", gain)
        self.groups = whole("groups", groups)

    def draw(self, shape: Shape) -> Any:
        *window, inputs, outputs = shape
        if outputs % self.groups:
            raise self.refusal(shape, f"outputs that are a multiple of {self.groups} groups")
        kernel = np.zeros(shape)
        tap = np.eye(inputs, outputs // self.groups)
        kernel[tuple((size - 1) // 2 for size in window)] = self.gain * np.tile(tap, self.groups)
        return kernel


@register(
    "zero_hadamard",
    claims=Claims(
        law="I cut to size; where units are added, I · H/√p · I with H the Hadamard matrix of order p",
        reference="Zhao et al. 2022, ZerO, arXiv:2110.12661",
        bound=lambda fans: 1.0,
        exact=hadamard_entries,
        ranks=(2, 2),
        roles=("kernel",),
        shapes=((400, 60), (60, 400), (64, 64)),
    ),
)
class ZeroHadamard(Scheme):
    """Start without any randomness whose symmetry is broken by a Hadamard matrix.

    Draws `W = gain · I` (cut) where outputs are as many as inputs or fewer, and else
    `gain · I · H_p / √p · I` with `p` the power of two that holds the outputs.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.

    Shapes: rank 2, `(in, out)`.

    Raises:
        InputError: If `gain` is not positive, or the rank is not 2.

    Reference: Zhao, Schäfer & Anandkumar 2022, arXiv:2110.12661, algorithm 1.

    >>> np.asarray(ZeroHadamard()((2, 4))).tolist()
    [[0.5, 0.5, 0.5, 0.5], [0.5, -0.5, 0.5, -0.5]]
    """

    def __init__(self, gain: float = 1.0):
        self.gain = positive("gain", gain)

    def draw(self, shape: Shape) -> Any:
        inputs, outputs = shape
        if outputs <= inputs:
            return self.gain * np.eye(inputs, outputs)
        order = math.ceil(math.log2(outputs))
        index = np.arange(2**order)
        # Sylvester's matrix: the sign is the parity of the bits that row and column share.
        shared = index[:inputs, None] & index[None, :outputs]
        parity: Any = np.zeros_like(shared)
        for bit in range(order):
            parity = parity ^ ((shared >> bit) & 1)
        return self.gain * (1 - 2 * parity) / 2 ** (order / 2)


@register(
    "bilinear",
    claims=Claims(
        law="w[x] = 1 - |x/f - c|, f = ⌈size/2⌉, c = (2f - 1 - f mod 2)/(2f), channel by channel",
        reference="Long et al. 2015, FCN, arXiv:1411.4038",
        bound=lambda fans: 1.0,
        exact=keeps_constants,
        ranks=(3, 5),
        roles=("kernel",),
        shapes=((4, 3, 3), (4, 4, 6, 6), (4, 4, 4, 2, 2)),
    ),
)
class Bilinear(Scheme):
    """Transposed convolution that upsamples by linear interpolation.

    Draws, along each axis of the window, `w[x] = 1 - |x / f - c|` with `f = ⌈size / 2⌉` and
    `c = (2 f - 1 - f mod 2) / (2 f)`, for equal channels; zeros between different ones. Use strides `f`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.

    Shapes: rank 3 to 5, `(*window, out, in)` of a transposed convolution.

    Raises:
        InputError: If `gain` is not positive, or the rank is another.

    Reference: Long, Shelhamer & Darrell 2015, arXiv:1411.4038, section 3.3.

    >>> [float(value) for value in np.asarray(Bilinear()((4, 1, 1)))[:, 0, 0]]
    [0.25, 0.75, 0.75, 0.25]
    """

    def __init__(self, gain: float = 1.0):
        self.gain = positive("gain", gain)

    def draw(self, shape: Shape) -> Any:
        *window, inputs, outputs = shape
        kernel: Any = self.gain * np.eye(inputs, outputs)
        for size in reversed(window):
            factor = math.ceil(size / 2)
            centre = (2 * factor - 1 - factor % 2) / (2 * factor)
            taps = 1 - np.abs(np.arange(size) / factor - centre)
            kernel = taps.reshape(-1, *([1] * kernel.ndim)) * kernel
        return kernel


@register(
    "dct",
    claims=Claims(
        law="the orthonormal cosines (DCT-II) of the window, lowest frequencies first",
        reference="Ahmed, Natarajan & Rao 1974, IEEE Trans. Computers C-23",
        bound=lambda fans: 1.0,
        exact=cosines,
        ranks=(3, 5),
        roles=("kernel",),
        shapes=((8, 3, 8), (4, 4, 3, 16), (3, 3, 3, 2, 9)),
    ),
)
class Dct(Scheme):
    """Convolution whose filters are cosines: a fixed basis for patches.

    Draws for output `o` the product of DCT-II cosines number `o` along the window, ordered by total
    frequency, the same for every input channel; after the last it starts again.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.

    Shapes: rank 3 to 5, `(*window, in, out)`.

    Raises:
        InputError: If `gain` is not positive, or the rank is another.

    Reference: Ahmed, Natarajan & Rao 1974, Discrete cosine transform, IEEE Trans. Computers C-23.

    >>> [round(float(value), 4) for value in np.asarray(Dct()((2, 1, 2)))[:, 0, 1]]
    [0.7071, -0.7071]
    """

    def __init__(self, gain: float = 1.0):
        self.gain = positive("gain", gain)

    def draw(self, shape: Shape) -> Any:
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
        return self.gain * np.broadcast_to(filters.reshape(*window, 1, outputs), shape)


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
