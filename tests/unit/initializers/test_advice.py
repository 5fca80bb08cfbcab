"""Every scheme says when to use it and what to take instead."""

import re

import pytest

from keras_initlab.initializers.registry import entry, list_initializers


@pytest.mark.parametrize("name", list_initializers())
def test_use_and_avoid(name):
    claims = entry(name).claims
    for sentence in (claims.use, claims.avoid):
        assert sentence
        assert not sentence.endswith("."), "the page adds the stop"
        for other in re.findall(r"initlab_\w+", sentence):
            assert entry(other).name != name, "a scheme that recommends itself"
    assert "initlab_" in claims.avoid, "nothing to take instead"
