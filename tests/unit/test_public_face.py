"""What users can name: nothing that was there is gone, and nothing that they wrote means something else."""

import ast
import importlib
import inspect
import json
from pathlib import Path

import pytest

import keras_initlab as initlab

# Written down with version 0.1.0 before its modules moved: name -> parameters with their defaults.
FACE = json.loads((Path(__file__).parents[1] / "saved" / "public.json").read_text("utf-8"))


def public(path):
    first, *rest = path.split(".")
    found = (
        importlib.import_module("keras_initlab.testing") if first == "testing" else getattr(initlab, first)
    )
    for name in rest:
        found = getattr(found, name)
    return found


def parameters(found):
    return {
        parameter.name: f"{parameter.kind.name.lower()} {parameter.name}"
        + ("" if parameter.default is parameter.empty else f"={parameter.default!r}")
        for parameter in inspect.signature(found).parameters.values()
    }


@pytest.mark.parametrize("path", FACE)
def test_a_call_of_yesterday_still_means_the_same(path):
    found = public(path)
    if FACE[path] is None:
        return
    now = parameters(found)
    old = [line for line in FACE[path] if line.split("=")[0].split()[1] in now]
    assert old == FACE[path], "a parameter is gone"
    assert [now[line.split("=")[0].split()[1]] for line in old] == old
    positional = [line for line in now.values() if line.startswith("positional")]
    assert positional[: len([line for line in old if line.startswith("positional")])] == [
        line for line in old if line.startswith("positional")
    ], "a new parameter stands before an old one"
    new = [line for name, line in now.items() if line not in old and name not in {"args", "kwargs"}]
    assert all("=" in line for line in new), "a new parameter is required"


def test_every_public_name_is_found_and_listed():
    for name in initlab.__all__:
        assert getattr(initlab, name) is vars(initlab)[name], "kept once it was found"
    assert set(initlab.__all__) < set(dir(initlab))
    assert not {"Any", "TYPE_CHECKING", "importlib"} & set(dir(initlab))
    with pytest.raises(AttributeError, match="has no attribute 'comparee'"):
        initlab.comparee  # noqa: B018


def test_type_checkers_are_told_the_same():
    tree = ast.parse(Path(initlab.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    told = {
        alias.name: node.module.removeprefix("keras_initlab").removeprefix(".")
        for node in block.body
        for alias in node.names
    }
    assert told == initlab._HOMES
