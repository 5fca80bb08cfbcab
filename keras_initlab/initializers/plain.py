"""Laws that know nothing of fans: constants and fixed distributions."""

from typing import Any

from keras import ops

from keras_initlab.core.arguments import finite, positive, refused
from keras_initlab.initializers.base import TRUNCATED_STD, RandomScheme, Scheme, Shape
from keras_initlab.initializers.registry import Claims, register
from keras_initlab.initializers.scaling import laws

EVERYWHERE = ("kernel", "recurrent_kernel", "embeddings", "bias")


def _constant(value: float, law: str, use: str, avoid: str) -> Claims:
    return Claims(
        law=law,
        reference="None needed; why it fails as a kernel: Goodfellow et al. 2016, Deep Learning, section 8.4",
        mean=value,
        std=lambda fans: 0.0,
        bound=lambda fans: abs(value),
        distribution="constant",
        roles=EVERYWHERE,
        use=use,
        avoid=avoid,
    )


@register(
    "zeros",
    claims=_constant(
        0.0,
        "W = 0",
        use="For biases, and for the last kernel of a residual branch",
        avoid="For any other kernel, whose units it keeps equal: take initlab_he_normal before ReLU",
    ),
)
class Zeros(Scheme):
    """Every weight is zero.

    As a kernel it keeps all units of a layer equal for ever: the net is no better than a linear
    model, and with ReLU nothing but the last bias learns. As a bias it is the usual start.

    Draws `W = 0`.

    Reference: Goodfellow et al. 2016, Deep Learning, section 8.4.

    >>> float(Zeros()((2, 3))[0, 0])
    0.0
    """

    def draw_as(self, shape: Shape, dtype: str) -> Any:
        return ops.zeros(shape, dtype)


@register(
    "ones",
    claims=_constant(
        1.0,
        "W = 1",
        use="For the scales of normalization layers",
        avoid="For kernels, whose units it keeps equal: take initlab_glorot_uniform",
    ),
)
class Ones(Scheme):
    """Every weight is one.

    As a kernel it keeps all units of a layer equal, and sums of many inputs explode. As the scale of
    a normalization layer it is the usual start.

    Draws `W = 1`.

    Reference: Goodfellow et al. 2016, Deep Learning, section 8.4.

    >>> float(Ones()((2, 3))[0, 0])
    1.0
    """

    def draw_as(self, shape: Shape, dtype: str) -> Any:
        return ops.ones(shape, dtype)


@register(
    "constant",
    claims=_constant(
        0.0,
        "W = value",
        use="For biases and scales whose value is known, such as a small positive bias before ReLU",
        avoid="For kernels, whose units it keeps equal: take initlab_signed_constant",
    ),
)
class Constant(Scheme):
    """Every weight is one given number.

    Draws `W = value`.

    Args:
        value: Any finite number.

    Raises:
        InputError: If `value` is no finite number.

    Reference: Goodfellow et al. 2016, Deep Learning, section 8.4.

    >>> float(Constant(0.5)((2, 3))[0, 0])
    0.5
    """

    def __init__(self, value: float = 0.0):
        self.value = finite("value", value)

    def draw_as(self, shape: Shape, dtype: str) -> Any:
        return ops.full(shape, self.value, dtype)


@register(
    "random_uniform",
    claims=laws.uniform(
        law="U[minval, maxval), by default U[-0.05, 0.05)",
        reference="Keras's RandomUniform",
        limit=lambda fans: 0.05,
        roles=EVERYWHERE,
        use="For embeddings as Keras draws them, and to repeat experiments that state a range",
        avoid="For kernels of deep nets, where no one range suits all widths: take initlab_glorot_uniform",
    ),
)
class RandomUniform(RandomScheme):
    """Uniform weights in a fixed range, whatever the layer's size.

    Too wide a range saturates or explodes, too narrow a one makes signals vanish; no single range
    suits layers of different widths.

    Draws `W ~ U[minval, maxval)`.

    Args:
        minval: Lower end of the range.
        maxval: Upper end; above `minval`.

    Raises:
        InputError: If `maxval <= minval` or either is not finite.

    Reference: Keras's RandomUniform, whose law and defaults it keeps.

    >>> import numpy as np
    >>> values = np.asarray(RandomUniform(-1, 1, seed=0)((256, 64)))
    >>> bool(abs(values).max() <= 1)
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None):
        self.minval = finite("minval", minval)
        self.maxval = finite("maxval", maxval)
        if self.maxval <= self.minval:
            raise refused("maxval", maxval, f"a number above minval, which is {minval!r}")
        super().__init__(seed)

    def draw(self, shape: Shape) -> Any:
        return self.uniform(shape, self.minval, self.maxval)


@register(
    "random_normal",
    claims=laws.normal(
        law="N(mean, stddev²), by default N(0, 0.05²)",
        reference="Keras's RandomNormal",
        std=lambda fans: 0.05,
        roles=EVERYWHERE,
        use="To repeat experiments that state a standard deviation, such as 0.02 in DCGAN",
        avoid="For kernels of deep nets, where no one spread suits all widths: take initlab_he_normal",
    ),
)
class RandomNormal(RandomScheme):
    """Normal weights of a fixed spread, whatever the layer's size.

    Draws `W ~ N(mean, stddev²)`.

    Args:
        mean: Expected value.
        stddev: Standard deviation. Positive.

    Raises:
        InputError: If `stddev <= 0` or either is not finite.

    Reference: Keras's RandomNormal, whose law and defaults it keeps.

    >>> tuple(RandomNormal(stddev=0.1, seed=0)((256, 64)).shape)
    (256, 64)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None):
        self.mean = finite("mean", mean)
        self.stddev = positive("stddev", stddev)
        super().__init__(seed)

    def draw(self, shape: Shape) -> Any:
        return self.normal(shape, self.mean, self.stddev)


@register(
    "truncated_normal",
    claims=Claims(
        law="N(mean, stddev²) cut at mean ± 2 stddev, by default N(0, 0.05²)",
        reference="Keras's TruncatedNormal",
        mean=0.0,
        std=lambda fans: 0.05 * TRUNCATED_STD,
        bound=lambda fans: 0.1,
        distribution="truncated_normal",
        roles=EVERYWHERE,
        use="For transformers that state a standard deviation, such as 0.02 in BERT and ViT",
        avoid="Where the values must have the spread stated: take initlab_random_normal, which is not cut",
    ),
)
class TruncatedNormal(RandomNormal):
    """Normal weights of a fixed spread, redrawn when further than two deviations from the mean.

    Draws `W ~ N(mean, stddev²)` restricted to `mean ± 2 stddev`. As in Keras, `stddev` is that of
    the normal before the cut; what is drawn has 0.8796 of it.

    Args:
        stddev: Standard deviation before the cut. Positive.

    Reference: Keras's TruncatedNormal, whose law and defaults it keeps.

    >>> import numpy as np
    >>> values = np.asarray(TruncatedNormal(stddev=0.1, seed=0)((256, 64)))
    >>> bool(abs(values).max() <= 0.2)
    True
    """

    def draw(self, shape: Shape) -> Any:
        return self.truncated_normal(shape, self.mean, self.stddev)
