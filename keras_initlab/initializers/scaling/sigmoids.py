"""Laws from before 1995 for shallow nets of sigmoid or tanh units."""

import math
from typing import Any

from keras_initlab.core.arguments import positive
from keras_initlab.initializers.base import FanScaled, Shape
from keras_initlab.initializers.registry import register
from keras_initlab.initializers.scaling import laws


@register(
    "bottou",
    claims=laws.uniform(
        "U[-2.38/√fan_in, 2.38/√fan_in)",
        lambda fans: 2.38 / math.sqrt(fans.fan_in),
        "Bottou 1988, as quoted by Thimm & Fiesler 1997, IEEE Trans. Neural Networks 8(2)",
        use="For shallow nets of logistic sigmoids, above all to repeat experiments of the early nineties",
        avoid="Before tanh or in deep nets, which it saturates: take initlab_glorot_uniform",
    ),
)
class Bottou(FanScaled):
    """Uniform weights that put inputs of unit variance where the logistic sigmoid bends most.

    The pre-activations' deviation, 2.38 / √3 = 1.37, is the sigmoid's point of largest curvature, 1.36.

    Draws `W ~ U[-limit, limit), limit = gain · 2.38 / √fan_in`.

    Reference: Bottou 1988, Reconnaissance de la parole par réseaux connexionnistes; quoted by Thimm &
    Fiesler 1997, High-order and multilayer perceptron initialization.

    >>> tuple(Bottou(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 2.38**2 / 3, "fan_in", "uniform"


@register(
    "scawi",
    claims=laws.uniform(
        "U[-1.3/√(1 + fan_in E[x²]), 1.3/√(1 + fan_in E[x²])), by default E[x²] = 1",
        lambda fans: 1.3 / math.sqrt(1 + fans.fan_in),
        "Drago & Ridella 1992, IEEE Trans. Neural Networks 3(4), pp. 627-631",
        use="For shallow nets of tanh units on inputs of known mean square",
        avoid="In deep nets, where the signal shrinks with every layer: take initlab_auto_gain",
    ),
)
class Scawi(FanScaled):
    """Uniform weights under which one tanh unit in twenty is paralysed at the start, beyond ±0.9.

    Statistically controlled activation weight initialization. The bias counts as one more weight, with
    input 1, and is drawn from the same law.

    Draws `W ~ U[-limit, limit), limit = gain · 1.3 / √(1 + fan_in · mean_square)`.

    Args:
        mean_square: E[x²] of the layer's inputs: 1 if standardized, about 0.3 after a hidden layer of
            tanh. Positive.

    Raises:
        InputError: If `gain` or `mean_square` is not positive, or only one of the axes is given.

    Reference: Drago & Ridella 1992, Statistically controlled activation weight initialization (SCAWI).

    >>> round(Scawi(2.0, seed=0).std((84, 10)), 6) == round(0.1 / math.sqrt(3), 6)
    True
    """

    distribution = "uniform"

    def __init__(self, mean_square: float = 1.0, *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.mean_square = positive("mean_square", mean_square)

    def std(self, shape: Shape) -> float:
        power = 1 + self.fans(shape).fan_in * self.mean_square
        return self.gain * 1.3 / math.sqrt(3 * power)
