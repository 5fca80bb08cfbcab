"""Targets that are classes, and the same classes as rows of probabilities, measured alike."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_initlab.core.keras_private import given_metrics
from keras_initlab.remedies.graph import compiled_like, is_graph, rebuilt
from keras_initlab.remedies.remedy import Subject
from keras_initlab.remedies.streams import mapped, on_targets

_LOSSES = {
    "sparse_categorical_crossentropy": "sparse",
    "SparseCategoricalCrossentropy": "sparse",
    "categorical_crossentropy": "one-hot",
    "CategoricalCrossentropy": "one-hot",
    "categorical_focal_crossentropy": "one-hot",
    "CategoricalFocalCrossentropy": "one-hot",
    "binary_crossentropy": "binary",
    "BinaryCrossentropy": "binary",
    "binary_focal_crossentropy": "binary",
    "BinaryFocalCrossentropy": "binary",
}


def kind(subject: Subject) -> str | None:
    """How the targets say classes: `sparse`, `one-hot` or `binary`; None where they are none, or several."""
    batch = subject.training.first_batch()
    if len(batch) < 2 or not isinstance(batch[1], np.ndarray):
        return None
    return _LOSSES.get(_called(subject.model.loss))


def _called(one: Any) -> str:
    return one if isinstance(one, str) else getattr(one, "__name__", type(one).__name__)


def no_classes(subject: Subject, name: str) -> str | None:
    """The reason why targets cannot be treated as classes; None if they can."""
    if kind(subject) is None:
        return (
            f"the targets are no classes to the loss {_called(subject.model.loss)!r} (a cross-entropy of one "
            f"output says what they are); leave {name} out."
        )
    return None


def classes(model: keras.Model) -> int:
    """How many there are."""
    return int(keras.tree.flatten(model.outputs)[0].shape[-1])


def one_hot(y: np.ndarray, model: keras.Model) -> np.ndarray:
    """Whole numbers as rows with a 1."""
    if y.ndim == len(keras.tree.flatten(model.outputs)[0].shape):
        y = y[..., 0]
    return np.eye(classes(model), dtype="float32")[y.astype(int)]


# Softened targets


def not_softened(subject: Subject, name: str) -> str | None:
    """The reason why the model cannot take probabilities instead of its targets; None if it can."""
    model = subject.model
    if kind(subject) != "sparse":
        return None
    if not is_graph(model):
        return (
            f"{type(model).__name__} is a model class of its own with the loss {_called(model.loss)!r}, "
            "which takes whole numbers; compile it with categorical_crossentropy and give one-hot targets."
        )
    if getattr(model.loss, "ignore_class", None) is not None:
        return "a loss with ignore_class has no twin that takes probabilities; leave out what is ignored."
    for metric in keras.tree.flatten(given_metrics(model)):
        if metric is not None and _twin(metric) is None:
            return (
                f"the metric {_called(metric)!r} takes whole numbers and has no twin that takes "
                "probabilities; compile with categorical_crossentropy and give one-hot targets."
            )
    return None


def softened(subject: Subject) -> Subject:
    """The subject with targets that may be probabilities: what was measured is measured as before.

    Whole numbers become one-hot rows, in the validation data too, and losses and metrics their twins that
    take these. A binary accuracy counts a target above a half as 1.
    """
    model, found = subject.model, kind(subject)
    if found == "sparse":
        change = on_targets(lambda y: one_hot(y, model))
        return dataclasses.replace(
            subject,
            model=_measured_alike(model, _loss_twin(model.loss), _twin),
            training=mapped(subject.training, change),
            validation=subject.validation and mapped(subject.validation, change),
        )
    as_floats = on_targets(lambda y: y if y.dtype.kind == "f" else y.astype("float32"))
    training = mapped(subject.training, as_floats)
    if found == "binary" and is_graph(model):
        model = _measured_alike(model, model.loss, _hardened)
    return dataclasses.replace(subject, model=model, training=training)


def _measured_alike(model: keras.Model, loss: Any, twin: Callable[[Any], Any]) -> keras.Model:
    metrics, weighted = (
        keras.tree.map_structure(lambda one: None if one is None else twin(one), given)
        for given in given_metrics(model)
    )
    return compiled_like(rebuilt(model), model, loss, metrics, weighted)


def _loss_twin(loss: Any) -> Any:
    if not isinstance(loss, keras.losses.Loss):
        return "categorical_crossentropy"
    config = loss.get_config()
    config.pop("ignore_class", None)
    return keras.losses.CategoricalCrossentropy.from_config(config)


_METRICS = {
    "sparse_categorical_accuracy": keras.metrics.CategoricalAccuracy,
    "SparseCategoricalAccuracy": keras.metrics.CategoricalAccuracy,
    "sparse_categorical_crossentropy": keras.metrics.CategoricalCrossentropy,
    "SparseCategoricalCrossentropy": keras.metrics.CategoricalCrossentropy,
    "sparse_top_k_categorical_accuracy": keras.metrics.TopKCategoricalAccuracy,
    "SparseTopKCategoricalAccuracy": keras.metrics.TopKCategoricalAccuracy,
}
_BY_SHAPE = ("accuracy", "acc")  # Keras finds out which is meant


def _twin(metric: Any) -> Any:
    """The metric that gives the same number for one-hot targets, under the same name; None if unknown."""
    name = _called(metric)
    if name in _BY_SHAPE:
        return metric
    if name not in _METRICS:
        return None
    config = metric.get_config() if isinstance(metric, keras.metrics.Metric) else {"name": name}
    config.pop("ignore_class", None)
    return _METRICS[name].from_config(config)


def _hardened(metric: Any) -> Any:
    name = _called(metric)
    if name in ("accuracy", "acc", "binary_accuracy"):
        return HardBinaryAccuracy(name=name)
    if type(metric) is keras.metrics.BinaryAccuracy:
        return HardBinaryAccuracy.from_config(metric.get_config())
    return metric


@keras.saving.register_keras_serializable("keras_initlab")
class HardBinaryAccuracy(keras.metrics.BinaryAccuracy):
    """Binary accuracy against the likelier class of each target."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        likelier = keras.ops.cast(y_true, self.dtype) > 0.5
        return super().update_state(keras.ops.cast(likelier, self.dtype), y_pred, sample_weight)
