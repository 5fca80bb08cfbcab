"""Schemes that take another scheme."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_initlab.core.arguments import fraction, positive, refused, whole
from keras_initlab.initializers import kinds
from keras_initlab.initializers.base import FanScaled, RandomScheme, Shape
from keras_initlab.initializers.orthogonal.variants import gates_orthonormal
from keras_initlab.initializers.registry import Claims, get, register
from keras_initlab.initializers.scaling import laws


class Wrapper(RandomScheme):
    """Base of the schemes that draw through `inner`, with seeds of their own."""

    def __init__(self, inner: Any, seed: Any = None):
        super().__init__(seed)
        self.inner = get(inner)

    def draw_inner(self, shape: Shape, purpose: str = "values") -> Any:
        """A float32 draw of `inner`; `shape` may be part of the weight."""
        inner = self.inner
        if isinstance(inner, keras.initializers.Initializer):
            config = inner.get_config()
            changes = {"seed": self.seed_for(shape, purpose)} if "seed" in config else {}
            inner = type(inner).from_config({**config, **changes})
        return inner(shape, dtype="float32")


def he_std(fans: Any) -> float:
    """He's law, the default of `inner`."""
    return math.sqrt(2 / fans.fan_in)


def half_masked(values: np.ndarray) -> np.ndarray:
    """Half of all weights are zero, to the nearest."""
    return (values == 0).sum() - values.size // 2


@register(
    "scaled",
    claims=laws.normal(
        law="factor · inner, by default ½ · he_normal",
        reference="Zhang et al. 2019, Fixup, arXiv:1901.09321 (a law times a depth-dependent factor)",
        std=lambda fans: he_std(fans) / 2,
        use="For a law times a factor of depth or width, such as Fixup's on the first kernels of a branch",
        avoid="For the gain of a scheme that has one: give it `gain`, as in initlab_he_normal",
    ),
)
class Scaled(Wrapper):
    """Another scheme times a factor.

    Draws `W = factor · inner`.

    Args:
        inner: Any identifier of an initializer.
        factor: Positive.
        seed: None, an integer or a `keras.random.SeedGenerator`; takes the place of the inner one's.

    Shapes: those of `inner`.

    Raises:
        InputError: If `factor` is not positive, or `inner` is no initializer.

    Reference: Zhang, Dauphin & Ma 2019, arXiv:1901.09321, for such factors.

    >>> np.asarray(Scaled("ones", 3.0)((2,))).tolist()
    [3.0, 3.0]
    """

    def __init__(self, inner: Any = "initlab_he_normal", factor: float = 0.5, seed: Any = None):
        super().__init__(inner, seed)
        self.factor = positive("factor", factor)

    def draw(self, shape: Shape) -> Any:
        return self.factor * self.draw_inner(shape)


@register(
    "masked",
    claims=Claims(
        law="inner with half of its weights zero",
        reference="Frankle & Carbin 2019, arXiv:1803.03635 (random masks as the control)",
        mean=0.0,
        exact=half_masked,
        use="For training that is sparse from the start, and as the control of lottery tickets",
        avoid="Where each unit must keep as many weights: take initlab_sparse, which counts zeros per unit",
    ),
)
class Masked(Wrapper):
    """Another scheme of which a fixed share of the weights is zero.

    Draws `inner` and sets `⌊sparsity · size⌋` randomly chosen weights to zero; the others keep their
    values.

    Args:
        inner: Any identifier of an initializer.
        sparsity: Share of zeros, between 0 and 1.
        seed: None, an integer or a `keras.random.SeedGenerator`; takes the place of the inner one's.

    Shapes: those of `inner`.

    Raises:
        InputError: If `sparsity` does not lie between 0 and 1, or `inner` is no initializer.

    Reference: Frankle & Carbin 2019, arXiv:1803.03635, for random masks.

    >>> sorted(np.asarray(Masked("ones", 0.5, seed=0)((4,))).tolist())
    [0.0, 0.0, 1.0, 1.0]
    """

    def __init__(self, inner: Any = "initlab_he_normal", sparsity: float = 0.5, seed: Any = None):
        super().__init__(inner, seed)
        self.sparsity = fraction("sparsity", sparsity)

    def draw(self, shape: Shape) -> Any:
        size = math.prod(shape)
        kept = np.arange(size) >= math.floor(self.sparsity * size)
        mask = self.generator(shape, "mask").permutation(kept).reshape(shape)
        return self.draw_inner(shape) * ops.convert_to_tensor(mask, dtype="float32")


@register(
    "per_gate",
    claims=kinds.recurrent(
        law="inner for each square gate of a recurrent kernel, by default orthogonal",
        reference="github.com/keras-team/keras/issues/9149",
        exact=gates_orthonormal,
        shapes=((20, 80), (30, 90)),
        use="For recurrent kernels of LSTM and GRU by a law of square matrices, such as initlab_orthogonal",
        avoid="For input kernels, whose gates are not square: take initlab_per_block with 4 or 3 blocks",
    ),
)
class PerGate(Wrapper):
    """Another scheme, drawn anew for every gate of a fused recurrent kernel.

    Draws `W = [inner_1 … inner_G]`, each of shape `(units, units)`.

    Args:
        inner: Any identifier of an initializer.
        seed: None, an integer or a `keras.random.SeedGenerator`; takes the place of the inner one's.

    Shapes: `(units, G · units)`: SimpleRNN has one gate, GRU three, LSTM four.

    Raises:
        InputError: If the columns are no multiple of the rows, or `inner` is no initializer.

    Reference: Keras issue 9149, which asks for it.

    >>> np.asarray(PerGate("identity")((1, 3))).tolist()
    [[1.0, 1.0, 1.0]]
    """

    def __init__(self, inner: Any = "initlab_orthogonal", seed: Any = None):
        super().__init__(inner, seed)

    def draw(self, shape: Shape) -> Any:
        units, columns = shape
        if columns % units:
            raise self.refusal(shape, "columns that are a multiple of the rows (units, gates · units)")
        gates = [self.draw_inner((units, units), f"gate {gate}") for gate in range(columns // units)]
        return ops.concatenate(gates, axis=1)


@register(
    "per_block",
    claims=laws.normal(
        law="inner for each of 4 blocks of outputs, by default he_normal",
        reference="github.com/pytorch/pytorch/issues/166378 (fused query, key and value)",
        std=he_std,
        ranks=(2, None),
        shapes=((60, 400), (3, 3, 16, 60)),
        use="For kernels that fuse several: query, key and value, or the gates of an LSTM's input kernel",
        avoid="For kernels that are one: take the inner scheme, such as initlab_he_normal",
    ),
)
class PerBlock(Wrapper):
    """Another scheme, drawn anew for every block of a kernel that fuses several.

    The fans of a block are its own: Glorot's law on a fused query, key and value sees a third of the
    outputs.

    Draws `W = [inner_1 … inner_B]` along the last axis.

    Args:
        inner: Any identifier of an initializer.
        blocks: Number B of equal blocks along the last axis.
        seed: None, an integer or a `keras.random.SeedGenerator`; takes the place of the inner one's.

    Shapes: those of `inner`, with a last axis that `blocks` divides.

    Raises:
        InputError: If `blocks` is not a whole number or does not divide the last axis, or `inner` is no
            initializer.

    Reference: PyTorch issue 166378, which asks for it.

    >>> np.asarray(PerBlock("identity", 2)((1, 4))).tolist()
    [[1.0, 0.0, 1.0, 0.0]]
    """

    def __init__(self, inner: Any = "initlab_he_normal", blocks: int = 4, seed: Any = None):
        super().__init__(inner, seed)
        self.blocks = whole("blocks", blocks)

    def draw(self, shape: Shape) -> Any:
        if shape[-1] % self.blocks:
            raise self.refusal(shape, f"a last axis that is a multiple of {self.blocks} blocks")
        part = (*shape[:-1], shape[-1] // self.blocks)
        return ops.concatenate(
            [self.draw_inner(part, f"block {block}") for block in range(self.blocks)], axis=-1
        )


@register(
    "with_fans",
    claims=laws.normal(
        law="inner as if the weight were a matrix (fan_in, fan_out), by default he_normal with 100 inputs",
        reference="github.com/keras-team/keras/issues/11773 (depthwise fans)",
        std=lambda fans: math.sqrt(2 / 100),
        use="For depthwise, grouped and transposed kernels, whose fans the shape does not show",
        avoid="For Dense and ordinary convolutions, whose fans are right: take initlab_he_normal",
    ),
)
class WithFans(Wrapper):
    """A fan-scaled scheme told the fans that the shape does not show.

    Draws `inner` with `fan_in` and `fan_out` in the place of the shape's. For depthwise, grouped and
    transposed kernels, whose fans Keras gets wrong.

    Args:
        inner: Identifier of an `initlab_` scheme that scales by fans.
        fan_in: Inputs that a unit sums over. At least 1.
        fan_out: Units that an input feeds. At least 1.
        seed: None, an integer or a `keras.random.SeedGenerator`; takes the place of the inner one's.

    Raises:
        InputError: If a fan is not a whole number, or `inner` does not scale by fans.

    Reference: Keras issue 11773, on depthwise kernels.

    >>> tuple(WithFans("initlab_he_normal", 9, 9, seed=0)((3, 3, 64, 1)).shape)
    (3, 3, 64, 1)
    """

    def __init__(
        self, inner: Any = "initlab_he_normal", fan_in: int = 100, fan_out: int = 100, seed: Any = None
    ):
        super().__init__(inner, seed)
        if not isinstance(self.inner, FanScaled):
            raise refused(
                "inner",
                inner,
                "an initlab scheme that scales by fans, such as initlab_he_normal_truncated for Keras's "
                "he_normal",
            )
        self.fan_in = whole("fan_in", fan_in)
        self.fan_out = whole("fan_out", fan_out)

    def draw(self, shape: Shape) -> Any:
        factor = self.inner.std_with((self.fan_in, self.fan_out)) / self.inner.std(shape)
        return factor * self.draw_inner(shape)
