"""One grammar for all arguments: name, what came, what to give; and what comes back is used."""

import math
import re

import numpy as np
import pytest

from keras_initlab.core import arguments
from keras_initlab.core.errors import InputError

KINDS = ("lstm", "gru")
REFUSED = [
    (arguments.finite, (math.nan,), "size is nan: give a finite number."),
    (arguments.finite, ("2",), "size is '2': give a finite number."),
    (arguments.finite, (True,), "size is True: give a finite number."),
    (arguments.finite, (10**400,), "give a finite number."),
    (arguments.positive, (0,), "size is 0: give a finite number above 0."),
    (arguments.positive, (math.inf,), "size is inf: give a finite number above 0."),
    (arguments.above, (2, 2), "size is 2: give a finite number above 2."),
    (arguments.at_least, (-1.0, 0), "size is -1.0: give a finite number of at least 0."),
    (arguments.fraction, (1.0,), "size is 1.0: give a number between 0 and 1."),
    (arguments.whole, (0,), "size is 0: give a whole number of at least 1."),
    (arguments.whole, (-1, 0), "size is -1: give a whole number of at least 0."),
    (arguments.whole, (2.0,), "size is 2.0: give a whole number of at least 1."),
    (arguments.whole, (True,), "size is True: give a whole number of at least 1."),
    (arguments.whole, (np.True_,), "give a whole number of at least 1."),
    (arguments.flag, ("yes",), "size is 'yes': give True or False."),
    (arguments.one_of, ("rnn", KINDS), "size is 'rnn': give one of 'lstm', 'gru'."),
    (arguments.one_of, (["gru"], KINDS), "size is ['gru']: give one of 'lstm', 'gru'."),
]


@pytest.mark.parametrize(("check", "given", "message"), REFUSED)
def test_a_refusal_names_the_argument_and_what_came_and_what_to_give(check, given, message):
    with pytest.raises(InputError, match=re.escape(message) + "$"):
        check("size", *given)


@pytest.mark.parametrize(
    ("check", "given", "value"),
    [
        (arguments.whole, (np.int64(2),), 2),
        (arguments.whole, (np.uint8(0), 0), 0),
        (arguments.whole, (np.array(3),), 3),
        (arguments.finite, (np.float32(0.5),), 0.5),
        (arguments.positive, (2,), 2.0),
        (arguments.fraction, (np.float64(0.25),), 0.25),
        (arguments.at_least, (0, 0), 0.0),
        (arguments.flag, (np.False_,), False),
        (arguments.one_of, ("gru", KINDS), "gru"),
    ],
)
def test_what_comes_back_is_plain_python(check, given, value):
    found = check("size", *given)
    assert found == value
    assert type(found) is type(value)
