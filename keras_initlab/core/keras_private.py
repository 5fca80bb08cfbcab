"""Every private name of Keras that the package relies on, once; nothing else may name one.

Each function says what it gives and, at the end, since which Keras it can: 3.10 is the oldest supported.
`tests/unit/core/test_keras_private.py` touches them all.
"""

import copy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from keras.src.backend.common import global_state
from keras.src.backend.common.tensor_attributes import get_tensor_attr, set_tensor_attr
from keras.src.backend.common.variables import AutocastScope
from keras.src.utils import module_utils

try:
    from keras.src.backend.common.name_scope import current_path as _current_path
except ImportError:

    def _current_path() -> str | None:
        return None


# Layers and models


def parts(layer: Any) -> list[Any]:
    """A layer or model and all layers inside it, each once. 3.10."""
    return list(layer._flatten_layers())


def inner(layer: Any) -> list[Any]:
    """What a layer or model calls: layers, and the operations of its graph that are none. 3.10.

    A graph's operations stand before layers that it holds beside them.
    """
    held = [*getattr(layer, "_operations", ()), *layer._layers]
    return list({id(one): one for one in held}.values())


def own_variables(layer: Any) -> tuple[list[Any], list[Any]]:
    """The trainable and the other variables of one layer without those of the layers inside it. 3.10.

    Frozen ones count as trainable here, as they were made.
    """
    return layer._trainable_variables, layer._non_trainable_variables


def call_alike(variable: Any, other: Any) -> None:
    """Give a variable the path of another, which has the same place in another model. 3.10."""
    variable._path = other.path


def takes_training(model: Any) -> bool:
    """Whether `call` has an argument `training`. 3.10."""
    return model._call_has_training_arg


def takes_axes(layer: Any) -> bool:
    """Whether the layer tells its kernel's initializer the axes of inputs and outputs. 3.15; never before."""
    return hasattr(layer, "_update_kernel_initializer")


def in_full_precision() -> Any:
    """A context in which variables are what they are, and not what a layer of mixed precision casts them to.

    On PyTorch a value that is assigned inside such a layer's call would be lost with the cast copy. 3.10.
    """
    return AutocastScope(None)


def set_untracked(owner: Any, name: str, value: Any) -> None:
    """Set an attribute past the tracking of layers and variables, as `compile` does. 3.10."""
    object.__setattr__(owner, name, value)


def delete_untracked(owner: Any, name: str) -> None:
    """Take back what `set_untracked` has set over a name of the class. 3.10."""
    object.__delattr__(owner, name)


def carry_over(source: Any, target: Any) -> None:
    """Hang on a tensor what Keras has hung on another: its mask, and the logits behind a softmax. 3.10."""
    for name in ("_keras_mask", "_keras_logits"):
        value = get_tensor_attr(source, name)
        if value is not None:
            set_tensor_attr(target, name, value)


def base_kernel(layer: Any) -> Any:
    """The kernel under a LoRA adapter, without it; None where the layer has no kernel. 3.10."""
    return getattr(layer, "_kernel", None)


def projections(attention: Any) -> tuple[Any, Any, Any, Any]:
    """The layers of a `MultiHeadAttention` or `GroupQueryAttention`: query, key, value, output. 3.10."""
    return attention._query_dense, attention._key_dense, attention._value_dense, attention._output_dense


def uses_flash(attention: Any) -> bool:
    """Whether a `MultiHeadAttention` or `GroupQueryAttention` never holds its weights. 3.10."""
    return bool(attention._flash_attention)


# The graph of a functional model


def operations_after(operation: Any) -> list[Any]:
    """The operations that take the output of this one, once for each time; none outside a graph. 3.10."""
    return [node.operation for node in getattr(operation, "_outbound_nodes", ())]


def node_counts(operation: Any) -> tuple[int, int]:
    """How often it was called on symbolic tensors, and how often an output of it was taken. 3.10."""
    return len(operation._inbound_nodes), len(operation._outbound_nodes)


def cut_nodes(operation: Any, counts: tuple[int, int]) -> None:
    """Forget the calls and uses in graphs that came after `node_counts` was asked. 3.10."""
    del operation._inbound_nodes[counts[0] :]
    del operation._outbound_nodes[counts[1] :]


def symbolic_arguments(layer: Any) -> tuple[tuple, dict] | None:
    """Arguments, symbolic tensors among them, of the layer's first call in a graph; None outside. 3.10."""
    nodes = layer._inbound_nodes
    return (nodes[0].arguments.args, nodes[0].arguments.kwargs) if nodes else None


def graph_inputs(model: Any) -> Any:
    """The symbolic inputs of a functional or sequential model, nested as it takes them, or None. 3.10."""
    functional = getattr(model, "_functional", model)  # inside a sequential one
    return getattr(functional, "_inputs_struct", None)


def symbolic_outputs(layer: Any) -> list[Any]:
    """The symbolic tensors that the layer has put out in graphs. 3.10."""
    return [tensor for node in layer._inbound_nodes for tensor in node.output_tensors]


def calls(model: Any) -> list[tuple[Any, tuple, dict, list[Any]]]:
    """The calls of which a functional model is made, in order: operation, arguments, keywords, outputs. 3.10.

    None for other models.
    """
    by_depth = getattr(model, "_nodes_by_depth", {})
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [(node.operation, node.arguments.args, node.arguments.kwargs, node.outputs) for node in nodes]


def graph_outputs(model: Any) -> Any:
    """The symbolic outputs of a functional model, nested as it gives them, or None. 3.10."""
    return getattr(model, "_outputs_struct", None)


def counted_layers(model: Any) -> list[Any]:
    """The layers that a model holds, in the order in which it lists their variables. 3.10."""
    return list(model._layers)


def count_layers(model: Any, layers: Sequence[Any]) -> None:
    """Let a model list the variables of these layers in this order, behind those of its others. 3.10."""
    chosen = set(map(id, layers))
    model._layers[:] = [*(layer for layer in model._layers if id(layer) not in chosen), *layers]


_PASSING = (
    "keras.src.layers.pooling",
    "keras.src.layers.reshaping",
    "keras.src.layers.regularization",
    "keras.src.layers.core.identity",
)
_ACTIVATIONS = ("keras.src.layers.activations", "keras.src.ops")


def passes_on(operation: Any) -> bool:
    """Whether it is a layer of Keras that has neither weights nor an activation (pooling, ...). 3.10."""
    return type(operation).__module__.startswith(_PASSING)


def is_activation(operation: Any) -> bool:
    """Whether it is an activation layer of Keras, or a function of `keras.ops` in a graph. 3.10."""
    return type(operation).__module__.startswith(_ACTIVATIONS)


# Compiling and training


def compiled_metrics(model: Any) -> Any:
    """What holds the metrics given to `compile` and the names of their results; or None. 3.10."""
    return model._compile_metrics


def compiled_loss(model: Any) -> Any:
    """What holds the loss given to `compile`; None where there is none. 3.10."""
    return model._compile_loss


def given_metrics(model: Any) -> tuple[Any, Any]:
    """The metrics and the weighted metrics as they were given to `compile`. 3.10."""
    held = compiled_metrics(model)
    return (None, None) if held is None else (held._user_metrics, held._user_weighted_metrics)


def given_loss_weights(model: Any) -> Any:
    """The weights of several losses as they were given to `compile`. 3.10."""
    return getattr(model._compile_loss, "_user_loss_weights", None)


def is_plain_mean(model: Any) -> bool:
    """Whether the loss that `fit` reports is a mean over the examples, not summed or weighted. 3.10."""
    reduction = getattr(model.loss, "reduction", "sum_over_batch_size")
    return given_loss_weights(model) is None and reduction in (
        "sum_over_batch_size",
        "mean",
        "mean_with_sample_weight",
    )


def direction(metric: Any) -> str | None:
    """Which way a metric improves, `"up"` or `"down"`; None where it does not say. 3.10."""
    return getattr(metric, "_direction", None)


LOSS_TRACKER = "_loss_tracker"
"""Attribute of a compiled model: the running mean of its loss. 3.10."""


def loss_tracker(model: Any) -> Any:
    """The running mean of the compiled loss. 3.10."""
    return getattr(model, LOSS_TRACKER)


def compute_loss(model: Any, x: Any, y: Any, predicted: Any, sample_weight: Any, training: bool) -> Any:
    """The loss as `train_step` computes it; own `compute_loss` without `training` included. 3.10."""
    return model._compute_loss(x, y, predicted, sample_weight, training=training)


def build_symbolically(model: Any, batch: Any) -> None:
    """Build model, metrics and loss for a batch without computing, as `fit` does. 3.10."""
    model._symbolic_build(data_batch=batch)


# Optimizers


def learning_rate(optimizer: Any) -> Any:
    """The schedule as it was given, or the variable; None where the optimizer has neither. 3.10."""
    return getattr(optimizer, "_learning_rate", None)


def plain_class(optimizer: Any) -> type:
    """An optimizer's class without the updates of all weights at once that PyTorch has. 3.10."""
    return next(
        kind for kind in type(optimizer).__mro__ if not kind.__module__.startswith("keras.src.backend.")
    )


def trained_variables(optimizer: Any) -> Sequence[Any]:
    """The model's variables for which a built optimizer keeps state. 3.10."""
    return optimizer._trainable_variables


def decays(optimizer: Any, variable: Any) -> bool:
    """Whether weight decay applies to a variable. 3.10."""
    return optimizer._use_weight_decay(variable)


def excluded_from_decay(optimizer: Any) -> Any:
    """The paths that `exclude_from_weight_decay` has named; empty or None where it was not called. 3.10."""
    return getattr(optimizer, "_exclude_from_weight_decay", None)


def copy_exclusions(source: Any, target: Any) -> None:
    """Spare the same variables from weight decay, which no config says. 3.10."""
    for name in ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern"):
        if hasattr(source, name):
            setattr(target, name, getattr(source, name))


# Random numbers, names, other backends


_GENERATOR = "global_seed_generator"


def global_generator() -> Any:
    """The generator behind unseeded calls of `keras.random`; None before the first. 3.10."""
    return global_state.get_global_attribute(_GENERATOR)


def set_global_generator(generator: Any) -> None:
    """Put a generator (or None) in the place of the global one. 3.10."""
    global_state.set_global_attribute(_GENERATOR, generator)


def first_seed(generator: Any) -> Any:
    """The number that a `keras.random.SeedGenerator` started from. 3.10."""
    return generator._initial_seed


def building_path() -> str:
    """The path of the layer that is being built; empty outside, or where Keras has no such name. 3.10.

    Without it, one instance in two layers gives both the same values.
    """
    return _current_path() or ""


_NAMES = "object_name_uids"


@contextmanager
def names_as_they_were() -> Iterator[None]:
    """Give back the counters of automatic names (`dense_1`) as they were before the body. 3.10."""
    before = copy.copy(global_state.get_global_attribute(_NAMES))
    try:
        yield
    finally:
        global_state.set_global_attribute(_NAMES, before)


@contextmanager
def tensorflow_left_alone() -> Iterator[None]:
    """Keep Keras from loading TensorFlow to ask whether an object is one of its shapes. 3.10.

    Where it is installed beside another backend, that costs seconds and 400 MB.
    """
    tensorflow = module_utils.tensorflow
    known = tensorflow._available
    if "tensorflow" not in sys.modules:
        tensorflow._available = False
    try:
        yield
    finally:
        tensorflow._available = known
