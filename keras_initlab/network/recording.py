"""Which tensors a pass goes through: each layer's `call` is watched for the time of one pass.

Each layer that holds no other gets an instance attribute `call`, which notes what goes in and comes out.
`Layer.__call__` stays as it is, so masks, autocast and losses of layers work, and no other model is touched.
"""

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from keras_initlab.core.keras_private import (
    carry_over,
    delete_untracked,
    inner,
    own_variables,
    set_untracked,
    uses_flash,
)

ATTENTIONS = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)


@dataclass(frozen=True, eq=False)
class Tap:
    """One tensor on its way through the model.

    Attributes:
        name: Path of the layer or operation; `:pre` marks the sums before its own activation, `:in` what came
            in where no other tap has it, `:state` and `:attention` the other parts, and `#2` the second call
            of a shared layer.
        operation: The layer, or the operation of a graph that is none.
        part: `"pre"`, `"in"` or `"out"`; `"state"` what a recurrent layer begins with, `"attention"` how much
            each place takes of each other one.
        source: Position of the tap whose tensor this one was made of; None if there is none.
        others: Positions of further taps that went in.
        activation: What the layer itself puts on these sums, or None.
    """

    name: str
    operation: Any
    part: str
    source: int | None
    activation: Callable | None = None
    others: tuple[int, ...] = ()


class Recorder:
    """Notes the tensors of one pass."""

    def __init__(self) -> None:
        self.begin(lambda value, at: value)

    def begin(self, mark: Callable[[Any, int], Any]) -> None:
        """Forget what was noted; `mark` gives a tensor as one of its own, which has a gradient."""
        self.taps: list[Tap] = []
        self.values: list[Any] = []
        self.heads: list[int | None] = []
        self._mark = mark
        self._places: dict[int, int] = {}  # of a tensor, by its identity: all are kept alive
        self._names: Counter[str] = Counter()
        self._inside = False  # of a layer that is looked at from outside only

    @contextmanager
    def watching(self, model: keras.Model, opaque: Callable[[Any], bool]) -> Iterator[None]:
        """See every call in the model; of `opaque` layers, as of those that loop, from outside only."""
        changed = []
        try:
            for name, operation, closed in _watched(model, opaque):
                set_untracked(operation, "call", self._watching(name, operation, closed))
                changed.append(operation)
            yield
        finally:
            for operation in changed:
                delete_untracked(operation, "call")

    def end(self, outputs: Sequence[Any]) -> list[Any]:
        """Note which taps the model's outputs are; hand the tensors over."""
        self.heads = [self._places.get(id(one)) for one in outputs]
        found, self.values = self.values, []
        return found

    def _watching(self, name: str, operation: Any, closed: bool) -> Callable:
        """The operation's `call`, watched."""
        call = operation.call
        has_weights = isinstance(operation, keras.Layer) and bool(own_variables(operation)[0])
        wraps = (
            has_weights
            and closed
            and "activation" in vars(operation)
            and not _is_linear(operation.activation)
        )

        @functools.wraps(call)
        def watched(*arguments, **named):
            if self._inside:
                return call(*arguments, **named)
            given = keras.tree.flatten((arguments, named))
            source = self._places.get(id(given[0])) if given else None
            others = tuple(self._places[id(one)] for one in given[1:] if id(one) in self._places)
            if has_weights and source is None and arguments and is_float(arguments[0]):
                arguments = (self._note(name, operation, "in", None, arguments[0]), *arguments[1:])
                source = len(self.taps) - 1
            if wraps:
                activation = operation.activation

                @functools.wraps(activation)
                def after(sums, *more, **other):
                    nonlocal source
                    sums = self._note(name, operation, "pre", source, sums, activation)
                    source = self._places.get(id(sums), source)
                    return activation(sums, *more, **other)

                set_untracked(operation, "activation", after)
            if isinstance(operation, keras.layers.RNN):
                named = self._begun(name, operation, arguments, named)
            attends = isinstance(operation, ATTENTIONS) and not named.get("return_attention_scores")
            if attends:
                named = named | {"return_attention_scores": True}
            self._inside = closed
            try:
                made = call(*arguments, **named)
            finally:
                self._inside = False
                if wraps:
                    set_untracked(operation, "activation", activation)
            if attends:  # its last layer has noted what it puts out
                made, shares = made
                self._note(name, operation, "attention", source, shares, others=others)
                return made
            return keras.tree.map_structure(
                lambda value: self._note(name, operation, "out", source, value, others=others), made
            )

        return watched

    def _begun(self, name: str, layer: Any, arguments: tuple, named: dict) -> dict:
        """The arguments of a recurrent layer; what it would begin with is among them, noted."""
        if layer.stateful or len(arguments) > 1 or named.get("initial_state") is not None:
            return named
        state = layer.get_initial_state(ops.shape(arguments[0])[0])
        noted = keras.tree.map_structure(lambda one: self._note(name, layer, "state", None, one), state)
        return named | {"initial_state": noted}

    def _note(
        self,
        name: str,
        operation: Any,
        part: str,
        source: int | None,
        value: Any,
        activation: Any = None,
        others: tuple[int, ...] = (),
    ) -> Any:
        if not is_float(value):
            return value
        name = name if part == "out" else f"{name}:{part}"
        self._names[name] += 1
        if self._names[name] > 1:
            name = f"{name}#{self._names[name]}"
        marked = self._mark(value, len(self.taps))
        carry_over(value, marked)
        self._places[id(marked)] = len(self.taps)
        self.taps.append(Tap(name, operation, part, source, activation, others))
        self.values.append(marked)
        return marked


def _watched(model: keras.Model, opaque: Callable[[Any], bool]) -> Iterator[tuple[str, Any, bool]]:
    """What is watched: name, layer or operation, and whether nothing inside it is.

    These are layers without others inside, those that loop, those with weights of their own, attention, and
    the operations of a graph that are no layers.
    """
    met = {id(model)}
    queue = [("", one) for one in inner(model)]
    while queue:
        within, operation = queue.pop(0)
        if id(operation) in met or isinstance(operation, keras.layers.InputLayer):
            continue
        met.add(id(operation))
        name = within + operation.name
        if not isinstance(operation, keras.Layer):
            yield name, operation, True
            continue
        loops = isinstance(operation, keras.layers.RNN | keras.layers.TimeDistributed)
        held = [one for one in inner(operation) if one is not getattr(operation, "activation", None)]
        closed = not held or loops or opaque(operation)
        tells = isinstance(operation, ATTENTIONS) and not uses_flash(operation)
        if closed or tells or own_variables(operation)[0]:
            yield name, operation, closed
        if not closed:
            queue[:0] = [(f"{name}/", one) for one in held]


def _is_linear(activation: Any) -> bool:
    return activation is None or getattr(activation, "__name__", "") == "linear"


def is_float(value: Any) -> bool:
    return ops.is_tensor(value) and keras.backend.is_float_dtype(keras.backend.standardize_dtype(value.dtype))
