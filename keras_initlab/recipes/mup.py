"""μP: weights and learning rates that scale with the width, so that what is tuned narrow holds wide."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_initlab.core.arguments import flag, refused
from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import copy_exclusions, learning_rate, own_variables
from keras_initlab.initializers.adapting import fan_factor, label, resolve
from keras_initlab.initializers.fans import Fans
from keras_initlab.network.heads import heads_of
from keras_initlab.network.roles import KERNEL_ROLES, same_role
from keras_initlab.network.slots import Slot, all_slots, slots
from keras_initlab.network.unrolled import unrolled
from keras_initlab.recipes.examples import small_relu_net, wide_relu_net
from keras_initlab.recipes.recipe import Recipe
from keras_initlab.recipes.registry import RecipeClaims, register
from keras_initlab.recipes.schedule import ScaledSchedule
from keras_initlab.recipes.work import Work

CONSTANT = ("RandomNormal", "RandomUniform", "TruncatedNormal", "Zeros")
"""Laws whose deviation does not depend on the fans."""


class Base(NamedTuple):
    """A weight of the narrower model."""

    role: str
    shape: tuple[int, ...]
    fans: Fans


class Width(NamedTuple):
    """How a weight has grown over the narrower model's.

    Attributes:
        inputs: Its inputs, over those of the narrower model.
        outputs: Its outputs likewise.
        numbers: All its numbers.
    """

    inputs: float
    outputs: float
    numbers: float

    @property
    def hidden(self) -> bool:
        """Whether both inputs and outputs grow."""
        return self.inputs != 1 and self.outputs != 1

    @property
    def readout(self) -> bool:
        """Whether only the inputs grow."""
        return self.inputs != 1 and self.outputs == 1


UNGROWN = Width(1.0, 1.0, 1.0)


def base_shapes(narrow: Any) -> tuple[Base, ...]:
    """What μP has to know of a narrower model: role, shape and fans of each weight, in order.

    Args:
        narrow: A built model, or what this function gave before.

    >>> base_shapes(small_relu_net())[0]
    Base(role='kernel', shape=(20, 64), fans=Fans(fan_in=20, fan_out=64))
    """
    if isinstance(narrow, keras.Layer):
        return tuple(Base(slot.role, slot.shape, slot.fans) for slot in _weights(all_slots(narrow)))
    try:
        return tuple(Base(role, tuple(shape), Fans(*fans)) for role, shape, fans in narrow)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"narrow is {type(narrow).__name__}: give a built model of the same layers with fewer units."
        ) from error


def _weights(every: Sequence[Slot]) -> list[Slot]:
    """Those that were made to be trained, frozen ones included."""
    return [slot for slot in every if any(one is slot.variable for one in own_variables(slot.layer)[0])]


def widths(every: Sequence[Slot], narrow: Sequence[Base]) -> dict[int, Width]:
    """For the index of each slot that was made to be trained, how it has grown.

    Raises:
        InputError: If the two models are not of the same layers, a table is used as head too, or heads of
            attention are wider and not more.
    """
    weights = _weights(every)
    if len(weights) != len(narrow):
        raise InputError(
            f"narrow has {len(narrow)} weights and the model {len(weights)}: both need the same layers."
        )
    found = {}
    for slot, base in zip(weights, narrow, strict=True):
        if not same_role(slot.role, base.role) or len(slot.shape) != len(base.shape):
            raise InputError(
                f"{slot.path} is a {slot.role} of shape {slot.shape}, and narrow has a {base.role} of shape "
                f"{base.shape} there: both need the same layers in the same order."
            )
        if getattr(slot.layer, "tie_weights", False):
            raise InputError(
                f"The layer {slot.layer.name!r} uses its table as input and as head, which μP scales in two "
                "ways: untie them."
            )
        if "query" in slot.path and len(slot.shape) == 3 and slot.shape[-1] != base.shape[-1]:
            raise InputError(
                f"The heads of {slot.path} have size {slot.shape[-1]}, and in narrow {base.shape[-1]}: μP "
                "divides scores by the size and Keras by its root, so widen with more heads of one size."
            )
        fans = slot.fans
        numbers = math.prod(slot.shape) / math.prod(base.shape)
        if slot.role in KERNEL_ROLES:
            found[slot.index] = Width(
                fans.fan_in / base.fans.fan_in, fans.fan_out / base.fans.fan_out, numbers
            )
        else:
            found[slot.index] = Width(1.0, numbers, numbers)
    return found


@register(
    "mup",
    claims=RecipeClaims(
        law="hidden: the narrow law's deviation over √m; head: over m; m = inputs over the narrow model's",
        reference="Yang et al. 2022, arXiv:2203.03466",
        changes=(*KERNEL_ROLES, "bias"),
        example=wide_relu_net,
        arguments=lambda: {"narrow": small_relu_net()},
        use="To tune a narrow model and train a wide one, with initlab.recipes.mup_optimizer",
        avoid="Without that optimizer, whose rates belong to these weights; for one width alone",
    ),
)
@dataclass(frozen=True)
class Mup(Recipe):
    """μP's weights: equal to the base law in the narrower model, and scaled from there.

    With m a kernel's inputs over those of the same kernel in the narrower model: hidden kernels, both of
    whose fans grow, have the deviation that `base` has in the narrower model, over √m; kernels whose outputs
    alone grow keep that of the narrower model; the head, whose inputs alone grow, has it over m. No
    multiplier is needed in the graph: what μP multiplies outputs by is in the head and its learning rate.
    Biases are 0. It is half of μP; `mup_optimizer` is the other half.

    Args:
        narrow: A built model of the same layers with fewer units.
        base: The scheme whose law the narrower model has: one that depends on fans, or on nothing.
        zero_head: Start the head at 0, in the narrower model too: there, where nothing has grown, the layers
            with a kernel behind which no other has one.

    Raises:
        InputError: If the models are not of the same layers, or nothing is known of how `base` scales.

    Reference: Yang et al. 2022, arXiv:2203.03466, table 8.

    >>> model = wide_relu_net()
    >>> account = Mup(small_relu_net()).apply(model)
    >>> [round(row.factor, 4) for row in account if row.factor]
    [1.0, 1.0, 1.0, 0.5]
    """

    narrow: Any = field(repr=False)
    base: Any = "initlab_lecun_normal"
    zero_head: bool = False

    def __post_init__(self) -> None:
        flag("zero_head", self.zero_head)
        object.__setattr__(self, "narrow", base_shapes(self.narrow))

    def change(self, work: Work) -> None:
        grown = widths(work.every, self.narrow)
        scheme = resolve(label(self.base), self.base)
        bases = dict(zip(grown, self.narrow, strict=True))
        heads = heads_of(unrolled(work.model), [slot for slot in work.every if slot.role in KERNEL_ROLES])
        kinds = {"hidden": 0, "head": 0, "other": 0}
        for layer, own in work.by_layer(KERNEL_ROLES):
            for slot in own:
                width, fans = grown[slot.index], bases[slot.index].fans
                head = width.readout or (width == UNGROWN and id(layer) in heads)
                kind = "hidden" if width.hidden else "head" if head else "other"
                kinds[kind] += 1
                if self.zero_head and head:
                    work.put(slot, np.zeros(slot.shape), "zeros", note="head")
                    continue
                factor = _narrow_law(scheme, slot, fans)
                factor *= width.inputs**-0.5 if width.hidden else 1 / width.inputs if width.readout else 1.0
                note = f"{kind}, m = {width.inputs:g}" if kind != "other" else ""
                work.put(slot, work.draw(slot, self.base), self.base, factor=factor, note=note)
            for bias in work.of(layer):
                if bias.role == "bias" and work.may_write(bias) and "Cell" not in type(layer).__name__:
                    work.put(bias, np.zeros(bias.shape), "zeros")
        work.structure.append(", ".join(f"{count} {kind}" for kind, count in kinds.items()) + " kernels")
        work.say("learning rates belong to these weights: initlab.recipes.mup_optimizer makes them")


def _narrow_law(scheme: Any, slot: Slot, narrow: Fans) -> float:
    """Deviation of a scheme's law with the narrower model's fans over that with the slot's own.

    Raises:
        InputError: If nothing is known of the law.
    """
    shape = slot.shape
    factor = fan_factor(scheme, shape, narrow) / fan_factor(scheme, shape, slot.fans)
    other = Fans(3 * narrow.fan_in, 3 * narrow.fan_out)
    scales = fan_factor(scheme, shape, other) != fan_factor(scheme, shape, narrow)
    if not scales and type(scheme).__name__ not in CONSTANT:
        raise InputError(
            f"base is {label(scheme)}, of which it is not known how it scales with the width: take a law by "
            "fans, such as 'lecun_normal', or a constant one, such as 'random_normal'."
        )
    return factor


ADAM_LIKE = (
    keras.optimizers.Adam,
    keras.optimizers.Adamax,
    keras.optimizers.Nadam,
    keras.optimizers.RMSprop,
    keras.optimizers.Adagrad,
    keras.optimizers.Lion,
)
"""Optimizers that divide each gradient by its size."""


def rates(width: Width, adam: bool) -> tuple[float, float]:
    """By what μP multiplies the learning rate of a weight, and the epsilon of Adam and its like.

    >>> [rates(Width(*one, 4.0), adam=True) for one in ((4.0, 4.0), (4.0, 1.0), (1.0, 4.0))]
    [(0.25, 1.0), (0.25, 4.0), (1.0, 1.0)]
    """
    if width.readout:  # without the multiplier its gradient is m times as large
        return 1 / width.inputs, width.inputs
    if adam:
        return (1 / width.inputs if width.hidden else 1.0), 1.0
    return (width.outputs / width.inputs if width.hidden else width.numbers), 1.0


def mup_optimizer(model: keras.Model, narrow: Any, optimizer: Any) -> Any:
    """The optimizer of the narrower model with μP's learning rates for a wider one.

    With Adam and its like hidden kernels and the head learn at rate / m, all else at the rate; with SGD
    hidden kernels at rate · (outputs' growth / inputs' growth), the head at rate / m, biases, norms and
    kernels at the input at rate · m. Weight decay, which Keras multiplies by the rate, is divided by the same
    factor, so that it decays as in the narrower model.

    Args:
        model: The built model that is to be trained.
        narrow: The narrower one, as in `Mup`.
        optimizer: What trains the narrower one well: SGD, or Adam, AdamW, Adamax, Nadam, RMSprop, Adagrad or
            Lion.

    Returns:
        A `keras.optimizers.MultiOptimizer`, or the optimizer as it came where all rates are equal.

    Raises:
        InputError: If the model is none or not built, μP says nothing of this optimizer, it clips by the norm
            of all gradients together, or Keras has no `MultiOptimizer`.

    Reference: Yang et al. 2022, arXiv:2203.03466, tables 3 and 8.

    >>> made = mup_optimizer(wide_relu_net(), small_relu_net(), keras.optimizers.Adam(1e-3))
    >>> sorted({round(float(one.learning_rate), 6) for one in made.optimizers})
    [0.00025, 0.001]
    """
    trained = slots(model)
    try:
        optimizer = keras.optimizers.get(optimizer)
    except ValueError as error:
        raise refused(
            "optimizer", optimizer, "a Keras optimizer, such as keras.optimizers.Adam(1e-3)"
        ) from error
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # `compile` scales the loss again
    adam = isinstance(optimizer, ADAM_LIKE)
    if not adam and not isinstance(optimizer, keras.optimizers.SGD):
        raise InputError(
            f"optimizer is {type(optimizer).__name__}, of which μP says nothing: give SGD or one of "
            f"{', '.join(kind.__name__ for kind in ADAM_LIKE)}."
        )
    if optimizer.global_clipnorm is not None:
        raise InputError(
            "optimizer clips by global_clipnorm, and several optimizers have no gradient in common: take "
            "clipnorm or clipvalue."
        )
    if not hasattr(keras.optimizers, "MultiOptimizer"):
        raise InputError(
            f"Keras {keras.__version__} has no MultiOptimizer, which has a rate for each kind of weight: "
            "install 3.15 or newer."
        )
    grown = widths(all_slots(model), base_shapes(narrow))
    groups: dict[tuple[float, float], list[str]] = {}
    for slot in trained:
        groups.setdefault(rates(grown[slot.index], adam), []).append(slot.variable.path)
    groups.setdefault((1.0, 1.0), [])
    met = [path for paths in groups.values() for path in set(paths)]
    if twice := sorted({path for path in met if met.count(path) > 1}):
        raise InputError(
            f"Weights of one path, {twice[0]!r}, need two rates, and a MultiOptimizer tells weights by their "
            "paths: give the layers names of their own."
        )
    if len(groups) == 1:
        return optimizer
    made = {
        factors: _scaled(optimizer, *factors, name=f"{optimizer.name}_{place}")
        for place, factors in enumerate(groups)
    }
    kinds = keras.optimizers
    return kinds.MultiOptimizer(
        kinds.OptimizerMap(
            made[1.0, 1.0],
            {_either(paths): made[factors] for factors, paths in groups.items() if factors != (1.0, 1.0)},
        )
    )


def _either(paths: Iterable[str]) -> str:
    """A regular expression that is one of these paths."""
    return "|".join(map(re.escape, paths))


def _scaled(optimizer: Any, rate: float, epsilon: float, name: str) -> Any:
    config = optimizer.get_config() | {"name": name}
    given = learning_rate(optimizer)
    if isinstance(given, keras.optimizers.schedules.LearningRateSchedule):
        config["learning_rate"] = ScaledSchedule(given, rate)
    else:
        config["learning_rate"] = float(keras.ops.convert_to_numpy(given)) * rate
    if config.get("weight_decay"):
        config["weight_decay"] /= rate
    for size in ("epsilon", "clipnorm", "clipvalue"):
        if config.get(size):
            config[size] *= epsilon
    if "initial_accumulator_value" in config:  # of squares
        config["initial_accumulator_value"] *= epsilon**2
    made = type(optimizer).from_config(config)
    copy_exclusions(optimizer, made)
    return made
