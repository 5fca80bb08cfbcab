"""Checks take names, classes and instances, and reject what does not hold."""

import dataclasses
import math

import keras
import numpy as np
import pytest

from keras_initlab import Claims, InputError
from keras_initlab.initializers import HeNormal, RandomNormal, Sparse
from keras_initlab.initializers.base import RandomScheme
from keras_initlab.testing import CHECKS, check_scheme
from keras_initlab.testing.subject import subject

CHECK = {check.__name__: check for check in CHECKS}


class Cone(RandomScheme):
    """Never registered, with an argument that has no default.

    Draws `W = height · |Z|`, `Z ~ N(0, 1)`.

    Args:
        height: Above zero.

    Shapes: any.

    Raises:
        InputError: If something is wrong.

    Reference: none.

    >>> Cone(1).height
    1
    """

    def __init__(self, height, *rest, **common):
        super().__init__(*rest, **common)
        self.height = height

    def draw(self, shape):
        return self.height * keras.ops.abs(self.normal(shape))


CONE = Claims(
    law="|N(0, 9)|",
    reference="none",
    mean=3 * math.sqrt(2 / math.pi),
    std=lambda fans: 3 * math.sqrt(1 - 2 / math.pi),
)


def half_zero(values):
    """Half of the weights of every unit are zero."""
    matrix = values.reshape(-1, values.shape[-1])
    return (matrix == 0).mean(axis=0) - 0.5


@pytest.mark.parametrize("scheme", [Sparse(0.5), HeNormal, Cone(2)], ids=["other arguments", "class", "own"])
def test_instances_and_classes_are_checked(scheme):
    check_scheme(scheme)


def test_a_class_that_was_never_registered_is_held_to_claims():
    check_scheme(Cone(3.0), CONE)
    for wrong in ({"mean": 0.0}, {"std": lambda fans: 1.0}, {"bound": lambda fans: 3.0}):
        with pytest.raises(AssertionError) as raised:
            check_scheme(Cone(3.0), dataclasses.replace(CONE, **wrong))
        assert any("of Cone" in note or "unregistered" in note for note in raised.value.__notes__)


def test_claims_of_other_arguments_are_those_given():
    claims = dataclasses.replace(Sparse.claims, exact=half_zero)
    CHECK["check_exact"](Sparse(0.5), claims)
    with pytest.raises(AssertionError, match="Half of the weights"):
        CHECK["check_exact"](Sparse(0.25), claims)


def test_default_arguments_are_held_to_the_claims_of_the_class():
    assert subject(Sparse(0.9, seed=7)).claims is Sparse.claims
    assert subject("initlab_sparse") == subject(Sparse) == subject(Sparse())
    other = subject(Sparse(0.5)).claims
    assert (other.exact, other.mean) == (None, None)
    assert (other.ranks, other.shapes) == (Sparse.claims.ranks, Sparse.claims.shapes)


class Forgetful(Cone):
    def get_config(self):
        return {"height": self.height}


class Alike(Cone):
    def draw(self, shape):
        return np.full(shape, self.height)


@pytest.mark.parametrize(
    ("scheme", "check"),
    [(Forgetful(1), "check_config"), (Alike(1), "check_seeds"), (Forgetful(1), "check_docstring")],
)
def test_an_instance_that_breaks_a_promise_is_rejected(scheme, check):
    with pytest.raises(AssertionError):
        CHECK[check](scheme)


def test_what_is_no_initializer_is_refused():
    with pytest.raises(InputError, match="scheme is 3: give a registered name"):
        check_scheme(3)
    with pytest.raises(InputError, match="Unknown initializer 'initlab_he_norml'"):
        check_scheme("initlab_he_norml")
    check_scheme(RandomNormal(stddev=2))
