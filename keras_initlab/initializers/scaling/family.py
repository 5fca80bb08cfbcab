"""The whole family of fan-scaled laws as one class."""

import math
from collections.abc import Sequence
from typing import Any

from keras_initlab.core.arguments import one_of, positive
from keras_initlab.initializers.base import TRUNCATED_STD, FanScaled
from keras_initlab.initializers.fans import MODES
from keras_initlab.initializers.registry import Claims, register

DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


@register(
    "variance_scaling",
    claims=Claims(
        law="variance scale / fan, by default N(0, 1/fan_in) cut at ±2σ, variance restored",
        reference="Keras's VarianceScaling; geometric mean as in jax.nn.initializers",
        mean=0.0,
        std=lambda fans: math.sqrt(1 / fans.fan_in),
        bound=lambda fans: 2 * math.sqrt(1 / fans.fan_in) / TRUNCATED_STD,
        distribution="truncated_normal",
        use="For a scale, fan or distribution that no named law has, such as the geometric mean of the fans",
        avoid="Where a named law says the same more clearly, such as initlab_he_normal",
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
