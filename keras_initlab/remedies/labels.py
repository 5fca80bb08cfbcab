"""Remedies that change the labels that training sees."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from keras_initlab.core.arguments import one_of
from keras_initlab.engines.sources import Arrays
from keras_initlab.remedies.dropping import share
from keras_initlab.remedies.registry import RemedyClaims, register
from keras_initlab.remedies.remedy import Remedy, Subject
from keras_initlab.remedies.streams import OfReplicate, Redrawn, mapped, on_targets
from keras_initlab.remedies.targets import classes, kind, no_classes, not_softened, softened


@register(
    "label_noise",
    claims=RemedyClaims(
        law="with probability p another class, each as likely",
        reference="Zhang et al. 2017, arXiv:1611.03530 (per run); Xie et al. 2016, arXiv:1605.00055 "
        "(per step)",
        place="data",
        strength="p",
        same_loss=False,
    ),
)
@dataclass(frozen=True)
class LabelNoise(Remedy):
    """Training labels that are wrong; what a smaller share flips, a greater one flips too, to the same class.

    Args:
        p: The probability that a label becomes another class, in [0, 1).
        each: `"run"`: wrong once and for all, in each replicate others; needs arrays. `"step"`: anew whenever
            an example comes. Its mean over draws is a label smoothing of `p K / (K - 1)`.

    Raises:
        InputError: If an argument is out of range.

    >>> LabelNoise(0.2).label()
    'LabelNoise(0.2)'
    """

    p: float = 0.1
    each: str = "run"

    def __post_init__(self) -> None:
        share("p", self.p)
        one_of("each", self.each, ("run", "step"))

    def why_not(self, subject: Subject) -> str | None:
        if self.each == "run" and not isinstance(subject.training, Arrays):
            return "which example comes when is not known of a data set; give arrays, or each='step'."
        return no_classes(subject, self.name)

    def act(self, subject: Subject) -> Subject:
        found, count = kind(subject), classes(subject.model)

        def flip(batch, generator):
            return on_targets(lambda y: self._flipped(y, found, count, generator))(batch)

        source = (
            OfReplicate(subject.training, self.name, flip)
            if self.each == "run" and isinstance(subject.training, Arrays)
            else Redrawn(subject.training, self.name, flip)
        )
        return dataclasses.replace(subject, training=source)

    def _flipped(
        self, y: np.ndarray, found: str | None, count: int, generator: np.random.Generator
    ) -> np.ndarray:
        shape = y.shape[:-1] if found == "one-hot" else y.shape
        flips = generator.random(shape) < self.p
        if found == "binary":
            return np.where(flips, 1 - y, y).astype(y.dtype)
        steps = np.where(flips, generator.integers(1, count, shape), 0)
        if found == "one-hot":
            return np.take_along_axis(y, (np.arange(count) - steps[..., None]) % count, -1)
        known = (y >= 0) & (y < count)  # another number says that an example is not counted
        return np.where(known, (y + steps) % count, y).astype(y.dtype)


@register(
    "label_smoothing",
    claims=RemedyClaims(
        law="(1 - ε) y + ε / K",
        reference="Szegedy et al. 2016, arXiv:1512.00567",
        place="data",
        strength="e",
        same_loss=False,
    ),
)
@dataclass(frozen=True)
class LabelSmoothing(Remedy):
    """Training targets moved towards the uniform distribution over the classes.

    Unlike Keras's argument of a loss, it leaves the validation loss alone, and works with whole numbers as
    targets: they become one-hot rows, and losses and metrics the twins that give the same numbers for these.

    Args:
        e: ε, in [0, 1).

    Raises:
        InputError: If `e` is not in [0, 1).

    >>> LabelSmoothing().label()
    'LabelSmoothing(0.1)'
    """

    e: float = 0.1

    def __post_init__(self) -> None:
        share("e", self.e)

    def why_not(self, subject: Subject) -> str | None:
        return no_classes(subject, self.name) or not_softened(subject, self.name)

    def act(self, subject: Subject) -> Subject:
        count = 2 if kind(subject) == "binary" else classes(subject.model)
        soft = softened(subject)
        smooth = on_targets(lambda y: ((1 - self.e) * y + self.e / count).astype(y.dtype))
        return dataclasses.replace(soft, training=mapped(soft.training, smooth))
