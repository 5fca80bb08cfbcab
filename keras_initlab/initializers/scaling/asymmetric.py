"""An asymmetric start that keeps ReLU units alive."""

import math
from typing import Any

import numpy as np

from keras_initlab.core.arguments import whole
from keras_initlab.initializers.base import AxesAware, RandomScheme, Shape
from keras_initlab.initializers.registry import Claims, register

# The root of σ²/2 + σ · E[Beta] · √(2/π) + E[Beta²] = 1: the expected squared length does not grow.
RAI_STD = math.sqrt(1 + 8 / (9 * math.pi)) - 2 * math.sqrt(2) / (3 * math.sqrt(math.pi))
REFERENCE = "Lu et al. 2020, arXiv:1903.06733, randomized asymmetric initialization"


class _Asymmetric(RandomScheme):
    """Base of kernel and bias: one of each unit's `fan_in + 1` weights is asymmetric."""

    def asymmetric(self, fan_in: int, units: int) -> np.ndarray:
        """Of each unit, which weight is: an input's number, or `fan_in` for the bias."""
        return self.generator((fan_in, units), "asymmetric weight").integers(0, fan_in + 1, units)


@register(
    "rai",
    claims=Claims(
        law="N(0, 0.6007²/fan_in); of each unit's weights and bias, a random one is Beta(2, 1)",
        reference=REFERENCE,
        ranks=(2, None),
        shapes=((60, 400), (3, 3, 16, 60)),
        use="For deep and narrow ReLU nets, whole layers of which would be dead from the start",
        avoid="In wide or normalized nets, which seldom die: take initlab_he_normal",
    ),
)
class Rai(_Asymmetric, AxesAware):
    """Normal kernel in which one weight of nearly every unit is positive and large.

    Fewer ReLU units are dead at the start than under any symmetric law. The bias takes part: use
    `initlab_rai_bias` with the same integer seed in the layer, so that each unit has exactly one such weight.
    `reinitialize` and `compare` give every weight a seed of its own; there a unit has one on average.

    Draws `W ~ N(0, σ² / fan_in)`, `σ = √(1 + 8/(9π)) - 2√2/(3√π) = 0.6007`, and replaces one of each
    unit's `fan_in + 1` weights, the bias counted, by a value of Beta(2, 1).

    Shapes: rank 2 or more, seen as the matrix (inputs, outputs).

    Raises:
        InputError: If the rank is below 2, only one of the axes is given, or they do not name every axis
            once.

    Reference: Lu, Shin, Su & Karniadakis 2020, arXiv:1903.06733, section 4.

    >>> tuple(Rai(seed=0)((256, 64)).shape)
    (256, 64)
    """

    def draw(self, shape: Shape) -> Any:
        inputs, units = self.matrix_shape(shape)
        rng = self.generator(shape)
        matrix = rng.normal(0, RAI_STD / math.sqrt(inputs), (inputs, units))
        chosen = self.asymmetric(inputs, units)
        (columns,) = np.nonzero(chosen < inputs)
        matrix[chosen[columns], columns] = rng.beta(2, 1, len(columns))
        return self.from_matrix(matrix, shape)


@register(
    "rai_bias",
    claims=Claims(
        law="N(0, 0.6007²/fan_in), with probability 1/(fan_in + 1) Beta(2, 1) instead; fan_in = 64",
        reference=REFERENCE,
        mean=2 / (3 * 65),
        roles=("bias",),
        use="For the biases of layers whose kernels are initlab_rai with the same seed",
        avoid="With any other kernel: take initlab_zeros",
    ),
)
class RaiBias(_Asymmetric):
    """Biases for kernels of `initlab_rai`.

    With the kernel's integer seed, those units get an asymmetric bias whose kernel has no such weight.
    `reinitialize` and `compare` give every weight a seed of its own; there a unit has one such weight on
    average, of its kernel and bias together.

    Draws `b ~ N(0, σ² / fan_in)`, `σ = 0.6007`, and where the unit's asymmetric weight is its bias, a
    value of Beta(2, 1).

    Args:
        fan_in: Inputs of each unit of the layer. At least 1.

    Raises:
        InputError: If `fan_in` is not a whole number of at least 1.

    Reference: Lu, Shin, Su & Karniadakis 2020, arXiv:1903.06733, section 4.

    >>> tuple(RaiBias(256, seed=0)((64,)).shape)
    (64,)
    """

    def __init__(self, fan_in: int = 64, seed: Any = None):
        super().__init__(seed)
        self.fan_in = whole("fan_in", fan_in)

    def draw(self, shape: Shape) -> Any:
        rng, units = self.generator(shape), math.prod(shape)
        symmetric = rng.normal(0, RAI_STD / math.sqrt(self.fan_in), units)
        own = self.asymmetric(self.fan_in, units) == self.fan_in
        return np.where(own, rng.beta(2, 1, units), symmetric).reshape(shape)
