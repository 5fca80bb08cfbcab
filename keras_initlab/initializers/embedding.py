"""Embeddings."""

import math
from typing import Any

from keras_initlab.initializers.base import RandomScheme, Shape, positive
from keras_initlab.registry import Claims, register


@register(
    "embedding_normal",
    claims=Claims(
        law="N(0, 1/width)",
        reference="Vaswani et al. 2017, arXiv:1706.03762, as in Tensor2Tensor",
        mean=0.0,
        std=lambda fans: 1 / math.sqrt(fans.fan_out),
        distribution="normal",
        ranks=(2, 2),
        roles=("embeddings",),
    ),
)
class EmbeddingNormal(RandomScheme):
    """Embeddings of about unit length, however many entries the table has.

    The laws by fan_in take the number of entries for inputs and shrink with the vocabulary.

    Draws `W ~ N(0, gain² / width)`.

    Args:
        gain: The expected length of a row. Positive.
        seed: None, an integer or a `keras.random.SeedGenerator`.

    Shapes: rank 2, `(entries, width)`.

    Raises:
        InputError: If `gain` is not positive, or the rank is not 2.

    Reference: Vaswani et al. 2017, arXiv:1706.03762, as in its code Tensor2Tensor.

    >>> tuple(EmbeddingNormal(seed=0)((1000, 16)).shape)
    (1000, 16)
    """

    def __init__(self, gain: float = 1.0, seed: Any = None):
        super().__init__(seed)
        self.gain = positive("gain", gain)

    def draw(self, shape: Shape) -> Any:
        return self.normal(shape, std=self.gain / math.sqrt(shape[1]))
