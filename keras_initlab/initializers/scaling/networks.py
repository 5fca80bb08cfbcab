"""Laws made for one kind of network."""

import math
from collections.abc import Sequence
from typing import Any

from keras_initlab.initializers.base import FanScaled, RandomScheme, Shape, one_of, positive, whole
from keras_initlab.initializers.scaling import laws
from keras_initlab.registry import Claims, register


@register(
    "torch_linear",
    claims=laws.uniform(
        "U[-1/√fan_in, 1/√fan_in)",
        lambda fans: 1 / math.sqrt(fans.fan_in),
        "torch.nn.Linear and Conv, reset_parameters",
    ),
)
class TorchLinear(FanScaled):
    """The kernels of PyTorch's own Linear and Conv layers.

    PyTorch writes it as Kaiming's uniform law with `a = √5`; the same law as `initlab_uniform_sqrt_n`.

    Draws `W ~ U[-limit, limit), limit = gain / √fan_in`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: PyTorch, torch.nn.Linear.reset_parameters.

    >>> tuple(TorchLinear(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 1 / 3, "fan_in", "uniform"


@register(
    "small_init",
    claims=laws.normal(
        "N(0, 2/(5 fan_in))",
        lambda fans: math.sqrt(0.4 / fans.fan_in),
        "Nguyen & Salazar 2019, arXiv:1910.05895",
    ),
)
class SmallInit(FanScaled):
    """Small normal weights for Transformers: Xavier's law of the feed-forward block, everywhere.

    Xavier's variance for a kernel (d, 4d), used for all kernels that read from width d.

    Draws `W ~ N(0, gain² · 2 / (5 fan_in))`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: Nguyen & Salazar 2019, arXiv:1910.05895.

    >>> tuple(SmallInit(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 2 / 5, "fan_in", "untruncated_normal"


@register(
    "wang",
    claims=laws.normal(
        "N(0, (2/(L√fan_in))²)",
        lambda fans: 2 / (12 * math.sqrt(fans.fan_in)),
        "Wang, Mesh Transformer JAX, 2021",
    ),
)
class Wang(FanScaled):
    """Normal weights for the kernels that write into a Transformer's residual stream.

    Used with `initlab_small_init` for the others.

    Draws `W ~ N(0, gain² · (2 / (layers · √fan_in))²)`.

    Args:
        layers: Number of layers L. At least 1.
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not positive, `layers` is not a whole number, or only one of the axes
            is given.

    Reference: Wang, Mesh Transformer JAX, 2021; ships in GPT-NeoX.

    >>> tuple(Wang(seed=0)((256, 64)).shape)
    (256, 64)
    """

    def __init__(
        self,
        layers: int = 12,
        gain: float = 1.0,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(gain, seed, input_axes, output_axes)
        self.layers = whole("layers", layers)
        self.scale = 4 / self.layers**2


@register(
    "siren_first",
    claims=laws.uniform(
        "U[-1/fan_in, 1/fan_in)",
        lambda fans: 1 / fans.fan_in,
        "Sitzmann et al. 2020, arXiv:2006.09661, section 3.2",
    ),
)
class SirenFirst(FanScaled):
    """First layer of a network of sines, for inputs in [-1, 1].

    Draws `W ~ U[-limit, limit), limit = gain / fan_in`.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.

    Reference: Sitzmann et al. 2020, arXiv:2006.09661.

    >>> tuple(SirenFirst(seed=0)((256, 64)).shape)
    (256, 64)
    """

    distribution = "uniform"

    def std(self, shape: Shape) -> float:
        return self.gain / (math.sqrt(3) * max(1, self.fans(shape).fan_in))


@register(
    "siren",
    claims=laws.uniform(
        "U[-√(6/fan_in)/ω, √(6/fan_in)/ω)",
        lambda fans: math.sqrt(6 / fans.fan_in) / 30,
        "Sitzmann et al. 2020, arXiv:2006.09661, section 3.2",
    ),
)
class Siren(FanScaled):
    """Hidden layers of a network of sines `sin(ω (W x + b))`.

    Keeps the arguments of the sines at unit variance.

    Draws `W ~ U[-limit, limit), limit = gain · √(6 / fan_in) / omega`.

    Args:
        omega: ω, the frequency inside the sine. Positive.
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` or `omega` is not positive, or only one of the axes is given.

    Reference: Sitzmann et al. 2020, arXiv:2006.09661, theorem 1.8.

    >>> tuple(Siren(seed=0)((256, 64)).shape)
    (256, 64)
    """

    def __init__(
        self,
        omega: float = 30.0,
        gain: float = 1.0,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(gain, seed, input_axes, output_axes)
        self.omega = positive("omega", omega)
        self.distribution = "uniform"
        self.scale = 2 / self.omega**2


@register(
    "random_walk",
    claims=laws.normal(
        "N(0, g²/fan_in), ReLU: g = √2 exp(1.2 / (max(fan_in, 6) - 2.4))",
        lambda fans: math.sqrt(2 / fans.fan_in) * math.exp(1.2 / (max(fans.fan_in, 6) - 2.4)),
        "Sussillo & Abbott 2014, arXiv:1412.6558",
    ),
)
class RandomWalk(FanScaled):
    """Normal weights under which the log of the gradient's size walks without drift.

    Corrects He's law for narrow layers: the expected log, rather than the expected square, stays put.
    Two popular ports divide by the width instead of its root.

    Draws `W ~ N(0, gain² · g² / n), n = fan_in; linear: g = exp(1 / (2 n)), relu: g = √2 exp(1.2 /
    (max(n, 6) - 2.4))`.

    Args:
        activation: `"relu"` or `"linear"`.
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not positive, `activation` is another, or only one of the axes is given.

    Reference: Sussillo & Abbott 2014, arXiv:1412.6558.

    >>> tuple(RandomWalk(seed=0)((256, 64)).shape)
    (256, 64)
    """

    def __init__(
        self,
        activation: str = "relu",
        gain: float = 1.0,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(gain, seed, input_axes, output_axes)
        self.activation = one_of("activation", activation, ("relu", "linear"))

    def std(self, shape: Shape) -> float:
        width = self.fans(shape).fan_in
        correction = math.exp(1 / (2 * width))
        if self.activation == "relu":
            correction = math.sqrt(2) * math.exp(1.2 / (max(width, 6) - 2.4))
        return correction * super().std(shape)


@register(
    "hyperfan",
    claims=laws.normal(
        "N(0, 1/(n_main n_hyper Var z))",
        lambda fans: math.sqrt(1 / (64 * fans.fan_in)),
        "Chang et al. 2020, hyperfan-in, openreview.net/forum?id=H1lma24tPB",
    ),
)
class Hyperfan(FanScaled):
    """Kernel of a layer that generates another layer's kernel.

    Chosen so that the generated kernel has variance `1 / main_fan_in`, LeCun's.

    Draws `W ~ N(0, gain² / (main_fan_in · fan_in · embedding_variance))`.

    Args:
        main_fan_in: Inputs of the layer whose kernel is generated. At least 1.
        embedding_variance: Variance of the inputs of the generating layer. Positive.
        gain: Multiplies every weight. Positive, dimensionless.
        seed: None, an integer or a `keras.random.SeedGenerator`.
        input_axes: Axes of the weight that are inputs; None means Keras's convention.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` or `embedding_variance` is not positive, `main_fan_in` is not a whole
            number, or only one of the axes is given.

    Reference: Chang et al. 2020, openreview.net/forum?id=H1lma24tPB.

    >>> tuple(Hyperfan(seed=0)((256, 64)).shape)
    (256, 64)
    """

    def __init__(
        self,
        main_fan_in: int = 64,
        embedding_variance: float = 1.0,
        gain: float = 1.0,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(gain, seed, input_axes, output_axes)
        self.main_fan_in = whole("main_fan_in", main_fan_in)
        self.embedding_variance = positive("embedding_variance", embedding_variance)
        self.scale = 1 / (self.main_fan_in * self.embedding_variance)


@register(
    "scaled_normal",
    claims=Claims(
        law="N(0, (std/√(branches · layers))²)",
        reference="Radford et al. 2019, GPT-2, section 2.3",
        mean=0.0,
        std=lambda fans: 0.02 / math.sqrt(24),
        distribution="normal",
    ),
)
class ScaledNormal(RandomScheme):
    """Kernels that write into a residual stream, smaller the more of them there are.

    Draws `W ~ N(0, (std / √(branches · layers))²)`.

    Args:
        stddev: Standard deviation of the other kernels. Positive.
        layers: Number of layers. At least 1.
        branches: Residual branches per layer: 2 for a Transformer, 1 for Mamba.
        seed: None, an integer or a `keras.random.SeedGenerator`.

    Shapes: any.

    Raises:
        InputError: If `stddev` is not positive, or `layers` or `branches` is not a whole number.

    Reference: Radford et al. 2019, Language Models are Unsupervised Multitask Learners, section 2.3.

    >>> tuple(ScaledNormal(seed=0)((256, 64)).shape)
    (256, 64)
    """

    def __init__(self, stddev: float = 0.02, layers: int = 12, branches: int = 2, seed: Any = None):
        super().__init__(seed)
        self.stddev = positive("stddev", stddev)
        self.layers = whole("layers", layers)
        self.branches = whole("branches", branches)

    def draw(self, shape: Shape) -> Any:
        return self.normal(shape, std=self.stddev / math.sqrt(self.branches * self.layers))
