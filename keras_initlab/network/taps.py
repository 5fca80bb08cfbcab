"""Layers met one by one while a model runs, each to be changed before its output goes on.

For the time of one call each layer that is asked for gets an instance attribute `call`, which stops when the
data come to it, in whatever way the model was written: what goes in is then final.
"""

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import keras

from keras_initlab.core.errors import InputError, gist
from keras_initlab.core.keras_private import (
    delete_untracked,
    inner,
    set_untracked,
    takes_training,
)
from keras_initlab.network.usage import is_custom

LOOPS = (keras.layers.RNN, keras.layers.TimeDistributed)
"""Layers that call those inside them in a loop of the backend, where nothing can be measured."""


class Met:
    """A layer with what has come to it.

    Attributes:
        layer: The layer.
        linear: Whether its sums are known to be proportional to its one kernel, without a bias.
    """

    def __init__(self, layer: Any, call: Callable, arguments: tuple, named: dict):
        self.layer, self._call = layer, call
        self._arguments, self._named = arguments, named
        self._output: Any = None
        self._activation = vars(layer).get("activation")
        self.linear = not is_custom(layer)

    @property
    def inputs(self) -> Any:
        """The first argument of its call."""
        return self._arguments[0]

    def sums(self) -> Any:
        """What the layer computes with its present weights, before an activation of its own.

        Raises:
            InputError: If the layer runs where no values are known.
        """
        noted: list[Any] = []
        activation = self._activation

        def note(sums: Any, *more: Any, **other: Any) -> Any:
            noted.append(sums)
            return activation(sums, *more, **other)

        if callable(activation):
            set_untracked(self.layer, "activation", note)
        try:
            self._output = self._call(*self._arguments, **self._named)
        finally:
            if callable(activation):
                set_untracked(self.layer, "activation", activation)
        sums = noted[0] if noted else keras.tree.flatten(self._output)[0]
        if not _has_values(sums):
            raise InputError(
                f"The layer {self.layer.name!r} runs inside a compiled function or a loop, where nothing can "
                "be measured: leave it out with layers=, or call the model eagerly."
            )
        return sums

    def go_on(self, sums: Any = None) -> Any:
        """The output that goes on: of these sums, or what was computed last."""
        if sums is None:
            return self._output
        return self._activation(sums) if callable(self._activation) else sums


def forward(model: keras.Model, x: Any, layers: Sequence[Any], visit: Callable[[Met], Any]) -> Counter[int]:
    """Run a model once, as it predicts, and stop at each of some layers.

    Args:
        model: A built model.
        x: Its inputs.
        layers: Where to stop, at the first call of each.
        visit: Is given the layer, and gives the output that goes on.

    Returns:
        How often each of the layers was called, by its identity; those inside a loop never.

    Raises:
        InputError: If the model cannot run on `x`.
    """
    calls: Counter[int] = Counter()
    stopped: list[InputError] = []  # as it was raised: on its way out Keras adds what each layer was given

    def stopping(met: Met) -> Any:
        try:
            return visit(met)
        except InputError as error:
            stopped.append(error)
            raise

    with _tapped(layers, stopping, calls), without_gradients():
        try:
            model(x, training=False) if takes_training(model) else model(x)
        except Exception as error:
            if stopped:
                raise stopped[0] from None
            shapes = keras.tree.map_structure(lambda leaf: f"{tuple(leaf.shape)} {leaf.dtype}", x)
            raise InputError(
                f"The model {model.name!r} cannot run on x, which comes as {shapes}: {gist(error)}"
            ) from error
    return calls


@contextmanager
def _tapped(layers: Sequence[Any], visit: Callable[[Met], Any], calls: Counter[int]) -> Iterator[None]:
    changed: list[tuple[Any, Any]] = []
    try:
        for layer in layers:
            changed.append((layer, vars(layer).get("call")))
            set_untracked(layer, "call", _watched(layer, visit, calls))
        yield
    finally:
        for layer, before in changed:
            if before is None:
                delete_untracked(layer, "call")
            else:
                set_untracked(layer, "call", before)


def _watched(layer: Any, visit: Callable[[Met], Any], calls: Counter[int]) -> Callable:
    call = layer.call

    @functools.wraps(call)
    def watched(*arguments: Any, **named: Any) -> Any:
        calls[id(layer)] += 1
        if calls[id(layer)] > 1:
            return call(*arguments, **named)
        return visit(Met(layer, call, arguments, named))

    return watched


def without_gradients() -> Any:
    """Spares PyTorch the memory of a backward pass."""
    if keras.backend.backend() != "torch":
        return nullcontext()
    import torch

    return torch.no_grad()


def inside_loops(model: keras.Model) -> set[int]:
    """The identities of the layers that a loop of the backend calls."""
    found: set[int] = set()
    queue = [(one, False) for one in inner(model) if isinstance(one, keras.Layer)]
    met: set[int] = set()
    while queue:
        layer, looped = queue.pop()
        if id(layer) in met:
            continue
        met.add(id(layer))
        if looped:
            found.add(id(layer))
        looped = looped or isinstance(layer, LOOPS)
        queue += [(one, looped) for one in inner(layer) if isinstance(one, keras.Layer)]
    return found


def _has_values(tensor: Any) -> bool:
    """Whether a tensor is one that can be looked at: no symbol and no tracer of a compiler."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return not isinstance(tensor, jax.core.Tracer)
    if backend == "tensorflow":
        return hasattr(tensor, "numpy")
    return True
