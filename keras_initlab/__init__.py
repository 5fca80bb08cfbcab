"""Weight initializers for Keras 3 by name, and a laboratory that compares them on identical models.

Importing the package registers every scheme with Keras.
"""

import importlib
from typing import TYPE_CHECKING, Any

from keras_initlab.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from keras_initlab import initializers
    from keras_initlab.registry import Claims, catalogue, get, list_initializers, register

# Loaded when first asked for: what needs a backend, so that saved results can be read without one,
# and what is heavy.
_HOMES = {
    "Claims": "registry",
    "catalogue": "registry",
    "get": "registry",
    "list_initializers": "registry",
    "register": "registry",
}

__all__ = [
    "Claims",
    "InputError",
    "UnknownNameError",
    "catalogue",
    "get",
    "initializers",
    "list_initializers",
    "register",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))


def _register_schemes() -> None:
    try:
        importlib.import_module(f"{__name__}.initializers")
    except ModuleNotFoundError as error:
        if error.name not in {"tensorflow", "jax", "torch"}:
            raise
        return  # no backend is installed: saved results can still be read
    from keras_initlab.registry import announce_plugins

    announce_plugins()


_register_schemes()
