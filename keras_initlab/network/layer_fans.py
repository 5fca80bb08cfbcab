"""The true fans of a built layer's weights: groups, strides, gates and einsum axes read from the layer."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from keras_initlab.core.keras_private import own_variables, parts
from keras_initlab.initializers.fans import Fans, shape_fans
from keras_initlab.network.roles import is_table, said_fans
from keras_initlab.network.usage import Use, usage

_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D")


_DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")


_SEPARABLE = ("SeparableConv1D", "SeparableConv2D")


_TRANSPOSED = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")


def fans(layer: Any) -> dict[str, Fans]:
    """True fans of every trainable weight of a built layer or model, by the variable's path.

    Unlike `shape_fans` it reads groups, strides, gates and einsum axes from the layer. A bias has the
    fans of its layer's kernel.

    A custom layer may say its own in a method `weight_fans() -> dict[str, Fans]`, by the variable's name,
    such as `{"mix": initlab.Fans(30, 20)}`; without it the shape decides.

    Args:
        layer: A built layer or model; the layers inside it are included.

    Raises:
        InputError: If a layer's `weight_fans` raises, or returns something else.

    >>> import keras
    >>> layer = keras.layers.DepthwiseConv2D(3, name="depthwise", use_bias=False)
    >>> layer.build((None, 8, 8, 64))
    >>> fans(layer)
    {'depthwise/kernel': Fans(fan_in=9, fan_out=9)}
    """
    every = parts(layer)
    uses = usage(every)
    return {variable.path: fan for part in every for variable, fan in layer_fans(part, uses)}


def layer_fans(layer: Any, uses: Mapping[int, Use]) -> list[tuple[Any, Fans]]:
    """Each trainable weight of one layer with its true fans; those of layers inside it are left out."""
    variables = [variable for variable in own_variables(layer)[0] if len(variable.shape) > 0]
    tables = {
        one.name: Fans(1, one.shape[-1]) for one in variables if is_table(one, layer, uses.get(id(one)))
    }
    seen = {one.name: uses[id(one)].fans or shape_fans(one.shape) for one in variables if id(one) in uses}
    seen |= tables
    said = said_fans(layer)
    own = _weight_fans(layer, variables, seen) if said is None else said
    # Of two kernels in a row, the second's sums are what a bias is added to.
    kernels = (fan for name, fan in own.items() if name not in tables)
    kernel = own.get("pointwise_kernel") or next(kernels, None)
    names = [variable.name for variable in variables]
    return [
        (variable, _alone(variable, layer, uses))
        if len(variable.shape) > 1 and names.count(variable.name) > 1
        else (variable, _fans_of(variable, seen | own, kernel))
        for variable in variables
    ]


def _alone(variable: Any, layer: Any, uses: Mapping[int, Use]) -> Fans:
    """Fans of a weight that shares its name with another of its layer."""
    use = uses.get(id(variable))
    if is_table(variable, layer, use):
        return Fans(1, variable.shape[-1])
    return (use and use.fans) or shape_fans(tuple(variable.shape))


def _fans_of(variable: Any, own: dict[str, Fans], kernel: Fans | None) -> Fans:
    if variable.name in own:
        return own[variable.name]
    return kernel if variable.name == "bias" and kernel else shape_fans(tuple(variable.shape))


def _weight_fans(layer: Any, variables: Sequence[Any], seen: Mapping[str, Fans]) -> dict[str, Fans]:
    """Fans of the kernels of one layer, by the variable's name, the input kernel first."""
    import keras

    layers = keras.layers
    shapes = {variable.name: tuple(variable.shape) for variable in variables if variable.name != "bias"}
    if isinstance(layer, layers.EinsumDense):
        kernels = {name: shape for name, shape in shapes.items() if name == "kernel"}
        return {name: _einsum_fans(layer.equation, shape) for name, shape in kernels.items()}
    if isinstance(layer, layers.Embedding):
        return {name: Fans(1, shape[1]) for name, shape in shapes.items() if name == "embeddings"}
    count = gates(layer)
    if count:
        return {name: shape_fans((*shape[:-1], shape[-1] // count)) for name, shape in shapes.items()}
    return {
        name: _window_fans(layer, name, shape) or seen.get(name) or shape_fans(shape)
        for name, shape in shapes.items()
        if len(shape) > 1
    }


def gates(layer: Any) -> int:
    """How many gates share the kernels of a recurrent cell; 0 for other layers."""
    import keras

    cells = ((keras.layers.SimpleRNNCell, 1), (keras.layers.GRUCell, 3), (keras.layers.LSTMCell, 4))
    if type(layer).__name__ == "ConvLSTMCell":
        return 4
    return next((count for kind, count in cells if isinstance(layer, kind)), 0)


def _window_fans(layer: Any, name: str, shape: tuple[int, ...]) -> Fans | None:
    """Fans of a convolution's kernel, None for other weights.

    An output pixel of stride s meets one input pixel in s.
    """
    *window, second_last, last = shape
    taps = math.prod(window)
    if name == "kernel" and _is(layer, *_TRANSPOSED):
        return Fans(_share(last * taps, math.prod(layer.strides)), second_last * taps)  # (*window, out, in)
    stride = skipping_stride(layer, name)
    if stride is None:
        return None
    if name == "depthwise_kernel" or _is(layer, *_DEPTHWISE):  # (*window, channels, multiplier)
        return Fans(taps, _share(taps * last, stride))
    return Fans(taps * second_last, _share(taps * last, layer.groups * stride))


def skipping_stride(layer: Any, name: str) -> int | None:
    """Of how many outputs a kernel of a convolution computes one; None for every other weight."""
    if (name == "kernel" and _is(layer, *_CONVOLUTIONS, *_DEPTHWISE)) or (
        name == "depthwise_kernel" and _is(layer, *_SEPARABLE)
    ):
        return math.prod(layer.strides)
    return None


def _is(layer: Any, *kinds: str) -> bool:
    import keras

    return isinstance(layer, tuple(getattr(keras.layers, kind) for kind in kinds))


def _share(count: int, parts: int) -> int:
    return max(1, round(count / parts))


def _einsum_fans(equation: str, shape: tuple[int, ...]) -> Fans:
    """Contracted axes are inputs, new ones outputs; axes that all three share are neither."""
    operands, result = equation.replace("...", "").replace(" ", "").split("->")
    inputs, kernel = operands.split(",")
    contracted = [size for letter, size in zip(kernel, shape, strict=True) if letter not in result]
    new = [size for letter, size in zip(kernel, shape, strict=True) if letter not in inputs]
    return Fans(math.prod(contracted), math.prod(new))
