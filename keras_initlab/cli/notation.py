"""Initializers and models as the command line writes them."""

import ast
import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_initlab import datasets
from keras_initlab.core.errors import InputError, UnknownNameError, gist


def parse_initializers(texts: Sequence[str]) -> dict[str, Any]:
    """Initializers as the command line writes them: `name` or `name(argument=value, ...)`.

    Several may stand in one text, separated by commas. The text is read, never executed.

    Raises:
        InputError: If a text is neither.
        UnknownNameError: If a name is not known.
    """
    found: dict[str, Any] = {}
    for text in texts:
        for label, scheme in _parse(text):
            if label in found:
                raise InputError(f"The initializer {label!r} is given twice.")
            found[label] = scheme
    return found


def parse_factors(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Factors as the command line writes them: `name=level,level`.

    A level is a number, on, off, none or a name.

    Raises:
        InputError: If a text is none.
    """
    found: dict[str, list[Any]] = {}
    for text in texts:
        name, sign, levels = text.partition("=")
        if not sign or not name.strip() or not levels.strip():
            raise InputError(
                f"--factor is {reprlib.repr(text)}: write name=level,level, such as learning_rate=1e-3,1e-2."
            )
        if name.strip() in found:
            raise InputError(f"The factor {name.strip()!r} is given twice.")
        found[name.strip()] = [_level(level.strip()) for level in levels.split(",")]
    return found


def _level(text: str) -> Any:
    if text in ("on", "off", "none"):
        return {"on": True, "off": False, "none": None}[text]
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _parse(text: str) -> list[tuple[str, Any]]:
    from keras_initlab.initializers import registry
    from keras_initlab.recipes.recipe import find

    wrong = (
        f"--initializers has {reprlib.repr(text)}: write a name or name(argument=value), such as he_normal."
    )
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(wrong) from error
    found: list[tuple[str, Any]] = []
    for node in tree.elts if isinstance(tree, ast.Tuple) else [tree]:
        if isinstance(node, ast.Name):
            found.append((node.id, find(node.id) or registry.get(node.id)))
            continue
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
            raise InputError(wrong)
        try:
            arguments = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
        except ValueError as error:
            raise InputError(wrong) from error
        recipe = find({"recipe": node.func.id, "config": arguments})
        found.append((ast.unparse(node), recipe or registry.make(node.func.id, arguments)))
    return found


def read_model(name: str, data: datasets.Dataset) -> Any:
    """The preset built for the data, or the model in a file.

    Raises:
        InputError: If it cannot be built or read.
        UnknownNameError: If there is none of that name.
    """
    import keras

    from keras_initlab import presets

    if name in presets.MODELS:
        try:
            return presets.build(name, data.x.shape[1:], data.classes)
        except Exception as error:
            raise InputError(
                f"--model {name} cannot be built for examples of shape {data.x.shape[1:]} in {data.name!r}: "
                f"{gist(error)}"
            ) from error
    if not Path(name).is_file():
        raise UnknownNameError(
            "model", name, presets.MODELS, f"Give one of {', '.join(presets.MODELS)} or a .keras file."
        )
    try:
        return keras.saving.load_model(name)
    except Exception as error:
        raise InputError(
            f"--model {name!r} is no model that Keras can read ({gist(error)}): give a .keras file."
        ) from error
