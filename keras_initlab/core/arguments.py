"""Checks of single arguments: each gives the value to use, or says what came and what to give."""

import math
import operator
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_initlab.core.errors import InputError

_UNITS = {"": 1, "s": 1, "min": 60, "h": 3600}


def refused(name: str, value: Any, wanted: str) -> InputError:
    """The error for an argument, in the one form that all have: its name, what came, what to give.

    >>> str(refused("gain", -1, "a finite number above 0"))
    'gain is -1: give a finite number above 0.'
    """
    return InputError(f"{name} is {value!r}: give {wanted}.")


def finite(name: str, value: Any) -> float:
    """`value` as a float, which must be finite."""
    number = _number(value)
    if not math.isfinite(number):
        raise refused(name, value, "a finite number")
    return number


def above(name: str, value: Any, limit: float) -> float:
    """`value` as a float, which must be finite and above `limit`."""
    number = _number(value)
    if not limit < number < math.inf:
        raise refused(name, value, f"a finite number above {limit:g}")
    return number


def positive(name: str, value: Any) -> float:
    """`value` as a float, which must be finite and above zero."""
    return above(name, value, 0)


def at_least(name: str, value: Any, lowest: float) -> float:
    """`value` as a float, which must be finite and no less than `lowest`."""
    number = _number(value)
    if not lowest <= number < math.inf:
        raise refused(name, value, f"a finite number of at least {lowest:g}")
    return number


def fraction(name: str, value: Any) -> float:
    """`value` as a float, which must lie strictly between 0 and 1."""
    number = _number(value)
    if not 0 < number < 1:
        raise refused(name, value, "a number between 0 and 1")
    return number


def whole(name: str, value: Any, lowest: int = 1) -> int:
    """`value` as an int: any whole number that Python or NumPy has, of at least `lowest`; no bool."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < lowest:
        raise refused(name, value, f"a whole number of at least {lowest}")
    return number


def seconds(name: str, value: Any) -> float:
    """`value` as seconds: a positive number of them, or a text with a unit.

    >>> seconds("budget", "90 s"), seconds("budget", "1.5min"), seconds("budget", 2)
    (90.0, 90.0, 2.0)
    """
    found = re.fullmatch(r"\s*([\d.]+)\s*([a-z]*)\s*", value) if isinstance(value, str) else None
    try:
        number = float(found[1]) * _UNITS[found[2]] if found else _number(value)
    except (KeyError, ValueError):
        number = math.nan
    if not 0 < number < math.inf:
        raise refused(name, value, "seconds, or a text such as '90 s', '10 min' or '2 h'")
    return number


def flag(name: str, value: Any) -> bool:
    """`value`, which must be True or False."""
    if not isinstance(value, bool | np.bool_):
        raise refused(name, value, "True or False")
    return bool(value)


def one_of(name: str, value: Any, allowed: Sequence[str]) -> str:
    """`value`, which must be one of `allowed`."""
    if not isinstance(value, str) or value not in allowed:
        raise refused(name, value, f"one of {', '.join(map(repr, allowed))}")
    return value


def _number(value: Any) -> float:
    """`value` as a float; not a number where it is none, such as a bool or a text."""
    if isinstance(value, bool | np.bool_ | str | bytes):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
