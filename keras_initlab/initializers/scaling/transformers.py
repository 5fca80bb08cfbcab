"""Laws for kernels that read or write a Transformer's residual stream."""

import math
from typing import Any

from keras import ops

from keras_initlab.core.arguments import positive, whole
from keras_initlab.initializers.base import FanScaled, RandomScheme, Shape
from keras_initlab.initializers.registry import Claims, register
from keras_initlab.initializers.scaling import laws

KERNELS = ("kernel", "recurrent_kernel")
STD_WITHIN_THREE = 0.98657839255810864  # of a standard normal cut at three standard deviations


@register(
    "small_init",
    claims=laws.normal(
        "N(0, 2/(5 fan_in))",
        lambda fans: math.sqrt(0.4 / fans.fan_in),
        "Nguyen & Salazar 2019, arXiv:1910.05895",
        roles=KERNELS,
        use="For Transformers, for the kernels that read the residual stream",
        avoid="For the kernels that write to it: take initlab_wang or initlab_scaled_normal",
    ),
)
class SmallInit(FanScaled):
    """Small normal weights for Transformers: Xavier's law of the feed-forward block, everywhere.

    Xavier's variance for a kernel (d, 4d), used for all kernels that read from width d. Not for a table of
    embeddings (entries, d), whose fan_in is its entries: the source's law there, √(2 / (5 d)), is
    `initlab_embedding_normal` with a gain of √0.4.

    Draws `W ~ N(0, gain² · 2 / (5 fan_in))`.

    Reference: Nguyen & Salazar 2019, arXiv:1910.05895.

    >>> tuple(SmallInit(seed=0)((256, 64)).shape)
    (256, 64)
    """

    scale, mode, distribution = 2 / 5, "fan_in", "untruncated_normal"


@register(
    "wang",
    claims=laws.normal(
        "N(0, (2/(L√fan_out))²)",
        lambda fans: 2 / (12 * math.sqrt(fans.fan_out)),
        "GPT-NeoX, wang_init_method, 2021",
        use="For Transformers, for the kernels that write to the residual stream",
        avoid="Outside residual branches, where it starves the signal: take initlab_small_init",
    ),
)
class Wang(FanScaled):
    """Normal weights for the kernels that write into a Transformer's residual stream.

    Used with `initlab_small_init` for the others. The source divides by the root of the model's width d,
    which is what such a kernel writes: its fan_out, as of the feed-forward output (4d, d).

    Draws `W ~ N(0, gain² · (2 / (layers · √fan_out))²)`.

    Args:
        layers: Number of layers L. At least 1.

    Raises:
        InputError: If `gain` is not positive, `layers` is not a whole number, or only one of the axes
            is given.

    Reference: GPT-NeoX, `wang_init_method`. Mesh Transformer JAX (Wang 2021), where the deviation comes
    from, cuts the normal at two of them, which leaves 0.88 of it.

    >>> tuple(Wang(seed=0)((256, 64)).shape)
    (256, 64)
    """

    mode = "fan_out"

    def __init__(self, layers: int = 12, *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.layers = whole("layers", layers)
        self.scale = 4 / self.layers**2


@register(
    "scaled_normal",
    claims=laws.normal(
        law="N(0, (std/√(branches · layers))²)",
        reference="Radford et al. 2019, GPT-2, section 2.3",
        std=lambda fans: 0.02 / math.sqrt(24),
        use="For GPT-like Transformers and Mamba, for the kernels that write to the residual stream",
        avoid="For kernels of other layers, which keep the full deviation: take initlab_random_normal",
    ),
)
class ScaledNormal(RandomScheme):
    """Kernels that write into a residual stream, smaller the more of them there are.

    Draws `W ~ N(0, (std / √(branches · layers))²)`.

    Args:
        stddev: Standard deviation of the other kernels. Positive.
        layers: Number of layers. At least 1.
        branches: Residual branches per layer: 2 for a Transformer, 1 for Mamba.

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


@register(
    "mitchell",
    claims=Claims(
        law="N(0, 1/fan_in) cut at ±3σ, variance not restored",
        reference="OLMo, init_fn mitchell; Groeneveld et al. 2024, arXiv:2402.00838",
        mean=0.0,
        std=lambda fans: STD_WITHIN_THREE / math.sqrt(fans.fan_in),
        bound=lambda fans: 3 / math.sqrt(fans.fan_in),
        roles=KERNELS,
        use="For Transformers such as OLMo: as it is for kernels that read the residual stream, with "
        "`layer` for those that write to it",
        avoid="Before ReLU outside residual nets, where the signal's power halves: take initlab_he_normal",
    ),
)
class Mitchell(FanScaled):
    """Normal weights without outliers for Transformers; those that write get smaller with depth.

    Not for a table of embeddings (entries, d), whose fan_in is its entries: OLMo draws it with 1 / √d, which
    is `initlab_embedding_normal` but for the cut.

    Draws `W ~ N(0, σ²) restricted to ±3σ`, `σ = gain / √fan_in`, or with a `layer`
    `σ = gain / √(2 · fan_in · (layer + 1))`. The cut takes 1.3 % off the deviation, as in OLMo.

    Args:
        layer: None for a kernel that reads the residual stream; for one that writes to it, the number
            of its layer, from 0.

    Raises:
        InputError: If `gain` is not positive, `layer` is neither None nor a whole number of at least 0,
            or only one of the axes is given.

    Reference: OLMo, initialization `mitchell`; Groeneveld et al. 2024, arXiv:2402.00838.

    >>> Mitchell(0, seed=0).std((128, 64)) / Mitchell(7, seed=0).std((128, 64)) == math.sqrt(8)
    True
    """

    def __init__(self, layer: int | None = None, *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.layer = None if layer is None else whole("layer", layer, lowest=0)
        self.scale = 1.0 if self.layer is None else 1 / (2 * (self.layer + 1))

    def std(self, shape: Shape) -> float:
        return STD_WITHIN_THREE * super().std(shape)

    def draw(self, shape: Shape) -> Any:
        probability = math.erf(3 / math.sqrt(2))
        standard = math.sqrt(2) * ops.erfinv(self.uniform(shape, -probability, probability))
        return super().std(shape) * standard
