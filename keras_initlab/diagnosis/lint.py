"""What in a model's initializers is likely to be a mistake."""

import hashlib
import html
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_initlab.core.keras_private import first_seed
from keras_initlab.core.rng import isolated
from keras_initlab.initializers.adapting import fan_factor, seeded, written
from keras_initlab.initializers.base import FanScaled, RandomScheme
from keras_initlab.initializers.fans import Fans, shape_fans
from keras_initlab.network.following import RELUS, TANHS, activation_after
from keras_initlab.network.layer_fans import skipping_stride
from keras_initlab.network.roles import KERNEL_ROLES
from keras_initlab.network.slots import Slot, own_initializer, slots

DEEP = 5
"""Number of layers from which a lost half of the variance counts: 2^-5 is 3 %."""

TOLERATED = 0.1
"""Relative error of a standard deviation that is not worth a word."""

_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One likely mistake.

    Attributes:
        kind: What it is, in two words.
        weights: Paths of the weights that it is about.
        why: Why it matters.
        instead: The line to write instead.
    """

    kind: str
    weights: tuple[str, ...]
    why: str
    instead: str

    @property
    def where(self) -> str:
        """The first few weights, and how many there are."""
        more = len(self.weights) - _SHOWN
        return ", ".join(self.weights[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


class Findings(tuple[Finding, ...]):
    """What `lint` found; prints as a list."""

    def __str__(self) -> str:
        lines = [self._head()]
        for number, found in enumerate(self, 1):
            lines += [f"{number}. {found.kind}: {found.where}", f"   {found.why}", f"   -> {found.instead}"]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><strong>{found.kind}</strong>: {html.escape(found.where)}<br>{html.escape(found.why)}"
            f"<br><code>{html.escape(found.instead)}</code></li>"
            for found in self
        )
        return f"<p>{self._head()}</p><ol>{items}</ol>"

    def _head(self) -> str:
        if not self:
            return "Nothing found: seeds, weights, fans and activations are as they should be."
        return f"{len(self)} finding{'s' if len(self) > 1 else ''}"


def lint(model: keras.Model) -> Findings:
    """Look for likely mistakes in how a built model is initialized; nothing is changed.

    - *shared seed*: one initializer instance, or one seed, in several weights, where Keras gives all of them
      the same values. A `SeedGenerator` that several layers share is none: it gives new values each time.
    - *identical weights*: two tensors, other than biases, with equal values.
    - *wrong fans*: a fan-scaled law whose standard deviation is off by more than 10 %, because Keras reads
      the fans from the shape. The outputs that a convolution's stride skips are left out.
    - *activation*: He's law before tanh; Glorot's or LeCun's before ReLU in five or more layers. Nothing is
      said where normalization follows, or where what follows cannot be seen.
    - *constant kernel*: all values equal.

    Findings of one sort are put together, so that a large network has few.

    Args:
        model: A built model.

    Returns:
        The findings, each with weights, reason, and the line to write instead.

    Raises:
        InputError: If `model` is no Keras model, or is not built.

    >>> one = keras.initializers.HeNormal()
    >>> layers = [keras.layers.Dense(4, kernel_initializer=one, name=name) for name in "ab"]
    >>> model = keras.Sequential([keras.Input((4,)), *layers])
    >>> [(found.kind, found.weights) for found in lint(model)]
    [('shared seed', ('a/kernel', 'b/kernel')), ('identical weights', ('a/kernel', 'b/kernel'))]
    """
    every = slots(model)
    checks = (_shared_seeds, _identical, _wrong_fans, _activations, _constant)
    with isolated():  # to make an unseeded initializer takes a number from Python's generator
        return Findings(found for check in checks for found in check(every))


def _shared_seeds(every: Sequence[Slot]) -> Iterator[Finding]:
    streams: dict[tuple, list[tuple[Slot, Any]]] = defaultdict(list)
    for slot in every:
        scheme = own_initializer(slot)
        stream = _stream(scheme, slot)
        if stream is not None:
            streams[stream].append((slot, scheme))
    for users in streams.values():
        paths = tuple(slot.path for slot, _ in users)
        schemes = [scheme for _, scheme in users]
        generators = [scheme.seed for scheme in schemes]
        if len(users) < 2 or (len(set(map(id, generators))) < 2 and not isinstance(generators[0], int)):
            continue  # the second: one generator, which moves on with every draw
        shared = "One initializer instance" if len(set(map(id, schemes))) == 1 else "One seed"
        yield Finding(
            "shared seed",
            paths,
            f"{shared} draws {len(users)} weights: equal shapes get equal values and other shapes start "
            "alike, so what should be independent is not.",
            f"initlab.reinitialize(model, {written(schemes[0])}, seed=0)  # a seed for each weight",
        )


def _stream(scheme: Any, slot: Slot) -> tuple | None:
    """What the random values of a weight follow from; None where no two weights can share it."""
    seed = getattr(scheme, "seed", None)
    if isinstance(seed, keras.random.SeedGenerator):
        key: tuple = ("generator", first_seed(seed))
    elif isinstance(seed, int):
        key = ("integer", seed)
    else:
        return None
    if isinstance(scheme, RandomScheme):  # folds in the shape and the layer, but for automatic numbers
        key += (slot.shape, re.sub(r"_\d+(?=/)", "", slot.path).rpartition("/")[0])
    return key


def _identical(every: Sequence[Slot]) -> Iterator[Finding]:
    equal = defaultdict(list)
    for slot in every:
        value = _value(slot)
        if slot.role != "bias" and not _is_constant(value):
            equal[slot.shape, hashlib.blake2b(value.tobytes()).digest()].append(slot.path)
    for paths in equal.values():
        if len(paths) > 1:
            yield Finding(
                "identical weights",
                tuple(paths),
                "These tensors hold the same values: layers that start equal learn alike.",
                'initlab.reinitialize(model, "initlab_glorot_uniform", seed=0)  # or the law you want',
            )


def _wrong_fans(every: Sequence[Slot]) -> Iterator[Finding]:
    groups = defaultdict(list)
    for slot in every:
        scheme = own_initializer(slot)
        if scheme is None:
            continue
        # What is drawn, over what the law means.
        ratio = 1 / fan_factor(seeded(scheme, 0, slot.axes), slot.shape, _unstrided(slot))
        if abs(ratio - 1) > TOLERATED:
            groups[_kind(slot.layer), slot.role, written(scheme)].append((slot, ratio))
    for ((kind, condition), role, code), found in groups.items():
        low, high = (f"{limit(ratio for _, ratio in found):.2g}" for limit in (min, max))
        first = found[0][0]
        read = shape_fans(first.shape, *(first.axes or ()))
        yield Finding(
            "wrong fans",
            tuple(slot.path for slot, _ in found),
            f"{code} takes the fans of {kind} from the shape, which does not show them: the first has "
            f"{_in_words(first.fans)} and counts as {_in_words(read)}. "
            f"The deviation is {low if low == high else f'{low} to {high}'} times the law's.",
            f"initlab.reinitialize(model, {code}, roles={role!r}, layers=lambda layer: {condition})",
        )


def _kind(layer: Any) -> tuple[str, str]:
    """What a layer is, and the condition that picks its like."""
    kind = type(layer).__name__
    if getattr(layer, "groups", 1) > 1 and hasattr(layer, "kernel_size"):
        return f"{kind} with groups", f"getattr(layer, 'groups', 1) > 1 and type(layer).__name__ == {kind!r}"
    return kind, f"type(layer).__name__ == {kind!r}"


def _in_words(fans: Fans) -> str:
    return f"fan_in {fans.fan_in}, fan_out {fans.fan_out}"


def _unstrided(slot: Slot) -> Fans:
    """The true fans, with the outputs that a convolution's stride skips."""
    skipped = skipping_stride(slot.layer, slot.variable.name) or 1
    return slot.fans._replace(fan_out=slot.fans.fan_out * skipped)


def _activations(every: Sequence[Slot]) -> Iterator[Finding]:
    before_tanh, before_relu = [], []
    for slot in every:
        scheme = own_initializer(slot)
        if slot.role not in KERNEL_ROLES or not isinstance(scheme, keras.initializers.VarianceScaling):
            continue
        after = activation_after(slot.layer)
        law = (_scale(scheme), getattr(scheme, "mode", None))
        if after in TANHS and law == (2, "fan_in"):
            before_tanh.append(slot.path)
        if after in RELUS and law in ((1, "fan_avg"), (1, "fan_in")):
            before_relu.append(slot.path)
    if before_tanh:
        yield Finding(
            "activation",
            tuple(before_tanh),
            "He's law doubles the variance to make up for the half that ReLU cuts off; tanh cuts off none: "
            "units saturate and gradients grow with depth.",
            'kernel_initializer="glorot_uniform"',
        )
    if len(before_relu) >= DEEP:
        yield Finding(
            "activation",
            tuple(before_relu),
            "ReLU cuts off half of the variance, which this law does not give back: after "
            f"{len(before_relu)} such layers about 2^-{len(before_relu)} of it is left.",
            'kernel_initializer="he_normal"',
        )


def _scale(scheme: Any) -> float | None:
    """The variance times the fan; None for an unusual subclass without it."""
    scale = getattr(scheme, "scale", None)
    if scale is not None and isinstance(scheme, FanScaled):
        scale *= scheme.gain**2
    return None if scale is None else round(scale, 6)  # gain=√2 makes LeCun's law He's


def _constant(every: Sequence[Slot]) -> Iterator[Finding]:
    # One unit alone has nobody to equal, nor has a channel of a depthwise kernel.
    kernels = [slot for slot in every if slot.role in KERNEL_ROLES and slot.role != "depthwise_kernel"]
    constant = [slot for slot in kernels if slot.shape[-1] > 1 and _is_constant(_value(slot))]
    if constant:
        yield Finding(
            "constant kernel",
            tuple(slot.path for slot in constant),
            "Units with equal weights compute the same and get equal gradients, so they stay equal; zeros "
            "also stop the gradient of the layers below.",
            'kernel_initializer="glorot_uniform"',
        )


def _value(slot: Slot) -> np.ndarray:
    return np.ascontiguousarray(keras.ops.convert_to_numpy(slot.variable))


def _is_constant(value: np.ndarray) -> bool:
    return value.size < 2 or bool((value == value.flat[0]).all())
