"""Any initializer: written out so that what tells it from others is said, and compared by its law."""

import keras
import pytest

from keras_initlab import initializers
from keras_initlab.initializers import registry
from keras_initlab.initializers.adapting import label, same_law, written
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
    return same_law({label: registry.get(scheme) for label, scheme in schemes.items()})


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
    assert (
        groups(a="he_normal", b="he_uniform", c="glorot_normal", d=uniform, e="initlab_zero_hadamard") == []
    )
    assert groups(a="initlab_identity", b="initlab_zero_hadamard") == []


def test_what_cannot_be_drawn_is_like_nobody():
    assert groups(a=lambda shape, dtype=None: 1 / 0, b=lambda shape, dtype=None: 1 / 0) == []
