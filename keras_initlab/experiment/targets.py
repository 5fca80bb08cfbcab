"""Whether the targets lie in the range that the model's loss can take."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import is_plain_mean
from keras_initlab.engines.sources import Source
from keras_initlab.results import learning

_SPARSE = ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy")
_PROBABILITIES = (
    "binary_crossentropy",
    "BinaryCrossentropy",
    "categorical_crossentropy",
    "CategoricalCrossentropy",
)


def check(model: keras.Model, source: Source, name: str) -> None:
    """Refuse targets that the loss would silently turn into NaN or nonsense.

    Models with several outputs are checked where the losses, outputs and targets line up.

    Raises:
        InputError: If sparse class labels are not among the outputs' classes, or the targets of a
            binary or one-hot cross-entropy are not in [0, 1].
    """
    for targets in source.targets():
        losses = _line_up(model.loss, targets, model)
        for loss, target, classes in losses:
            _check_one(loss, target, classes, name)


def _line_up(loss: Any, targets: Any, model: keras.Model) -> list[tuple[Any, np.ndarray, int | None]]:
    outputs = getattr(model, "outputs", None) or []
    widths = [output.shape[-1] if len(output.shape) > 1 else None for output in outputs]
    if hasattr(targets, "shape"):
        return [(loss, targets, widths[0] if len(widths) == 1 else None)]
    if isinstance(targets, dict):
        names = getattr(model, "output_names", None) or list(targets)
        by_name = dict(zip(names, widths, strict=False))
        given = loss if isinstance(loss, dict) else dict.fromkeys(targets, loss)
        return [(given.get(key), target, by_name.get(key)) for key, target in targets.items()]
    per_target = loss if isinstance(loss, list | tuple) else [loss] * len(targets)
    padded = [*widths, *[None] * len(targets)]
    return [
        (one, target, width)
        for one, target, width in zip(per_target, targets, padded, strict=False)
        if hasattr(target, "shape")
    ]


def chance(
    model: keras.Model, metrics: Iterable[str], training: Source, validation: Source | None
) -> dict[str, float]:
    """What a constant answer would score, by name as the epochs report it; empty where nobody can say, as
    for several outputs or weighted examples."""
    found: dict[str, float] = {}
    sources = {"": training} if validation is None else {"": training, "val_": validation}
    for prefix, source in sources.items():
        parts, first = source.targets(), source.first_batch()
        if len(first) == 2 and parts and all(isinstance(part, np.ndarray) for part in parts):
            y = np.concatenate(parts)
            seen = min(len(y), source.steps * len(first[1]))
            levels = learning.chance(y, loss_name(model.loss), metrics, seen)
            if not is_plain_mean(model):
                levels.pop("loss", None)
            found |= {f"{prefix}{name}": level for name, level in levels.items()}
    return found


def loss_name(loss: Any) -> str:
    """The name of a loss given as a string, function or object."""
    if isinstance(loss, str):
        return loss
    return getattr(loss, "__name__", type(loss).__name__)


def _check_one(given: Any, target: np.ndarray, classes: int | None, name: str) -> None:
    loss, ignored = loss_name(given), getattr(given, "ignore_class", None)
    if loss in _SPARSE:
        target = target[target != ignored] if ignored is not None else target
        if not target.size:
            return
        low, high = target.min(), target.max()
        if target.dtype.kind == "f" and (target % 1).any():
            fractional = target[target % 1 != 0].flat[0]
            raise InputError(
                f"{name} has class labels such as {fractional}, but the loss {loss!r} takes whole numbers."
            )
        if low < 0 or (classes is not None and high >= classes):
            raise InputError(
                f"{name} has class labels from {low} to {high}, but the model's output has {classes} "
                f"classes (0 to {(classes or 1) - 1}) for the loss {loss!r}."
            )
    elif loss in _PROBABILITIES and (target.min() < 0 or target.max() > 1):
        raise InputError(
            f"{name} has targets from {target.min()} to {target.max()}, but the loss {loss!r} takes "
            "probabilities in [0, 1]. For integer classes use sparse_categorical_crossentropy."
        )
    elif loss in _PROBABILITIES[2:] and classes is not None and target.shape[-1] != classes:
        raise InputError(
            f"{name} has targets of shape {target.shape}, but the loss {loss!r} needs one-hot rows of the "
            f"model's {classes} classes. For integer classes use sparse_categorical_crossentropy."
        )
