"""Every registered scheme keeps every check, on the backend of this process."""

import pytest

import keras_initlab
from keras_initlab.testing import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", keras_initlab.list_initializers())
def test_scheme(name, check):
    check(name)
