"""The user's model is borrowed: what has to be kept of it, and the way back."""

from typing import Any

import keras

from keras_initlab.core.keras_private import copy_exclusions, learning_rate
from keras_initlab.network.insertion import counted


def has_own(model: keras.Model, method: str) -> bool:
    """Whether a model's class does in its own way what `fit` calls by that name."""
    return getattr(type(model), method) is not getattr(keras.Model, method)


def optimizers(model: keras.Model) -> dict[str, keras.optimizers.Optimizer]:
    """The optimizers that a model holds, by attribute: `optimizer`, and those of a `compile` of its own."""
    return {name: held for name, held in vars(model).items() if isinstance(held, keras.optimizers.Optimizer)}


def seed_generators(model: keras.Model) -> dict[tuple[str | int, ...], Any]:
    """The state variables of the random generators inside a model (dropout, noise layers) by their place.

    That is what `Seeds.noise` takes; those of layers that a remedy has inserted shift no other.
    """
    states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    return dict(counted(model, states))


def fresh_optimizer(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """A new optimizer with the same configuration and none of the state."""
    return remade(optimizer, type(optimizer))


def remade(optimizer: keras.optimizers.Optimizer, kind: Any) -> Any:
    """An optimizer of another class with the same configuration and none of the state."""
    config = optimizer.get_config()
    schedule = learning_rate(optimizer)
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        config["learning_rate"] = schedule  # stateless, and perhaps of a class Keras cannot look up
    fresh = kind.from_config(config)
    copy_exclusions(optimizer, fresh)
    return fresh
