"""Vision Transformers as their published programs start them."""

import math
import re
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np

from keras_initlab.core.arguments import one_of
from keras_initlab.core.errors import InputError
from keras_initlab.network.attention import attention_of
from keras_initlab.network.branches import branches
from keras_initlab.network.operations import is_norm
from keras_initlab.network.roles import KERNEL_ROLES
from keras_initlab.network.slots import Slot
from keras_initlab.recipes.examples import small_vit
from keras_initlab.recipes.recipe import Recipe
from keras_initlab.recipes.registry import RecipeClaims, register
from keras_initlab.recipes.work import Work

NORMAL = keras.initializers.RandomNormal(stddev=0.02)
LINEAR_CONV = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")  # U(-1/√fan_in, 1/√fan_in)
_TOKEN = re.compile("(class|cls|mask|dist|reg)_?(token|embed)", re.IGNORECASE)
_POSITIONS = re.compile("pos(itions?|itional)?_?(embed|encod|table|/|$)|positions?(/|$)", re.IGNORECASE)
_FUSED = re.compile("qkv", re.IGNORECASE)


def quiet_head(model: Any, x: Any) -> list[float]:
    """The head is 0, norms are 1 and 0, and so is what the model puts out."""
    found = [np.abs(keras.ops.convert_to_numpy(model(x))).max()]
    for variable in model.trainable_variables:
        if variable.name == "gamma":
            found.append(np.abs(keras.ops.convert_to_numpy(variable) - 1).max())
    return found


def sin_cos(places: int, width: int) -> np.ndarray:
    """Sines and cosines of the two coordinates of square patches, as MAE has them.

    Args:
        places: A square number of patches, or one more: then the first is a token, and 0.
        width: Numbers for each place, divisible by 4.

    Raises:
        InputError: If there are other numbers of them.

    >>> sin_cos(5, 4)[1].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    side = math.isqrt(places)
    token = side**2 != places
    side = math.isqrt(places - 1) if token else side
    if side**2 != places - token or width % 4:
        raise InputError(
            f"Positions of shape ({places}, {width}) have no sines and cosines: they take a square number of "
            "patches (or one more) and a width divisible by 4. Leave them out with layers=."
        )
    rates = 1 / 10000 ** (np.arange(width // 4) / (width / 4))
    down, across = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    angles = [place.reshape(-1, 1) * rates for place in (across, down)]
    table = np.concatenate([part(angle) for angle in angles for part in (np.sin, np.cos)], axis=1)
    return np.concatenate([np.zeros((int(token), width)), table])


@register(
    "vit",
    claims=RecipeClaims(
        law="Glorot by role: jax with head 0, moco, mae; timm: N(0, 0.02²)",
        reference="Dosovitskiy et al. 2021, arXiv:2010.11929; He et al. 2022, arXiv:2111.06377",
        changes=("*",),
        structure="attention",
        example=small_vit,
        exact=quiet_head,
        use="To start a vision Transformer as a published one that it is compared with",
        avoid="For Transformers on words: take initlab_depth_scaled; for little data initlab_mimetic",
    ),
)
@dataclass(frozen=True)
class ViT(Recipe):
    """A vision Transformer, weight for weight by what it is for.

    - `jax`: kernels Glorot uniform, biases of feed-forward layers N(0, 10^-12), other biases 0, the head 0,
      patches LeCun normal, tokens N(0, 10^-12) but in `mae`;
    - `moco`: kernels Glorot uniform, queries, keys and values each with their own fans, biases 0, patches
      U(±1/√fan_in) with such biases;
    - `mae`: kernels Glorot uniform, patches too (with true fans, as a linear
      layer), tokens N(0, 0.02²), positions
      sines and cosines, biases 0;
    - `timm`: kernels N(0, 0.02²), biases 0, patches as in `moco`.

    Positions are N(0, 0.02²) but in `mae`, and norms are 1 and 0. Of kernels that hold queries, keys and
    values in one (`qkv` in their name) a third of the outputs counts with `moco`.

    Args:
        rule: Which of these.
        head_bias: `"zero"`, or `"prior"` for -ln(classes), with `jax`.
        branches: A regular expression, or several, that name the branches where the graph does not show them.

    Raises:
        InputError: If there is no attention, or positions are no square.

    Reference: the packages timm (`init_weights_vit_*`) and mae.

    >>> account = ViT().apply(small_vit())
    >>> {row.path: row.std for row in account}["head/kernel"]
    0.0
    """

    rules: ClassVar[tuple[str, ...]] = ("jax", "moco", "mae", "timm")
    head_biases: ClassVar[tuple[str, ...]] = ("zero", "prior")

    rule: str = "jax"
    head_bias: str = "zero"
    branches: Any = None

    def __post_init__(self) -> None:
        one_of("rule", self.rule, self.rules)
        one_of("head_bias", self.head_bias, self.head_biases)

    def change(self, work: Work) -> None:
        found = branches(work.model, work.every, self.branches)
        work.structure.append(found.text)
        if not any(attention_of(branch) for branch in found.branches):
            raise InputError(
                f"The model {work.model.name!r} has no attention in its branches: initlab_vit is for vision "
                "Transformers."
            )
        feeding = {
            id(slot.layer)
            for branch in found.branches
            if attention_of(branch) is None
            for own in branch.kernels
            for slot in own
        }
        head = {id(slot.layer) for slot in found.head}
        patches: set[int] = set()
        for layer, own in work.by_layer(KERNEL_ROLES):
            for slot in own:
                if hasattr(layer, "kernel_size"):
                    patches.add(id(layer))
                self._kernel(work, slot, id(layer) in head, id(layer) in patches)
        for slot in work.slots:
            if slot.role == "bias":
                self._bias(work, slot, feeding, head, patches)
            elif slot.role in ("gamma", "scale", "beta"):
                if not is_norm(slot.layer):
                    work.leave(slot, "of no norm")
                    continue
                one = float(slot.role != "beta")
                work.put(slot, np.full(slot.shape, one), f"{one:g}")
            elif slot.role not in KERNEL_ROLES:
                self._table(work, slot)

    def _kernel(self, work: Work, slot: Slot, head: bool, patch: bool) -> None:
        if head and self.rule == "jax":
            work.put(slot, np.zeros(slot.shape), "zeros", note="head")
            return
        if patch:
            base: Any = {"jax": "lecun_normal", "mae": "glorot_uniform"}.get(self.rule, LINEAR_CONV)
        else:
            base = NORMAL if self.rule == "timm" else "glorot_uniform"
        factor, fans = 1.0, slot.fans
        if _FUSED.search(slot.path) and self.rule == "moco":
            factor = math.sqrt((fans.fan_in + fans.fan_out) / (fans.fan_in + fans.fan_out / 3))
        work.put(slot, work.draw(slot, base), base, factor=factor, note="patches" if patch else "")

    def _bias(self, work: Work, slot: Slot, feeding: set[int], head: set[int], patches: set[int]) -> None:
        own = id(slot.layer)
        if own in patches and self.rule in ("moco", "timm"):
            kernel = next(one for one in work.of(slot.layer) if one.role in KERNEL_ROLES)
            limit = 1 / math.sqrt(kernel.fans.fan_in)
            law = keras.initializers.RandomUniform(-limit, limit)
            work.put(slot, work.draw(slot, law), law)
        elif own in feeding and self.rule == "jax":
            law = keras.initializers.RandomNormal(stddev=1e-6)
            work.put(slot, work.draw(slot, law), law)
        elif own in head and self.rule == "jax" and self.head_bias == "prior":
            work.put(slot, np.full(slot.shape, -math.log(slot.shape[-1])), "-ln(classes)")
        else:
            work.put(slot, np.zeros(slot.shape), "zeros")

    def _table(self, work: Work, slot: Slot) -> None:
        if _TOKEN.search(slot.path):
            law = NORMAL if self.rule == "mae" else keras.initializers.RandomNormal(stddev=1e-6)
            work.put(slot, work.draw(slot, law), law)
        elif _POSITIONS.search(slot.path):
            if self.rule == "mae":
                table = sin_cos(slot.shape[-2], slot.shape[-1])
                work.put(slot, table.reshape(slot.shape), "sines and cosines")
            else:
                work.put(slot, work.draw(slot, NORMAL), NORMAL)
        else:
            work.leave(slot, "neither kernel, token nor positions")
