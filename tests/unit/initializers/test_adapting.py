"""Any initializer, adapted."""

import keras
import pytest

from keras_initlab.initializers import registry
from keras_initlab.initializers.adapting import same_law


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
