"""Biases and scales that say something about the data or the depth."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_initlab.core.arguments import fraction, positive, whole
from keras_initlab.core.errors import InputError
from keras_initlab.initializers import kinds
from keras_initlab.initializers.base import Scheme, Shape
from keras_initlab.initializers.plain import Zeros
from keras_initlab.initializers.registry import Claims, register


def one_percent(values: np.ndarray) -> np.ndarray:
    """sigmoid of it is 0.01."""
    return 1 / (1 + np.exp(-values)) - 0.01


def equal_classes(values: np.ndarray) -> np.ndarray:
    """softmax of it gives all classes the same chance, and it is their log."""
    return np.exp(values) * values.size - 1


@register(
    "log_prior_bias",
    claims=kinds.bias(
        law="-ln((1 - π)/π), π = 0.01",
        reference="Lin et al. 2017, RetinaNet, arXiv:1708.02002, section 4.1",
        mean=-math.log(99),
        std=lambda fans: 0.0,
        distribution="constant",
        exact=one_percent,
        use="For the output bias of sigmoid detectors and taggers whose positives are rare",
        avoid="For softmax outputs, which it shifts all alike: take initlab_class_prior_bias",
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
    claims=kinds.bias(
        law="ln p_c, by default p_c = 1/classes",
        reference="Karpathy 2019, A Recipe for Training Neural Networks",
        exact=equal_classes,
        shapes=((10,), (300,)),
        use="For the bias of a softmax on unbalanced classes: the first loss is the entropy of the labels",
        avoid="For outputs other than class logits: take initlab_zeros, for sigmoids initlab_log_prior_bias",
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
        use="For the last normalization of every residual branch, as in ResNets trained with large batches",
        avoid="For normalizations outside of residual branches, which it cuts off: take initlab_ones",
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


@register(
    "layer_scale",
    claims=Claims(
        law="0.1 up to 18 blocks, 1e-5 up to 24, 1e-6 beyond; by default 12 blocks",
        reference="Touvron et al. 2021, CaiT, arXiv:2103.17239, section 2",
        mean=0.1,
        std=lambda fans: 0.0,
        bound=lambda fans: 0.1,
        distribution="constant",
        ranks=(1, 1),
        roles=("gamma",),
        use="For the scale per channel at the end of each residual branch of a deep vision transformer",
        avoid="For the scales of normalization layers: take initlab_ones, at branch ends initlab_zero_gamma",
    ),
)
class LayerScale(Scheme):
    """Scale of a residual branch that starts small, the smaller the more blocks there are.

    Draws `γ = 0.1` for up to 18 blocks, `1e-5` for up to 24 and `1e-6` for more. (The paper gives 18, 24
    and "deeper"; 19 to 23 are ours.)

    Args:
        blocks: Residual blocks of the network.

    Shapes: rank 1, `(channels,)`.

    Raises:
        InputError: If `blocks` is not a whole number of at least 1, or the rank is not 1.

    Reference: Touvron et al. 2021, Going deeper with image transformers, arXiv:2103.17239, section 2.

    >>> round(float(np.asarray(LayerScale(24)((2,)))[0]), 7)
    1e-05
    """

    def __init__(self, blocks: int = 12):
        self.blocks = whole("blocks", blocks)

    def draw(self, shape: Shape) -> Any:
        return np.full(shape, 0.1 if self.blocks <= 18 else 1e-5 if self.blocks <= 24 else 1e-6)
