"""What the user passed as model -> a built, compiled model; and one loss without an update."""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError, gist
from keras_initlab.core.keras_private import compiled_loss, compiled_metrics
from keras_initlab.core.rng import Generators
from keras_initlab.engines.fit_feed import as_fed
from keras_initlab.engines.lending import has_own, optimizers
from keras_initlab.engines.sources import Batch
from keras_initlab.experiment.targets import loss_name


def ready(model: Any, batch: Batch, seed: int, generators: Generators) -> keras.Model:
    """The compiled model itself or the one the function returns, built on the first batch if need be.

    A model that trains with a `train_step` of its own need not be callable on what the data yield.

    Raises:
        InputError: If it is not a compiled Keras model, or cannot be called on the batch.
    """
    if isinstance(model, keras.Layer) and not isinstance(model, keras.Model):
        raise InputError(
            f"model is a layer ({type(model).__name__}): put it into a keras.Sequential and compile that."
        )
    if not isinstance(model, keras.Model) and callable(model):
        generators.seed(seed)
        model = _made_by(model)
    elif not isinstance(model, keras.Model):
        raise InputError(
            f"model is {type(model).__name__}: give a compiled keras.Model or a function returning one."
        )
    _refuse_hidden_optimizers(model)
    own = has_own(model, "train_step") and optimizers(model)  # of a `compile` of its own
    if not model.compiled or (model.optimizer is None and not own):
        raise InputError(
            f"The model {model.name!r} is not compiled with an optimizer: call "
            "model.compile(optimizer, loss, ...) first."
        )
    if not model.built:
        _call(model, batch, "x")
    if not model.weights:
        raise InputError(
            f"The model {model.name!r} has no weights yet: give its layers a keras.Input, or `fit` it on a "
            "batch first."
        )
    return model


def _refuse_hidden_optimizers(model: keras.Model) -> None:
    own = {name: held for name, held in vars(model).items() if not name.startswith("_")}  # Keras has its own
    for name, held in own.items():
        inner = held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
        if any(isinstance(one, keras.optimizers.Optimizer) for one in inner):
            raise InputError(
                f"The model {model.name!r} keeps optimizers inside {name!r}, where they cannot start fresh: "
                "keep each as an attribute of its own."
            )


def _made_by(function: Callable) -> keras.Model:
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise InputError(
            f"model is a function that needs arguments ({error}): give one without, such as lambda: build(8)."
        ) from error
    except ValueError:  # a builtin without a signature
        pass
    try:
        made = function()
    except Exception as error:
        raise InputError(f"model is a function that raised {gist(error)}") from error
    if not isinstance(made, keras.Model):
        raise InputError(
            f"model returned {type(made).__name__}: give a compiled keras.Model or a function returning one."
        )
    return made


def _call(model: keras.Model, batch: Batch, name: str, step: str = "train_step") -> Any:
    """The outputs for a batch; None where they are not needed because the model trains in its own way."""
    try:
        return model(as_fed(batch[0]))
    except Exception as error:
        if has_own(model, step):
            return None
        raise InputError(
            f"{name} does not fit the model {model.name!r}: {gist(error)} ({name} comes as "
            f"{_described(batch[0])}.)"
        ) from error


def rehearse(model: keras.Model, batch: Batch, x: str, y: str, step: str = "train_step") -> None:
    """Compute the loss of one batch as `fit` would, without an update, and build the metrics.

    A model with a `train_step` (`test_step`) of its own is called only where its metrics must be built: what
    it does with a batch is its own affair.

    Raises:
        InputError: If the inputs do not fit the model or the targets not its loss.
    """
    metrics = compiled_metrics(model)
    unbuilt = metrics is not None and not metrics.built and len(batch) > 1
    own = has_own(model, step)
    if own and not unbuilt:
        return
    outputs = _noted(model, lambda: _rehearsed(model, batch, x, y, step))
    if outputs is None:
        return
    if unbuilt:
        _build(metrics, batch, outputs, y, own)


def _noted(model: keras.Model, function: Callable) -> Any:
    """What a function gives; on JAX shapes alone, for there each operation would be compiled by itself."""
    if keras.backend.backend() != "jax" or model.run_eagerly:
        return function()
    import jax

    return jax.eval_shape(function)


def _rehearsed(model: keras.Model, batch: Batch, x: str, y: str, step: str) -> Any:
    """The outputs for a batch of which a loss could be computed; None where they are not needed."""
    values = [(variable, variable.value) for variable in model.variables]  # regularizers look them up
    with keras.StatelessScope(values, collect_losses=True):  # a stateful layer keeps its state
        outputs = _call(model, batch, x, step)
        try:
            if outputs is not None and not has_own(model, step):
                _lose(model, batch, outputs, y)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{y} does not fit the loss {_losses(model)} of the model {model.name!r}: {gist(error)} ({y} "
                f"comes as {_described(batch[1:2])}, the outputs as {_described(outputs)}.)"
            ) from error
    return outputs


def _lose(model: keras.Model, batch: Batch, outputs: Any, name: str) -> None:
    _, y, weight = (*batch, None, None)[:3]
    if not has_own(model, "compute_loss"):
        if compiled_loss(model) is not None and y is None:
            raise InputError(
                f"{name} is missing: the loss {_losses(model)} of the model {model.name!r} needs it."
            )
        if compiled_loss(model) is None and not model.losses:
            raise InputError(
                f"The model {model.name!r} has no loss: call model.compile(optimizer, loss) first."
            )
    x, y, weight = keras.tree.map_structure(_tensor, (batch[0], y, weight))  # own code may need tensors
    model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weight)


def _tensor(leaf: Any) -> Any:
    if leaf is None:
        return None
    fed = as_fed(leaf)
    return keras.ops.convert_to_tensor(fed) if isinstance(fed, np.ndarray) else fed


def _build(metrics: Any, batch: Batch, outputs: Any, name: str, own: bool) -> None:
    """Build the metrics before the first `fit`: their names and directions are wanted."""
    try:
        metrics.build(batch[1], outputs)
    except Exception as error:
        if not own:
            raise InputError(f"{name} does not fit the metrics: {gist(error)}") from error


def _losses(model: keras.Model) -> Any:
    return keras.tree.map_structure(loss_name, model.loss)


def _described(nest: Any) -> str:
    """Shapes and types of arrays or tensors, nested as they are."""
    if isinstance(nest, tuple) and len(nest) == 1:
        nest = nest[0]
    return str(keras.tree.map_structure(lambda leaf: f"{tuple(leaf.shape)} {leaf.dtype}", nest)).replace(
        "'", ""
    )
