"""What a layer built with an initializer would draw for a slot."""

from collections.abc import Callable
from typing import Any

import keras

from keras_initlab.core.errors import InputError
from keras_initlab.core.rng import Generators
from keras_initlab.initializers.adapting import fan_factor, is_self_contained, seeded
from keras_initlab.network.slots import Slot


def check_rank(name: str, scheme: Callable, slot: Slot) -> None:
    """Refuse a slot whose rank the scheme does not draw, by its own claims.

    Raises:
        InputError: If the rank is not among them.
    """
    claims = getattr(scheme, "claims", None)
    if claims is not None and not claims.allows(len(slot.shape)):
        raise InputError(
            f"The initializer {name!r} draws weights of {claims.rank_text}; {slot.path} has shape "
            f"{slot.shape}. Choose other weights with layers= or roles=."
        )


def check_value(name: str, slot: Slot, value: Any) -> None:
    """Refuse a drawn value that does not fit its slot.

    Raises:
        InputError: If its shape or dtype is another.
    """
    shape = tuple(getattr(value, "shape", ()))
    if shape != slot.shape:
        raise InputError(
            f"The initializer {name!r} returned shape {shape} for {slot.path}, which has {slot.shape}."
        )
    dtype = keras.backend.standardize_dtype(value.dtype)
    if dtype != slot.variable.dtype:
        raise InputError(
            f"The initializer {name!r} returned dtype {dtype} for {slot.path}, which has "
            f"{slot.variable.dtype}: cast the result to the dtype it is called with."
        )


FANS = ("keras", "layer")
"""What a fan-scaled scheme is told: what Keras reads from the shape, or the layer's true fans."""


def draw(scheme: Callable, slot: Slot, seed: int, generators: Generators, fans: str = "keras") -> Any:
    """The tensor that a layer built with `scheme` would draw for `slot` from stream `seed`.

    An initializer that takes a seed is rebuilt with this one, whatever its own was. Where that may not
    decide all of its values, every global generator is seeded too.

    Args:
        scheme: An initializer, or a callable `f(shape, dtype)`.
        slot: Which weight.
        seed: The stream.
        generators: The global ones.
        fans: `"keras"`, or `"layer"` for the slot's true fans in the law of a fan-scaled scheme.

    Raises:
        Exception: Whatever the scheme raises.
    """
    if not is_self_contained(scheme):
        generators.seed(seed)
    scheme, dtype = seeded(scheme, seed, slot.axes), slot.variable.dtype
    factor = fan_factor(scheme, slot.shape, slot.fans) if fans == "layer" else 1.0
    if factor == 1:
        return scheme(slot.shape, dtype=dtype)
    wide = keras.backend.result_type(dtype, "float32")
    return keras.ops.cast(scheme(slot.shape, dtype=wide) * factor, dtype)
