"""Remedies in the optimizer's step: it adds to the gradient, bounds it, or lets the weights decay.

They change no loss that is reported: `loss` and `val_loss` mean the same at every strength. What they do is
in `engines/hyperparameters.py`.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Self

from keras_initlab.core.arguments import at_least, positive
from keras_initlab.remedies.registry import RemedyClaims, register
from keras_initlab.remedies.remedy import Remedy


@register(
    "l2",
    claims=RemedyClaims(
        law="g += 2 λ w, the gradient of λ Σ w²",
        reference="Tikhonov; Krogh & Hertz 1991, NIPS 4",
        place="optimizer",
        strength="strength",
    ),
)
@dataclass(frozen=True)
class L2(Remedy):
    """The gradient of `strength * sum(w**2)` on every kernel, without a half.

    With SGD it is a weight decay of twice the strength; with Adam it is not.

    Args:
        strength: λ, at least 0; 0 is none.

    Raises:
        InputError: If `strength` is below 0.

    >>> L2(0.01).scalars()
    {'l2': 0.01}
    """

    strength: float = 0.01

    def __post_init__(self) -> None:
        at_least("strength", self.strength, 0)


@register(
    "l1",
    claims=RemedyClaims(
        law="g += λ sign w, the gradient of λ Σ |w|",
        reference="Tibshirani 1996, JRSS B 58",
        place="optimizer",
        strength="strength",
    ),
)
@dataclass(frozen=True)
class L1(Remedy):
    """The gradient of `strength * sum(abs(w))` on every kernel.

    A weight without another gradient falls by rate times strength a step, and then swings below that.

    Args:
        strength: λ, at least 0; 0 is none.

    Raises:
        InputError: If `strength` is below 0.

    >>> L1().label()
    'L1(0.01)'
    """

    strength: float = 0.01

    def __post_init__(self) -> None:
        at_least("strength", self.strength, 0)


@register(
    "weight_decay",
    claims=RemedyClaims(
        law="w <- w - lr λ w, apart from the gradient",
        reference="Loshchilov & Hutter 2019, arXiv:1711.05101",
        place="optimizer",
        strength="rate",
    ),
)
@dataclass(frozen=True)
class WeightDecay(Remedy):
    """Decay of the weights by `rate` times the learning rate in each step, as Keras's `weight_decay`.

    It reaches biases and the scales of normalizations too, unless the optimizer spares them.

    Args:
        rate: λ, at least 0; 0 is none.

    Raises:
        InputError: If `rate` is below 0.

    >>> WeightDecay(0.1).scalars()
    {'weight_decay': 0.1}
    """

    rate: float = 0.004

    def __post_init__(self) -> None:
        at_least("rate", self.rate, 0)


@register(
    "gradient_noise",
    claims=RemedyClaims(
        law="g + N(0, s²), s² = η / (1 + t)^.55",
        reference="Neelakantan et al. 2015, arXiv:1511.06807",
        place="optimizer",
        strength="eta",
    ),
)
@dataclass(frozen=True)
class GradientNoise(Remedy):
    """Gaussian noise on every gradient after it was clipped, less of it from step to step t = 0, 1, ...

    Another strength is the same noise times another deviation.

    Args:
        eta: η, the variance in the first step, at least 0; the paper tries .01, .3 and 1. 0 is none.

    Raises:
        InputError: If `eta` is below 0.

    >>> GradientNoise().scalars()
    {'gradient_noise': 0.3}
    """

    eta: float = 0.3

    def __post_init__(self) -> None:
        at_least("eta", self.eta, 0)


@register(
    "clipnorm",
    claims=RemedyClaims(
        law="g min(1, c / |g|) for each weight tensor",
        reference="Pascanu et al. 2013, arXiv:1211.5063",
        place="optimizer",
        strength="norm",
    ),
)
@dataclass(frozen=True)
class ClipNorm(Remedy):
    """Each tensor's gradient is scaled down to a norm of at most `norm`.

    Args:
        norm: c, above 0; infinity is none.

    Raises:
        InputError: If `norm` is not above 0.

    >>> ClipNorm(0.5).scalars()
    {'clipnorm': 0.5}
    """

    norm: float = 1.0

    def __post_init__(self) -> None:
        if self.norm != math.inf:
            positive("norm", self.norm)

    def off(self) -> Self:
        return dataclasses.replace(self, norm=math.inf)


@register(
    "global_clipnorm",
    claims=RemedyClaims(
        law="g min(1, c / |g|), |g| over all weights of the model",
        reference="Pascanu et al. 2013, arXiv:1211.5063",
        place="optimizer",
        strength="norm",
    ),
)
@dataclass(frozen=True)
class GlobalClipNorm(Remedy):
    """The whole gradient is scaled down to a norm of at most `norm`, over all weights together.

    Args:
        norm: c, above 0; infinity is none.

    Raises:
        InputError: If `norm` is not above 0.

    >>> GlobalClipNorm().label()
    'GlobalClipNorm(1)'
    """

    norm: float = 1.0

    def __post_init__(self) -> None:
        if self.norm != math.inf:
            positive("norm", self.norm)

    def off(self) -> Self:
        return dataclasses.replace(self, norm=math.inf)
