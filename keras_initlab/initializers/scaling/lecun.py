"""Laws of the number of inputs."""

import math

from keras_initlab.initializers.base import FanScaled
from keras_initlab.initializers.registry import register
from keras_initlab.initializers.scaling import laws


@register(
    "uniform_sqrt_n",
    claims=laws.uniform(
        "U[-1/√fan_in, 1/√fan_in)",
        lambda fans: 1 / math.sqrt(fans.fan_in),
        "Glorot & Bengio 2010, eq. 1, proceedings.mlr.press/v9/glorot10a",
        use="For reproducing PyTorch's default or the baseline of Glorot & Bengio's experiments",
        avoid="In deep nets, where the signal's variance falls to a third per layer: take "
        "initlab_lecun_uniform",
    ),
)
class UniformSqrtN(FanScaled):
    """Uniform within one over the square root of the number of inputs: the "general rule".

    The default of torch.nn.Linear. Its variance, 1 / (3 fan_in), is a third of what keeps a linear
    layer's signal.

    Draws `W ~ U[-limit, limit), limit = gain / √fan_in`.

    Reference: Glorot & Bengio 2010, eq. 1 (the "standard heuristic").

    >>> tuple(UniformSqrtN(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1 / 3, "fan_in", "uniform"


@register(
    "normal_sqrt_n",
    claims=laws.normal(
        "N(0, 1/fan_in)",
        lambda fans: 1 / math.sqrt(fans.fan_in),
        "Glorot & Bengio 2010, eq. 1, proceedings.mlr.press/v9/glorot10a",
        use="For linear layers, and comparing with initlab_uniform_sqrt_n at three times its variance",
        avoid="Before ReLU, which halves the signal's power: take initlab_he_normal",
    ),
)
class NormalSqrtN(FanScaled):
    """Normal with deviation one over the square root of the number of inputs.

    The normal twin of `initlab_uniform_sqrt_n`, with three times its variance; the same law as
    `initlab_lecun_normal`.

    Draws `W ~ N(0, gain² / fan_in)`.

    Reference: Glorot & Bengio 2010, eq. 1 (the uniform form).

    >>> tuple(NormalSqrtN(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_in", "untruncated_normal"


@register(
    "xavier_simple",
    claims=laws.normal(
        "N(0, 1/fan_in)",
        lambda fans: 1 / math.sqrt(fans.fan_in),
        laws.LECUN,
        use="For following a course that calls one over the inputs Xavier's law",
        avoid="Where the paper's law of both fans is meant: take initlab_glorot_normal",
    ),
)
class XavierSimple(FanScaled):
    """Standard normal times the square root of one over the inputs: Xavier's law in its simple form.

    Many courses call this Xavier initialization; the paper's own law averages both fans
    (`initlab_glorot_normal`). The same law as `initlab_lecun_normal`.

    Draws `W ~ N(0, gain² / fan_in)`.

    Reference: LeCun et al. 1998, Efficient BackProp, section 4.6.

    >>> tuple(XavierSimple(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_in", "untruncated_normal"


@register(
    "lecun_uniform",
    claims=laws.uniform(
        "U[-√(3/fan_in), √(3/fan_in))",
        lambda fans: math.sqrt(3 / fans.fan_in),
        laws.LECUN,
        use="For linear layers, and SELU where no weight may be large",
        avoid="Before ReLU, which halves the signal's power: take initlab_he_uniform",
    ),
)
class LecunUniform(FanScaled):
    """Uniform weights that keep the variance of a linear layer's signal.

    Draws `W ~ U[-limit, limit), limit = gain √(3 / fan_in)`.

    Reference: LeCun et al. 1998, Efficient BackProp, section 4.6.

    >>> tuple(LecunUniform(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_in", "uniform"


@register(
    "lecun_normal",
    claims=laws.normal(
        "N(0, 1/fan_in)",
        lambda fans: math.sqrt(1 / fans.fan_in),
        laws.LECUN,
        use="For self-normalizing nets of SELU, and linear layers",
        avoid="Before ReLU, which halves the signal's power: take initlab_he_normal",
    ),
)
class LecunNormal(FanScaled):
    """Normal weights that keep the variance of a linear layer's signal.

    The start for SELU. Keras's `lecun_normal` is truncated: see `initlab_lecun_normal_truncated`.

    Draws `W ~ N(0, gain² / fan_in)`.

    Reference: LeCun et al. 1998, Efficient BackProp, section 4.6.

    >>> tuple(LecunNormal(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_in", "untruncated_normal"


@register(
    "lecun_normal_truncated",
    claims=laws.truncated(
        "N(0, 1/fan_in) cut at ±2σ, variance restored",
        lambda fans: math.sqrt(1 / fans.fan_in),
        laws.LECUN,
        use="For comparing with a model that Keras's own lecun_normal started",
        avoid="For reproducing the law of the SELU paper, which is not truncated: take initlab_lecun_normal",
    ),
)
class LecunNormalTruncated(FanScaled):
    """LeCun's law as Keras draws it: a truncated normal of the same variance.

    Draws `W ~ N(0, σ²) restricted to ±2σ, with σ = gain √(1 / fan_in) / 0.8796`.

    Reference: LeCun et al. 1998, Efficient BackProp, section 4.6; the cut is Keras's.

    >>> tuple(LecunNormalTruncated(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_in", "truncated_normal"
