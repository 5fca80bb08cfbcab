"""Any initializer that Keras takes, ours or not: named, called, with another seed or other fans."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.initializers import registry
from keras_initlab.initializers.base import AxesAware, FanScaled
from keras_initlab.initializers.fans import Fans, shape_fans
from keras_initlab.initializers.wrappers import Masked, Scaled

_COMPARED = 1000  # numbers of a weight: two laws that differ do so far earlier


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
        return _call(type(given).__name__, _chosen(given))
    return getattr(given, "__name__", type(given).__name__)


def _call(name: str, arguments: Mapping[str, Any]) -> str:
    inner = ", ".join(f"{key}={value}" for key, value in arguments.items() if key != "seed")
    return f"{name}({inner})" if inner else name


def written(scheme: Any) -> str:
    """The scheme as code that makes it, without its seed.

    >>> written(keras.initializers.RandomUniform(-1, 1, seed=0))
    'keras.initializers.RandomUniform(minval=-1, maxval=1)'
    """
    kind = type(scheme)
    if not isinstance(scheme, keras.initializers.Initializer):
        return getattr(scheme, "__name__", kind.__name__)
    homes = {"keras": "keras.initializers.", "keras_initlab": "initlab.initializers."}
    home = homes.get(kind.__module__.partition(".")[0], "")
    arguments = ", ".join(f"{key}={value!r}" for key, value in _chosen(scheme).items() if key != "seed")
    return f"{home}{kind.__name__}({arguments})"


def _chosen(scheme: keras.initializers.Initializer) -> dict[str, Any]:
    """The arguments of a scheme that are not those that its class has by itself."""
    try:
        usual = type(scheme)().get_config()
    except TypeError:  # it has required arguments: all of them are worth showing
        usual = {}
    missing = object()
    return {key: value for key, value in scheme.get_config().items() if usual.get(key, missing) != value}


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


def same_law(draws: Mapping[str, Sequence[Any]]) -> list[tuple[str, ...]]:
    """Groups of labels whose initializers drew the same numbers from the same seeds: one law twice.

    >>> kaiming, lecun = registry.get("initlab_kaiming"), registry.get("initlab_lecun_normal")
    >>> he = registry.get("initlab_he_normal")
    >>> draws = {"a": he, "b": kaiming, "c": lecun}
    >>> same_law({label: [seeded(scheme, 1)((60, 30))] for label, scheme in draws.items()})
    [('a', 'b')]
    """
    groups: dict[bytes, list[str]] = {}
    for name, drawn in draws.items():
        groups.setdefault(b"".join(map(_rounded, drawn)), []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def _rounded(value: Any) -> bytes:
    """The first numbers to six digits of the largest: two ways to a constant differ in the last bit."""
    drawn = np.asarray(keras.ops.convert_to_numpy(value)).ravel()[:_COMPARED].astype("float64")
    largest = float(np.abs(drawn).max(initial=0)) or 1.0
    digits = 5 - math.floor(math.log10(largest)) if math.isfinite(largest) else 0
    return (drawn.round(digits) + 0.0).tobytes()


def is_self_contained(scheme: Callable) -> bool:
    """Whether nothing but its own arguments decides what a scheme draws: Keras's initializers and this
    package's, unless they hold a function that somebody else wrote.

    To seed TensorFlow's global generator means to forget all its compiled kernels, which costs four
    times what a draw does.
    """
    own = type(scheme).__module__.startswith(("keras.", "keras_initlab."))
    return own and not any(callable(value) for value in vars(scheme).values())


def fan_factor(scheme: Callable, shape: tuple[int, ...], fans: Fans) -> float:
    """The deviation of a fan-scaled law with these fans, over the one that it draws with.

    Fan-scaled are the laws of `FanScaled`, Keras's own family of `VarianceScaling`, and `scaled` and
    `masked` around them. For any other scheme the factor is 1.
    """
    if isinstance(scheme, Scaled | Masked):
        return fan_factor(scheme.inner, shape, fans)
    if isinstance(scheme, FanScaled):
        return scheme.std_with(fans) / scheme.std(shape)
    if isinstance(scheme, keras.initializers.VarianceScaling) and not isinstance(scheme, AxesAware):
        axes = (getattr(scheme, name, None) for name in ("input_axes", "output_axes"))
        read = getattr(shape_fans(shape, *axes), scheme.mode)
        return math.sqrt(max(1, read) / max(1, getattr(fans, scheme.mode)))
    return 1.0


def seeded(scheme: Callable, seed: int, axes: tuple | None = None) -> Callable:
    """`scheme` with its seed replaced, and with einsum axes where it takes them and has none."""
    if not isinstance(scheme, keras.initializers.Initializer):
        return scheme
    config = scheme.get_config()
    changes: dict[str, Any] = {"seed": seed} if "seed" in config else {}
    if axes and "input_axes" in config and config["input_axes"] is None:
        changes |= {"input_axes": axes[0], "output_axes": axes[1]}
    return type(scheme).from_config({**config, **changes}) if changes else scheme


def accepts_shape_and_dtype(scheme: Callable) -> bool:
    """Whether `scheme(shape, dtype=...)` is a valid call, as Keras makes it."""
    try:
        inspect.signature(scheme).bind((1, 1), dtype="float32")
    except TypeError:
        return False
    return True
