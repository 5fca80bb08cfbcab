"""Laws made for one kind of network."""

import math
from typing import Any

from keras_initlab.core.arguments import one_of, positive, whole
from keras_initlab.initializers.base import FanScaled, RandomScheme, Shape
from keras_initlab.initializers.registry import register
from keras_initlab.initializers.scaling import laws


@register(
    "siren_first",
    claims=laws.uniform(
        "U[-1/fan_in, 1/fan_in)",
        lambda fans: 1 / fans.fan_in,
        "Sitzmann et al. 2020, arXiv:2006.09661, section 3.2",
        use="For the first layer of a network of sines, on coordinates in [-1, 1]",
        avoid="In its hidden layers, whose signal it would lose: take initlab_siren",
    ),
)
class SirenFirst(FanScaled):
    """First layer of a network of sines, for inputs in [-1, 1].

    Draws `W ~ U[-limit, limit), limit = gain / fan_in`.

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
        use="For the hidden layers of a network of sines",
        avoid="In its first layer, which sees raw coordinates: take initlab_siren_first",
    ),
)
class Siren(FanScaled):
    """Hidden layers of a network of sines `sin(ω (W x + b))`.

    Keeps the arguments of the sines at unit variance.

    Draws `W ~ U[-limit, limit), limit = gain · √(6 / fan_in) / omega`.

    Args:
        omega: ω, the frequency inside the sine. Positive.

    Raises:
        InputError: If `gain` or `omega` is not positive, or only one of the axes is given.

    Reference: Sitzmann et al. 2020, arXiv:2006.09661, theorem 1.8.

    >>> tuple(Siren(seed=0)((256, 64)).shape)
    (256, 64)
    """

    def __init__(self, omega: float = 30.0, *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.omega = positive("omega", omega)
        self.distribution = "uniform"
        self.scale = 2 / self.omega**2


@register(
    "random_walk",
    claims=laws.normal(
        "N(0, g²/fan_in), ReLU: g = √2 exp(1.2 / (max(fan_in, 6) - 2.4))",
        lambda fans: math.sqrt(2 / fans.fan_in) * math.exp(1.2 / (max(fans.fan_in, 6) - 2.4)),
        "Sussillo & Abbott 2014, arXiv:1412.6558",
        use="For deep plain nets of ReLU or linear units that are narrow, below about 50 inputs",
        avoid="In wide nets, where its correction vanishes: take initlab_he_normal",
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

    Raises:
        InputError: If `gain` is not positive, `activation` is another, or only one of the axes is given.

    Reference: Sussillo & Abbott 2014, arXiv:1412.6558.

    >>> tuple(RandomWalk(seed=0)((256, 64)).shape)
    (256, 64)
    """

    def __init__(self, activation: str = "relu", *rest: Any, **common: Any):
        super().__init__(*rest, **common)
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
        "Chang, Flokas & Lipson 2020, hyperfan-in, arXiv:2312.08399",
        use="For the output layer of a hypernetwork, which emits another layer's kernel",
        avoid="For any kernel that is used as it is: take initlab_lecun_normal",
    ),
)
class Hyperfan(FanScaled):
    """Kernel of a layer that generates another layer's kernel.

    Chosen so that the generated kernel has variance `1 / main_fan_in`, LeCun's. Where the bias is
    generated too, each gets half: `gain=0.5**0.5` for both, and `main_fan_in=1` for the bias.

    Draws `W ~ N(0, gain² / (main_fan_in · fan_in · embedding_variance))`.

    Args:
        main_fan_in: Inputs of the layer whose kernel is generated. At least 1.
        embedding_variance: Variance of the inputs of the generating layer. Positive.

    Raises:
        InputError: If `gain` or `embedding_variance` is not positive, `main_fan_in` is not a whole
            number, or only one of the axes is given.

    Reference: Chang, Flokas & Lipson 2020, arXiv:2312.08399.

    >>> tuple(Hyperfan(seed=0)((256, 64)).shape)
    (256, 64)
    """

    def __init__(self, main_fan_in: int = 64, embedding_variance: float = 1.0, *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.main_fan_in = whole("main_fan_in", main_fan_in)
        self.embedding_variance = positive("embedding_variance", embedding_variance)
        self.scale = 1 / (self.main_fan_in * self.embedding_variance)


@register(
    "fourier_features",
    claims=laws.normal(
        law="N(0, stddev²), by default N(0, 10²)",
        reference="Tancik et al. 2020, arXiv:2006.10739",
        std=lambda fans: 10.0,
        roles=("kernel",),
        use="For a frozen first layer that turns coordinates into waves of many frequencies",
        avoid="In a layer that trains, or on standardized features: take initlab_lecun_normal",
    ),
)
class FourierFeatures(RandomScheme):
    """Frequencies of random Fourier features of coordinates in [0, 1].

    The kernel B of a Dense layer without bias and with `trainable=False`; the features are
    `cos(2π x B)` and `sin(2π x B)`. Their inner products approximate a Gaussian kernel:
    `E cos(2π (x - y) B) = exp(-2π² · stddev² · ‖x - y‖²)`.

    Draws `B ~ N(0, stddev²)`.

    Args:
        stddev: Deviation of the frequencies, in cycles per unit of the coordinates: larger values
            resolve finer detail and overfit sooner. Positive; 10 is the paper's for images.

    Raises:
        InputError: If `stddev` is not a positive finite number.

    Reference: Tancik et al. 2020, arXiv:2006.10739, section 5.

    >>> tuple(FourierFeatures(seed=0)((2, 256)).shape)
    (2, 256)
    """

    def __init__(self, stddev: float = 10.0, seed: Any = None):
        super().__init__(seed)
        self.stddev = positive("stddev", stddev)

    def draw(self, shape: Shape) -> Any:
        return self.normal(shape, std=self.stddev)
