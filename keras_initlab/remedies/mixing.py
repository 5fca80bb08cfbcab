"""Remedies that mix examples of a batch, with their targets."""

import dataclasses
from dataclasses import dataclass

import keras
import numpy as np
from scipy.special import betaincinv

from keras_initlab.core.arguments import positive
from keras_initlab.engines.sources import Batch
from keras_initlab.remedies.registry import RemedyClaims, register
from keras_initlab.remedies.remedy import Remedy, Subject
from keras_initlab.remedies.streams import Redrawn
from keras_initlab.remedies.targets import not_softened, softened


@dataclass(frozen=True)
class _Mixing(Remedy):
    """Base of what mixes each example with another of its batch; the shares are Beta(alpha, alpha)."""

    alpha: float = 0.2

    def __post_init__(self) -> None:
        positive("alpha", self.alpha)

    def why_not(self, subject: Subject) -> str | None:
        x, *rest = subject.training.first_batch()
        if any(leaf.dtype.kind != "f" for leaf in keras.tree.flatten(x)):
            return "inputs that are no floating-point numbers cannot be mixed; give them as float32."
        if not rest or not isinstance(rest[0], np.ndarray):
            return f"it mixes the targets of one output; leave {self.name} out."
        return not_softened(subject, self.name)

    def act(self, subject: Subject) -> Subject:
        soft = softened(subject)
        return dataclasses.replace(soft, training=Redrawn(soft.training, self.name, self._mixed))

    def _mixed(self, batch: Batch, generator: np.random.Generator) -> Batch:
        size = len(batch[1])
        others = generator.permutation(size)
        kept = betaincinv(self.alpha, self.alpha, generator.random(size))
        return self._mix(batch, others, kept, generator)

    def _mix(
        self, batch: Batch, others: np.ndarray, kept: np.ndarray, generator: np.random.Generator
    ) -> Batch:
        raise NotImplementedError


@register(
    "mixup",
    claims=RemedyClaims(
        law="λ x_i + (1 - λ) x_j, the same for y; λ ~ Beta(α, α)",
        reference="Zhang et al. 2018, arXiv:1710.09412",
        place="data",
        strength="alpha",
        same_loss=False,
    ),
)
@dataclass(frozen=True)
class Mixup(_Mixing):
    """Each training example is mixed with another of its batch, its target likewise.

    λ is drawn for each example; of another α it is the same quantile. Targets may be classes, which become
    probabilities as with `LabelSmoothing`, or numbers.

    Args:
        alpha: α, above 0; λ has mean .5 and variance 1 / (4 (2 α + 1)).

    Raises:
        InputError: If `alpha` is not above 0.

    >>> Mixup().label()
    'Mixup(0.2)'
    """

    def _mix(self, batch, others, kept, generator):
        def mix(values):
            share = kept.reshape(-1, *[1] * (values.ndim - 1))
            return (share * values + (1 - share) * values[others]).astype(values.dtype)

        x, y, *weights = batch
        return keras.tree.map_structure(mix, x), mix(y), *weights


@register(
    "cutmix",
    claims=RemedyClaims(
        law="a box of x_j of area 1 - λ over x_i; y by the areas that are left; λ ~ Beta(α, α)",
        reference="Yun et al. 2019, arXiv:1905.04899",
        place="data",
        strength="alpha",
        same_loss=False,
    ),
)
@dataclass(frozen=True)
class CutMix(_Mixing):
    """A box of each training picture is replaced by that of another of its batch, the target by its area.

    The box has the picture's form, a centre anywhere, and ends at the border.

    Args:
        alpha: α, above 0.

    Raises:
        InputError: If `alpha` is not above 0.

    >>> CutMix().label()
    'CutMix(1)'
    """

    alpha: float = 1.0

    def why_not(self, subject: Subject) -> str | None:
        x = subject.training.first_batch()[0]
        if not isinstance(x, np.ndarray) or x.ndim != 4:
            return "it cuts boxes out of pictures; give x of shape (examples, rows, columns, channels)."
        return super().why_not(subject)

    def _mix(self, batch, others, kept, generator):
        x, y, *weights = batch
        inside = np.ones((len(x), 1, 1), bool)
        for axis, length in enumerate(self._sides(x), start=1):
            width = length * np.sqrt(1 - kept)
            centre = generator.random(len(x)) * length
            low = np.clip(np.round(centre - width / 2), 0, length)[:, None]
            high = np.clip(np.round(centre + width / 2), 0, length)[:, None]
            places = np.arange(length)
            along = (places >= low) & (places < high)
            inside = inside & (along[:, :, None] if axis == 1 else along[:, None, :])
        share = inside.mean(axis=(1, 2))
        cut = inside[:, None] if keras.config.image_data_format() == "channels_first" else inside[..., None]
        other = share.reshape(-1, *[1] * (y.ndim - 1))
        mixed = ((1 - other) * y + other * y[others]).astype(y.dtype)
        return np.where(cut, x[others], x), mixed, *weights

    @staticmethod
    def _sides(x: np.ndarray) -> tuple[int, ...]:
        return x.shape[2:4] if keras.config.image_data_format() == "channels_first" else x.shape[1:3]
