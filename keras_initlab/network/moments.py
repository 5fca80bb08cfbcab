"""Mean and variance of every tensor of a model, followed through its flat graph without data.

Exact for Gaussian inputs whose entries are independent and for wide layers with independent weights; places
that see the same entries, as neighbours in a picture do, are taken as independent all the same.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import is_activation
from keras_initlab.initializers.gains import moments, on_host
from keras_initlab.network.unrolled import Graph, Node


class MeanVariance(NamedTuple):
    """Mean and variance of the entries of a tensor."""

    mean: float
    variance: float

    @property
    def second(self) -> float:
        """The second moment."""
        return self.mean**2 + self.variance


UNIT = MeanVariance(0.0, 1.0)

_UNCHANGED = (
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "ActivityRegularization",
    "Flatten",
    "Reshape",
    "Permute",
    "Identity",
    "Transpose",
    "Cast",
    "RepeatVector",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ExpandDims",
    "Squeeze",
    "GetItem",
    "InputLayer",
    "Masking",
    "StochasticDepth",
)


def activated(activation: Any, given: MeanVariance) -> MeanVariance:
    """MeanVariance of an activation's values where its inputs are Gaussian.

    >>> [round(one, 4) for one in activated("relu", UNIT)]
    [0.3989, 0.3408]
    """
    if given.variance <= 0:
        value = float(on_host(activation)(np.array([given.mean]))[0])
        return MeanVariance(value, 0.0)
    if given.mean:
        mean = given.mean

        def moved(x: Any) -> Any:
            return keras.activations.get(activation)(x + mean)

        first, second, _ = moments(moved, given.variance)
    else:
        first, second, _ = moments(activation, given.variance)
    return MeanVariance(first, max(0.0, second - first**2))


def variance_for(activation: Any) -> float:
    """The variance of Gaussian sums at which the activation's values have second moment 1.

    Where they never do, half the largest that they reach, or 1 where they vanish.

    >>> round(variance_for("relu"), 4)
    2.0
    """
    logs = np.linspace(-6, 6, 25)
    seconds = np.array([moments(activation, float(np.exp(one)))[1] for one in logs])
    wanted = 1.0 if seconds.max() >= 1 else seconds.max() / 2
    above = np.flatnonzero(seconds >= wanted)
    if not wanted or not len(above) or not above[0]:
        return 1.0
    low, high = logs[above[0] - 1], logs[above[0]]
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if moments(activation, math.exp(middle))[1] < wanted else (low, middle)
    return math.exp((low + high) / 2)


@functools.cache
def largest_of(count: int) -> MeanVariance:
    """MeanVariance of the largest of so many independent standard Gaussians."""
    points = np.linspace(-9, 9, 20001)
    below = np.array([0.5 * math.erfc(-one / math.sqrt(2)) for one in points])
    density = count * below ** (count - 1) * np.exp(-(points**2) / 2) / math.sqrt(2 * math.pi)
    step = points[1] - points[0]
    mean = float((points * density).sum() * step)
    return MeanVariance(mean, float((points**2 * density).sum() * step) - mean**2)


def inside(size: int, window: int, stride: int, dilation: int = 1) -> float:
    """Mean share of a window's taps that lie inside, with padding `same`.

    >>> inside(4, 3, 1)
    0.8333333333333334
    """
    reach = (window - 1) * dilation + 1
    places = -(-size // stride)
    start = -(max((places - 1) * stride + reach - size, 0) // 2)
    taps = start + stride * np.arange(places)[:, None] + dilation * np.arange(window)
    return float(((taps >= 0) & (taps < size)).mean())


Weigh = Callable[[Node, Sequence[MeanVariance], float], MeanVariance | None]


def follow_moments(
    graph: Graph, weigh: Weigh, given: MeanVariance = UNIT
) -> tuple[dict[int, MeanVariance], dict[str, str]]:
    """The moments of every tensor of a graph, in the order in which it is computed.

    Args:
        graph: The flat graph of a model.
        weigh: Is given a node, the moments of all that comes in (of an attention: of what queries, keys and
            values are made of), and the share of them that no padding dilutes; gives the moments of a
            weighted layer's sums, or None where the node is none.
        given: MeanVariance of the model's inputs.

    Returns:
        The moments by number of the tensor; and the names of what is not understood, behind which
        mean 0 and variance 1 are taken, and why.
    """
    known: dict[int, MeanVariance] = {}
    unclear: dict[str, str] = {}
    for node in graph.nodes:
        incoming = [known.get(one, given) for one in node.inputs]
        weighed = [known.get(one, given) for one in node.attended] or incoming
        sums = weigh(node, weighed, _undiluted(node, graph)) if incoming else None
        if sums is not None:
            activation = getattr(node.operation, "activation", None)
            made: MeanVariance | None = _bend(activation, sums) if callable(activation) else sums
        else:
            made = _through(node, incoming, [graph.shapes.get(one, ()) for one in node.inputs])
        if made is None:
            unclear[node.name] = type(node.operation).__name__
            made = UNIT
        known.update(dict.fromkeys(node.outputs, made))
    return known, unclear


def _undiluted(node: Node, graph: Graph) -> float:
    layer = node.operation
    if getattr(layer, "padding", "valid") != "same" or not hasattr(layer, "kernel_size"):
        return 1.0
    if (
        getattr(layer, "data_format", "channels_last") != "channels_last"
        or "Transpose" in type(layer).__name__
    ):
        return 1.0
    sizes = graph.shapes[node.inputs[0]][1:-1]
    dilations = getattr(layer, "dilation_rate", (1,) * len(sizes))
    return math.prod(map(inside, sizes, layer.kernel_size, layer.strides, dilations))


def _bend(activation: Any, given: MeanVariance) -> MeanVariance | None:
    """What comes of an activation; None for one that is no function of single numbers."""
    try:
        return activated(activation, given)
    except InputError:
        return None


def _through(
    node: Node, given: Sequence[MeanVariance], shapes: Sequence[tuple[int, ...]]
) -> MeanVariance | None:
    """What comes of an operation without kernels; None where that is not known."""
    kind = type(node.operation).__name__
    if not given:
        return _of_table(node)
    first = given[0]
    if kind in _UNCHANGED:
        return first
    if kind == "UnitNormalization":
        axes = np.atleast_1d(node.operation.axis)
        return MeanVariance(0.0, 1 / math.prod(shapes[0][axis] or 1 for axis in axes))
    if "Normalization" in kind:
        root = math.sqrt(first.second) or 1.0
        return (
            MeanVariance(first.mean / root, first.variance / first.second) if kind.startswith("RMS") else UNIT
        )
    if kind == "Embedding":
        return _of_table(node)
    if kind.startswith("ZeroPadding"):
        share = _share_of_numbers(node.operation, shapes[0])
        return MeanVariance(share * first.mean, share * first.second - (share * first.mean) ** 2)
    if kind in ("Add", "Subtract") and len(given) > 1:
        sign = -1 if kind == "Subtract" else 1
        times: dict[int, int] = {}  # one tensor that comes twice is no two independent ones
        for at, number in enumerate(node.inputs):
            times[number] = times.get(number, 0) + (sign if at else 1)
        terms = dict(zip(node.inputs, given, strict=True))
        return MeanVariance(
            sum(times[number] * one.mean for number, one in terms.items()),
            sum(times[number] ** 2 * one.variance for number, one in terms.items()),
        )
    if kind == "Average":
        count = len(given)
        return MeanVariance(
            sum(one.mean for one in given) / count, sum(one.variance for one in given) / count**2
        )
    if kind == "Concatenate":
        axis = getattr(node.operation, "axis", -1)
        shares = np.array([shape[axis] for shape in shapes], "float64") / sum(shape[axis] for shape in shapes)
        mean = float(sum(share * one.mean for share, one in zip(shares, given, strict=True)))
        second = float(sum(share * one.second for share, one in zip(shares, given, strict=True)))
        return MeanVariance(mean, second - mean**2)
    if len(given) == 1 and len(node.constants) == 1 and kind in _LINEAR:
        return _with_constant(kind, first, node.constants[0], node.constant_first)
    if kind == "Multiply" and len(given) > 1:
        mean, second = (math.prod(getattr(one, name) for one in given) for name in ("mean", "second"))
        return MeanVariance(mean, second - mean**2)
    if "Pool" in kind and shapes[0]:
        return _pooled(node.operation, kind, first, shapes[0])
    if len(given) != 1 or not is_activation(node.operation):
        return None
    return _bend(getattr(node.operation, "activation", None) or node.operation.call, first)


_LINEAR = ("Add", "Subtract", "Multiply", "TrueDivide", "Divide")


def _with_constant(kind: str, given: MeanVariance, constant: float, leads: bool) -> MeanVariance | None:
    """Of x + c, x - c, x · c, x / c, and where c leads c - x; None for c / x, whose moments are infinite."""
    if kind == "Add":
        return MeanVariance(given.mean + constant, given.variance)
    if kind == "Subtract":
        return MeanVariance((given.mean - constant) * (-1 if leads else 1), given.variance)
    if kind != "Multiply":
        if leads or not constant:
            return None
        constant = 1 / constant
    return MeanVariance(constant * given.mean, constant**2 * given.variance)


def _pooled(layer: Any, kind: str, given: MeanVariance, shape: tuple[int, ...]) -> MeanVariance:
    """Pools of independent entries."""
    count = math.prod(_places(layer, shape)) if kind.startswith("Global") else math.prod(layer.pool_size)
    if "Max" not in kind:
        return MeanVariance(given.mean, given.variance / count)
    top = largest_of(count)
    return MeanVariance(given.mean + math.sqrt(given.variance) * top.mean, given.variance * top.variance)


def _places(layer: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes of a picture, without examples and channels."""
    return shape[2:] if getattr(layer, "data_format", "channels_last") == "channels_first" else shape[1:-1]


def _share_of_numbers(layer: Any, shape: tuple[int, ...]) -> float:
    """The share of the places of a padded picture that are no padding."""
    sizes = np.array(_places(layer, shape), "float64")
    added = np.reshape(layer.padding, (-1, 2)).sum(axis=1)
    return float((sizes / (sizes + added)).prod())


def _of_table(node: Node) -> MeanVariance | None:
    """Of embeddings, whose weights are known."""
    table = getattr(node.operation, "embeddings", None)
    if table is None:
        return None
    values = np.asarray(keras.ops.convert_to_numpy(table), "float64")
    return MeanVariance(float(values.mean()), float(values.var()))
