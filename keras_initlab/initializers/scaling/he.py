"""Laws for ReLU."""

import math

from keras_initlab.initializers.base import FanScaled
from keras_initlab.initializers.registry import register
from keras_initlab.initializers.scaling import laws


@register(
    "he_uniform",
    claims=laws.uniform(
        "U[-√(6/fan_in), √(6/fan_in))",
        lambda fans: math.sqrt(6 / fans.fan_in),
        laws.HE,
        use="For layers followed by ReLU or a leaky variant where no weight may be large",
        avoid="Before tanh or sigmoid, which it saturates: take initlab_glorot_uniform or initlab_auto_gain",
    ),
)
class HeUniform(FanScaled):
    """Uniform weights that keep the second moment of signals through ReLU.

    Some texts print √(6 / (fan_in + fan_out)) for it; that is Glorot's law, with about half the
    variance.

    Draws `W ~ U[-limit, limit), limit = gain √(6 / fan_in)`.

    Reference: He et al. 2015, eq. 10, arXiv:1502.01852 (the variance).

    >>> tuple(HeUniform(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 2.0, "fan_in", "uniform"


@register(
    "he_normal",
    claims=laws.normal(
        "N(0, 2/fan_in)",
        lambda fans: math.sqrt(2 / fans.fan_in),
        laws.HE,
        use="For layers followed by ReLU or a leaky variant",
        avoid="Before tanh or sigmoid, which it saturates: take initlab_glorot_normal or initlab_auto_gain",
    ),
)
class HeNormal(FanScaled):
    """Normal weights that keep the second moment of signals through ReLU.

    The paper's law is untruncated; Keras's `he_normal` is truncated: see
    `initlab_he_normal_truncated`.

    Draws `W ~ N(0, gain² · 2 / fan_in)`.

    Reference: He et al. 2015, eq. 10, arXiv:1502.01852.

    >>> tuple(HeNormal(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 2.0, "fan_in", "untruncated_normal"


@register(
    "he_normal_truncated",
    claims=laws.truncated(
        "N(0, 2/fan_in) cut at ±2σ, variance restored",
        lambda fans: math.sqrt(2 / fans.fan_in),
        laws.HE,
        use="For comparing with a model that Keras's own he_normal started",
        avoid="For reproducing the paper or torch, whose law is not truncated: take initlab_he_normal",
    ),
)
class HeNormalTruncated(FanScaled):
    """He's law as Keras draws it: a truncated normal of the same variance.

    Draws `W ~ N(0, σ²) restricted to ±2σ, with σ = gain √(2 / fan_in) / 0.8796`.

    Reference: He et al. 2015, eq. 10, arXiv:1502.01852; the cut is Keras's.

    >>> tuple(HeNormalTruncated(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 2.0, "fan_in", "truncated_normal"
