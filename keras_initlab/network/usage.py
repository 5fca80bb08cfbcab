"""What the custom layers of a model do with their weights, seen in one symbolic call.

The layer's own code runs on tensors that have a shape and no values (`keras.KerasTensor`), its weights
included, and each operation of Keras is noted with what reaches it. Nothing is computed and nothing stays:
variables, random state and graph are as before. Operations of a backend cannot be followed so.
"""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import keras

from keras_initlab.core.keras_private import names_as_they_were, own_variables, parts, symbolic_arguments
from keras_initlab.core.rng import isolated
from keras_initlab.initializers.fans import Fans
from keras_initlab.network.contraction import Axes, contracted, convolved, moved, parts_played, whole

BATCH, UNKNOWN = 2, 8  # sizes for axes of which no shape says how long they are


class Use(NamedTuple):
    """What is done with one weight.

    Attributes:
        multiplied: Whether it is summed over in a product with the layer's inputs, as a kernel is.
        fans: Its fans there; None where they cannot be read.
    """

    multiplied: bool
    fans: Fans | None = None


def is_custom(layer: Any) -> bool:
    """Whether the layer's class is none of Keras's own."""
    return not type(layer).__module__.startswith("keras.")


def usage(layers: Iterable[Any]) -> dict[int, Use]:
    """By the id of the variable, how the custom layers among these use their weights.

    What is missing was not seen: the shape of a layer's input is not known, a backend's own operations are
    used, or weights are multiplied with weights alone.
    """
    custom = [layer for layer in layers if is_custom(layer)]
    owning = [layer for layer in custom if _tensors(layer)]
    around = [layer for layer in reversed(custom) if not _tensors(layer)]
    found: dict[int, Use] = {}
    for layer in (*owning, *around):  # a layer by itself; failing that, inside the one around it
        wanted = {id(variable) for part in parts(layer) for variable in _tensors(part)}
        if wanted - found.keys():
            with names_as_they_were():
                found = _Trace(layer).run() | found
    return found


def _tensors(layer: Any) -> list[Any]:
    """A custom layer's own trainable weights of rank 2 or more."""
    return (
        [variable for variable in own_variables(layer)[0] if len(variable.shape) > 1]
        if is_custom(layer)
        else []
    )


class Seen(keras.KerasTensor):
    """A symbolic tensor in the place of a variable, which a layer may try to change."""

    def assign(self, *given: Any, **more: Any) -> "Seen":
        return self

    assign_add = assign_sub = assign

    @property
    def value(self) -> "Seen":
        return self


class _Trace:
    """One symbolic call of a layer, followed from its weights to where they meet the inputs."""

    def __init__(self, layer: Any):
        self._layer = layer
        self._custom = {id(part): part for part in parts(layer) if is_custom(part)}
        self._tensors: list[Any] = []  # alive, so that no id comes twice
        self._data: set[int] = set()
        self._looked_up: set[int] = set()
        self._held: dict[int, dict[int, Axes | None]] = {}  # tensor -> variable -> where its axes are
        self._scaled: dict[int, dict[int, tuple[Axes, list[str]]]] = {}  # after a product entry by entry
        self._original: dict[int, dict[str, Any]] = {}
        self._multiplied: dict[int, Fans | None] = {}
        self._met: set[int] = set()
        self._unclear: set[int] = set()

    def run(self) -> dict[int, Use]:
        """What was seen; of a call that failed, only the products, which nothing later takes back."""
        try:
            given = symbolic_inputs(self._layer)
            if given is None:
                return {}
            args, kwargs = keras.tree.map_structure(self._input, given)
            with isolated(), keras.StatelessScope(), self._watched():
                outputs = self._layer.call(*args, **kwargs)
            for tensor in keras.tree.flatten(outputs):
                self._met |= self._held.get(id(tensor), {}).keys()
        except Exception:  # what is written for values, or calls a backend, cannot be followed
            self._met.clear()
        multiplied = {variable: Use(True, fans) for variable, fans in self._multiplied.items()}
        met = {variable: Use(False) for variable in self._met - self._unclear}
        return met | multiplied

    def _input(self, given: Any) -> Any:
        if not isinstance(given, keras.KerasTensor):
            return given
        shape = [size or (UNKNOWN if axis else BATCH) for axis, size in enumerate(given.shape)]
        tensor = keras.KerasTensor(shape, given.dtype)
        self._tensors.append(tensor)
        self._data.add(id(tensor))
        return tensor

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Symbolic tensors for the weights, and every operation reported; all as it was afterwards."""
        before = [Attributes(part) for part in parts(self._layer)]
        kinds = (keras.Operation, keras.Layer)
        original = {kind: vars(kind)["symbolic_call"] for kind in kinds}

        def watched(operation: Any, *args: Any, **kwargs: Any) -> Any:
            if id(operation) in self._custom:
                return operation.call(*args, **kwargs)
            if type(operation).__name__ == "GetItem" and isinstance(args[1], slice | None):
                args = (args[0], (args[1],))  # of single keys its shape rule knows whole numbers only
            with self._with_values(operation):
                outputs = operation.compute_output_spec(*args, **kwargs)
            self._note(operation, args, kwargs, keras.tree.flatten(outputs))
            return outputs

        try:
            self._substitute()
            for kind in kinds:
                kind.symbolic_call = watched
            yield
        finally:
            for kind in kinds:
                kind.symbolic_call = original[kind]
            for attributes in before:
                attributes.restore()

    def _substitute(self) -> None:
        for part in self._custom.values():
            own = own_attributes(part)
            self._original[id(vars(part))] = own
            vars(part).update({name: self._symbolic(value) for name, value in own.items()})

    def _symbolic(self, value: Any) -> Any:
        if isinstance(value, keras.Variable):
            tensor = Seen(value.shape, value.dtype)
            self._tensors.append(tensor)
            if len(value.shape) > 1:
                self._held[id(tensor)] = {id(value): whole(value.shape)}
            return tensor
        if isinstance(value, dict):
            return {key: self._symbolic(inner) for key, inner in value.items()}
        if type(value).__name__ in ("list", "tuple", "TrackedList"):
            return [self._symbolic(inner) for inner in value]
        return value

    @contextlib.contextmanager
    def _with_values(self, operation: Any) -> Iterator[None]:
        """The weights themselves for custom layers inside one of Keras's, which is not looked into."""
        inside = parts(operation) if isinstance(operation, keras.Layer) else []
        symbolic = [(vars(part), own_attributes(part)) for part in inside if id(part) in self._custom]
        for held, _ in symbolic:
            held.update(self._original[id(held)])
        try:
            yield
        finally:
            for held, own in symbolic:
                held.update(own)

    def _note(self, operation: Any, args: tuple, kwargs: dict, outputs: list[Any]) -> None:
        """Follow the weights among the operands of an operation into its outputs."""
        self._tensors += outputs
        operands = [one for one in keras.tree.flatten((args, kwargs)) if hasattr(one, "shape")]
        picks = type(operation).__name__ in _PICKS
        fresh = [id(one) in self._data for one in (operands[:1] if picks else operands)]
        chosen = picks and any(id(one) in self._data for one in operands[1:])
        passed_on = False
        for position, operand in enumerate(operands[:1] if picks else operands):
            others = fresh[:position] + fresh[position + 1 :]
            looked_up = [id(one) in self._looked_up for at, one in enumerate(operands) if at != position]
            meets = any(others) or (any(looked_up) and id(operand) not in self._looked_up)
            for variable, axes in self._held.get(id(operand), {}).items():
                passed_on |= self._follow(operation, position, operands, variable, axes, meets, args, outputs)
        self._sum_up(operation, operands)
        for out in outputs:
            if any(fresh) or isinstance(operation, keras.Layer) or (chosen and not passed_on):
                self._data.add(id(out))
            elif chosen or any(id(one) in self._looked_up for one in operands):
                self._looked_up.add(id(out))

    def _follow(
        self,
        operation: Any,
        position: int,
        operands: list[Any],
        variable: int,
        axes: Axes | None,
        meets: bool,
        args: tuple,
        outputs: list[Any],
    ) -> bool:
        """Note what an operation does with one weight; whether its outputs are the weight in another form."""
        operand = operands[position]
        played = parts_played(operation, position, operands)
        window = convolved(operation, position, operands)
        if isinstance(operation, keras.Layer) or type(operation).__name__ == "Softmax":
            self._met.add(variable)  # what a softmax makes of it is a table of probabilities
            return False
        if window or (played and "summed" in played):
            fans = window or (axes and contracted(axes, played or []))
            if meets:
                self._multiplied[variable] = self._multiplied.get(variable) or fans or None
            elif id(operand) in self._looked_up:
                self._met.add(variable)
            else:  # a product of weights: which of them is the kernel shows nowhere
                self._unclear.add(variable)
            return False
        if meets:
            self._met.add(variable)
            if type(operation).__name__ == "Multiply":
                other = operands[1 - position]
                self._scale(
                    variable, axes and moved(operation, axes, operand.shape, outputs[0].shape), other, outputs
                )
            return False
        for out in outputs:
            key = args[1] if len(args) > 1 else None
            held = self._held.setdefault(id(out), {})
            held[variable] = held.get(variable) or (
                axes and moved(operation, axes, operand.shape, out.shape, key)
            )
        return True

    def _scale(self, variable: int, axes: Axes | None, other: Any, outputs: list[Any]) -> None:
        rank = len(outputs[0].shape)
        sizes = [1] * (rank - len(other.shape)) + list(other.shape)
        if axes:
            shared = ["shared" if size != 1 else "new" for size in sizes]
            self._scaled.setdefault(id(outputs[0]), {})[variable] = (axes, shared)

    def _sum_up(self, operation: Any, operands: list[Any]) -> None:
        """A product entry by entry whose sum is taken is a product of matrices."""
        if type(operation).__name__ not in ("Sum", "Mean") or not operands:
            return
        for variable, (axes, shared) in self._scaled.get(id(operands[0]), {}).items():
            axis = operation.axis
            summed = (
                range(len(axes)) if axis is None else [one % len(axes) for one in keras.tree.flatten(axis)]
            )
            played = ["summed" if at in summed else part for at, part in enumerate(shared)]
            fans = contracted(axes, played)
            if fans and fans.fan_in > 1:
                self._multiplied.setdefault(variable, fans)


_PICKS = ("Take", "TakeAlongAxis", "GetItem")


class Attributes:
    """What a layer holds, and what its lists hold, to be put back."""

    def __init__(self, layer: Any):
        self._live = vars(layer)
        self._before = dict(self._live)
        self._lists = [(held, list(held)) for held in self._before.values() if isinstance(held, list)]

    def restore(self) -> None:
        for name in self._live.keys() - self._before.keys():
            del self._live[name]
        self._live.update(self._before)
        for held, before in self._lists:
            if len(held) != len(before):
                list.__setitem__(held, slice(None), before)  # past the tracking of Keras's lists


def own_attributes(layer: Any) -> dict[str, Any]:
    """What a custom layer holds beside Keras's bookkeeping."""
    bookkeeping = vars(keras.Model() if isinstance(layer, keras.Model) else keras.Layer()).keys()
    return {name: value for name, value in vars(layer).items() if name not in bookkeeping}


def symbolic_inputs(layer: Any) -> tuple[tuple, dict] | None:
    """Symbolic arguments of a call: those of the graph that the layer is in, or of its build's shapes."""
    in_graph = symbolic_arguments(layer)
    if in_graph is not None:
        return in_graph
    config = layer.get_build_config() or {}
    shapes = config.get("shapes_dict") or {"": config.get("input_shape")}

    def tensor(shape: Any) -> Any:
        if isinstance(shape, dict):
            return {name: tensor(inner) for name, inner in shape.items()}
        if shape and isinstance(shape[0], tuple | list):
            return [tensor(inner) for inner in shape]
        return keras.KerasTensor(tuple(shape), layer.compute_dtype)

    if not all(shapes.values()):
        return None
    given = {name.removesuffix("_shape"): tensor(shape) for name, shape in shapes.items()}
    return ((given[""],), {}) if "" in given else ((), given)
