"""Any initializer written out: what tells it from another one of its class is said."""

import keras
import pytest

from keras_initlab import initializers
from keras_initlab.initializers.adapting import label, written
from keras_initlab.initializers.base import RandomScheme


class Mine(RandomScheme):
    """Takes an argument that has no default."""

    def __init__(self, size, seed=None):
        super().__init__(seed)
        self.size = size


@pytest.mark.parametrize(
    ("scheme", "name", "code"),
    [
        (Mine(3, seed=1), "Mine(size=3)", "Mine(size=3)"),
        (Mine("a"), "Mine(size=a)", "Mine(size='a')"),
        (initializers.HeNormal(seed=3), "HeNormal", "initlab.initializers.HeNormal()"),
        (initializers.HeNormal(2), "HeNormal(gain=2.0)", "initlab.initializers.HeNormal(gain=2.0)"),
        (
            keras.initializers.VarianceScaling(mode="fan_out"),
            "VarianceScaling(mode=fan_out)",
            "keras.initializers.VarianceScaling(mode='fan_out')",
        ),
    ],
)
def test_arguments_that_differ_from_the_default_are_written_and_the_seed_is_not(scheme, name, code):
    assert label(scheme) == name
    assert written(scheme) == code


def test_two_of_a_class_with_required_arguments_have_two_labels():
    assert label(Mine(3)) != label(Mine(4))


def test_what_is_no_initializer_has_its_own_name():
    def mine(shape, dtype=None):
        return keras.ops.zeros(shape, dtype)

    assert label(mine) == written(mine) == "mine"
    assert label("he_normal") == "he_normal"
    assert label({"class_name": "HeNormal", "config": {"seed": 1}}) == "HeNormal"
