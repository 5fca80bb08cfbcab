"""What else decides the numbers of a comparison: all that `compile` was told, and the model as it came."""

import contextlib
import warnings
from collections import defaultdict
from typing import Any

import keras

from keras_initlab.core.keras_private import (
    calls,
    decays,
    given_loss_weights,
    given_metrics,
    own_variables,
    parts,
    tensorflow_left_alone,
)
from keras_initlab.engines.lending import optimizers
from keras_initlab.engines.setup import Setup
from keras_initlab.engines.sources import fingerprint
from keras_initlab.experiment.describing import (
    UNTOLD,
    attributes,
    described,
    does,
    hashed,
    is_own,
    without_names,
)


def loss(model: keras.Model) -> dict[str, Any]:
    """The losses with their arguments, and how they are weighted."""
    return {"given": described(model.loss), "weights": described(given_loss_weights(model))}


def metrics(model: keras.Model, names: Any) -> dict[str, Any]:
    """The metrics with their arguments, and what they are called in the records."""
    given, weighted = given_metrics(model)
    return {"given": described(given), "weighted": described(weighted), "names": sorted(names)}


def optimizer(model: keras.Model) -> dict[str, Any]:
    """What the arguments of the optimizers do not say: their classes and the weights that they spare."""
    found = {}
    for name, held in optimizers(model).items():
        spared = [index for index, weight in enumerate(model.trainable_variables) if not decays(held, weight)]
        told = {key: entry for key, entry in described(held).items() if key != "config"}
        found[name] = told | ({"spared from decay": spared} if spared else {})
    return found


def callbacks(setup: Setup) -> Any:
    """The function that makes them, by its code; nobody knows what it finds when it is called."""
    if setup.callbacks is None:
        return "none"
    given = described(getattr(setup.callbacks, "__wrapped__", setup.callbacks), values=False)
    return {"given": given, UNTOLD: ["state"]}


def precision() -> dict[str, Any]:
    """How exactly the backend multiplies matrices, and what Keras takes for a small number."""
    backend, multiplied, wide = keras.backend.backend(), None, True
    if backend == "jax":
        import jax

        multiplied, wide = jax.config.jax_default_matmul_precision, jax.config.jax_enable_x64
    elif backend == "torch":
        import torch

        multiplied = torch.get_float32_matmul_precision()
    elif backend == "tensorflow":
        import tensorflow as tf

        multiplied = (
            "tensor_float_32" if tf.config.experimental.tensor_float_32_execution_enabled() else "float32"
        )
    small = {"floatx": keras.config.floatx(), "epsilon": keras.config.epsilon()}
    return {"matmul": multiplied, "float64": wide, **small}


def layers(setup: Setup) -> list[dict[str, Any]]:
    """Each layer and model: arguments, code, how a model connects its layers, which weights start anew, and a
    fingerprint of those that keep the values they came with."""
    places = {id(layer): index for index, layer in enumerate(parts(setup.model))}
    tested, restarted = defaultdict(list), defaultdict(list)
    for slot in setup.tested:
        tested[id(slot.layer)].append(slot.role)
    for slot in setup.restarted:
        restarted[id(slot.layer)].append(slot.role)
    drawn = {id(slot.variable) for slot in (*setup.tested, *setup.restarted)}
    found = []
    for layer in parts(setup.model):
        weights = [variable for own in own_variables(layer) for variable in own if id(variable) not in drawn]
        drawn |= set(map(id, weights))
        entry = _layer(layer) | {
            "connections": hashed(connections) if (connections := _connections(layer, places)) else None,
            "weights": [f"{tuple(one.shape)} {one.dtype}" for own in own_variables(layer) for one in own],
            "tested": tested[id(layer)],
            "restarted": restarted[id(layer)],
            "kept": _kept(layer, [one for one in weights if one.name != "seed_generator_state"]),
        }
        found.append({key: value for key, value in entry.items() if value})
    return found


def _layer(layer: keras.Layer) -> dict[str, Any]:
    told, config = described(type(layer)), config_of(layer)
    silent = config is None and (is_own(type(layer)) or not isinstance(layer, keras.Model))
    held = {name: one for name, one in attributes(layer).items() if silent or does(one)}
    entry = told if isinstance(told, dict) else {"class": told}
    return entry | {"config": described(without_names(config)), "holds": described(held)}


def config_of(layer: keras.Layer) -> dict[str, Any] | None:
    """A layer's arguments; None for a model, whose layers follow, and for a layer that cannot say."""
    if isinstance(layer, keras.Model):
        return None
    with (
        contextlib.suppress(NotImplementedError, OSError),  # a lambda without a file has no source
        warnings.catch_warnings(action="ignore", category=UserWarning),  # a lambda is not safe to load
        tensorflow_left_alone(),
    ):
        return layer.get_config()
    return None


def _connections(model: keras.Layer, places: dict[int, int]) -> Any:
    """Which call of which layer or operation takes the output of which."""
    numbers: dict[int, int] = {}
    found = []

    def told(value: Any) -> Any:
        return (
            {"output": numbers.get(id(value))} if isinstance(value, keras.KerasTensor) else described(value)
        )

    for operation, arguments, keywords, outputs in calls(model):
        of_no_layer = [type(operation).__name__, described(attributes(operation))]
        place = places.get(id(operation), of_no_layer)
        found.append([place, keras.tree.map_structure(told, [list(arguments), dict(keywords)])])
        for output in keras.tree.flatten(outputs):
            numbers[id(output)] = len(numbers)
    return found and [found, *(keras.tree.map_structure(told, [model.inputs, model.outputs]))]


def _kept(layer: keras.Layer, weights: list[Any]) -> str | None:
    values = [keras.ops.convert_to_numpy(weight) for weight in weights]
    words = layer.get_vocabulary() if hasattr(layer, "get_vocabulary") else []
    if words:
        values.append(words)
    return fingerprint(values) if values else None
