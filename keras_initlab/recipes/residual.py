"""Recipes for residual branches: switched off, as in Fixup, or scaled by depth."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np

from keras_initlab.core.arguments import finite, one_of, whole
from keras_initlab.core.errors import InputError
from keras_initlab.network.attention import attention_of, blocks
from keras_initlab.network.branches import Branch, Found, branches
from keras_initlab.network.roles import KERNEL_ROLES
from keras_initlab.network.slots import Slot
from keras_initlab.recipes.examples import normed_residual_net, residual_net, small_transformer
from keras_initlab.recipes.recipe import Recipe
from keras_initlab.recipes.registry import RecipeClaims, register
from keras_initlab.recipes.work import Work

HE_FAN_OUT = keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")


def nothing_added(model: Any, x: Any) -> Any:
    """Every residual addition gives its skip."""
    additions = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    outputs = [tensor for layer in additions for tensor in (layer.output, *layer.input)]
    shown = [keras.ops.convert_to_numpy(one) for one in keras.Model(model.inputs[0], outputs)(x)]
    return [
        min(float(np.abs(total - side).max()) for side in sides)
        for total, *sides in zip(shown[::3], shown[1::3], shown[2::3], strict=True)
    ]


class _Residual(Recipe):
    """Base of the recipes that look for residual branches."""

    branches: Any

    def found(self, work: Work) -> Found:
        found = branches(work.model, work.every, self.branches)
        work.structure.append(found.text)
        return found


def zero_biases(work: Work, slots: Iterable[Slot], block: str) -> None:
    """Set the biases of the layers of some kernels to 0."""
    for layer in {id(slot.layer): slot.layer for slot in slots}.values():
        for bias in work.of(layer):
            if bias.role == "bias":
                work.put(bias, np.zeros(bias.shape), "zeros", block=block)


@register(
    "zero_residual",
    claims=RecipeClaims(
        law="the last factor of every residual branch is 0: its scale, else its norm's γ, else its kernel",
        reference="Goyal et al. 2017, arXiv:1706.02677; Bachlechner et al. 2020, arXiv:2003.04887",
        changes=("*",),
        structure="residual",
        random=False,
        example=normed_residual_net,
        exact=nothing_added,
        use="For deep residual nets of any kind, above all with large learning rates or large batches",
        avoid="Where a branch ends in a ReLU, which would never wake; for nets without residual branches",
    ),
)
@dataclass(frozen=True)
class ZeroResidual(_Residual):
    """Every residual block starts as its skip.

    In each branch one factor is set to 0, and never two in series, for then neither would have a gradient:
    the scale at its end where there is one (SkipInit, ReZero, LayerScale), else the γ of the norm that ends
    it, with its β, else its last kernel, with its bias. All other weights stay. The first step moves that
    factor alone; this is the method.

    Args:
        to: The value that the scale or γ is set to.
        at: `"auto"`, or `"scale"`, `"gamma"` or `"kernel"` to have that one in every branch.
        branches: A regular expression, or several, that name the branches where the graph does not show them.

    Raises:
        InputError: If there are no branches, or one ends in an activation.

    Reference: Goyal et al. 2017, arXiv:1706.02677, section 5.1.

    >>> model = normed_residual_net()
    >>> [(row.path, row.std) for row in ZeroResidual().apply(model)][0]
    ('block_1_norm_2/gamma', 0.0)
    """

    places: ClassVar[tuple[str, ...]] = ("auto", "scale", "gamma", "kernel")

    to: float = 0.0
    at: str = "auto"
    branches: Any = None

    def __post_init__(self) -> None:
        finite("to", self.to)
        one_of("at", self.at, self.places)

    def change(self, work: Work) -> None:
        done: set[int] = set()
        for branch in self.found(work).branches:
            kind, slot = self._factor(branch)
            if slot.index in done:
                work.annotate(slot, f"shared with branch {branch.number}")
                continue
            done.add(slot.index)
            block = str(branch.number)
            if kind == "kernel":
                work.put(slot, np.zeros(slot.shape), "zeros", block=block)
                zero_biases(work, [slot], block)
                continue
            work.put(slot, np.full(slot.shape, self.to), f"{self.to:g}", block=block)
            if kind == "norm":
                for beta in work.of(slot.layer):
                    if beta.role == "beta":
                        work.put(beta, np.zeros(beta.shape), "zeros", block=block)

    def _factor(self, branch: Branch) -> tuple[str, Slot]:
        """What is set to 0, from the end of the branch."""
        wanted = {"auto": ("scale", "norm"), "scale": ("scale",), "gamma": ("norm",), "kernel": ()}[self.at]
        for kind, slot in branch.tail:
            if kind == "activation":
                raise InputError(
                    f"The branch of {branch.name!r} ends in an activation, which stops gradients at 0: it "
                    "would not learn. Move the activation behind the addition, or leave the branch out with "
                    "branches=."
                )
            if kind in wanted and slot is not None:
                return kind, slot
            if kind == "norm" and slot is None and self.at == "auto":
                raise InputError(
                    f"The norm that ends the branch of {branch.name!r} has no γ to be set to 0: build it "
                    "with scale=True."
                )
        if self.at in ("scale", "gamma"):
            raise InputError(
                f"The branch of {branch.name!r} has no {self.at} at its end: leave at= at 'auto', which "
                "takes its last kernel."
            )
        return "kernel", branch.kernels[-1][-1]


@register(
    "fixup",
    claims=RecipeClaims(
        law="W ~ N(0, 2/fan_out)·B^(-1/(2m-2)) in branches of m kernels, their last one 0; head 0; b = 0",
        reference="Zhang et al. 2019, arXiv:1901.09321",
        changes=(*KERNEL_ROLES, "bias"),
        structure="residual",
        example=residual_net,
        exact=nothing_added,
        use="For deep residual nets without normalization",
        avoid="Where branches have norms: take initlab_zero_residual",
    ),
)
@dataclass(frozen=True)
class Fixup(_Residual):
    """Residual nets without normalization: branches start at 0, and depth does not change the pace.

    With B branches, of which one has m kernels: all but its last are drawn from `base` and multiplied by
    B^(-1/(2m-2)), the last one is 0, projections are drawn from `base`, the head is 0, biases are 0, and what
    stands before the first branch stays. The scalar biases and multipliers of the paper are no weights that a
    model has by itself: add them to the model if they are wanted.

    Args:
        base: The scheme that draws the kernels; None is He's law by fan-out, N(0, 2/fan_out).
        head: Whether the last layer is set to 0.
        branches: A regular expression, or several, that name the branches where the graph does not show them.

    Raises:
        InputError: If there are no branches, or one has a norm.

    Reference: Zhang et al. 2019, arXiv:1901.09321, section 4.

    >>> account = Fixup().apply(residual_net())
    >>> [round(row.factor, 4) for row in account if row.factor]
    [0.7071, 0.7071]
    """

    base: Any = None
    head: bool = True
    branches: Any = None

    def change(self, work: Work) -> None:
        found = self.found(work)
        base = HE_FAN_OUT if self.base is None else self.base
        done: dict[int, str] = {}
        for branch in found.branches:
            if branch.norms:
                raise InputError(
                    f"The branch of {branch.name!r} has a norm ({branch.norms[0].path}): Fixup is for nets "
                    "without. Take initlab_zero_residual."
                )
            *inner, last = branch.kernels
            block = str(branch.number)
            factor = len(found.branches) ** (-1 / (2 * branch.depth - 2)) if inner else 1.0
            for own in inner:
                for slot in own:
                    if not self._again(work, done, slot, block):
                        work.put(slot, work.draw(slot, base), base, factor=factor, block=block)
            for slot in last:
                if not self._again(work, done, slot, block):
                    work.put(slot, np.zeros(slot.shape), "zeros", block=block)
            zero_biases(work, [slot for own in branch.kernels for slot in own], block)
            for slot in branch.projection:
                work.put(slot, work.draw(slot, base), base, block=block, note="projection")
                zero_biases(work, [slot], block)
        if self.head and found.head:
            for slot in found.head:
                work.put(slot, np.zeros(slot.shape), "zeros", note="head")
            zero_biases(work, found.head, "")
        work.say("the scalar biases and multipliers of the paper belong to the model: none were added")

    @staticmethod
    def _again(work: Work, done: dict[int, str], slot: Slot, block: str) -> bool:
        """Whether a weight that branches share was set already."""
        if slot.index in done:
            work.annotate(slot, f"shared with branch {block}")
            return True
        done[slot.index] = block
        return False


@register(
    "depth_scaled",
    claims=RecipeClaims(
        law="last kernels of branches over √(2N) (gpt2), √(2l) (beit), N/N₀ (completep); all over √l (ds)",
        reference="Radford et al. 2019; Bao et al. 2021, arXiv:2106.08254; Zhang et al., arXiv:1908.11365",
        changes=(*KERNEL_ROLES, "embeddings", "bias"),
        structure="residual",
        example=small_transformer,
        use="For pre-norm Transformers and other residual nets whose last kernels should shrink with depth",
        avoid="For post-norm Transformers, and without norms: take initlab_zero_residual or initlab_fixup",
    ),
)
@dataclass(frozen=True)
class DepthScaled(_Residual):
    """Kernels of residual branches divided by a power of depth.

    - `gpt2`: everything N(0, 0.02²) with biases 0, the last kernel of each branch over √(2N) for N layers;
    - `beit`: the last kernels of layer l = 1, 2, ... over √(2l), on a truncated normal of deviation 0.02;
    - `ds`: all kernels of layer l over √l, on Glorot's uniform law, as the paper writes it;
    - `ds_code`: the same over l^¼, which is what its authors' program does;
    - `completep`: the last kernels times `base_layers`/N, on LeCun's law: weights of CompleteP with α = 1,
      whose multiplier on the branches stands in the kernels here. Its learning rates by depth are not
      made; by width, `initlab_mup` and `mup_optimizer` are.

    A layer is an attention with the branches that follow it; in nets without attention each branch is one,
    and 2N is the number of branches.

    Args:
        rule: Which of these.
        base: The scheme that draws the kernels; None is that of the rule.
        branches: A regular expression, or several, that name the branches where the graph does not show them.
        base_layers: For `completep`, the layers of the model whose learning rates hold at every depth.

    Raises:
        InputError: If there are no branches, or layers cannot be counted.

    Reference: Radford et al. 2019, section 2.3; Bao et al. 2021, arXiv:2106.08254, section 2.3; Zhang et al.
    2019, arXiv:1908.11365, equation 6; Dey et al. 2025, arXiv:2505.01618, table 1.

    >>> account = DepthScaled().apply(small_transformer())
    >>> sorted({round(row.factor, 4) for row in account if row.factor})
    [0.5, 1.0]
    """

    rules: ClassVar[tuple[str, ...]] = ("gpt2", "beit", "ds", "ds_code", "completep")

    rule: str = "gpt2"
    base: Any = None
    branches: Any = None
    base_layers: int = 2

    def __post_init__(self) -> None:
        one_of("rule", self.rule, self.rules)
        whole("base_layers", self.base_layers)

    def change(self, work: Work) -> None:
        found = self.found(work)
        layers = layered(found.branches)
        work.structure.append(f"{len(layers)} layers")
        factors: dict[int, tuple[float, str]] = {}
        shared: dict[int, list[str]] = {}
        for number, own in enumerate(layers, 1):
            for branch in own:
                for place, kernels in enumerate(branch.kernels):
                    last = place == branch.depth - 1
                    for slot in kernels:
                        if slot.index in factors:
                            shared.setdefault(slot.index, []).append(str(branch.number))
                            continue
                        factor = self._factor(number, len(layers), own, last)
                        factors[slot.index] = factor, str(branch.number)
        base = self._base()
        for layer, held in work.by_layer(KERNEL_ROLES):
            for slot in held:
                factor, block = factors.get(slot.index, (1.0, ""))
                note = f"shared with branch {', '.join(shared[slot.index])}" if slot.index in shared else ""
                work.put(slot, work.draw(slot, base), base, factor=factor, block=block, note=note)
            if self.rule == "gpt2" and not isinstance(layer, keras.layers.RNN):
                for bias in work.of(layer):
                    if bias.role == "bias" and work.may_write(bias):
                        work.put(bias, np.zeros(bias.shape), "zeros")
        if self.rule == "gpt2":
            for slot in work.slots:
                if slot.role in ("embeddings", "reverse_embeddings"):
                    work.put(slot, work.draw(slot, base), base)

    def _factor(self, number: int, layers: int, own: Sequence[Branch], last: bool) -> float:
        if self.rule == "gpt2":
            return 1 / math.sqrt(len(own) * layers) if last else 1.0
        if self.rule == "beit":
            return 1 / math.sqrt(2 * number) if last else 1.0
        if self.rule == "completep":
            return self.base_layers / layers if last else 1.0
        return number ** (-0.5 if self.rule == "ds" else -0.25)

    def _base(self) -> Any:
        if self.base is not None:
            return self.base
        if self.rule == "gpt2":
            return keras.initializers.RandomNormal(stddev=0.02)
        if self.rule == "beit":
            return keras.initializers.TruncatedNormal(stddev=0.02)
        return "initlab_lecun_normal" if self.rule == "completep" else "glorot_uniform"


def layered(found: Sequence[Branch]) -> list[tuple[Branch, ...]]:
    """The branches layer by layer: as a Transformer's, or one by one where there is no attention."""
    if any(attention_of(branch) for branch in found):
        return [block.branches for block in blocks(found)]
    return [(branch,) for branch in found]
