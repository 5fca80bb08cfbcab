"""Convolutions as products of patches and kernels.

With kernels that differ per member a convolution becomes a grouped one, which CPUs compute slowly,
TensorFlow in a loop over the members and PyTorch's vmap not at all. As patches it is one matrix product.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
from keras import ops

from keras_initlab.core.keras_private import delete_untracked, parts, set_untracked

MOST_TAPS = 27
"""Largest window that is cut into patches: each tap is one more slice of the input, and one more copy."""


def is_product(layer: keras.layers.Layer) -> bool:
    """Whether the layer is computed as a product while members train."""
    return (
        type(layer) in (keras.layers.Conv2D, keras.layers.Conv3D)
        and layer.groups == 1
        and layer.data_format == "channels_last"
        and math.prod(layer.kernel_size) <= MOST_TAPS
    )


@contextmanager
def as_products(model: keras.Model) -> Iterator[None]:
    """Let the model's convolutions be computed as products in the body."""
    layers = [layer for layer in parts(model) if is_product(layer)]
    for layer in layers:
        set_untracked(layer, "convolution_op", partial(_product, layer))
    try:
        yield
    finally:
        for layer in layers:
            delete_untracked(layer, "convolution_op")


@contextmanager
def as_usual(model: keras.Model) -> Iterator[None]:
    """Let them be computed as they always are, in the body of `as_products` too."""
    held = [
        (layer, vars(layer)["convolution_op"]) for layer in parts(model) if "convolution_op" in vars(layer)
    ]
    for layer, _ in held:
        delete_untracked(layer, "convolution_op")
    try:
        yield
    finally:
        for layer, product in held:
            set_untracked(layer, "convolution_op", product)


def _product(layer: Any, inputs: Any, kernel: Any) -> Any:
    """The convolution of a layer, as its `convolution_op` computes it."""
    window, channels, filters = kernel.shape[:-2], kernel.shape[-2], kernel.shape[-1]
    if layer.padding == "same":
        inputs = ops.pad(inputs, [(0, 0), *_same(inputs.shape[1:-1], layer), (0, 0)])
    patches = _patches(inputs, window, layer.strides, layer.dilation_rate)
    return ops.matmul(patches, ops.reshape(kernel, (math.prod(window) * channels, filters)))


def _same(sizes: Sequence[int], layer: Any) -> list[tuple[int, int]]:
    """Zeros before and after each axis, so that stride 1 keeps its size; the odd one comes after."""
    padding = []
    for size, taps, stride, rate in zip(
        sizes, layer.kernel_size, layer.strides, layer.dilation_rate, strict=True
    ):
        span = (taps - 1) * rate + 1
        total = max((math.ceil(size / stride) - 1) * stride + span - size, 0)
        padding.append((total // 2, total - total // 2))
    return padding


def _patches(inputs: Any, window: Sequence[int], strides: Sequence[int], rates: Sequence[int]) -> Any:
    """Shape `(batch, *places, taps · channels)`: what each place of the output sees."""
    places = [
        (size - (taps - 1) * rate - 1) // stride + 1
        for size, taps, stride, rate in zip(inputs.shape[1:-1], window, strides, rates, strict=True)
    ]
    slices = []
    for tap in itertools.product(*map(range, window)):
        cut = [
            slice(at * rate, at * rate + (count - 1) * stride + 1, stride)
            for at, count, stride, rate in zip(tap, places, strides, rates, strict=True)
        ]
        slices.append(inputs[(slice(None), *cut)])
    return slices[0] if len(slices) == 1 else ops.concatenate(slices, axis=-1)
