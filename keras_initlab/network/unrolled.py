"""A model as one flat graph, whatever way it was written.

The model's own code runs once on tensors that have a shape and no values. Models and layers of one's own are
run through; what is left are Keras's layers and operations, in their order. What Keras notes of these calls
in its own graph is taken back.
"""

import inspect
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import gist
from keras_initlab.core.keras_private import (
    cut_nodes,
    graph_inputs,
    inner,
    names_as_they_were,
    node_counts,
    parts,
)
from keras_initlab.core.rng import isolated
from keras_initlab.network.usage import (
    BATCH,
    UNKNOWN,
    Attributes,
    Seen,
    is_custom,
    own_attributes,
    symbolic_inputs,
)

ATTENTION = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)

_ATOMS = (keras.layers.RNN, keras.layers.Bidirectional, keras.layers.TimeDistributed, *ATTENTION)


@dataclass(frozen=True, eq=False)
class Node:
    """One layer or operation that was called.

    Attributes:
        operation: It.
        inputs: Numbers of the tensors that it took.
        outputs: Numbers of those that it gave.
        variables: Those that it was given beside, by code of one's own.
        constants: Plain numbers that it was given.
        owner: The layer of one's own whose code called it, or the model.
        constant_first: Whether such a number stands before all tensors, as in 3 / x.
        attended: Of an attention the numbers of the tensors that queries, keys and values are made of.
    """

    operation: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    variables: tuple[Any, ...] = ()
    constants: tuple[float, ...] = ()
    owner: Any = None
    constant_first: bool = False
    attended: tuple[int, ...] = ()

    @property
    def crosses(self) -> bool:
        """Whether it is an attention that takes values from elsewhere than its queries."""
        return bool(self.attended) and self.attended[0] != self.attended[2]

    @property
    def name(self) -> str:
        return getattr(self.operation, "path", "") or self.operation.name


@dataclass
class Graph:
    """The nodes of a model in the order in which they run.

    Attributes:
        nodes: Them.
        unclear: Names of layers that could not be run through -> why; from outside each is one node.
        shapes: Shape of each tensor, by its number; of axes of unknown size, some size.
    """

    nodes: list[Node] = field(default_factory=list)
    unclear: dict[str, str] = field(default_factory=dict)
    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)


def unrolled(model: keras.Model) -> Graph:
    """The flat graph of a built model; where the model's own code cannot be followed, without nodes."""
    return _Unrolling(model).run()


class _Unrolling:
    def __init__(self, model: keras.Model):
        self._model = model
        self._graph = Graph()
        self._numbers: dict[int, int] = {}
        self._alive: list[Any] = []
        self._stand_ins: dict[int, Any] = {}  # variables, by the identity of the tensor in their place
        self._owners: list[Any] = [model]
        self._cast: dict[int, int] = {}  # tensor -> the one that it is in another precision

    def run(self) -> Graph:
        every = {id(one): one for part in parts(self._model) for one in (part, *inner(part))}
        there = [(operation, node_counts(operation)) for operation in every.values()]
        try:
            given = _inputs(self._model)
            if given is None:
                raise ValueError("the shapes of its inputs are not known: call it on data first")
            args, kwargs = keras.tree.map_structure(self._input, given)
            scopes = (names_as_they_were(), isolated(), keras.StatelessScope(), self._watched())
            with ExitStack() as stack:
                for scope in (*scopes, self._without_values(self._model)):
                    stack.enter_context(scope)
                self._model.call(*args, **kwargs)
        except Exception as error:  # what is written for values, or calls a backend, cannot be followed
            self._graph.nodes.clear()
            self._graph.unclear[self._model.name] = gist(error)
        finally:
            for operation, counts in there:
                cut_nodes(operation, counts)
        return self._graph

    def _input(self, given: Any) -> Any:
        if not isinstance(given, keras.KerasTensor):
            return given
        shape = [size or (UNKNOWN if axis else BATCH) for axis, size in enumerate(given.shape)]
        tensor = keras.KerasTensor(shape, given.dtype)
        self._number(tensor)
        return tensor

    def _number(self, tensor: Any) -> int:
        if id(tensor) not in self._numbers:
            self._alive.append(tensor)  # so that no identity comes twice
            self._numbers[id(tensor)] = len(self._numbers)
            self._graph.shapes[self._numbers[id(tensor)]] = tuple(tensor.shape)
        return self._numbers[id(tensor)]

    @contextmanager
    def _watched(self) -> Iterator[None]:
        kinds = (keras.Operation, keras.Layer)
        original = {kind: vars(kind)["symbolic_call"] for kind in kinds}

        def watched(operation: Any, *args: Any, **kwargs: Any) -> Any:
            return self._called(operation, args, kwargs)

        try:
            for kind in kinds:
                kind.symbolic_call = watched
            yield
        finally:
            for kind in kinds:
                kind.symbolic_call = original[kind]

    def _called(self, operation: Any, args: tuple, kwargs: dict) -> Any:
        if _is_composite(operation):
            there = len(self._graph.nodes)
            own = is_custom(operation) or isinstance(operation, keras.Model)
            self._owners += [operation] if own else []
            try:
                with self._without_values(operation):
                    return operation.call(*args, **kwargs)
            except Exception as error:
                del self._graph.nodes[there:]
                self._graph.unclear[operation.name] = gist(error)
            finally:
                del self._owners[len(self._owners) - own :]
        if type(operation).__name__ == "GetItem" and isinstance(args[1], slice | None):
            args = (args[0], (args[1],))  # of single keys its shape rule knows whole numbers only
        outputs = _described(operation, args, kwargs)
        leaves = keras.tree.flatten((args, kwargs))
        if type(operation).__name__ == "Cast" and isinstance(args[0], keras.KerasTensor):
            self._cast[self._number(outputs)] = self._number(args[0])
        self._graph.nodes.append(
            Node(
                operation,
                tuple(
                    self._number(one)
                    for one in leaves
                    if isinstance(one, keras.KerasTensor) and id(one) not in self._stand_ins
                ),
                tuple(
                    self._number(one)
                    for one in keras.tree.flatten(outputs)
                    if isinstance(one, keras.KerasTensor)
                ),
                tuple(
                    self._stand_ins.get(id(one), one)
                    for one in leaves
                    if isinstance(one, keras.Variable) or id(one) in self._stand_ins
                ),
                tuple(float(one) for one in leaves if _is_number(one)),
                self._owners[-1],
                _is_number(leaves[0]) if leaves else False,
                self._attended(operation, args, kwargs) if isinstance(operation, ATTENTION) else (),
            )
        )
        return outputs

    def _attended(self, operation: Any, args: tuple, kwargs: dict) -> tuple[int, int, int]:
        """Before any cast, so that one tensor in two precisions is one."""
        given = inspect.signature(operation.call).bind(*args, **kwargs).arguments
        key = given["value"] if given.get("key") is None else given["key"]
        query, key, value = (self._number(one) for one in (given["query"], key, given["value"]))
        return self._cast.get(query, query), self._cast.get(key, key), self._cast.get(value, value)

    @contextmanager
    def _without_values(self, layer: Any) -> Iterator[None]:
        """Symbolic tensors in the places where a layer of one's own holds variables."""
        before = Attributes(layer)
        if is_custom(layer):
            own = own_attributes(layer)
            vars(layer).update({name: self._stand_in(value) for name, value in own.items()})
        try:
            yield
        finally:
            before.restore()

    def _stand_in(self, value: Any) -> Any:
        if isinstance(value, keras.Variable):
            tensor = Seen(value.shape, value.dtype)
            self._alive.append(tensor)
            self._stand_ins[id(tensor)] = value
            return tensor
        if isinstance(value, dict):
            return {key: self._stand_in(inner) for key, inner in value.items()}
        if type(value).__name__ in ("list", "tuple", "TrackedList"):
            return [self._stand_in(inner) for inner in value]
        return value


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float | np.number) and not isinstance(given, bool)


def _is_composite(operation: Any) -> bool:
    """Whether it is run through: a model, or a layer of one's own."""
    if not isinstance(operation, keras.Layer) or isinstance(operation, _ATOMS):
        return False
    return isinstance(operation, keras.Model) or is_custom(operation)


def _described(operation: Any, args: tuple, kwargs: dict) -> Any:
    """What comes out, as symbols.

    Attention of one's own may take more arguments than the rule of shapes that it has from Keras.
    """
    if isinstance(operation, ATTENTION):
        known = inspect.signature(operation.compute_output_spec).parameters
        kwargs = {name: value for name, value in kwargs.items() if name in known or value is not None}
    return operation.compute_output_spec(*args, **kwargs)


def _inputs(model: keras.Model) -> tuple[tuple, dict] | None:
    given = graph_inputs(model)
    return symbolic_inputs(model) if given is None else ((given,), {})
