"""A built model's weight tensors as slots: what each is called, what it is for, how it is drawn."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import own_variables, parts, takes_axes
from keras_initlab.initializers.fans import Fans, shape_fans
from keras_initlab.network.insertion import counted
from keras_initlab.network.layer_fans import layer_fans
from keras_initlab.network.roles import role
from keras_initlab.network.usage import Use, usage

# Keras calls the initializer of `<name>` `<name>_initializer`, but for these roles.
_INITIALIZER_OF = {
    "recurrent_kernel": "recurrent_initializer",
    "depthwise_kernel": "depthwise_initializer",
    "pointwise_kernel": "pointwise_initializer",
}


@dataclass(frozen=True, eq=False, repr=False)
class Slot:
    """One weight tensor of a built model.

    Attributes:
        path: Keras's path of the variable inside the model, such as `dense_1/kernel`.
        variable: The live `keras.Variable`.
        layer: The layer that owns it.
        role: `kernel`, `depthwise_kernel`, `pointwise_kernel`, `recurrent_kernel`, `embeddings`,
            `bias`, or the variable's own name (`gamma`, `class_token`, ...).
        index: Position among the model's variables.
        place: What seeds derive from beside the role: the position among the variables without those of
            layers that a remedy has inserted, which have a count of their own. Not the layer's name, because
            Keras numbers automatic names per process: the same model built twice in a notebook has other
            names and must have the same draws.
        uses: How custom layers were seen to use their weights, by the id of the variable.
    """

    path: str
    variable: Any
    layer: Any
    role: str
    index: int
    place: tuple[str | int, ...]
    uses: Mapping[int, Use] = field(default_factory=dict)

    @property
    def guessed(self) -> bool:
        """Whether the role follows from name and shape alone: the layer's code could not be followed."""
        return role(self.variable, self.layer, self.uses.get(id(self.variable)))[1]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.variable.shape)

    @property
    def fans(self) -> Fans:
        """The true fans, read from the layer."""
        found = (fan for variable, fan in layer_fans(self.layer, self.uses) if variable is self.variable)
        return next(found, None) or shape_fans(self.shape)

    @property
    def seed_path(self) -> tuple[str | int, ...]:
        """What a derived seed depends on; different for every slot of a model."""
        return (*self.place, self.role)

    @property
    def axes(self) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Input and output axes where Keras hands them to the initializer (3.15+, einsum kernels)."""
        if self.role == "kernel" and takes_axes(self.layer):
            return einsum_axes(self.layer.equation)
        return None

    def __repr__(self) -> str:
        guess = " (guessed)" if self.guessed else ""
        return f"Slot({self.path!r}, {self.role}{guess}, {self.shape}, {self.fans})"


def slots(model: keras.Model) -> list[Slot]:
    """Every trainable tensor of a model once, shared layers included, in Keras's order.

    Of a model that is not built as a whole, those of the layers inside it that are. What a custom layer
    does with its tensors is read from its code, run once on tensors without values.

    Raises:
        InputError: If `model` is no Keras model, or nothing in it is built.

    >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, name="head")])
    >>> slots(model)
    [Slot('head/kernel', kernel, (8, 4), Fans(fan_in=8, fan_out=4)),
     Slot('head/bias', bias, (4,), Fans(fan_in=8, fan_out=4))]
    """
    if not isinstance(model, keras.Layer):
        raise InputError(f"model is {type(model).__name__}: give a keras.Model.")
    if not model.built and not model.weights:  # a model without `call` is never built
        raise InputError(
            f"The model {model.name!r} is not built, so it has no weights yet: call it on data or give it "
            "a keras.Input first."
        )
    return [slot for slot in all_slots(model) if slot.variable.trainable]


def all_slots(model: keras.Model) -> list[Slot]:
    """Every tensor of a built model once, whether trainable or not."""
    owners: dict[int, Any] = {}
    every = parts(model)
    uses = usage(every)
    for layer in every:
        for variable in itertools.chain(*own_variables(layer)):
            owners.setdefault(id(variable), layer)
    return [
        Slot(
            variable.path.removeprefix(f"{model.name}/"),
            variable,
            owners[id(variable)],
            role(variable, owners[id(variable)], uses.get(id(variable)))[0],
            index,
            place,
            uses,
        )
        for index, (place, variable) in enumerate(counted(model, model.variables))
        if id(variable) in owners
    ]


def einsum_axes(equation: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Kernel axes that Keras counts as input and as output, from an einsum equation.

    >>> einsum_axes("abc,cde->abde")
    ((0,), (1, 2))
    """
    operands, result = equation.replace("...", "").replace(" ", "").split("->")
    kernel = operands.split(",")[1]
    inputs = tuple(axis for axis, letter in enumerate(kernel) if letter not in result)
    outputs = tuple(axis for axis, letter in enumerate(kernel) if letter in result)
    return inputs, outputs


def own_initializer(slot: Slot) -> Callable | None:
    """The initializer that the slot's layer was configured with; None where it names none."""
    layer, name = slot.layer, slot.variable.name
    initializer = getattr(layer, _INITIALIZER_OF.get(slot.role, f"{name}_initializer"), None)
    if not callable(initializer):
        return None
    if name == "bias" and getattr(layer, "unit_forget_bias", False):
        return _with_forget_ones(initializer, slot.shape[0] // 4)
    return initializer


def _with_forget_ones(initializer: Callable, units: int) -> Callable:
    """An LSTM's bias as Keras builds it: ones for the second of four gates."""

    def draw_bias(shape, dtype=None):
        value = keras.ops.convert_to_numpy(initializer(shape, dtype=dtype)).copy()
        value[units : 2 * units] = 1
        return keras.ops.convert_to_tensor(value)

    return draw_bias
