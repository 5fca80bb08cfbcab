"""Checks of single arguments: each gives the value to use, or says what came and what to give."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_initlab.core.errors import InputError


def positive(name: str, value: Any) -> float:
    """`value` as a float, which must be finite and above zero."""
    number = finite(name, value)
    if number <= 0:
        raise InputError(f"`{name}` must be above 0; got {value!r}.")
    return number


def finite(name: str, value: Any) -> float:
    """`value` as a float, which must be finite."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"`{name}` must be a finite number; got {value!r}.")
    return number


def whole(name: str, value: Any, lowest: int = 1) -> int:
    """`value` as an int, which must be a whole number of at least `lowest`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < lowest:
        raise InputError(f"`{name}` must be a whole number of at least {lowest}; got {value!r}.")
    return int(value)


def fraction(name: str, value: Any) -> float:
    """`value` as a float, which must lie strictly between 0 and 1."""
    number = finite(name, value)
    if not 0 < number < 1:
        raise InputError(f"`{name}` must lie between 0 and 1; got {value!r}.")
    return number


def one_of(name: str, value: Any, allowed: Sequence[str]) -> str:
    """`value`, which must be one of `allowed`."""
    if value not in allowed:
        raise InputError(f"`{name}` must be one of {', '.join(map(repr, allowed))}; got {value!r}.")
    return value
