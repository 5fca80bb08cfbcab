"""Recipes for Transformers: gains by depth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_initlab.core.arguments import flag
from keras_initlab.core.errors import InputError
from keras_initlab.network.attention import Block, blocks
from keras_initlab.network.branches import branches
from keras_initlab.network.roles import KERNEL_ROLES
from keras_initlab.network.slots import Slot
from keras_initlab.recipes.examples import (
    plain_transformer,
    post_norm_transformer,
    sub_ln_transformer,
)
from keras_initlab.recipes.recipe import Recipe
from keras_initlab.recipes.registry import RecipeClaims, register
from keras_initlab.recipes.work import Work


def t_fixup_factors(encoder: int, decoder: int) -> tuple[float, float]:
    """What T-Fixup multiplies values, outputs and feed-forward kernels by, in encoder and decoder.

    >>> [round(factor, 6) for factor in t_fixup_factors(6, 6)]
    [0.428092, 0.368894]
    """
    return 0.67 * encoder**-0.25 if encoder else 1.0, (9 * decoder) ** -0.25 if decoder else 1.0


def deepnorm_constants(encoder: int, decoder: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """DeepNorm's α, on the skip, and β, on the kernels: of the encoder (or the only stack), of the decoder.

    >>> [round(one, 6) for one in deepnorm_constants(6, 0)[0]]
    [1.86121, 0.379918]
    """
    if not decoder:
        return ((2 * encoder) ** 0.25, (8 * encoder) ** -0.25), (1.0, 1.0)
    mixed = (encoder**4 * decoder) ** (1 / 16)
    return (0.81 * mixed, 0.87 / mixed), ((3 * decoder) ** 0.25, (12 * decoder) ** -0.25)


def sub_ln_factors(encoder: int, decoder: int) -> tuple[float, float]:
    """What Sub-LN multiplies values, outputs and feed-forward kernels by, in encoder and decoder.

    >>> [round(factor, 6) for factor in (*sub_ln_factors(6, 0)[:1], *sub_ln_factors(6, 6))]
    [1.576359, 1.547288, 1.700109]
    """
    if not decoder:
        return math.sqrt(math.log(2 * encoder)), 1.0
    return (
        math.sqrt(math.log(3 * decoder) * math.log(2 * encoder) / 3),
        math.sqrt(math.log(3 * decoder)),
    )


class _Gains(Recipe):
    """Base of the recipes that draw one law everywhere and multiply some kernels by what the depth says."""

    base: Any
    branches: Any

    def change(self, work: Work) -> None:
        found = branches(work.model, work.every, self.branches)
        layers = blocks(found.branches)
        encoder = sum(not block.decodes for block in layers)
        decoder = len(layers) - encoder
        work.structure.append(found.text)
        work.structure.append(f"{encoder} layers that encode, {decoder} that decode")
        self.require_structure(layers, encoder, decoder)
        factors: dict[int, tuple[float, str]] = {}
        for block in layers:
            for slot, factor, number in self.gains(block, encoder, decoder):
                factors.setdefault(slot.index, (factor, str(number)))
        inside = {
            slot.index: str(branch.number)
            for block in layers
            for branch in block.branches
            for own in branch.kernels
            for slot in own
        }
        for layer, own in work.by_layer(KERNEL_ROLES):
            for slot in own:
                factor, place = factors.get(slot.index, (1.0, inside.get(slot.index, "")))
                work.put(slot, work.draw(slot, self.base), self.base, factor=factor, block=place)
            for bias in work.of(layer):
                if bias.role == "bias" and work.may_write(bias) and own[0].index in inside:
                    work.put(bias, np.zeros(bias.shape), "zeros", block=inside[own[0].index])
        self.tables(work, layers, encoder, decoder)

    def require_structure(self, layers: Sequence[Block], encoder: int, decoder: int) -> None:
        """Refuse a Transformer of another kind."""

    def gains(self, block: Block, encoder: int, decoder: int) -> list[tuple[Slot, float, int]]:
        """Kernel, factor and number of the branch, of those that are multiplied."""
        raise NotImplementedError

    def tables(self, work: Work, layers: Sequence[Block], encoder: int, decoder: int) -> None:
        """Draw the embeddings, where the recipe says how."""


def _scaled(block: Block, factor: float, cross: bool = True) -> list[tuple[Slot, float, int]]:
    """Values, outputs and feed-forward kernels of a layer."""
    attended = [block.attention, *(block.cross if cross else ())]
    return [
        *((slot, factor, branch.number) for one, branch in attended for slot in (one.value, one.output)),
        *(
            (slot, factor, branch.number)
            for branch in block.forward
            for own in branch.kernels
            for slot in own
        ),
    ]


@register(
    "t_fixup",
    claims=RecipeClaims(
        law="Glorot uniform; V, O, feed-forward × 0.67·N^(-1/4) in the encoder, (9M)^(-1/4) in the decoder",
        reference="Huang et al. 2020, ICML, Improving Transformer Optimization Through Better Initialization",
        changes=(*KERNEL_ROLES, "embeddings", "bias"),
        structure="attention",
        example=plain_transformer,
        use="For Transformers without LayerNorm and without warm-up",
        avoid="Where branches have norms: take initlab_depth_scaled or initlab_deepnorm",
    ),
)
@dataclass(frozen=True)
class TFixup(_Gains):
    """Transformers without LayerNorm and warm-up.

    All kernels are drawn from `base`, with the true fans of each; values, outputs and feed-forward kernels
    are multiplied by 0.67·N^(-1/4) in an encoder (or the only stack) of N layers and by (9M)^(-1/4) in a
    decoder of M; embeddings are N(0, 1/d) times (9N)^(-1/4) or (9M)^(-1/4).

    Args:
        base: The scheme that draws the kernels.
        branches: A regular expression, or several, that name the branches where the graph does not show them.

    Raises:
        InputError: If there is no attention, or a branch has a norm.

    Reference: Huang et al. 2020, section 3.2.

    >>> account = TFixup().apply(plain_transformer())
    >>> sorted({round(row.factor, 4) for row in account if row.factor})
    [0.5634, 1.0]
    """

    base: Any = "initlab_glorot_uniform"
    branches: Any = None

    def require_structure(self, layers: Sequence[Block], encoder: int, decoder: int) -> None:
        for block in layers:
            for branch in block.branches:
                if branch.norms or branch.normed:
                    raise InputError(
                        f"The branch of {branch.name!r} has a norm: T-Fixup is for Transformers without. "
                        "Take initlab_depth_scaled (norms before) or initlab_deepnorm (norms after)."
                    )

    def gains(self, block: Block, encoder: int, decoder: int) -> list[tuple[Slot, float, int]]:
        return _scaled(block, t_fixup_factors(encoder, decoder)[block.decodes])

    def tables(self, work: Work, layers: Sequence[Block], encoder: int, decoder: int) -> None:
        read = {
            decodes: {
                slot.index: slot
                for block in layers
                if block.decodes is decodes
                for branch in block.branches
                for slot in branch.tables
            }
            for decodes in (False, True)
        }
        for index, slot in (read[False] | read[True]).items():
            if not work.may_write(slot):
                continue
            count = encoder if index in read[False] else decoder
            both = index in read[False] and index in read[True] and decoder
            draw = work.draw(slot, "initlab_embedding_normal")
            note = "embedding that the encoder reads" if both else ""
            work.put(slot, draw, "initlab_embedding_normal", factor=(9 * count) ** -0.25, note=note)


@register(
    "deepnorm",
    claims=RecipeClaims(
        law="Glorot normal; V, O and feed-forward × β, β = (8N)^(-1/4); skips × α = (2N)^(1/4) in the model",
        reference="Wang et al. 2022, arXiv:2203.00555",
        changes=(*KERNEL_ROLES, "bias"),
        structure="attention",
        example=post_norm_transformer,
        use="For deep Transformers with norms after the additions",
        avoid="With norms before the branches: take initlab_depth_scaled",
    ),
)
@dataclass(frozen=True)
class DeepNorm(_Gains):
    """Deep Transformers with norms after the additions, whose skips are multiplied by α.

    Kernels are drawn from `base`; values, outputs and feed-forward kernels are multiplied by β. Of N layers
    α = (2N)^(1/4) and β = (8N)^(-1/4); with a decoder of M layers α = 0.81·(N⁴M)^(1/16) and
    β = 0.87·(N⁴M)^(-1/16) in the encoder, α = (3M)^(1/4) and β = (12M)^(-1/4) in the decoder. α belongs to
    the model, which computes `norm(α·x + f(x))`, and is looked for there.

    Args:
        base: The scheme that draws the kernels.
        fold: Divide the last kernel of each branch by α, in a model that has none: norm(αx + f) =
            norm(x + f/α), so it starts as with α, and learns otherwise.
        branches: A regular expression, or several, that name the branches where the graph does not show them.

    Raises:
        InputError: If there is no attention, no norm after an addition, or no such α on the skips.

    Reference: Wang et al. 2022, arXiv:2203.00555, figure 2.

    >>> account = DeepNorm().apply(post_norm_transformer())
    >>> sorted({round(row.factor, 4) for row in account if row.factor})
    [0.5, 1.0]
    """

    base: Any = "initlab_glorot_normal"
    fold: bool = False
    branches: Any = None

    def __post_init__(self) -> None:
        flag("fold", self.fold)

    def require_structure(self, layers: Sequence[Block], encoder: int, decoder: int) -> None:
        for block in layers:
            alpha = deepnorm_constants(encoder, decoder)[block.decodes][0]
            for branch in block.branches:
                if not branch.normed:
                    raise InputError(
                        f"No norm follows the addition of {branch.name!r}: DeepNorm is norm(α·x + f(x)). "
                        "With norms before the branches take initlab_depth_scaled."
                    )
                wanted = 1.0 if self.fold else alpha
                if not math.isclose(branch.skip_scale, wanted, rel_tol=1e-4):
                    raise InputError(
                        f"The skip of {branch.name!r} is multiplied by {branch.skip_scale:.6g}, and "
                        f"should be by {wanted:.6g}: write norm(alpha * x + f(x)) with alpha = "
                        f"{alpha:.6g}, or give fold=True in a model without alpha."
                    )

    def gains(self, block: Block, encoder: int, decoder: int) -> list[tuple[Slot, float, int]]:
        alpha, beta = deepnorm_constants(encoder, decoder)[block.decodes]
        found = _scaled(block, beta)
        if not self.fold:
            return found
        last = {slot.index for branch in block.branches for slot in branch.kernels[-1]}
        return [
            (slot, factor / alpha if slot.index in last else factor, number) for slot, factor, number in found
        ]


@register(
    "sub_ln",
    claims=RecipeClaims(
        law="Glorot normal; V, O and feed-forward × √ln 2N, of branches with a second norm inside",
        reference="Wang et al. 2022, arXiv:2210.06423",
        changes=(*KERNEL_ROLES, "bias"),
        structure="attention",
        example=sub_ln_transformer,
        use="For Transformers with a norm before each branch and one before its last kernel (Magneto)",
        avoid="With one norm a branch: take initlab_depth_scaled",
    ),
)
@dataclass(frozen=True)
class SubLN(_Gains):
    """Transformers whose branches have a norm before and one inside, before the last kernel.

    Kernels are drawn from `base`; values, outputs and feed-forward kernels are multiplied by √ln 2N in one
    stack of N layers; with a decoder of M layers by √(ln 3M · ln 2N / 3) in the encoder and √ln 3M in the
    decoder, where cross-attention is left alone.

    Args:
        base: The scheme that draws the kernels.
        branches: A regular expression, or several, that name the branches where the graph does not show them.

    Raises:
        InputError: If there is no attention, or a branch has fewer than two norms.

    Reference: Wang et al. 2022, arXiv:2210.06423, figure 2.

    >>> account = SubLN().apply(sub_ln_transformer())
    >>> sorted({round(row.factor, 4) for row in account if row.factor})
    [1.0, 1.1774]
    """

    base: Any = "initlab_glorot_normal"
    branches: Any = None

    def require_structure(self, layers: Sequence[Block], encoder: int, decoder: int) -> None:
        for block in layers:
            for branch in block.branches:
                count = len({id(slot.layer) for slot in branch.norms})
                if count < 2:
                    raise InputError(
                        f"The branch of {branch.name!r} has {count} norms: Sub-LN needs one before it and "
                        "one before its last kernel. Take initlab_depth_scaled."
                    )

    def gains(self, block: Block, encoder: int, decoder: int) -> list[tuple[Slot, float, int]]:
        return _scaled(block, sub_ln_factors(encoder, decoder)[block.decodes], cross=False)
