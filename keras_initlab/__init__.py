"""Weight initializers for Keras 3 by name, and a laboratory that compares them on identical models.

Importing the package registers every scheme with Keras.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_initlab import datasets as datasets
    from keras_initlab import initializers as initializers
    from keras_initlab import presets as presets
    from keras_initlab import recipes as recipes
    from keras_initlab import remedies as remedies
    from keras_initlab.core.errors import InputError as InputError
    from keras_initlab.core.errors import UnknownNameError as UnknownNameError
    from keras_initlab.diagnosis.lint import lint as lint
    from keras_initlab.diagnosis.report import Diagnoses as Diagnoses
    from keras_initlab.diagnosis.report import Diagnosis as Diagnosis
    from keras_initlab.experiment.compare import compare as compare
    from keras_initlab.experiment.diagnose import diagnose as diagnose
    from keras_initlab.gallery.specimen import plot_distribution as plot_distribution
    from keras_initlab.gallery.table import catalogue as catalogue
    from keras_initlab.initializers.fans import Fans as Fans
    from keras_initlab.initializers.gains import depth_scale as depth_scale
    from keras_initlab.initializers.gains import edge_of_chaos as edge_of_chaos
    from keras_initlab.initializers.gains import fixed_point as fixed_point
    from keras_initlab.initializers.gains import gain as gain
    from keras_initlab.initializers.registry import Claims as Claims
    from keras_initlab.initializers.registry import get as get
    from keras_initlab.initializers.registry import list_initializers as list_initializers
    from keras_initlab.initializers.registry import register as register
    from keras_initlab.network.layer_fans import fans as fans
    from keras_initlab.network.portable import make_portable as make_portable
    from keras_initlab.network.slots import slots as slots
    from keras_initlab.recipes.reinitialize import reinitialize as reinitialize
    from keras_initlab.results.comparison import Comparison as Comparison
    from keras_initlab.results.comparison import Grid as Grid
    from keras_initlab.results.comparison import load as load
    from keras_initlab.results.overview import over as over
    from keras_initlab.results.plots import plot_weights as plot_weights

__version__ = "0.1.0"

# Public name -> the module it stands in, loaded when first asked for: saved results can be read where no
# backend is installed, and what is heavy waits. The block above says the same to type checkers.
_HOMES = {
    "Claims": "initializers.registry",
    "Comparison": "results.comparison",
    "Diagnoses": "diagnosis.report",
    "Diagnosis": "diagnosis.report",
    "Fans": "initializers.fans",
    "Grid": "results.comparison",
    "InputError": "core.errors",
    "UnknownNameError": "core.errors",
    "catalogue": "gallery.table",
    "compare": "experiment.compare",
    "datasets": "",
    "depth_scale": "initializers.gains",
    "diagnose": "experiment.diagnose",
    "edge_of_chaos": "initializers.gains",
    "fans": "network.layer_fans",
    "fixed_point": "initializers.gains",
    "gain": "initializers.gains",
    "get": "initializers.registry",
    "initializers": "",
    "lint": "diagnosis.lint",
    "list_initializers": "initializers.registry",
    "load": "results.comparison",
    "make_portable": "network.portable",
    "over": "results.overview",
    "plot_distribution": "gallery.specimen",
    "plot_weights": "results.plots",
    "presets": "",
    "recipes": "",
    "register": "initializers.registry",
    "reinitialize": "recipes.reinitialize",
    "remedies": "",
    "slots": "network.slots",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if home := _HOMES[name]:
        found = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    else:
        found = importlib.import_module(f"{__name__}.{name}")
    globals()[name] = found  # the next look-up finds it at once
    return found


def __dir__() -> list[str]:
    return sorted([*_HOMES, "__version__"])


def _register_names() -> None:
    try:
        importlib.import_module(f"{__name__}.initializers")
        importlib.import_module(f"{__name__}.recipes")
    except ModuleNotFoundError as error:
        if error.name not in {"tensorflow", "jax", "torch"}:
            raise
        return  # no backend is installed: saved results can still be read
    from importlib.metadata import entry_points

    from keras_initlab.initializers import registry as schemes
    from keras_initlab.recipes import registry as recipes

    points = entry_points()  # read once: it opens a file of every package that is installed
    schemes.announce_plugins(points.select(group=schemes.GROUP))
    recipes.announce_plugins(points.select(group=recipes.GROUP))


_register_names()
