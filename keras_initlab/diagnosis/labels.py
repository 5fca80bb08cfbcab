"""What a loss should be before anything is learned."""

import math
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_initlab.results import learning


class Expected(NamedTuple):
    """Levels of the loss for these targets; NaN where nobody can say, as for a custom loss.

    Attributes:
        constant: Of the best constant answer: the entropy of the labels' frequencies, the variance.
        uniform: Of an answer that gives all classes alike, `log K`.
    """

    constant: float
    uniform: float


def expected(loss: Any, y: Any, outputs: int) -> Expected:
    """The levels for a model with one output of so many units.

    >>> found = expected("sparse_categorical_crossentropy", np.array([0, 0, 1, 1]), 4)
    >>> round(found.constant, 3), round(found.uniform, 3)
    (0.693, 1.386)
    """
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    if not isinstance(y, np.ndarray) or not isinstance(name, str):
        return Expected(math.nan, math.nan)
    constant = learning.chance(y, name).get("loss", math.nan)
    plain = name.lower().replace("_", "")
    if plain in ("sparsecategoricalcrossentropy", "categoricalcrossentropy"):
        return Expected(constant, math.log(outputs) if outputs > 1 else math.nan)
    return Expected(constant, math.log(2) if plain == "binarycrossentropy" else math.nan)


def one_hot(loss: Any, y: Any) -> np.ndarray | None:
    """Targets as rows of numbers, (N, classes) for labels; None where they are no such thing."""
    if not isinstance(y, np.ndarray) or not len(y):
        return None
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    if str(name).lower().replace("_", "").startswith("sparsecategorical"):
        labels = y.reshape(len(y), -1)
        return (
            None if labels.shape[1] > 1 else np.asarray(keras.utils.to_categorical(labels[:, 0].astype(int)))
        )
    return y.reshape(len(y), -1).astype("float64")
