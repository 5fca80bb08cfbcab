"""What a chain of layers makes of the size of signals and gradients, predicted from its weights."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras

from keras_initlab.core.errors import InputError
from keras_initlab.diagnosis.laws import Weight
from keras_initlab.initializers.gains import moments
from keras_initlab.network.following import follow
from keras_initlab.network.roles import KERNEL_ROLES

DEAD, WILD = 1e-6, 1e6
"""Variance of signals, and factor on that of gradients, beyond which a chain hardly starts to learn.

A thousandth or a thousandfold in size: two hidden layers of sigmoid units, which learn well, stay within.
"""

_ACTIVATIONS = {name.replace("_", ""): name for name in dir(keras.activations) if not name.startswith("_")}
_MIXING = ("softmax", "logsoftmax", "sparsemax", "glu")  # normalize their inputs, or halve them


class Passage(NamedTuple):
    """A chain of layers, and what it makes of the variance of what passes.

    Attributes:
        weights: The kernels, the first layer's first.
        forward: The signals' behind the last kernel, for independent inputs of mean 0 and variance 1.
        backward: Factor on the gradients', from the last layer's sums to the first's.
    """

    weights: tuple[Weight, ...]
    forward: float
    backward: float


def chains(every: Sequence[Weight]) -> Iterator[list[tuple[Weight, str | None]]]:
    """Kernels that feed each other with nothing but an activation between, each with that activation.

    Normalization, branches, sums and layers of several kernels end a chain.
    """
    kernels: dict[int, list[Weight]] = {}
    for weight in every:
        if weight.slot.role in KERNEL_ROLES:
            kernels.setdefault(id(weight.slot.layer), []).append(weight)
    alone = {layer: found[0] for layer, found in kernels.items() if len(found) == 1}
    after = {layer: follow(weight.slot.layer) for layer, weight in alone.items()}
    fed = {id(following) for _, following in after.values()}
    for first in alone.keys() - fed:
        chain, layer = [], first
        while layer in alone:
            activation, following = after[layer]
            chain.append((alone[layer], activation))
            layer = id(following)
        yield chain


def passage(chain: Sequence[tuple[Weight, str | None]]) -> Passage | None:
    """The factors of a chain, as far as its activations are known; None of fewer than two layers."""
    square, slope = 1.0, 1.0  # mean squares of what the activation before puts out, and of its slope
    alike = 0.0  # mean product of two units' outputs: one mean, or a kernel whose mean is not 0
    forward = backward = 1.0
    count = 0
    for weight, activation in chain:
        kernel, fans = weight.value.astype("float64"), weight.slot.fans
        own = fans.fan_in * kernel.var() * square
        common = kernel.mean() ** 2 * fans.fan_in * (square - alike + fans.fan_in * alike)
        if weight is chain[-1][0] and own + common == 0:
            break  # a head of zeros learns in its first step
        forward = own + common
        if count:
            backward *= slope * fans.fan_out * (kernel**2).mean()
        count += 1
        if not DEAD**2 < forward < WILD**2:
            count = len(chain)  # no layer further on mends that
            break
        behind = _moments(activation, forward)
        if behind is None:
            break
        mean, square, slope = behind
        alike = mean**2 + common / forward * (square - mean**2)
    weights = tuple(weight for weight, _ in chain[:count])
    return Passage(weights, float(forward), float(backward)) if count > 1 else None


def _moments(activation: str | None, variance: float) -> tuple[float, float, float] | None:
    """Mean, mean square and mean squared slope behind an activation; None where they are not known."""
    if activation in _MIXING:
        return None
    name: Any = "linear" if activation is None else _ACTIVATIONS.get(activation)
    try:
        return moments(name, float(f"{variance:.2e}")) if name else None  # rounded, as they are kept
    except InputError:
        return None
