"""A built model's graph with layers put in: a copy that begins with the same weights."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras

from keras_initlab.core.errors import InputError, gist
from keras_initlab.core.keras_private import (
    call_alike,
    calls,
    count_layers,
    counted_layers,
    given_loss_weights,
    given_metrics,
    graph_inputs,
    graph_outputs,
    is_activation,
    parts,
)
from keras_initlab.core.rng import isolated
from keras_initlab.engines.lending import fresh_optimizer
from keras_initlab.remedies.layers import Graded

SUMS = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
"""Layers that put out an activation of weighted sums."""

WEIGHTED = (*SUMS, keras.layers.RNN, keras.layers.Bidirectional, keras.layers.TimeDistributed)
"""These, and those that carry a state or work at each time."""


class Hidden(NamedTuple):
    """A layer with weights that has another one behind it.

    Attributes:
        layer: The layer.
        end: The operation that puts out its activation: the layer itself, or one behind it.
    """

    layer: Any
    end: Any


def is_graph(model: Any) -> bool:
    """Whether a model is Keras's own Sequential or Functional: all that it does stands in its graph."""
    return (
        isinstance(model, keras.Model)
        and type(model).__module__.startswith("keras.")
        and bool(calls(_graph(model)))
    )


def inputs(model: keras.Model) -> list[Any]:
    """The input layers of a model that `is_graph`."""
    return [one for one, *_ in calls(_graph(model)) if isinstance(one, keras.layers.InputLayer)]


def own_class(model: Any, name: str) -> str:
    """The reason why a model that is none of Keras's own graphs is not changed."""
    return (
        f"{type(model).__name__} is a model class of its own, whose code decides what comes after what; "
        f"write `def build({name}=False): ...` and give `build` as the model, with {name} as a factor."
    )


def no_graph(model: Any, name: str, kinds: tuple[type, ...] = SUMS) -> str | None:
    """The reason why nothing can be put between a model's layers; None if it can."""
    if not is_graph(model):
        return own_class(model, name)
    if not hidden(model, kinds):
        looked_for = "Dense or convolution" if kinds == SUMS else "layer with weights"
        return f"the model {model.name!r} has no hidden {looked_for}; leave {name} out."
    return None


def hidden(model: keras.Model, kinds: tuple[type, ...] = SUMS, leads_on: bool = False) -> list[Hidden]:
    """The hidden layers of some kinds in the order of the graph, those of models inside it included.

    Args:
        model: One that `is_graph`.
        kinds: Their classes.
        leads_on: Whether layers with weights come behind the model.
    """
    made = calls(_graph(model))
    takers: dict[int, list[tuple[Any, Any]]] = {}
    for operation, args, kwargs, outputs in made:
        for tensor in _tensors(args, kwargs):
            takers.setdefault(id(tensor), []).append((operation, outputs))
    ahead = {id(tensor): leads_on for tensor in model.outputs}
    is_hidden: dict[int, bool] = {}
    for operation, args, kwargs, outputs in reversed(made):
        leading = any(ahead.get(id(tensor), False) for tensor in outputs)
        is_hidden[id(operation)] = is_hidden.get(id(operation), False) or leading
        for tensor in _tensors(args, kwargs):
            ahead[id(tensor)] = ahead.get(id(tensor), False) or leading or _weighs(operation)
    found: dict[int, Hidden] = {}
    for operation, _, _, outputs in made:
        if is_graph(operation):
            inside = hidden(operation, kinds, is_hidden[id(operation)])
            found |= {id(one.layer): one for one in inside}
        elif isinstance(operation, kinds) and is_hidden[id(operation)] and len(outputs) == 1:
            found.setdefault(id(operation), Hidden(operation, _end(operation, outputs, takers)))
    return list(found.values())


def _end(layer: Any, outputs: Sequence[Any], takers: dict[int, list[tuple[Any, Any]]]) -> Any:
    """The operation behind which a layer's sums have passed their activation."""
    end = layer
    while is_linear(layer) and len(outputs) == 1 and len(takers.get(id(outputs[0]), ())) == 1:
        operation, outputs = takers[id(outputs[0])][0]
        if _activates(operation):
            return operation
        if "Normalization" not in type(operation).__name__:
            break
        end = operation
    return end


def _activates(operation: Any) -> bool:
    if isinstance(operation, keras.layers.Layer):
        return isinstance(operation, keras.layers.Activation) or is_activation(operation)
    return hasattr(keras.activations, type(operation).__name__.lower())


def is_linear(layer: Any) -> bool:
    """Whether a layer puts out its sums as they are."""
    return getattr(layer, "activation", None) in (None, keras.activations.linear)


def _weighs(operation: Any) -> bool:
    return isinstance(operation, keras.layers.Layer) and any(len(one.shape) > 1 for one in operation.weights)


def _graph(model: Any) -> Any:
    """The functional model behind a sequential one."""
    if isinstance(model, keras.Sequential) and model.built:
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return model


def _tensors(*nest: Any) -> list[Any]:
    return [leaf for leaf in keras.tree.flatten(nest) if isinstance(leaf, keras.KerasTensor)]


Copy = Callable[[Any], Any]
"""The layer that takes a layer's place, of equal weights."""

Behind = Callable[[Any], Sequence[Any]]
"""The layers to put behind an operation, or behind an input; asked once for each."""


def copied(layer: Any, kind: Any = None, **changed: Any) -> Any:
    """A layer or operation with the same configuration but for some arguments, perhaps of another class.

    What is adapted to data (a vocabulary, a mean) and what Keras cannot make anew (a Lambda) is the layer
    itself, where nothing of it is trained.

    Raises:
        InputError: If Keras cannot make one.
    """
    if hasattr(layer, "adapt"):
        return layer
    try:
        return (kind or type(layer)).from_config(_config(layer) | changed)
    except Exception as error:
        if not (changed or layer.trainable_variables):
            return layer
        raise InputError(
            f"The layer {layer.name!r} cannot be copied ({gist(error)}): give its class a get_config, or "
            "write the remedy into a model function with a keyword for it."
        ) from error


def _config(layer: Any) -> dict[str, Any]:
    """A layer's arguments; functions, initializers and so on as they are: one's own have no name."""
    with warnings.catch_warnings(action="ignore"):  # of a lambda, which is not saved here
        config = layer.get_config()
    held = {name: getattr(layer, name, None) for name in config}
    return config | {
        name: one for name, one in held.items() if callable(one) and not isinstance(one, keras.layers.Layer)
    }


def rebuilt(model: keras.Model, copy: Copy = copied, behind: Behind = lambda operation: ()) -> keras.Model:
    """A compiled copy of a model with layers put in, the weights having the same values.

    Shapes of the graph, shared layers and models inside stay; names do too. The layers list their variables
    in the order of the model that was given, whatever Keras makes of the depths of the new graph.

    Args:
        model: One that `is_graph`, compiled.
        copy: Makes a layer's copy.
        behind: Makes the layers behind an operation or input.

    Raises:
        InputError: If a layer cannot be copied.
    """
    with isolated():  # layers that are made draw seeds
        made = _Copies(copy, behind).of(model)
    return compiled_like(made, model)


class _Copies:
    """Copies of operations, each made once, with what stands behind them."""

    def __init__(self, copy: Copy, behind: Behind):
        self._copy, self._behind = copy, behind
        self._made: dict[int, list[Any]] = {}

    def of(self, model: keras.Model) -> keras.Model:
        graph = _graph(model)
        inputs: dict[int, Any] = {}
        tensors: dict[int, Any] = {}
        for operation, args, kwargs, outputs in calls(graph):
            first, *behind = self._copies(operation)
            if isinstance(operation, keras.layers.InputLayer):
                new = [first.output]
                inputs[id(outputs[0])] = new[0]
            else:
                args, kwargs = _replaced((args, kwargs), tensors)
                new = keras.tree.flatten(first(*args, **kwargs))
            for layer in behind:
                new = [layer(tensor) for tensor in new]
            tensors |= zip(map(id, outputs), new, strict=True)
        made = keras.Model(
            _replaced(graph_inputs(graph), inputs), _replaced(graph_outputs(graph), tensors), name=model.name
        )
        ordered = [one for layer in counted_layers(model) for one in self._made.get(id(layer), ())]
        count_layers(made, ordered)
        for layer in counted_layers(model):
            if self._made.get(id(layer), [layer])[0] is not layer and not is_graph(layer):
                _give_weights(layer, self._made[id(layer)][0])
        return made

    def _copies(self, operation: Any) -> list[Any]:
        if id(operation) not in self._made:
            nested = is_graph(operation)
            copy = self.of(operation) if nested else self._copy(operation)
            self._made[id(operation)] = [copy, *self._behind(operation)]
        return self._made[id(operation)]


def _replaced(nest: Any, tensors: dict[int, Any]) -> Any:
    return keras.tree.map_structure(lambda leaf: tensors.get(id(leaf), leaf), nest)


def _give_weights(layer: Any, copy: Any) -> None:
    """Those that both have; a copy may have more behind them."""
    for old, new in zip(layer.weights, copy.weights, strict=False):
        new.assign(keras.ops.convert_to_tensor(old))
        call_alike(new, old)
        if new.trainable != old.trainable:
            new.trainable = old.trainable


KEPT: Any = object()


def compiled_like(
    made: keras.Model, model: keras.Model, loss: Any = KEPT, metrics: Any = KEPT, weighted: Any = KEPT
) -> keras.Model:
    """Compile a model as another is, with a fresh optimizer and the very losses and metrics.

    Their configurations would not do: those of one's own cannot be made from one.
    """
    own, own_weighted = given_metrics(model)
    made.compile(
        optimizer=fresh_optimizer(model.optimizer),
        loss=model.loss if loss is KEPT else loss,
        metrics=own if metrics is KEPT else metrics,
        weighted_metrics=own_weighted if weighted is KEPT else weighted,
        loss_weights=given_loss_weights(model),
        run_eagerly=model.run_eagerly,
        steps_per_execution=model.steps_per_execution,
        jit_compile=model.jit_compile,
    )
    return made


def strengths(model: keras.Model) -> dict[str, list[Any]]:
    """The variables of inserted layers that hold a scalar, by its name."""
    found: dict[str, list[Any]] = {}
    for layer in parts(model):
        if isinstance(layer, Graded):
            found.setdefault(layer.remedy, []).append(layer.strength)
    return found
