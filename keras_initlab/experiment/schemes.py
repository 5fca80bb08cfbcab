"""What the user passed as initializers -> label -> callable, each tried before any training."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from keras_initlab.core.errors import InputError
from keras_initlab.initializers import registry
from keras_initlab.network.slots import Slot, accepts_shape_and_dtype, draw
from keras_initlab.trials.plan import Trial


def by_label(initializers: Any) -> dict[str, Callable]:
    """Label -> initializer, from a list, a dict of label -> initializer, or a single one.

    Raises:
        InputError: If there is none, a label comes twice, or one cannot be called as Keras would.
        UnknownNameError: If a name is not known.
    """
    schemes: dict[str, Callable] = {}
    for name, given in _labelled(initializers):
        if name in schemes:
            raise InputError(
                f"Two initializers have the label {name!r}. Pass a dict of label -> initializer to tell "
                "them apart."
            )
        schemes[name] = resolve(name, given)
    if not schemes:
        raise InputError(
            f"initializers is {initializers!r}: give at least one, such as ['glorot_uniform', 'he_normal']."
        )
    return schemes


def _labelled(initializers: Any) -> list[tuple[str, Any]]:
    if isinstance(initializers, Mapping) and "class_name" not in initializers:
        for name in initializers:
            if not isinstance(name, str) or not name:
                raise InputError(f"initializers has the label {name!r}: a label is a non-empty string.")
        return list(initializers.items())
    if initializers is None:
        return []
    if isinstance(initializers, str | Mapping) or callable(initializers):
        initializers = [initializers]
    if not isinstance(initializers, Sequence):
        raise InputError(
            f"initializers is {initializers!r}: give a list of names, instances, configs or callables, "
            "or a dict of label -> initializer."
        )
    return [(label(given), given) for given in initializers]


def label(given: Any) -> str:
    """What an initializer is called in tables when the user gave it no label.

    >>> label("he_normal"), label(keras.initializers.RandomUniform(-1, 1))
    ('he_normal', 'RandomUniform(minval=-1, maxval=1)')
    """
    if isinstance(given, str):
        return given
    if isinstance(given, Mapping):
        return _call(str(given.get("class_name")), given.get("config") or {})
    if isinstance(given, keras.initializers.Initializer):
        default = _defaults(type(given))
        config = given.get_config()
        return _call(type(given).__name__, {k: v for k, v in config.items() if default.get(k, v) != v})
    return getattr(given, "__name__", type(given).__name__)


def _call(name: str, arguments: Mapping[str, Any]) -> str:
    inner = ", ".join(f"{key}={value}" for key, value in arguments.items() if key != "seed")
    return f"{name}({inner})" if inner else name


def _defaults(kind: type) -> dict[str, Any]:
    try:
        return kind().get_config()
    except TypeError:  # it has required arguments: all of them are worth showing
        return {}


def resolve(name: str, given: Any) -> Callable:
    """The initializer that `given` stands for.

    Raises:
        InputError: If it stands for none, or it cannot be called as Keras would.
        UnknownNameError: If its name is not known.
    """
    if given is None:
        raise InputError(f"The initializer of {name!r} is None: give a name, an instance or a callable.")
    scheme = registry.get(given)
    if not accepts_shape_and_dtype(scheme):
        raise InputError(
            f"The initializer {name!r} cannot be called as f(shape, dtype=None), which is how Keras calls it."
        )
    return scheme


def try_out(schemes: Mapping[str, Callable], tested: Sequence[Slot], trial_seed: int) -> None:
    """Draw each initializer once per kind of slot, so that what cannot work is known before training.

    An exception that only the drawing brings to light is left to the run, which records it.

    Raises:
        InputError: If a scheme does not support a slot's rank by its own claims, or returns a tensor
            of another shape or dtype than it was asked for.
    """
    kinds = {(slot.shape, slot.variable.dtype, slot.axes): slot for slot in tested}
    for name, scheme in schemes.items():
        for slot in kinds.values():
            check_rank(name, scheme, slot)
            try:
                value = draw(scheme, slot, Trial(name, 0, trial_seed).draw_seed(*slot.seed_path))
            except Exception:  # the run itself will meet it again and record it as failed
                continue
            check_value(name, slot, value)


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
