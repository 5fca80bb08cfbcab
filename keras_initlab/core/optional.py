"""Tools that are imported where they are used, and what to do if one is missing."""

import importlib
from types import ModuleType


def need(module: str, purpose: str, install: str) -> ModuleType:
    """The module, or an ImportError that says how to get it.

    >>> need("no_such_tool", "to_html", "keras-initlab[report]")
    Traceback (most recent call last):
    ImportError: to_html needs no_such_tool: pip install "keras-initlab[report]"
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0]:
            raise
        raise ImportError(f'{purpose} needs {error.name}: pip install "{install}"') from error
