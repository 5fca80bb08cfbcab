"""A copy of a model whose file loads where this package is not installed."""

from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import decays, parts, trained_variables
from keras_initlab.initializers.base import FanScaled
from keras_initlab.initializers.registry import PACKAGE, PREFIX
from keras_initlab.network.slots import all_slots, own_initializer, slots

STAND_IN = "glorot_uniform"
"""Takes the place of a law that no builtin of Keras has."""

_NAMESAKES = ("Zeros", "Ones", "Constant", "RandomUniform", "RandomNormal", "TruncatedNormal")
_KERAS_MODES = ("fan_in", "fan_out", "fan_avg")


def make_portable(model: keras.Model) -> keras.Model:
    """A copy of a built model whose saved file loads where this package is not installed.

    Weights, optimizer and compiled state are those of the model. Each initializer of this package, or of one
    that registers schemes with it, becomes a builtin of Keras: the fan-scaled laws `VarianceScaling` with
    the same variance, the plain ones their namesakes, all others `glorot_uniform`, which would draw other
    values if the model were built anew. Own layers, losses and metrics are needed where the file is loaded,
    as with any model.

    Args:
        model: A built model that Keras can rebuild from its config.

    Raises:
        InputError: If `model` is no Keras model, is not built, has no config, or makes initializers of this
            package in its own code.

    >>> layer = keras.layers.Dense(4, kernel_initializer="initlab_he_normal")
    >>> model = keras.Sequential([keras.Input((8,)), layer])
    >>> make_portable(model).layers[0].kernel_initializer.get_config()["scale"]
    2.0
    """
    slots(model)  # refuses what is not built
    try:
        config = keras.saving.serialize_keras_object(model)
        custom = {type(layer).__name__: type(layer) for layer in parts(model) if _is_custom(layer)}
        copy = keras.saving.deserialize_keras_object(
            _portable(config),
            custom_objects=custom,
            safe_mode=False,  # the user's own, alive in this process
        )
    except (NotImplementedError, TypeError, ValueError) as error:
        raise InputError(
            f"The model {model.name!r} cannot be rebuilt from its config: {error} Give its class, its layers "
            "and what it is compiled with a get_config, or save its weights alone."
        ) from error
    _require_free(copy)
    _copy_values(model.variables, copy.variables)
    if model.compiled and model.optimizer is not None:
        copy.optimizer = _optimizer(model, copy)
    return copy


def _is_custom(layer: Any) -> bool:
    return not type(layer).__module__.startswith("keras.")


def _portable(config: Any, key: str = "") -> Any:
    """The config with builtins of Keras for the initializers of this package."""
    if isinstance(config, dict):
        if str(config.get("registered_name")).startswith(f"{PACKAGE}>"):
            return keras.saving.serialize_keras_object(builtin(keras.saving.deserialize_keras_object(config)))
        return {name: _portable(inner, str(name)) for name, inner in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_portable(inner, key) for inner in config)
    if isinstance(config, str) and config.startswith(PREFIX) and key.endswith("initializer"):
        return STAND_IN
    return config


def builtin(scheme: Any) -> keras.initializers.Initializer:
    """The initializer of Keras nearest to a scheme of this package."""
    kind = type(scheme)
    if kind.__name__ in _NAMESAKES:
        return getattr(keras.initializers, kind.__name__)(**scheme.get_config())
    of_the_family = isinstance(scheme, FanScaled) and (kind.std, kind.draw) == (FanScaled.std, FanScaled.draw)
    if not of_the_family or scheme.mode not in _KERAS_MODES:
        return keras.initializers.get(STAND_IN)
    axes = {"input_axes": scheme.input_axes, "output_axes": scheme.output_axes}
    return keras.initializers.VarianceScaling(
        scheme.scale * scheme.gain**2,
        scheme.mode,
        scheme.distribution,
        scheme.seed,
        **(axes if scheme.input_axes is not None else {}),
    )


def _require_free(copy: keras.Model) -> None:
    for slot in all_slots(copy):
        scheme = own_initializer(slot)
        if keras.saving.get_registered_name(type(scheme)).startswith(f"{PACKAGE}>"):
            raise InputError(
                f"{slot.path} still has {type(scheme).__name__} of {PACKAGE}: {type(slot.layer).__name__} "
                "or what holds it makes its initializer in its own code, not from its config. Name one of "
                "Keras's there."
            )


def _optimizer(model: keras.Model, copy: keras.Model) -> keras.optimizers.Optimizer:
    """The model's optimizer for the copy's variables.

    It keeps the slots of those frozen since, and who is spared by weight decay, which no config says.
    """
    source = model.optimizer
    target = type(source).from_config(source.get_config())
    counterparts = {id(one): other for one, other in zip(model.variables, copy.variables, strict=True)}
    inner, copied = (getattr(one, "inner_optimizer", one) for one in (source, target))
    spared = [counterparts[id(one)] for one in model.variables if not decays(inner, one)]
    if spared:
        copied.exclude_from_weight_decay(spared)
    if source.built:
        target.build([counterparts[id(one)] for one in trained_variables(source)])
        _copy_values(source.variables, target.variables)
    return target


def _copy_values(source: list, target: list) -> None:
    if [tuple(one.shape) for one in source] != [tuple(one.shape) for one in target]:
        raise InputError(
            "The model rebuilt from its config has other weights. Complete its get_config, so that it says "
            "all that __init__ was given."
        )
    for one, other in zip(source, target, strict=True):
        # By way of the host: JAX would share the array, and training gives its own away.
        other.assign(np.array(keras.ops.convert_to_numpy(one)))
