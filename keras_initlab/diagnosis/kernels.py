"""Where the layers with a kernel stand in a pass: what they take, their sums, and what follows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from keras_initlab.core.keras_private import is_activation, own_variables, parts
from keras_initlab.network.recording import ATTENTIONS, Tap
from keras_initlab.network.roles import KERNEL_ROLES
from keras_initlab.network.slots import Slot

SHAPING = ("Flatten", "Reshape", "Permute", "Identity")
"""Layers that put out the numbers that they take."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """One call of a layer that multiplies what it takes with a kernel.

    Attributes:
        name: The layer's path, with `#2` at a second call.
        layer: The layer.
        slots: Its kernels; all but one of a recurrent layer are inside it.
        bias: The slot of its bias, or None.
        taken: Position of the tap that it takes.
        sums: Position of the tap of its sums, before an activation.
        after: Position of the tap behind the activation; that of the sums if there is none.
        activation: The activation, or None.
        feeds: Position in the list of the kernel whose activated sums it takes as they are; None if others
            come between.
        head: Whether the model puts its sums out.
        side: Whether the layer is part of an attention layer.
    """

    name: str
    layer: Any
    slots: tuple[Slot, ...]
    bias: Slot | None
    taken: int | None
    sums: int
    after: int
    activation: Callable | None
    feeds: int | None
    head: bool
    side: bool

    @property
    def plain(self) -> Slot | None:
        """Its kernel, where it has one alone and nothing loops."""
        loops = isinstance(self.layer, keras.layers.RNN | keras.layers.TimeDistributed)
        return self.slots[0] if len(self.slots) == 1 and not loops else None

    @property
    def activation_name(self) -> str:
        """What its activation is called; empty if there is none."""
        if self.activation is None:
            return ""
        owner = getattr(self.activation, "__self__", None)  # an activation layer's own `call`
        return getattr(self.activation, "__name__", "") if owner is None else type(owner).__name__


def kernels(
    model: keras.Model, taps: Sequence[Tap], heads: Sequence[int | None], every: Sequence[Slot]
) -> list[Kernel]:
    """The layers with a kernel, in the order in which they were called."""
    within = {id(one) for layer in parts(model) if isinstance(layer, ATTENTIONS) for one in parts(layer)}
    found: list[Kernel] = []
    behind: dict[int, int] = {}  # tap that holds the activated sums of a kernel -> position of that kernel
    for at, tap in enumerate(taps):
        held = _slots_of(tap.operation, every)
        own = tuple(slot for slot in held if slot.role in KERNEL_ROLES)
        activated = tap.part == "out" and tap.source is not None and taps[tap.source].part == "pre"
        if not own or tap.part in ("in", "state") or activated:
            continue
        after, activation = _after(taps, at)
        exits = _passed_on(taps, after)
        final = {at, after, *exits} & {head for head in heads if head is not None}
        biases = [slot for slot in held if slot.role == "bias"]
        found.append(
            Kernel(
                name=tap.name.replace(":pre", ""),
                layer=tap.operation,
                slots=own,
                bias=biases[0] if len(biases) == 1 else None,
                taken=tap.source,
                sums=at,
                after=after,
                activation=activation,
                feeds=None if tap.source is None else behind.get(tap.source),
                head=bool(final),
                side=id(tap.operation) in within,
            )
        )
        behind |= dict.fromkeys(exits, len(found) - 1)
    if found and not any(kernel.head for kernel in found):
        found[-1] = replace(found[-1], head=True)
    return found


def _slots_of(operation: Any, every: Sequence[Slot]) -> list[Slot]:
    """The weights of a layer and of what it holds, where it is looked at as a whole."""
    if not isinstance(operation, keras.Layer):
        return []
    whole = isinstance(operation, keras.layers.RNN | keras.layers.TimeDistributed)
    held = operation.variables if whole else own_variables(operation)[0]
    mine = {id(variable) for variable in held}
    return [slot for slot in every if id(slot.variable) in mine]


def _after(taps: Sequence[Tap], at: int) -> tuple[int, Callable | None]:
    """The tap behind the activation of some sums, and the activation."""
    if taps[at].part == "pre":
        outs = [k for k, tap in enumerate(taps) if tap.source == at and tap.operation is taps[at].operation]
        return (outs[0] if outs else at), taps[at].activation
    users = [k for k, tap in enumerate(taps) if tap.source == at]
    if len(users) == 1 and is_activation(taps[users[0]].operation):
        operation = taps[users[0]].operation
        return users[0], getattr(operation, "activation", operation.call)
    return at, None


def _passed_on(taps: Sequence[Tap], at: int) -> set[int]:
    """The tap and those behind it that hold the same numbers in another shape."""
    same = {at}
    for k, tap in enumerate(taps):
        if tap.source in same and type(tap.operation).__name__ in SHAPING:
            same.add(k)
    return same


def spread(value: np.ndarray, operation: Any) -> np.ndarray:
    """A tensor that a layer put out, or its gradient, as (examples, places, units)."""
    if value.ndim < 2:
        return value.reshape(len(value), 1, 1)
    axes = 1
    if isinstance(operation, keras.layers.EinsumDense):
        axes = len(_new_axes(operation.equation) or (0,))
    elif getattr(operation, "data_format", None) == "channels_first" and value.ndim > 2:
        value = np.moveaxis(value, 1, -1)
    return value.reshape(len(value), -1, math.prod(value.shape[max(1, value.ndim - axes) :]))


def columns(value: np.ndarray, slot: Slot) -> np.ndarray | None:
    """A kernel as (inputs, units), the units as the sums have them; None where its layout is not known."""
    layer = slot.layer
    if isinstance(layer, keras.layers.EinsumDense):
        new = _new_axes(layer.equation)
        if not new:
            return None
        inputs = [axis for axis in range(value.ndim) if axis not in new]
        return value.transpose(*inputs, *new).reshape(-1, math.prod(value.shape[axis] for axis in new))
    if type(layer).__name__.endswith("Transpose"):
        return np.moveaxis(value, -2, -1).reshape(-1, value.shape[-2])
    if slot.role == "depthwise_kernel":
        return value.reshape(-1, value.shape[-2] * value.shape[-1])
    return value.reshape(-1, value.shape[-1])


def covered(layer: Any, shape: Sequence[int]) -> float:
    """Share of a convolution's products with `same` padding that meet a number and not the padding.

    >>> covered(keras.layers.Conv1D(4, 3, padding="same"), (None, 2, 5)).__round__(3)
    0.667
    """
    if getattr(layer, "padding", None) != "same" or not hasattr(layer, "dilation_rate"):
        return 1.0
    if type(layer).__name__.endswith("Transpose"):
        return 1.0
    places = shape[2:] if layer.data_format == "channels_first" else shape[1:-1]
    share = 1.0
    for size, taps, stride, reach in zip(
        places, layer.kernel_size, layer.strides, layer.dilation_rate, strict=True
    ):
        starts = np.arange(0, size, stride)
        before = max(0, starts[-1] + (taps - 1) * reach + 1 - size) // 2
        at = starts[:, None] - before + reach * np.arange(taps)
        share *= float(((at >= 0) & (at < size)).mean())
    return share


def _new_axes(equation: str) -> tuple[int, ...]:
    """Axes of an einsum kernel that are the last of the result and no inputs', in the result's order.

    >>> _new_axes("abc,cde->abde"), _new_axes("abcd,cde->abe"), _new_axes("ab,bc->cab")
    ((1, 2), (2,), ())
    """
    operands, result = equation.replace("...", "").replace(" ", "").split("->")
    taken, kernel = operands.split(",")
    new = [letter for letter in result if letter not in taken]
    shared = set(kernel) & set(taken) & set(result)
    trailing = result.endswith("".join(new))
    return tuple(kernel.index(letter) for letter in new) if trailing and not shared else ()
