"""Embeddings."""

import math
from typing import Any

from keras_initlab.initializers.base import Gained, RandomScheme, Shape
from keras_initlab.initializers.registry import register
from keras_initlab.initializers.scaling import laws


@register(
    "embedding_normal",
    claims=laws.normal(
        law="N(0, 1/width)",
        reference="Vaswani et al. 2017, arXiv:1706.03762, as in Tensor2Tensor",
        std=lambda fans: 1 / math.sqrt(fans.fan_out),
        ranks=(2, 2),
        roles=("embeddings",),
        use="For embeddings of any vocabulary whose rows should have length one",
        avoid="For tables tied to the logits of a softmax: take initlab_random_normal, at 0.02 in GPT-2",
    ),
)
class EmbeddingNormal(Gained, RandomScheme):
    """Embeddings of about unit length, however many entries the table has.

    The laws by fan_in take the number of entries for inputs and shrink with the vocabulary.

    Draws `W ~ N(0, gain² / width)`.

    Args:
        gain: The expected length of a row. Positive.

    Shapes: rank 2, `(entries, width)`.

    Raises:
        InputError: If `gain` is not positive, or the rank is not 2.

    Reference: Vaswani et al. 2017, arXiv:1706.03762, as in its code Tensor2Tensor.

    >>> tuple(EmbeddingNormal(seed=0)((1000, 16)).shape)
    (1000, 16)
    """

    def draw(self, shape: Shape) -> Any:
        return self.normal(shape, std=self.gain / math.sqrt(shape[1]))


@register(
    "vq_codebook",
    claims=laws.uniform(
        law="U[-1/K, 1/K), K entries",
        reference="van den Oord et al. 2017, VQ-VAE, arXiv:1711.00937 (the law is that of its common ports)",
        limit=lambda fans: 1 / fans.fan_in,
        ranks=(2, 2),
        roles=("embeddings",),
        use="For the codebook of a VQ-VAE: entries so close together that all of them win inputs at first",
        avoid="For embeddings that are looked up by index: take initlab_embedding_normal",
    ),
)
class VqCodebook(RandomScheme):
    """Codebook of a vector quantizer: a small cloud that shrinks with the number of entries.

    Draws `W ~ U[-1/K, 1/K)` with K entries.

    Shapes: rank 2, `(entries, width)`.

    Raises:
        InputError: If the rank is not 2.

    Reference: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937. The paper states no law; this
    is the one of its common PyTorch ports.

    >>> tuple(VqCodebook(seed=0)((512, 64)).shape)
    (512, 64)
    """

    def draw(self, shape: Shape) -> Any:
        return self.uniform(shape, -1 / shape[0], 1 / shape[0])
