"""Checks for anybody: schemes and recipes held to their claims, engines to their contract."""

from keras_initlab.testing.engines import check_engine
from keras_initlab.testing.recipes import check_recipe
from keras_initlab.testing.schemes import CHECKS, check_scheme

__all__ = ["CHECKS", "check_engine", "check_recipe", "check_scheme"]
