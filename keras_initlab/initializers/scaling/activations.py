"""Laws whose gain follows from an activation."""

import math
from typing import Any

from keras_initlab.core.arguments import finite, one_of, positive
from keras_initlab.initializers.base import FanScaled, RandomScheme, Shape
from keras_initlab.initializers.fans import MODES
from keras_initlab.initializers.gains import edge_of_chaos, slope_at_zero
from keras_initlab.initializers.gains import gain as activation_gain
from keras_initlab.initializers.registry import register
from keras_initlab.initializers.scaling import laws


@register(
    "kaiming",
    claims=laws.normal(
        "N(0, 2/((1+a²) fan))",
        lambda fans: math.sqrt(2 / fans.fan_in),
        "He et al. 2015, eq. 15, arXiv:1502.01852",
        use="For layers after a leaky ReLU of known slope, or where gradients rather than signals must keep",
        avoid="After any other activation: take initlab_auto_gain",
    ),
)
class Kaiming(FanScaled):
    """He's law for a leaky ReLU, with the fan that is to be kept.

    torch.nn.init.kaiming_normal_ with `nonlinearity="leaky_relu"`.

    Draws `W ~ N(0, gain² · 2 / ((1 + a²) fan))`.

    Args:
        a: Slope of the leaky ReLU below zero; 0 is ReLU.
        mode: `"fan_in"` keeps signals, `"fan_out"` gradients; `"fan_avg"` and `"fan_geo_avg"` compromise.

    Raises:
        InputError: If `gain` is not positive, `a` is not finite, `mode` is another, or only one of the
            axes is given.

    Reference: He et al. 2015, eq. 15, arXiv:1502.01852.

    >>> tuple(Kaiming(seed=0)((256, 64)).shape)
    (256, 64)
    """

    def __init__(self, a: float = 0.0, mode: str = "fan_in", *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.a = finite("a", a)
        self.mode = one_of("mode", mode, MODES)
        self.scale = 2 / (1 + self.a**2)


@register(
    "auto_gain",
    claims=laws.normal(
        "N(0, g²/fan_in), g = 1/√E[φ(z)²]",
        lambda fans: math.sqrt(2 / fans.fan_in),
        "numerical; He et al. 2015, arXiv:1502.01852 for ReLU",
        use="For layers after an activation that no table lists, such as gelu, silu or mish",
        avoid="In deep nets of gelu, silu or mish without normalization, where errors of the variance grow "
        "faster than with initlab_edge_of_chaos",
    ),
)
class AutoGain(FanScaled):
    """Normal weights that keep pre-activations at unit variance after any activation.

    He's law with the gain of the activation that precedes the kernel, computed numerically.

    Draws `W ~ N(0, gain² · g² / fan_in), g = 1 / √E[φ(z)²], z ~ N(0, 1)`.

    Args:
        activation: Name of a Keras activation, that of the layer before.

    Raises:
        InputError: If `gain` is not positive, Keras has no such activation, or only one of the axes is given.

    Reference: He et al. 2015, arXiv:1502.01852, whose law it is for ReLU.

    >>> tuple(AutoGain(seed=0)((256, 64)).shape)
    (256, 64)
    """

    def __init__(self, activation: str = "relu", *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.activation = activation
        self.scale = activation_gain(activation) ** 2


@register(
    "kumar",
    claims=laws.normal(
        "N(0, 1/(fan_in φ'(0)² (1+φ(0)²)))",
        lambda fans: math.sqrt(12.8 / fans.fan_in),
        "Kumar 2017, arXiv:1704.08863",
        use="For sigmoid nets of a few layers, whose units then start in their linear range",
        avoid="For ReLU, which has no slope at zero, or deep nets: take initlab_auto_gain",
    ),
)
class Kumar(FanScaled):
    """Normal weights for an activation that is smooth at zero.

    Linearizes the activation at 0: outputs have mean square `φ(0)² + φ'(0)² σ²`, and the next layer's
    pre-activations keep their variance if `σ² = 1` there. For sigmoid the deviation is 3.58 / √fan_in.

    Draws `W ~ N(0, gain² / (fan_in · φ'(0)² (1 + φ(0)²)))`.

    Args:
        activation: Name of a Keras activation with `φ'(0) ≠ 0`.

    Raises:
        InputError: If `gain` is not positive, Keras has no such activation or its slope at zero is
            zero, or only one of the axes is given.

    Reference: Kumar 2017, arXiv:1704.08863.

    >>> tuple(Kumar(seed=0)((256, 64)).shape)
    (256, 64)
    """

    def __init__(self, activation: str = "sigmoid", *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.activation = activation
        value, slope = slope_at_zero(activation)
        positive("activation's slope at zero", abs(slope))
        self.scale = 1 / (slope**2 * (1 + value**2))


@register(
    "edge_of_chaos",
    claims=laws.normal(
        "N(0, σ_w²/fan_in), σ_w² = 1/E[φ'(√q z)²]",
        lambda fans: 1.4674135916 / math.sqrt(fans.fan_in),
        "Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232",
        use="For very deep plain nets, of tanh above all, together with initlab_edge_of_chaos_bias",
        avoid="For sigmoid, which has no edge of chaos: take initlab_kumar",
    ),
)
class EdgeOfChaos(FanScaled):
    """Kernel at the edge of chaos: signals and gradients survive any depth.

    Use `initlab_edge_of_chaos_bias` with the same arguments for the biases.

    Draws `W ~ N(0, gain² · σ_w² / fan_in), σ_w² = 1 / E[φ'(√q z)²], z ~ N(0, 1)`.

    Args:
        activation: Name of a Keras activation that has such a point; sigmoid has none.
        variance: q, the variance of the pre-activations. Positive.

    Raises:
        InputError: If `gain` or `variance` is not positive, or the activation has no edge of chaos, or
            only one of the axes is given.

    Reference: Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232.

    >>> tuple(EdgeOfChaos(seed=0)((256, 64)).shape)
    (256, 64)
    """

    def __init__(self, activation: str = "tanh", variance: float = 1.0, *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.activation = activation
        self.variance = positive("variance", variance)
        self.scale = edge_of_chaos(activation, variance=self.variance).weight_std ** 2


@register(
    "edge_of_chaos_bias",
    claims=laws.normal(
        law="N(0, σ_b²), σ_b² = q - E[φ(√q z)²] / E[φ'(√q z)²]",
        reference="Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232",
        std=lambda fans: math.sqrt(0.1509646294),
        roles=("bias",),
        use="For the biases of layers whose kernels are initlab_edge_of_chaos",
        avoid="With any other kernel, whose variance it would disturb: take initlab_zeros",
    ),
)
class EdgeOfChaosBias(RandomScheme):
    """Biases at the edge of chaos, for kernels of `initlab_edge_of_chaos`.

    Draws `b ~ N(0, σ_b²)`, `σ_b² = q - E[φ(√q z)²] / E[φ'(√q z)²]`, `z ~ N(0, 1)`.

    Args:
        activation: Name of a Keras activation that has such a point.
        variance: q, the variance of the pre-activations. Positive.

    Raises:
        InputError: If `variance` is not positive, or the activation has no edge of chaos.

    Reference: Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232.

    >>> tuple(EdgeOfChaosBias(seed=0)((64,)).shape)
    (64,)
    """

    def __init__(self, activation: str = "tanh", variance: float = 1.0, seed: Any = None):
        super().__init__(seed)
        self.activation = activation
        self.variance = positive("variance", variance)
        self._std = math.sqrt(edge_of_chaos(activation, variance=self.variance).bias_variance)

    def draw(self, shape: Shape) -> Any:
        return self.normal(shape, std=self._std)
