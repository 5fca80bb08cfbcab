"""Weight initializers for Keras 3 by name, and a laboratory that compares them on identical models.

Importing the package registers every scheme with Keras.
"""

import importlib
from typing import TYPE_CHECKING, Any

from keras_initlab import datasets
from keras_initlab.core.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from keras_initlab import initializers, presets
    from keras_initlab.diagnosis.lint import lint
    from keras_initlab.experiment.compare import compare
    from keras_initlab.gallery.specimen import plot_distribution
    from keras_initlab.initializers.fans import Fans
    from keras_initlab.initializers.gains import depth_scale, edge_of_chaos, fixed_point, gain
    from keras_initlab.initializers.registry import Claims, catalogue, get, list_initializers, register
    from keras_initlab.network.layer_fans import fans
    from keras_initlab.network.portable import make_portable
    from keras_initlab.network.slots import slots
    from keras_initlab.recipes.reinitialize import reinitialize
    from keras_initlab.results.comparison import Comparison, load
    from keras_initlab.results.overview import over
    from keras_initlab.results.plots import plot_weights

__version__ = "0.1.0"

# Loaded when first asked for: what needs a backend, so that saved results can be read without one,
# and what is heavy.
_HOMES = {
    "Claims": "initializers.registry",
    "Comparison": "results.comparison",
    "Fans": "initializers.fans",
    "catalogue": "initializers.registry",
    "compare": "experiment.compare",
    "depth_scale": "initializers.gains",
    "edge_of_chaos": "initializers.gains",
    "fans": "network.layer_fans",
    "fixed_point": "initializers.gains",
    "gain": "initializers.gains",
    "get": "initializers.registry",
    "lint": "diagnosis.lint",
    "list_initializers": "initializers.registry",
    "load": "results.comparison",
    "make_portable": "network.portable",
    "over": "results.overview",
    "plot_distribution": "gallery.specimen",
    "plot_weights": "results.plots",
    "register": "initializers.registry",
    "reinitialize": "recipes.reinitialize",
    "slots": "network.slots",
}

__all__ = [
    "Claims",
    "Comparison",
    "Fans",
    "InputError",
    "UnknownNameError",
    "catalogue",
    "compare",
    "datasets",
    "depth_scale",
    "edge_of_chaos",
    "fans",
    "fixed_point",
    "gain",
    "get",
    "initializers",
    "lint",
    "list_initializers",
    "load",
    "make_portable",
    "over",
    "plot_distribution",
    "plot_weights",
    "presets",
    "register",
    "reinitialize",
    "slots",
]


def __getattr__(name: str) -> Any:
    if name == "presets":  # a module that needs a backend
        return importlib.import_module(f"{__name__}.presets")
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
    from keras_initlab.initializers.registry import announce_plugins

    announce_plugins()


_register_schemes()
