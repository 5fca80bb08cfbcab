"""Laws of the mean of both fans."""

import math

from keras_initlab.initializers.base import FanScaled
from keras_initlab.initializers.registry import register
from keras_initlab.initializers.scaling import laws


@register(
    "glorot_uniform",
    claims=laws.uniform(
        "U[-√(6/(fan_in+fan_out)), √(6/(fan_in+fan_out)))",
        lambda fans: math.sqrt(6 / (fans.fan_in + fans.fan_out)),
        laws.GLOROT,
        use="For layers before tanh, softsign or a softmax in nets of moderate depth",
        avoid="Before ReLU in a deep net, where the signal halves with every layer: take initlab_he_uniform",
    ),
)
class GlorotUniform(FanScaled):
    """Uniform weights that compromise between keeping signals and keeping gradients: Xavier's law.

    The default of Keras's Dense and Conv layers.

    Draws `W ~ U[-limit, limit), limit = gain √(6 / (fan_in + fan_out))`.

    Reference: Glorot & Bengio 2010, eq. 16.

    >>> tuple(GlorotUniform(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_avg", "uniform"


@register(
    "glorot_normal",
    claims=laws.normal(
        "N(0, 2/(fan_in+fan_out))",
        lambda fans: math.sqrt(2 / (fans.fan_in + fans.fan_out)),
        laws.GLOROT,
        use="For layers before tanh, softsign or a softmax where untruncated normal weights are wanted",
        avoid="Before ReLU in a deep net, where the signal halves with every layer: take initlab_he_normal",
    ),
)
class GlorotNormal(FanScaled):
    """Normal weights that compromise between keeping signals and keeping gradients: Xavier's law.

    Keras's `glorot_normal` is truncated: see `initlab_glorot_normal_truncated`.

    Draws `W ~ N(0, gain² · 2 / (fan_in + fan_out))`.

    Reference: Glorot & Bengio 2010, eq. 12 (the variance).

    >>> tuple(GlorotNormal(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_avg", "untruncated_normal"


@register(
    "glorot_normal_truncated",
    claims=laws.truncated(
        "N(0, 2/(fan_in+fan_out)) cut at ±2σ, variance restored",
        lambda fans: math.sqrt(2 / (fans.fan_in + fans.fan_out)),
        laws.GLOROT,
        use="For comparing with a model that Keras's own glorot_normal started",
        avoid="Before ReLU in a deep net: take initlab_he_normal_truncated",
    ),
)
class GlorotNormalTruncated(FanScaled):
    """Glorot's law as Keras draws it: a truncated normal of the same variance.

    Draws `W ~ N(0, σ²) restricted to ±2σ, with σ = gain √(2 / (fan_in + fan_out)) / 0.8796`.

    Reference: Glorot & Bengio 2010, eq. 12; the cut is Keras's.

    >>> tuple(GlorotNormalTruncated(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_avg", "truncated_normal"


@register(
    "he_fan_avg_normal",
    claims=laws.normal(
        "N(0, 2/(fan_in+fan_out))",
        lambda fans: math.sqrt(2 / (fans.fan_in + fans.fan_out)),
        laws.GLOROT,
        use="For following a course that calls this law He's; it is Glorot's",
        avoid="Before ReLU in a deep net, where it keeps about half of the signal's power: take "
        "initlab_he_normal",
    ),
)
class HeFanAvgNormal(FanScaled):
    """Standard normal times the square root of two over inputs plus outputs.

    Some courses teach this as a variant of He's law; it is Glorot's, and keeps only about half of
    the signal's second moment through ReLU.

    Draws `W ~ N(0, gain² · 2 / (fan_in + fan_out))`.

    Reference: Glorot & Bengio 2010, eq. 12.

    >>> tuple(HeFanAvgNormal(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_avg", "untruncated_normal"
