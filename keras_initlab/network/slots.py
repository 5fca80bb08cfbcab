"""A built model's weight tensors as slots: what each is called, what it is for, how it is drawn."""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.core.rng import seed_globals
from keras_initlab.initializers.base import AxesAware, FanScaled
from keras_initlab.initializers.fans import Fans, layer_fans, shape_fans
from keras_initlab.initializers.wrappers import Masked, Scaled

KERNEL_ROLES = ("kernel", "depthwise_kernel", "pointwise_kernel", "recurrent_kernel")
"""The roles that `compare` puts under test unless told otherwise."""

ROLES = (*KERNEL_ROLES, "embeddings", "bias")

FANS = ("keras", "layer")
"""What a fan-scaled scheme is told: what Keras reads from the shape, or the layer's true fans."""

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
            `bias`, or the variable's own name (`gamma`, `moving_mean`, ...).
        index: Position among the model's variables. Seeds derive from it and the role rather than
            from the layer's name, because Keras numbers automatic names per process: the same
            model built twice in a notebook has other names and must have the same draws.
    """

    path: str
    variable: Any
    layer: Any
    role: str
    index: int

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.variable.shape)

    @property
    def fans(self) -> Fans:
        """The true fans, read from the layer."""
        found = (fan for variable, fan in layer_fans(self.layer) if variable is self.variable)
        return next(found, None) or shape_fans(self.shape)

    @property
    def seed_path(self) -> tuple[str | int, ...]:
        """What a derived seed depends on; different for every slot of a model."""
        return (self.index, self.role)

    @property
    def axes(self) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Input and output axes where Keras hands them to the initializer (3.15+, einsum kernels)."""
        if self.role == "kernel" and hasattr(self.layer, "_update_kernel_initializer"):
            return einsum_axes(self.layer.equation)
        return None

    def __repr__(self) -> str:
        return f"Slot({self.path!r}, {self.role}, {self.shape}, {self.fans})"


def slots(model: keras.Model) -> list[Slot]:
    """Every trainable tensor of a built model once, shared layers included, in Keras's order.

    Raises:
        InputError: If `model` is no Keras model, or is not built.

    >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, name="head")])
    >>> slots(model)
    [Slot('head/kernel', kernel, (8, 4), Fans(fan_in=8, fan_out=4)),
     Slot('head/bias', bias, (4,), Fans(fan_in=8, fan_out=4))]
    """
    if not isinstance(model, keras.Layer):
        raise InputError(f"model is {type(model).__name__}: give a keras.Model.")
    if not model.built:
        raise InputError(
            f"The model {model.name!r} is not built, so it has no weights yet: call it on data or give it "
            "a keras.Input first."
        )
    return [slot for slot in all_slots(model) if slot.variable.trainable]


def all_slots(model: keras.Model) -> list[Slot]:
    """Every tensor of a built model once, whether trainable or not."""
    owners: dict[int, Any] = {}
    for layer in model._flatten_layers():
        for variable in layer._trainable_variables + layer._non_trainable_variables:
            owners.setdefault(id(variable), layer)
    return [
        Slot(
            variable.path.removeprefix(f"{model.name}/"),
            variable,
            owners[id(variable)],
            role(variable, owners[id(variable)]),
            index,
        )
        for index, variable in enumerate(model.variables)
        if id(variable) in owners
    ]


def seed_generators(model: keras.Model) -> list[Any]:
    """The state variables of the random generators inside a model (dropout, noise layers), in order."""
    return [variable for variable in model.variables if variable.name == "seed_generator_state"]


def carried_states(model: keras.Model) -> list[Any]:
    """What stateful recurrent layers carry from one batch to the next; Keras counts it among no variables."""
    layers = [layer for layer in model._flatten_layers() if getattr(layer, "stateful", False)]
    return keras.tree.flatten([layer.states for layer in layers if layer.states is not None])


def role(variable: Any, layer: Any) -> str:
    """What a weight tensor is for.

    Keras's own layers name their tensors by role. A custom layer's trainable tensor of rank 2 or
    more under any other name counts as a `kernel`.
    """
    if variable.name == "kernel" and hasattr(layer, "depthwise_initializer"):
        return "depthwise_kernel"  # DepthwiseConv names its tensor `kernel`
    own = type(layer).__module__.startswith("keras.")
    if variable.name in ROLES or own or len(variable.shape) < 2 or not variable.trainable:
        return variable.name
    return "kernel"


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


def draw(scheme: Callable, slot: Slot, seed: int, fans: str = "keras") -> Any:
    """The tensor that a layer built with `scheme` would draw for `slot` from stream `seed`.

    An initializer that takes a seed is rebuilt with this one, whatever its own was. Where that may not
    decide all of its values, every global generator is seeded too. Only inside `rng.isolated()`.

    Args:
        scheme: An initializer, or a callable `f(shape, dtype)`.
        slot: Which weight.
        seed: The stream.
        fans: `"keras"`, or `"layer"` for the slot's true fans in the law of a fan-scaled scheme.

    Raises:
        Exception: Whatever the scheme raises.
    """
    if not _is_self_contained(scheme):
        seed_globals(seed)
    scheme, dtype = seeded(scheme, seed, slot.axes), slot.variable.dtype
    factor = fan_factor(scheme, slot.shape, slot.fans) if fans == "layer" else 1.0
    if factor == 1:
        return scheme(slot.shape, dtype=dtype)
    wide = keras.backend.result_type(dtype, "float32")
    return keras.ops.cast(scheme(slot.shape, dtype=wide) * factor, dtype)


def _is_self_contained(scheme: Callable) -> bool:
    """Whether nothing but its own arguments decides what a scheme draws: Keras's initializers and this
    package's, unless they hold a function that somebody else wrote.

    To seed TensorFlow's global generator means to forget all its compiled kernels, which costs four
    times what a draw does.
    """
    own = type(scheme).__module__.startswith(("keras.", "keras_initlab."))
    return own and not any(callable(value) for value in vars(scheme).values())


def fan_factor(scheme: Callable, shape: tuple[int, ...], fans: Fans) -> float:
    """The deviation of a fan-scaled law with these fans, over the one that it draws with.

    Fan-scaled are the laws of `FanScaled`, Keras's own family of `VarianceScaling`, and `scaled` and
    `masked` around them. For any other scheme the factor is 1.
    """
    if isinstance(scheme, Scaled | Masked):
        return fan_factor(scheme.inner, shape, fans)
    if isinstance(scheme, FanScaled):
        return scheme.std_with(fans) / scheme.std(shape)
    if isinstance(scheme, keras.initializers.VarianceScaling) and not isinstance(scheme, AxesAware):
        axes = (getattr(scheme, name, None) for name in ("input_axes", "output_axes"))
        read = getattr(shape_fans(shape, *axes), scheme.mode)
        return math.sqrt(max(1, read) / max(1, getattr(fans, scheme.mode)))
    return 1.0


def seeded(scheme: Callable, seed: int, axes: tuple | None = None) -> Callable:
    """`scheme` with its seed replaced, and with einsum axes where it takes them and has none."""
    if not isinstance(scheme, keras.initializers.Initializer):
        return scheme
    config = scheme.get_config()
    changes: dict[str, Any] = {"seed": seed} if "seed" in config else {}
    if axes and "input_axes" in config and config["input_axes"] is None:
        changes |= {"input_axes": axes[0], "output_axes": axes[1]}
    return type(scheme).from_config({**config, **changes}) if changes else scheme


def accepts_shape_and_dtype(scheme: Callable) -> bool:
    """Whether `scheme(shape, dtype=...)` is a valid call, as Keras makes it."""
    try:
        inspect.signature(scheme).bind((1, 1), dtype="float32")
    except TypeError:
        return False
    return True


class Snapshot:
    """The values of a list of variables, kept on the host, and the way back to them."""

    def __init__(self, variables: list[Any]):
        self._variables = list(variables)
        self._values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in self._variables]

    def restore(self) -> None:
        """Give every variable the value it had when the snapshot was taken."""
        for variable, value in zip(self._variables, self._values, strict=True):
            variable.assign(value)
