"""Any initializer: written out so that what tells it from others is said, and compared by its law."""

import keras
import numpy as np
import pytest

from keras_initlab import initializers
from keras_initlab.initializers import registry
from keras_initlab.initializers.adapting import label, same_law, seeded, written
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


def groups(**schemes):
    shapes = ((60, 30), (3, 3, 8, 16))
    return same_law(
        {
            label: [seeded(registry.get(scheme), 1)(shape) for shape in shapes]
            for label, scheme in schemes.items()
        }
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("initlab_he_normal", "initlab_kaiming"),
        ("initlab_lecun_normal", "initlab_normal_sqrt_n"),
        ("initlab_glorot_normal", "initlab_he_fan_avg_normal"),
        ("zeros", "initlab_zeros"),
        ("he_normal", {"class_name": "HeNormal", "config": {"seed": 7}}),
    ],
)
def test_the_same_law_under_two_names_is_found(one, other):
    assert groups(a=one, b="orthogonal", c=other) == [("a", "c")]


def test_laws_that_differ_are_not_the_same():
    uniform = keras.initializers.RandomUniform(-0.1, 0.1)
    assert groups(a="he_normal", b="he_uniform", c="glorot_normal", d=uniform, e="orthogonal") == []
    rows = {"a": [np.eye(4)], "b": [-np.eye(4)], "c": [np.eye(4) * (1 + 1e-9)]}
    assert same_law(rows) == [("a", "c")]
