"""New weights for a whole model."""

from keras_initlab.recipes.account import Account as Account
from keras_initlab.recipes.account import Redrawn as Redrawn
from keras_initlab.recipes.lsuv import Lsuv as Lsuv
from keras_initlab.recipes.recipe import Recipe as Recipe
from keras_initlab.recipes.recipe import Work as Work
from keras_initlab.recipes.registry import RecipeClaims as RecipeClaims
from keras_initlab.recipes.registry import list_recipes as list_recipes
from keras_initlab.recipes.registry import register as register
from keras_initlab.recipes.registry import unregister as unregister
from keras_initlab.recipes.residual import DepthScaled as DepthScaled
from keras_initlab.recipes.residual import Fixup as Fixup
from keras_initlab.recipes.residual import ZeroResidual as ZeroResidual
from keras_initlab.recipes.transformers import DeepNorm as DeepNorm
from keras_initlab.recipes.transformers import Mimetic as Mimetic
from keras_initlab.recipes.transformers import SubLN as SubLN
from keras_initlab.recipes.transformers import TFixup as TFixup
