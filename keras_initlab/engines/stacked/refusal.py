"""Why a comparison cannot be stacked."""

from typing import Any

import keras

from keras_initlab.core.keras_private import excluded_from_decay, parts
from keras_initlab.engines.hyperparameters import in_a_stack, shapes
from keras_initlab.engines.setup import Setup
from keras_initlab.engines.stacked.rows import is_keras_own, tables
from keras_initlab.network.snapshot import carried_states

ELEMENTWISE = (
    keras.optimizers.SGD,
    keras.optimizers.Adam,
    keras.optimizers.AdamW,
    keras.optimizers.Adamax,
    keras.optimizers.Nadam,
    keras.optimizers.RMSprop,
    keras.optimizers.Adagrad,
    keras.optimizers.Adadelta,
    keras.optimizers.Ftrl,
    keras.optimizers.Lion,
)
"""Optimizers whose update of one number depends on that number's own history only."""


def reason_not_to_stack(setup: Setup) -> str | None:
    """The first reason found, worded to follow "because"; None if there is none."""
    return _model(setup) or _optimizer(setup.optimizer) or _rows(setup) or _side_effects(setup)


def _model(setup: Setup) -> str | None:
    model = setup.model
    if setup.callbacks is not None:
        return "callbacks belong to one model each"
    if model.run_eagerly:
        return "run_eagerly asks for Python in every step"
    for name in ("train_step", "test_step"):
        if getattr(type(model), name) is not getattr(keras.Model, name):
            return f"{type(model).__name__} has a {name} of its own"
    if carried_states(model):
        return "a stateful layer carries its state from batch to batch"
    if not model.trainable_variables:
        return "the model has no trainable weights"
    if keras.distribution.distribution() is not None:
        return "a keras.distribution is set"
    return None


def _side_effects(setup: Setup) -> str | None:
    """The layer that a call changes in what is no variable: a counter, a list, a cache.

    What a layer does elsewhere (prints, files) cannot be seen.
    """
    layers = [layer for layer in parts(setup.model) if not is_keras_own(layer)]
    before = [_attributes(layer) for layer in layers]
    if layers:
        with keras.StatelessScope() as scope:
            setup.model(setup.training.first_batch()[0])
        if scope.state_mapping.keys() - set(map(id, setup.model.variables)):
            return "a layer changes a variable that the model does not track"
    for layer, held in zip(layers, before, strict=True):
        after = _attributes(layer)
        for name in held.keys() | after.keys():
            if not _same(held.get(name), after.get(name)):
                return f"a call of {type(layer).__name__} changes its attribute {name!r}"
    return None


def _attributes(layer: keras.layers.Layer) -> dict[str, list[Any]]:
    """What a custom layer or model holds beside Keras's bookkeeping, and what is in its containers."""
    bookkeeping = vars(keras.Model()).keys()
    return {
        name: [value, *(value.values() if isinstance(value, dict) else value)]
        if isinstance(value, dict | list | set)
        else [value]
        for name, value in vars(layer).items()
        if name not in bookkeeping
    }


def _same(before: list[Any] | None, after: list[Any] | None) -> bool:
    return (
        before is not None
        and after is not None
        and len(before) == len(after)
        and all(one is other for one, other in zip(before, after, strict=True))
    )


def _optimizer(optimizer: keras.optimizers.Optimizer) -> str | None:
    name = type(optimizer).__name__
    # On PyTorch the classes are Keras's own subclasses of these; a user's subclass may do anything.
    if not (isinstance(optimizer, ELEMENTWISE) and type(optimizer).__module__.startswith("keras.")):
        return f"the optimizer {name} is not known to act on each weight by itself"
    if excluded_from_decay(optimizer):
        return "variables are excluded from the weight decay one by one, which a stack does not have"
    if optimizer.use_ema:
        return "use_ema swaps the weights of a model when its training ends"
    return None


def _rows(setup: Setup) -> str | None:
    model, held = setup.model, in_a_stack(setup.optimizer, setup.held)
    if shapes(held) and tables(setup):
        return (
            f"on TensorFlow, {', '.join(held)} needs whole gradients, and those of an embedding come as rows"
        )
    if any(isinstance(layer, keras.layers.RNN) for layer in parts(model)) and tables(setup):
        return (
            f"on TensorFlow, {type(setup.optimizer).__name__} treats the rows of an embedding one by one, "
            "and recurrent layers beside it cannot be differentiated for each model by itself"
        )
    return None
