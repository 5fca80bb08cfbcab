"""What the user passed as model -> a built, compiled model and its slots."""

from contextlib import nullcontext
from typing import Any

import keras

from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import compiled_metrics
from keras_initlab.core.rng import Generators
from keras_initlab.engines.sources import Batch


def ready(model: Any, batch: Batch, seed: int, generators: Generators) -> keras.Model:
    """The compiled model itself or the one the function returns, built on the first batch if need be.

    Raises:
        InputError: If it is not a compiled Keras model.
    """
    given = model
    if not isinstance(model, keras.Model) and callable(model):
        generators.seed(seed)
        model = model()
    if not isinstance(model, keras.Model):
        what = "returned" if callable(given) else "is"
        raise InputError(
            f"model {what} {type(model).__name__}: give a compiled keras.Model or a function returning one."
        )
    if not model.compiled or model.optimizer is None:
        raise InputError(
            f"The model {model.name!r} is not compiled with an optimizer: call "
            "model.compile(optimizer, loss, ...) first."
        )
    # Builds what is not built yet; a stateful layer keeps its state.
    with keras.StatelessScope() if model.built else nullcontext():
        outputs = model(batch[0])
    metrics = compiled_metrics(model)
    if metrics is not None and not metrics.built and len(batch) > 1:
        metrics.build(batch[1], outputs)  # names and directions are wanted before the first `fit`
    return model
