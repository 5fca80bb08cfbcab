"""Recipes of other packages: known by an entry point, imported when somebody asks for them."""

import importlib.metadata
import sys

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab import recipes
from keras_initlab.recipes import registry
from keras_initlab.testing import check_recipe

SOURCE = """
from dataclasses import dataclass
import numpy as np
from keras_initlab import recipes

CLAIMS = recipes.RecipeClaims(law="W = 7", reference="none", changes=("kernel",), random=False)

@recipes.register("plugged", claims=CLAIMS)
@dataclass(frozen=True)
class Plugged(recipes.Recipe):
    def change(self, work):
        for slot in work.slots:
            work.put(slot, np.full(slot.shape, 7.0), "sevens")
"""


def net():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="head")])


@pytest.fixture
def plug_in(tmp_path, monkeypatch):
    (tmp_path / "plugged_recipes.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    table = dict(keras.saving.get_custom_objects())

    def announce(**points):
        found = [importlib.metadata.EntryPoint(name, value, registry.GROUP) for name, value in points.items()]
        registry.announce_plugins(found)

    yield announce
    sys.modules.pop("plugged_recipes", None)
    if "initlab_plugged" in registry._recipes:
        recipes.unregister("initlab_plugged")
    for name in list(registry._plugins):
        registry.schemes.release(name)
    registry._plugins.clear()
    assert set(keras.saving.get_custom_objects()) == set(table)


def test_it_is_imported_when_it_is_asked_for(plug_in):
    plug_in(plugged="plugged_recipes:Plugged")
    assert "plugged_recipes" not in sys.modules
    with pytest.raises(initlab.InputError, match="acts on a whole model"):
        keras.layers.Dense(3, kernel_initializer="initlab_plugged")
    model = net()
    initlab.reinitialize(model, "initlab_plugged")
    np.testing.assert_array_equal(model.get_weights()[0], np.full((3, 2), 7.0))
    assert "initlab_plugged" in recipes.list_recipes()
    assert initlab.catalogue().loc["initlab_plugged", "law"] == "W = 7"
    check_recipe("initlab_plugged", net())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_module:Plugged", "cannot be loaded: ModuleNotFoundError"),
        ("json:JSONDecoder", r"registers no recipe of that name.*recipes\.register\('other'"),
    ],
)
def test_a_broken_one_is_named(plug_in, value, reason):
    plug_in(other=value)
    for _ in range(2):  # it can be repaired and asked for again
        with pytest.raises(initlab.InputError, match=reason):
            initlab.reinitialize(net(), "initlab_other")
    with pytest.warns(UserWarning, match=reason):
        assert "initlab_other" not in recipes.list_recipes()


def test_a_taken_name_is_left_out(plug_in):
    with pytest.warns(UserWarning, match=r"'lsuv' .* is left out: its name is taken"):
        plug_in(lsuv="plugged_recipes:Plugged")
    assert recipes.list_recipes()


def test_only_what_there_is_can_be_forgotten_or_taken():
    with pytest.raises(initlab.UnknownNameError, match="Names begin with initlab_"):
        recipes.unregister("lsuv")
    with pytest.raises(initlab.InputError, match=r"taken by a recipe\. Register yours"):
        recipes.register("lsuv", claims=recipes.Lsuv.claims)(type("Lsuv", (recipes.Recipe,), {}))


@pytest.mark.parametrize("name", ["UnitRows", "unit-rows", "unit rows", "_rows", "", "initlab_rows", 3])
def test_a_name_is_in_snake_case(name):
    with pytest.raises(initlab.InputError, match=f"name is {name!r}: give one in snake_case without"):
        recipes.register(name, claims=recipes.Lsuv.claims)


@pytest.mark.parametrize("given", [dict, lambda model: model, recipes.Lsuv(), keras.layers.Dense])
def test_only_recipes_are_registered(given):
    with pytest.raises(initlab.InputError, match=r"is no recipe: .*derives from initlab\.recipes\.Recipe"):
        recipes.register("rows", claims=recipes.Lsuv.claims)(given)
    assert "initlab_rows" not in recipes.list_recipes()
    assert "initlab_rows" not in keras.saving.get_custom_objects()
