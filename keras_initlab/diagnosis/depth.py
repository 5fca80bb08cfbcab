"""What a chain of layers makes of the size of signals and gradients, predicted from its weights."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.initializers.gains import moments
from keras_initlab.network.following import follow
from keras_initlab.network.slots import Slot

DEAD, WILD = 1e-3, 1e3
"""Factors on the variance of signals or gradients beyond which a chain hardly starts to learn."""

_ACTIVATIONS = {name.replace("_", ""): name for name in dir(keras.activations) if not name.startswith("_")}
_MIXING = ("softmax", "logsoftmax", "sparsemax", "glu")  # normalize their inputs, or halve them


class Passage(NamedTuple):
    """A chain of layers, and its factors on the variance of what passes.

    Attributes:
        slots: The kernels, the first layer's first.
        forward: Of signals, for inputs of mean 0 and variance 1.
        backward: Of gradients, from the last sums to the first.
    """

    slots: tuple[Slot, ...]
    forward: float
    backward: float


def chains(every: Sequence[Slot]) -> Iterator[list[tuple[Slot, str | None]]]:
    """Kernels that feed each other with nothing but an activation between, each with that activation.

    Normalization, branches, sums and custom code end a chain.
    """
    kernels: dict[int, list[Slot]] = {}
    for slot in every:
        if slot.role in ("kernel", "depthwise_kernel", "pointwise_kernel", "recurrent_kernel"):
            kernels.setdefault(id(slot.layer), []).append(slot)
    alone = {layer: found[0] for layer, found in kernels.items() if len(found) == 1}
    after = {layer: follow(slot.layer) for layer, slot in alone.items()}
    fed = {id(following) for _, following in after.values()}
    for first in alone:
        if first in fed:
            continue
        chain, layer = [], first
        while layer in alone:
            activation, following = after[layer]
            chain.append((alone[layer], activation))
            layer = id(following)
        yield chain


def passage(chain: Sequence[tuple[Slot, str | None]], value: Callable[[Slot], np.ndarray]) -> Passage | None:
    """The factors of a chain, as far as its activations are known; None of fewer than two layers."""
    mean, square = 0.0, 1.0  # of the signal
    forward = backward = 1.0
    seen: list[Slot] = []
    pending = 1.0  # how the last activation passes gradients on
    for slot, activation in chain:
        weights = value(slot).astype("float64")
        size = float((weights**2).mean())
        fans = slot.fans
        variance = (
            fans.fan_in * float(weights.var()) * square + (fans.fan_in * float(weights.mean()) * mean) ** 2
        )
        if seen:
            backward *= pending * fans.fan_out * size
        seen.append(slot)
        forward = variance
        found = _moments(activation, variance)
        if found is None or not DEAD**3 < forward < WILD**3:
            break
        mean, square, pending = found
    return Passage(tuple(seen), forward, backward) if len(seen) > 1 else None


def _moments(activation: str | None, variance: float) -> tuple[float, float, float] | None:
    """Mean, mean square and mean squared slope behind an activation; None where they are not known."""
    if activation in _MIXING or not 0 < variance < math.inf:
        return None
    name: Any = "linear" if activation is None else _ACTIVATIONS.get(activation)
    try:
        return moments(name, float(f"{variance:.2e}")) if name else None  # rounded, as they are kept
    except InputError:
        return None
