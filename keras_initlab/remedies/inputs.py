"""Remedies that put the inputs on one scale, with the statistics of the training data alone."""

import dataclasses
from dataclasses import dataclass

import keras
import numpy as np

from keras_initlab.core.arguments import one_of, positive
from keras_initlab.engines.sources import Arrays
from keras_initlab.remedies.registry import RemedyClaims, register
from keras_initlab.remedies.remedy import Remedy, Subject
from keras_initlab.remedies.streams import mapped


@dataclass(frozen=True)
class _Scaling(Remedy):
    """Base of what maps each array of inputs by what it finds in that of the training data."""

    def why_not(self, subject: Subject) -> str | None:
        if not isinstance(subject.training, Arrays):
            return (
                "the statistics of a data set are not known; give arrays, or the model an adapted "
                "keras.layers.Normalization."
            )
        leaves = keras.tree.flatten(subject.training.data[0])
        if any(leaf.dtype.kind != "f" and leaf.dtype != np.uint8 for leaf in leaves):
            return "inputs that are no measured numbers have no scale; give them as float32 if they have."
        return None

    def act(self, subject: Subject) -> Subject:
        source = subject.training
        assert isinstance(source, Arrays)
        maps = keras.tree.map_structure(self.fitted, source.data[0])

        def change(batch):
            return keras.tree.map_structure(lambda one, values: one(values), maps, batch[0]), *batch[1:]

        return dataclasses.replace(
            subject,
            training=mapped(source, change),
            validation=subject.validation and mapped(subject.validation, change),
        )

    def fitted(self, values: np.ndarray) -> "_Affine":
        """The map for arrays like this one."""
        raise NotImplementedError


class _Affine:
    """`(x - mean) @ matrix`, or `(x - mean) * scale`; in double precision, given back in the inputs' own."""

    def __init__(self, mean: np.ndarray, scale: np.ndarray):
        self.mean, self.scale = mean, scale

    def __call__(self, values: np.ndarray) -> np.ndarray:
        kind = values.dtype if values.dtype.kind == "f" else np.float32
        if self.scale.ndim == 2:
            flat = values.reshape(len(values), -1).astype("float64") - self.mean
            return (flat @ self.scale).reshape(values.shape).astype(kind)
        return ((values.astype("float64") - self.mean) * self.scale).astype(kind)


@register(
    "standardize",
    claims=RemedyClaims(
        law="(x - m) / s for each feature (each channel of pictures)",
        reference="LeCun et al. 1998, Efficient BackProp, sec. 4.3",
        place="data",
    ),
)
@dataclass(frozen=True)
class Standardize(_Scaling):
    """Each feature, the last axis, with mean 0 and deviation 1 over the training data; so for validation too.

    A feature that never varies becomes 0.

    >>> Standardize().label()
    'Standardize'
    """

    def fitted(self, values: np.ndarray) -> _Affine:
        axes = tuple(range(max(values.ndim - 1, 1)))
        mean = values.mean(axis=axes, dtype="float64")
        deviation = values.std(axis=axes, dtype="float64")
        return _Affine(mean, 1 / np.where(deviation > 0, deviation, 1))


@register(
    "whiten",
    claims=RemedyClaims(
        law="(S + ε I)^(-1/2) (x - m), symmetric (ZCA) or in the axes of S (PCA)",
        reference="LeCun et al. 1998, Efficient BackProp, sec. 4.3; Krizhevsky 2009, appendix A",
        place="data",
    ),
)
@dataclass(frozen=True)
class Whiten(_Scaling):
    """All features of an example decorrelated, with variance 1 over the training data; so for validation too.

    Args:
        eps: ε, added to each variance, above 0: directions that hardly vary are not blown up.
        kind: `"zca"`, which stays as near to the inputs as it can, or `"pca"`, the same in the axes of
            greatest variance, which come first.

    Raises:
        InputError: If an argument is out of range.

    >>> Whiten(kind="pca").label()
    'Whiten(kind=pca)'
    """

    eps: float = 1e-5
    kind: str = "zca"

    def __post_init__(self) -> None:
        positive("eps", self.eps)
        one_of("kind", self.kind, ("zca", "pca"))

    def fitted(self, values: np.ndarray) -> _Affine:
        flat = values.reshape(len(values), -1).astype("float64")
        mean = flat.mean(axis=0)
        variances, axes = np.linalg.eigh((flat - mean).T @ (flat - mean) / len(flat))
        variances, axes = variances[::-1], axes[:, ::-1]
        axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(len(variances))])
        matrix = axes / np.sqrt(np.maximum(variances, 0) + self.eps)
        return _Affine(mean, matrix @ axes.T if self.kind == "zca" else matrix)
