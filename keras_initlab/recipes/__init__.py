"""New weights for a whole model."""

import importlib
from typing import TYPE_CHECKING, Any

from keras_initlab.recipes.registry import OWN
from keras_initlab.recipes.registry import RecipeClaims as RecipeClaims
from keras_initlab.recipes.registry import announce as _announce
from keras_initlab.recipes.registry import list_recipes as list_recipes
from keras_initlab.recipes.registry import register as register
from keras_initlab.recipes.registry import unregister as unregister
from keras_initlab.recipes.schedule import ScaledSchedule as _ScaledSchedule  # noqa: F401 - saved models name it

if TYPE_CHECKING:
    from keras_initlab.recipes.account import Account as Account
    from keras_initlab.recipes.account import Redrawn as Redrawn
    from keras_initlab.recipes.chains import Isometry as Isometry
    from keras_initlab.recipes.chains import LooksLinear as LooksLinear
    from keras_initlab.recipes.chains import Zero as Zero
    from keras_initlab.recipes.coordinates import CoordinateCheck as CoordinateCheck
    from keras_initlab.recipes.coordinates import coordinate_check as coordinate_check
    from keras_initlab.recipes.from_larger import FromLarger as FromLarger
    from keras_initlab.recipes.lora import Lora as Lora
    from keras_initlab.recipes.lsuv import Lsuv as Lsuv
    from keras_initlab.recipes.mimetic import Mimetic as Mimetic
    from keras_initlab.recipes.moments import Moments as Moments
    from keras_initlab.recipes.mup import Mup as Mup
    from keras_initlab.recipes.mup import mup_optimizer as mup_optimizer
    from keras_initlab.recipes.recipe import Recipe as Recipe
    from keras_initlab.recipes.residual import DepthScaled as DepthScaled
    from keras_initlab.recipes.residual import Fixup as Fixup
    from keras_initlab.recipes.residual import ZeroResidual as ZeroResidual
    from keras_initlab.recipes.swim import Swim as Swim
    from keras_initlab.recipes.transformers import DeepNorm as DeepNorm
    from keras_initlab.recipes.transformers import SubLN as SubLN
    from keras_initlab.recipes.transformers import TFixup as TFixup
    from keras_initlab.recipes.vit import ViT as ViT
    from keras_initlab.recipes.within_layer import WithinLayer as WithinLayer
    from keras_initlab.recipes.work import Work as Work

# Class -> module, loaded when first asked for: the names alone are told to Keras at once.
_HOMES = {name: module for module, _, name in (place.partition(".") for place in OWN.values())} | {
    "Account": "account",
    "CoordinateCheck": "coordinates",
    "Recipe": "recipe",
    "Redrawn": "account",
    "Work": "work",
    "coordinate_check": "coordinates",
    "mup_optimizer": "mup",
}

__all__ = ["RecipeClaims", "list_recipes", "register", "unregister", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted([*__all__, "reinitialize"])


_announce()
