"""Biases and scales that say something about the data or the depth."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_initlab.errors import InputError
from keras_initlab.initializers.base import Scheme, Shape, fraction, positive
from keras_initlab.initializers.plain import Zeros
from keras_initlab.registry import Claims, register


def one_percent(values: np.ndarray) -> np.ndarray:
    """sigmoid of it is 0.01."""
    return 1 / (1 + np.exp(-values)) - 0.01


def equal_classes(values: np.ndarray) -> np.ndarray:
    """softmax of it gives all classes the same chance, and it is their log."""
    return np.exp(values) * values.size - 1


@register(
    "log_prior_bias",
    claims=Claims(
        law="-ln((1 - π)/π), π = 0.01",
        reference="Lin et al. 2017, RetinaNet, arXiv:1708.02002, section 4.1",
        mean=-math.log(99),
        std=lambda fans: 0.0,
        distribution="constant",
        exact=one_percent,
        ranks=(1, 1),
        roles=("bias",),
    ),
)
class LogPriorBias(Scheme):
    """Output bias of sigmoid units for events that are rare: the first loss is not swamped.

    Draws `b = -ln((1 - prior) / prior)`, so that `sigmoid(b) = prior`.

    Args:
        prior: Share of positive examples, between 0 and 1.

    Shapes: rank 1.

    Raises:
        InputError: If `prior` does not lie between 0 and 1, or the rank is not 1.

    Reference: Lin et al. 2017, arXiv:1708.02002, section 4.1.

    >>> round(float(np.asarray(LogPriorBias()((1,)))[0]), 5)
    -4.59512
    """

    def __init__(self, prior: float = 0.01):
        self.prior = fraction("prior", prior)

    def draw(self, shape: Shape) -> Any:
        return np.full(shape, -math.log((1 - self.prior) / self.prior))


@register(
    "class_prior_bias",
    claims=Claims(
        law="ln p_c, by default p_c = 1/classes",
        reference="Karpathy 2019, A Recipe for Training Neural Networks",
        exact=equal_classes,
        ranks=(1, 1),
        roles=("bias",),
        shapes=((10,), (300,)),
    ),
)
class ClassPriorBias(Scheme):
    """Output bias of a softmax that predicts the class frequencies before any training.

    Draws `b_c = ln p_c`.

    Args:
        counts: Examples per class, or their shares: positive numbers. None means equal classes.

    Shapes: rank 1, `(classes,)`.

    Raises:
        InputError: If a count is not positive, their number is not that of the units, or the rank is
            not 1.

    Reference: Karpathy 2019, A Recipe for Training Neural Networks ("init well").

    >>> [round(float(value), 4) for value in np.asarray(ClassPriorBias([3, 1])((2,)))]
    [-0.2877, -1.3863]
    """

    def __init__(self, counts: Sequence[float] | None = None):
        self.counts = None if counts is None else [positive("counts", count) for count in counts]

    def draw(self, shape: Shape) -> Any:
        counts = np.ones(shape) if self.counts is None else np.array(self.counts)
        if counts.shape != shape:
            raise InputError(f"{self.name} has {len(counts)} counts; got shape {shape}. Give one per class.")
        return np.log(counts / counts.sum())


@register(
    "zero_gamma",
    claims=Claims(
        law="γ = 0",
        reference="Goyal et al. 2017, arXiv:1706.02677, section 5.1",
        mean=0.0,
        std=lambda fans: 0.0,
        distribution="constant",
        ranks=(1, 1),
        roles=("gamma", "bias"),
    ),
)
class ZeroGamma(Zeros):
    """Scale of the last normalization of a residual branch: every block starts as the identity.

    Draws `γ = 0`. Give it as `gamma_initializer`.

    Shapes: rank 1.

    Reference: Goyal et al. 2017, arXiv:1706.02677, section 5.1.

    >>> np.asarray(ZeroGamma()((2,))).tolist()
    [0.0, 0.0]
    """
