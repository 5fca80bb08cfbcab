"""Transposed and shuffled convolutions that enlarge an image."""

import math
from typing import Any

import numpy as np
from keras import ops

from keras_initlab.core.arguments import one_of, whole
from keras_initlab.initializers import kinds
from keras_initlab.initializers.base import Gained, Shape
from keras_initlab.initializers.registry import register
from keras_initlab.initializers.wrappers import Wrapper


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


@register(
    "bilinear",
    claims=kinds.convolution(
        law="w[x] = 1 - |x/f - c|, f = ⌈size/2⌉, c = (2f - 1 - f mod 2)/(2f), channel by channel",
        reference="Long et al. 2015, FCN, arXiv:1411.4038",
        bound=lambda fans: 1.0,
        exact=keeps_constants,
        shapes=((4, 3, 3), (4, 4, 6, 6), (4, 4, 4, 2, 2)),
        use="For transposed convolutions that enlarge maps of scores or images channel by channel",
        avoid="Where channels must mix or change in number: take initlab_icnr there",
    ),
)
class Bilinear(Gained):
    """Transposed convolution that upsamples by linear interpolation.

    Draws, along each axis of the window, `w[x] = 1 - |x / f - c|` with `f = ⌈size / 2⌉` and
    `c = (2 f - 1 - f mod 2) / (2 f)`, for equal channels; zeros between different ones. Use strides `f`.

    Shapes: rank 3 to 5, `(*window, out, in)` of a transposed convolution.

    Raises:
        InputError: If `gain` is not positive, or the rank is another.

    Reference: Long, Shelhamer & Darrell 2015, arXiv:1411.4038, section 3.3.

    >>> [float(value) for value in np.asarray(Bilinear()((4, 1, 1)))[:, 0, 0]]
    [0.25, 0.75, 0.75, 0.25]
    """

    def draw(self, shape: Shape) -> Any:
        *window, inputs, outputs = shape
        kernel: Any = self.gain * np.eye(inputs, outputs)
        for size in reversed(window):
            factor = math.ceil(size / 2)
            centre = (2 * factor - 1 - factor % 2) / (2 * factor)
            taps = 1 - np.abs(np.arange(size) / factor - centre)
            kernel = taps.reshape(-1, *([1] * kernel.ndim)) * kernel
        return kernel


def repeats_pixels(values: np.ndarray) -> np.ndarray:
    """Outputs that become neighbours, two along each axis of the window, have equal filters."""
    neighbours = 2 ** (values.ndim - 2)
    filters = values.reshape(*values.shape[:-1], neighbours, -1)
    return filters - filters[..., :1, :]


@register(
    "icnr",
    claims=kinds.convolution(
        law="inner for outputs / 2^d filters, each repeated for the 2^d pixels that it becomes; by default "
        "he_normal",
        reference="Aitken et al. 2017, arXiv:1707.02937",
        exact=repeats_pixels,
        shapes=((3, 3, 16, 60), (5, 24, 60), (3, 3, 3, 4, 32)),
        use="For the convolution before a pixel shuffle, or a transposed one: no checkerboard at the start",
        avoid="For kernels that do not enlarge, whose units it makes equal: take initlab_he_normal",
    ),
)
class Icnr(Wrapper):
    """Another scheme, repeated so that an upsampled image starts without a checkerboard.

    The layer's output equals the nearest-neighbour upsampling of a convolution with the inner kernel.

    Draws `inner` for the `outputs / factor^d` channels of the enlarged image, `d` the axes of the window,
    and repeats each filter for all pixels that it is moved to; for `"transposed"`, `inner` with a window
    that is `factor` times smaller, each tap repeated along every axis.

    Args:
        inner: Any identifier of an initializer.
        factor: Enlargement along each axis.
        upsampling: What enlarges: `"depth_to_space"` (`tf.nn.depth_to_space`: the channel varies
            fastest), `"pixel_shuffle"` (`torch.nn.PixelShuffle`: it varies slowest), or `"transposed"` (a
            transposed convolution with strides `factor`).
        seed: None, an integer or a `keras.random.SeedGenerator`; takes the place of the inner one's.

    Shapes: rank 3 to 5, `(*window, in, out)` with outputs that `factor^d` divides, or for `"transposed"`
        `(*window, out, in)` with sides that `factor` divides.

    Raises:
        InputError: If `factor` is not a whole number or does not divide them, `upsampling` is another,
            `inner` is no initializer, or the rank is another.

    Reference: Aitken et al. 2017, arXiv:1707.02937.

    >>> np.asarray(Icnr("initlab_identity", upsampling="pixel_shuffle")((1, 1, 4))).tolist()
    [[[1.0, 1.0, 0.0, 0.0]]]
    """

    def __init__(
        self,
        inner: Any = "initlab_he_normal",
        factor: int = 2,
        upsampling: str = "depth_to_space",
        seed: Any = None,
    ):
        super().__init__(inner, seed)
        self.factor = whole("factor", factor)
        self.upsampling = one_of("upsampling", upsampling, ("depth_to_space", "pixel_shuffle", "transposed"))

    def draw(self, shape: Shape) -> Any:
        *window, second_last, last = shape
        if self.upsampling == "transposed":
            if any(size % self.factor for size in window):
                raise self.refusal(shape, f"a window whose sides are multiples of {self.factor}")
            kernel = self.draw_inner((*(size // self.factor for size in window), second_last, last))
            for axis in range(len(window)):
                kernel = ops.repeat(kernel, self.factor, axis)
            return kernel
        pixels = self.factor ** len(window)
        if last % pixels:
            raise self.refusal(shape, f"outputs that are a multiple of {pixels} pixels")
        kernel = self.draw_inner((*window, second_last, last // pixels))
        if self.upsampling == "pixel_shuffle":
            return ops.repeat(kernel, pixels, axis=-1)
        return ops.concatenate([kernel] * pixels, axis=-1)
