"""What in a model's initializers is likely to be a mistake."""

import hashlib
import html
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras

from keras_initlab.core.keras_private import first_seed
from keras_initlab.core.rng import isolated
from keras_initlab.diagnosis.depth import DEAD, WILD, chains, passage
from keras_initlab.diagnosis.laws import Weight, is_constant, suited
from keras_initlab.initializers.adapting import fan_factor, seeded, written
from keras_initlab.initializers.base import FanScaled, RandomScheme
from keras_initlab.initializers.fans import Fans, shape_fans
from keras_initlab.network.following import RELUS, TANHS, activation_after
from keras_initlab.network.layer_fans import gates, skipping_stride
from keras_initlab.network.roles import KERNEL_ROLES
from keras_initlab.network.slots import Slot, own_initializer, slots

DEEP = 5
"""Number of layers from which a lost half of the variance counts: 2^-5 is 3 %."""

TOLERATED = 0.1
"""Relative error of a standard deviation that is not worth a word."""

LOOKED_AT = (
    "looked at seeds, equal and constant weights, fans, laws that do not fit ReLU or tanh, and signals and "
    "gradients along chains of layers without normalization; not at biases, data or training"
)

_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One likely mistake.

    Attributes:
        kind: What it is, in two words.
        weights: Paths of the weights that it is about.
        why: Why it matters.
        instead: The line to write instead.
        note: Whether it is no more than worth knowing.
    """

    kind: str
    weights: tuple[str, ...]
    why: str
    instead: str
    note: bool = False

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
        notes = sum(one.note for one in self)
        counts = ((len(self) - notes, "finding"), (notes, "note"))
        found = ", ".join(f"{count} {what}{'s' if count > 1 else ''}" for count, what in counts if count)
        return (
            found if len(self) > notes else f"Nothing found{f' but {found}' if found else ''}: {LOOKED_AT}."
        )


@dataclass(frozen=True)
class _Suspect:
    """A finding of which the line to write instead is not yet made."""

    kind: str
    weights: Sequence[Weight]
    why: str
    instead: Callable[[], str]
    note: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(weight.slot.path for weight in self.weights)


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
    - *depth*: along layers with nothing but activations between, signals or gradients shrink below a
      thousandth of their size or grow beyond a thousandfold, as the weights at hand let expect.
    - *fans of gates* (a note): the same as wrong fans, in the kernels of GRU and LSTM, where it is usual.

    Findings of one sort are put together, so that a large network has few. A law that is proposed suits the
    activation, and weights drawn by it have been looked at in the same way and found right.

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
    with isolated() as generators:  # to make an unseeded initializer takes a number from Python's generator
        every = [Weight(slot, own_initializer(slot)) for slot in slots(model)]

        def law(among: Sequence[Weight], fans: str, *first: Any) -> str | None:
            return suited(among, every, fans, generators, lambda fixed: _blamed(_suspects(fixed, law)), first)

        suspects = sorted(_suspects(every, law), key=lambda one: one.note)
        return Findings(Finding(one.kind, one.paths, one.why, one.instead(), one.note) for one in suspects)


Law = Callable[..., str | None]
"""`(weights, fans, *own laws)`: the code of a law with which lint finds nothing in them; None if none is."""


def _suspects(every: Sequence[Weight], law: Law) -> list[_Suspect]:
    checks = (_shared_seeds, _identical, _wrong_fans, _activations, _constant)
    found = [suspect for check in checks for suspect in check(every, law)]
    explained = {path for one in found if one.kind in ("activation", "constant kernel") for path in one.paths}
    return found + [one for one in _depth(every, law) if not explained.intersection(one.paths)]


def _blamed(found: Sequence[_Suspect]) -> set[str]:
    """The weights in which something is wrong that another law can mend."""
    return {path for one in found if one.kind not in ("wrong fans", "fans of gates") for path in one.paths}


def _redraw(law: Law, weights: Sequence[Weight]) -> str:
    """The line that draws a model's kernels by a law, and what else is of the roles of the weights."""
    code = law(weights, "layer", weights[0].scheme)
    roles = sorted({weight.slot.role for weight in weights}.difference(KERNEL_ROLES))
    more = f", roles={[*KERNEL_ROLES, *roles]!r}" if roles else ""
    if code is None:
        return "an initializer of its own, without a seed, for each of these weights"
    return f"initlab.reinitialize(model, {code}{more}, seed=0)  # a seed for each weight"


def _build(law: Law, weights: Sequence[Weight]) -> str:
    """The argument with which to build the layers of the weights."""
    code = law(weights, "keras")
    return (
        f"kernel_initializer={code}" if code else "keras.layers.BatchNormalization() before each activation"
    )


def _shared_seeds(every: Sequence[Weight], law: Law) -> Iterator[_Suspect]:
    streams: dict[tuple, list[Weight]] = defaultdict(list)
    for weight in every:
        stream = _stream(weight.scheme, weight.slot)
        if stream is not None:
            streams[stream].append(weight)
    for users in streams.values():
        schemes = [weight.scheme for weight in users]
        generators = [scheme.seed for scheme in schemes]
        if len(users) < 2 or (len(set(map(id, generators))) < 2 and not isinstance(generators[0], int)):
            continue  # the second: one generator, which moves on with every draw
        shared = "One initializer instance" if len(set(map(id, schemes))) == 1 else "One seed"
        yield _Suspect(
            "shared seed",
            users,
            f"{shared} draws {len(users)} weights: equal shapes get equal values and other shapes start "
            "alike, so what should be independent is not.",
            partial(_redraw, law, users),
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


def _identical(every: Sequence[Weight], law: Law) -> Iterator[_Suspect]:
    equal = defaultdict(list)
    for weight in every:
        value = weight.value
        if weight.slot.role != "bias" and not is_constant(value):
            equal[weight.slot.shape, hashlib.blake2b(value.tobytes()).digest()].append(weight)
    for alike in equal.values():
        if len(alike) > 1:
            yield _Suspect(
                "identical weights",
                alike,
                "These tensors hold the same values: layers that start equal learn alike.",
                partial(_redraw, law, alike),
            )


def _wrong_fans(every: Sequence[Weight], law: Law) -> Iterator[_Suspect]:
    groups = defaultdict(list)
    for weight in every:
        slot, scheme = weight.slot, weight.scheme
        if scheme is None:
            continue
        # What is drawn, over what the law means.
        ratio = 1 / fan_factor(seeded(scheme, 0, slot.axes), slot.shape, _unstrided(slot))
        if abs(ratio - 1) > TOLERATED:
            groups[_kind(slot.layer), slot.role, written(scheme)].append((weight, ratio))
    for ((kind, condition), role, code), found in groups.items():
        low, high = (f"{limit(ratio for _, ratio in found):.2g}" for limit in (min, max))
        deviation = f"The deviation is {low if low == high else f'{low} to {high}'} times the law's."
        first = found[0][0].slot
        count = gates(first.layer)
        read = shape_fans(first.shape, *(first.axes or ()))
        why = (
            f"{code} takes the units of all {count} gates for outputs, as is usual. "
            if count > 1
            else f"{code} takes the fans of {kind} from the shape, which does not show them: the first has "
            f"{_in_words(first.fans)} and counts as {_in_words(read)}. "
        )
        yield _Suspect(
            "fans of gates" if count > 1 else "wrong fans",
            [weight for weight, _ in found],
            why + deviation,
            partial(
                str, f"initlab.reinitialize(model, {code}, roles={role!r}, layers=lambda layer: {condition})"
            ),
            note=count > 1,
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


def _activations(every: Sequence[Weight], law: Law) -> Iterator[_Suspect]:
    before_tanh, before_relu = [], []
    for weight in every:
        slot, scheme = weight.slot, weight.scheme
        if slot.role not in KERNEL_ROLES or not isinstance(scheme, keras.initializers.VarianceScaling):
            continue
        after = activation_after(slot.layer)
        drawn_by = (_scale(scheme), getattr(scheme, "mode", None))
        if after in TANHS and drawn_by == (2, "fan_in"):
            before_tanh.append(weight)
        if after in RELUS and drawn_by in ((1, "fan_avg"), (1, "fan_in")):
            before_relu.append(weight)
    if before_tanh:
        yield _Suspect(
            "activation",
            before_tanh,
            "He's law doubles the variance to make up for the half that ReLU cuts off; tanh cuts off none: "
            "units saturate and gradients grow with depth.",
            partial(_build, law, before_tanh),
        )
    if len(before_relu) >= DEEP:
        yield _Suspect(
            "activation",
            before_relu,
            "ReLU cuts off half of the variance, which this law does not give back: after "
            f"{len(before_relu)} such layers about 2^-{len(before_relu)} of it is left.",
            partial(_build, law, before_relu),
        )


def _scale(scheme: Any) -> float | None:
    """The variance times the fan; None for an unusual subclass without it."""
    scale = getattr(scheme, "scale", None)
    if scale is not None and isinstance(scheme, FanScaled):
        scale *= scheme.gain**2
    return None if scale is None else round(scale, 6)  # gain=√2 makes LeCun's law He's


def _constant(every: Sequence[Weight], law: Law) -> Iterator[_Suspect]:
    # One unit alone has nobody to equal, nor has a channel of a depthwise kernel.
    kernels = [one for one in every if one.slot.role in KERNEL_ROLES and one.slot.role != "depthwise_kernel"]
    constant = [one for one in kernels if one.slot.shape[-1] > 1 and is_constant(one.value)]
    if constant:
        yield _Suspect(
            "constant kernel",
            constant,
            "Units with equal weights compute the same and get equal gradients, so they stay equal; zeros "
            "also stop the gradient of the layers below.",
            partial(_build, law, constant),
        )


def _depth(every: Sequence[Weight], law: Law) -> Iterator[_Suspect]:
    for chain in chains(every):
        found = passage(chain)
        if found is None or all(DEAD < factor < WILD for factor in (found.forward, found.backward)):
            continue
        yield _Suspect(
            "depth",
            found.weights,
            f"For inputs of size 1 these {len(found.weights)} layers let expect signals of size "
            f"{math.sqrt(found.forward):.0e}, gradients at {math.sqrt(found.backward):.0e} of their size: "
            "beyond a thousandth or a thousandfold, training hardly starts.",
            partial(_build, law, found.weights),
        )
