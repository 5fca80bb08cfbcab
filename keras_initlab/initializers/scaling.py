"""Laws scaled by the fans: zero mean, variance = gain² · scale / fan.

Every class here takes the arguments of `FanScaled`. Fans follow Keras's convention from the shape
alone, unless `input_axes` and `output_axes` are given; EinsumDense and the attention layers of
Keras 3.15 and newer give theirs.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from keras_initlab.fans import MODES, Fans
from keras_initlab.initializers.base import FanScaled, one_of, positive
from keras_initlab.registry import Claims, register

LECUN = "LeCun et al. 1998, Efficient BackProp, section 4.6"
GLOROT = "Glorot & Bengio 2010, eq. 16, proceedings.mlr.press/v9/glorot10a"
HE = "He et al. 2015, eq. 10, arXiv:1502.01852"

DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


def _uniform(law: str, limit: Callable[[Fans], float], reference: str) -> Claims:
    return Claims(
        law=law,
        reference=reference,
        mean=0.0,
        std=lambda fans: limit(fans) / math.sqrt(3),
        bound=limit,
        distribution="uniform",
    )


def _normal(law: str, std: Callable[[Fans], float], reference: str) -> Claims:
    return Claims(law=law, reference=reference, mean=0.0, std=std, distribution="normal")


def _truncated(law: str, std: Callable[[Fans], float], reference: str) -> Claims:
    return Claims(
        law=law,
        reference=reference,
        mean=0.0,
        std=std,
        bound=lambda fans: 2 * std(fans) / 0.8796256610342398,
        distribution="truncated_normal",
    )


@register(
    "uniform_sqrt_n",
    claims=_uniform(
        "U[-1/√fan_in, 1/√fan_in)",
        lambda fans: 1 / math.sqrt(fans.fan_in),
        "Glorot & Bengio 2010, eq. 1, proceedings.mlr.press/v9/glorot10a",
    ),
)
class UniformSqrtN(FanScaled):
    """Uniform within one over the square root of the number of inputs: the "general rule".

    The default of torch.nn.Linear. Its variance, 1 / (3 fan_in), is a third of what keeps a linear
    layer's signal.

    Draws `W ~ U[-limit, limit), limit = gain / √fan_in`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: Glorot & Bengio 2010, eq. 1 (the "standard heuristic").

    >>> tuple(UniformSqrtN(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1 / 3, "fan_in", "uniform"


@register(
    "normal_sqrt_n",
    claims=_normal(
        "N(0, 1/fan_in)",
        lambda fans: 1 / math.sqrt(fans.fan_in),
        "Glorot & Bengio 2010, eq. 1, proceedings.mlr.press/v9/glorot10a",
    ),
)
class NormalSqrtN(FanScaled):
    """Normal with deviation one over the square root of the number of inputs.

    The normal twin of `initlab_uniform_sqrt_n`, with three times its variance; the same law as
    `initlab_lecun_normal`.

    Draws `W ~ N(0, gain² / fan_in)`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: Glorot & Bengio 2010, eq. 1 (the uniform form).

    >>> tuple(NormalSqrtN(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_in", "untruncated_normal"


@register(
    "xavier_simple",
    claims=_normal("N(0, 1/fan_in)", lambda fans: 1 / math.sqrt(fans.fan_in), LECUN),
)
class XavierSimple(FanScaled):
    """Standard normal times the square root of one over the inputs: Xavier's law in its simple form.

    Many courses call this Xavier initialization; the paper's own law averages both fans
    (`initlab_glorot_normal`). The same law as `initlab_lecun_normal`.

    Draws `W ~ N(0, gain² / fan_in)`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: LeCun et al. 1998, Efficient BackProp, section 4.6.

    >>> tuple(XavierSimple(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_in", "untruncated_normal"


@register(
    "lecun_uniform",
    claims=_uniform("U[-√(3/fan_in), √(3/fan_in))", lambda fans: math.sqrt(3 / fans.fan_in), LECUN),
)
class LecunUniform(FanScaled):
    """Uniform weights that keep the variance of a linear layer's signal.

    Draws `W ~ U[-limit, limit), limit = gain √(3 / fan_in)`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: LeCun et al. 1998, Efficient BackProp, section 4.6.

    >>> tuple(LecunUniform(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_in", "uniform"


@register(
    "lecun_normal",
    claims=_normal("N(0, 1/fan_in)", lambda fans: math.sqrt(1 / fans.fan_in), LECUN),
)
class LecunNormal(FanScaled):
    """Normal weights that keep the variance of a linear layer's signal.

    The start for SELU. Keras's `lecun_normal` is truncated: see `initlab_lecun_normal_truncated`.

    Draws `W ~ N(0, gain² / fan_in)`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: LeCun et al. 1998, Efficient BackProp, section 4.6.

    >>> tuple(LecunNormal(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_in", "untruncated_normal"


@register(
    "lecun_normal_truncated",
    claims=_truncated(
        "N(0, 1/fan_in) cut at ±2σ, variance restored", lambda fans: math.sqrt(1 / fans.fan_in), LECUN
    ),
)
class LecunNormalTruncated(FanScaled):
    """LeCun's law as Keras draws it: a truncated normal of the same variance.

    Draws `W ~ N(0, σ²) restricted to ±2σ, with σ = gain √(1 / fan_in) / 0.8796`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: LeCun et al. 1998, Efficient BackProp, section 4.6; the cut is Keras's.

    >>> tuple(LecunNormalTruncated(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_in", "truncated_normal"


@register(
    "glorot_uniform",
    claims=_uniform(
        "U[-√(6/(fan_in+fan_out)), √(6/(fan_in+fan_out)))",
        lambda fans: math.sqrt(6 / (fans.fan_in + fans.fan_out)),
        GLOROT,
    ),
)
class GlorotUniform(FanScaled):
    """Uniform weights that compromise between keeping signals and keeping gradients: Xavier's law.

    The default of Keras's Dense and Conv layers.

    Draws `W ~ U[-limit, limit), limit = gain √(6 / (fan_in + fan_out))`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: Glorot & Bengio 2010, eq. 16.

    >>> tuple(GlorotUniform(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_avg", "uniform"


@register(
    "glorot_normal",
    claims=_normal(
        "N(0, 2/(fan_in+fan_out))", lambda fans: math.sqrt(2 / (fans.fan_in + fans.fan_out)), GLOROT
    ),
)
class GlorotNormal(FanScaled):
    """Normal weights that compromise between keeping signals and keeping gradients: Xavier's law.

    Keras's `glorot_normal` is truncated: see `initlab_glorot_normal_truncated`.

    Draws `W ~ N(0, gain² · 2 / (fan_in + fan_out))`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: Glorot & Bengio 2010, eq. 12 (the variance).

    >>> tuple(GlorotNormal(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_avg", "untruncated_normal"


@register(
    "glorot_normal_truncated",
    claims=_truncated(
        "N(0, 2/(fan_in+fan_out)) cut at ±2σ, variance restored",
        lambda fans: math.sqrt(2 / (fans.fan_in + fans.fan_out)),
        GLOROT,
    ),
)
class GlorotNormalTruncated(FanScaled):
    """Glorot's law as Keras draws it: a truncated normal of the same variance.

    Draws `W ~ N(0, σ²) restricted to ±2σ, with σ = gain √(2 / (fan_in + fan_out)) / 0.8796`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: Glorot & Bengio 2010, eq. 12; the cut is Keras's.

    >>> tuple(GlorotNormalTruncated(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_avg", "truncated_normal"


@register(
    "he_uniform",
    claims=_uniform("U[-√(6/fan_in), √(6/fan_in))", lambda fans: math.sqrt(6 / fans.fan_in), HE),
)
class HeUniform(FanScaled):
    """Uniform weights that keep the second moment of signals through ReLU.

    Some texts print √(6 / (fan_in + fan_out)) for it; that is Glorot's law, with about half the
    variance.

    Draws `W ~ U[-limit, limit), limit = gain √(6 / fan_in)`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: He et al. 2015, eq. 10, arXiv:1502.01852 (the variance).

    >>> tuple(HeUniform(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 2.0, "fan_in", "uniform"


@register(
    "he_normal",
    claims=_normal("N(0, 2/fan_in)", lambda fans: math.sqrt(2 / fans.fan_in), HE),
)
class HeNormal(FanScaled):
    """Normal weights that keep the second moment of signals through ReLU.

    The paper's law is untruncated; Keras's `he_normal` is truncated: see
    `initlab_he_normal_truncated`.

    Draws `W ~ N(0, gain² · 2 / fan_in)`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: He et al. 2015, eq. 10, arXiv:1502.01852.

    >>> tuple(HeNormal(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 2.0, "fan_in", "untruncated_normal"


@register(
    "he_normal_truncated",
    claims=_truncated(
        "N(0, 2/fan_in) cut at ±2σ, variance restored", lambda fans: math.sqrt(2 / fans.fan_in), HE
    ),
)
class HeNormalTruncated(FanScaled):
    """He's law as Keras draws it: a truncated normal of the same variance.

    Draws `W ~ N(0, σ²) restricted to ±2σ, with σ = gain √(2 / fan_in) / 0.8796`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: He et al. 2015, eq. 10, arXiv:1502.01852; the cut is Keras's.

    >>> tuple(HeNormalTruncated(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 2.0, "fan_in", "truncated_normal"


@register(
    "he_fan_avg_normal",
    claims=_normal(
        "N(0, 2/(fan_in+fan_out))", lambda fans: math.sqrt(2 / (fans.fan_in + fans.fan_out)), GLOROT
    ),
)
class HeFanAvgNormal(FanScaled):
    """Standard normal times the square root of two over inputs plus outputs.

    Some courses teach this as a variant of He's law; it is Glorot's, and keeps only about half of
    the signal's second moment through ReLU.

    Draws `W ~ N(0, gain² · 2 / (fan_in + fan_out))`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: Glorot & Bengio 2010, eq. 12.

    >>> tuple(HeFanAvgNormal(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1.0, "fan_avg", "untruncated_normal"


@register(
    "variance_scaling",
    claims=Claims(
        law="variance scale / fan, by default N(0, 1/fan_in) cut at ±2σ, variance restored",
        reference="Keras's VarianceScaling; geometric mean as in jax.nn.initializers",
        mean=0.0,
        std=lambda fans: math.sqrt(1 / fans.fan_in),
        bound=lambda fans: 2 * math.sqrt(1 / fans.fan_in) / 0.8796256610342398,
        distribution="truncated_normal",
    ),
)
class VarianceScaling(FanScaled):
    """The whole family: any scale, any fan, any of three distributions.

    Draws with zero mean and variance `scale / n`, where `n` is the fan that `mode` names.

    Args:
        scale: The variance times the fan. Positive, dimensionless.
        mode: `"fan_in"`, `"fan_out"`, `"fan_avg"` (arithmetic mean) or `"fan_geo_avg"` (geometric).
        distribution: `"truncated_normal"` (cut at two deviations, variance restored),
            `"untruncated_normal"` or `"uniform"`. Keras reads `"normal"` as truncated and jax as not,
            so it is refused.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `scale` is not a positive finite number, `mode` or `distribution` is none of
            those named, or only one of the axes is given.

    Reference: Keras's VarianceScaling, whose defaults it keeps.

    >>> VarianceScaling(2.0, "fan_geo_avg", "uniform", seed=0).std((100, 25))
    0.2
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(seed=seed, input_axes=input_axes, output_axes=output_axes)
        self.scale = positive("scale", scale)
        self.mode = one_of("mode", mode, MODES)
        self.distribution = one_of("distribution", distribution, DISTRIBUTIONS)
