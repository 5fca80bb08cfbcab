"""Laws that other libraries draw by default."""

import math
from typing import Any

from keras_initlab.core.arguments import whole
from keras_initlab.initializers.base import FanScaled, Gained, RandomScheme, Shape
from keras_initlab.initializers.registry import register
from keras_initlab.initializers.scaling import laws


@register(
    "torch_linear",
    claims=laws.uniform(
        "U[-1/√fan_in, 1/√fan_in)",
        lambda fans: 1 / math.sqrt(fans.fan_in),
        "torch.nn.Linear and Conv, reset_parameters",
        use="For porting a PyTorch model that trains from torch.nn.Linear's or Conv's defaults",
        avoid="In new deep ReLU nets, where the signal falls to a sixth per layer: take initlab_he_uniform",
    ),
)
class TorchLinear(FanScaled):
    """The kernels of PyTorch's own Linear and Conv layers.

    PyTorch writes it as Kaiming's uniform law with `a = √5`; the same law as `initlab_uniform_sqrt_n`.

    Draws `W ~ U[-limit, limit), limit = gain / √fan_in`.

    Reference: PyTorch, torch.nn.Linear.reset_parameters.

    >>> tuple(TorchLinear(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1 / 3, "fan_in", "uniform"


@register(
    "torch_bias",
    claims=laws.uniform(
        law="U[-1/√fan_in, 1/√fan_in) by the fan_in of the kernel, by default 64",
        reference="torch.nn.Linear and Conv, reset_parameters",
        limit=lambda fans: 1 / 8,
        roles=("bias",),
        use="For porting a PyTorch model, whose Linear and Conv layers draw their biases",
        avoid="Where no PyTorch result is to be met: take initlab_zeros",
    ),
)
class TorchBias(Gained, RandomScheme):
    """The biases of PyTorch's own Linear and Conv layers.

    The shape of a bias tells the number of outputs only, so the number of inputs is an argument.

    Draws `b ~ U[-limit, limit), limit = gain / √fan_in`.

    Args:
        fan_in: Inputs of each unit of the layer: the features of a Dense, the window's size times the
            input channels of a convolution. At least 1.
        gain: Multiplies every bias. Positive, dimensionless.

    Raises:
        InputError: If `fan_in` is not a whole number of at least 1, or `gain` is not positive.

    Reference: PyTorch, torch.nn.Linear.reset_parameters.

    >>> tuple(TorchBias(100, seed=0)((64,)).shape)
    (64,)
    """

    def __init__(self, fan_in: int = 64, *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.fan_in = whole("fan_in", fan_in)

    def draw(self, shape: Shape) -> Any:
        limit = self.gain / math.sqrt(self.fan_in)
        return self.uniform(shape, -limit, limit)


@register(
    "uniform_scaling",
    claims=laws.uniform(
        law="U[-√(3/p), √(3/p)), p the product of all dimensions but the last",
        reference="DeepMind Sonnet and Haiku, UniformScaling",
        limit=lambda fans: math.sqrt(3 / fans.fan_in),
        ranks=(2, None),
        use="For porting a model from Sonnet or Haiku",
        avoid="Before ReLU without a gain of √2, where the signal's power halves: take initlab_he_uniform",
    ),
)
class UniformScaling(Gained, RandomScheme):
    """Uniform weights that keep a linear layer's variance, as Sonnet and Haiku count the inputs.

    All dimensions but the last are inputs, whatever the layer: `initlab_lecun_uniform` where that is so.

    Draws `W ~ U[-limit, limit), limit = gain · √(3 / prod(shape[:-1]))`.

    Args:
        gain: Multiplies every weight. Positive; Haiku calls it `scale` and suggests 1.43 for ReLU and
            1.15 for tanh.

    Shapes: rank 2 or more; the last axis counts units.

    Raises:
        InputError: If `gain` is not positive, or the rank is below 2.

    Reference: DeepMind Haiku, haiku.initializers.UniformScaling.

    >>> tuple(UniformScaling(seed=0)((3, 3, 16, 8)).shape)
    (3, 3, 16, 8)
    """

    def draw(self, shape: Shape) -> Any:
        limit = self.gain * math.sqrt(3 / math.prod(shape[:-1]))
        return self.uniform(shape, -limit, limit)
