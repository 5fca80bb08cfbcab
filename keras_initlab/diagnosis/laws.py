"""Weights as they are, and as another law would have them."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_initlab.core.rng import Generators
from keras_initlab.initializers import registry
from keras_initlab.initializers.adapting import seeded, written
from keras_initlab.network.drawing import draw
from keras_initlab.network.following import RELUS, TANHS, activation_after
from keras_initlab.network.roles import KERNEL_ROLES
from keras_initlab.network.slots import Slot

_FOR_RELU = ("he_normal", "he_uniform")
_FOR_TANH = ("glorot_uniform", "lecun_normal")
_FOR_ANY = ("glorot_uniform", "lecun_normal", "he_normal")


class Weight:
    """A weight with the initializer that its layer names, and its values."""

    def __init__(self, slot: Slot, scheme: Any, drawn: Any = None):
        self.slot, self.scheme = slot, scheme
        self._drawn = drawn

    @functools.cached_property
    def value(self) -> np.ndarray:
        held = self.slot.variable if self._drawn is None else self._drawn
        return np.ascontiguousarray(keras.ops.convert_to_numpy(held))


def is_constant(value: np.ndarray) -> bool:
    """Whether all entries are equal."""
    return value.size < 2 or bool((value == value.flat[0]).all())


def suited(
    among: Sequence[Weight],
    every: Sequence[Weight],
    fans: str,
    generators: Generators,
    blamed: Callable[[Sequence[Weight]], set[str]],
    first: Sequence[Any] = (),
) -> str | None:
    """The code of the first law with which nothing in these weights is to blame; None if no law does.

    Args:
        among: The weights that the law is for.
        every: All weights of the model.
        fans: `"keras"` if a layer is to be built with it; `"layer"` for `reinitialize`, which also draws the
            other kernels.
        generators: The global ones.
        blamed: What lint would find wrong.
        first: Initializers to try before those that suit the activation.
    """
    after = activation_after(among[0].slot.layer)
    names = _FOR_RELU if after in RELUS else _FOR_TANH if after in TANHS else _FOR_ANY
    paths = {weight.slot.path for weight in among}
    for law in (*(one for one in first if one is not None), *names):
        scheme = registry.get(law)

        def fixed(weight: Weight, scheme: Any = scheme) -> Weight:
            slot = weight.slot
            if slot.path not in paths and not (fans == "layer" and slot.role in KERNEL_ROLES):
                return weight
            own = seeded(scheme, slot.index, slot.axes)
            return Weight(slot, own, draw(own, slot, slot.index, generators, fans))

        try:
            drawn = [fixed(weight) for weight in every]
        except Exception:  # an own law may refuse a shape, or fail
            continue
        if not paths & blamed(drawn):
            return repr(law).replace("'", '"') if isinstance(law, str) else written(law)
    return None
