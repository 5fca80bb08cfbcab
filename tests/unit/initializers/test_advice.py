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


@pytest.mark.parametrize("name", list_initializers())
def test_all_advice_has_one_form(name):
    """For or to what it is meant; for what or where it is not: take what instead."""
    claims = entry(name).claims
    assert re.match(r"(For|To) [^.]", claims.use)
    assert re.match(r"(After|Before|Beside|For|In|On|Outside|Where|With|Without) [^.]", claims.avoid)
    assert ": initlab_" not in claims.avoid, "say what to do: take it"
