"""What all recipes have in common: names, configs, selection, and how layers refuse them."""

import re
from dataclasses import dataclass

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab import recipes
from keras_initlab.initializers.registry import list_initializers
from keras_initlab.recipes.recipe import find
from keras_initlab.recipes.registry import named
from keras_initlab.testing import check_recipe
from keras_initlab.testing.recipes import data_for

CLAIMS = recipes.RecipeClaims(law="W = c", reference="none", changes=("kernel",), random=False)


def net():
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, name="first"), layers.Dense(2, name="second")]
    )


@pytest.fixture
def level():
    """A recipe registered for one test."""

    @recipes.register("level", claims=CLAIMS)
    @dataclass(frozen=True)
    class Level(recipes.Recipe):
        """Every kernel is one number."""

        value: float = 2.0

        def change(self, work):
            for slot in work.slots:
                work.put(slot, np.full(slot.shape, self.value), f"all {self.value}")

    yield Level
    recipes.unregister("initlab_level")


def runs_as_written(message, kind):
    """The line that a message advises, with what it leaves open filled in."""
    line = message[message.index("initlab.reinitialize(") : -1]
    assert line.endswith(")")
    model = kind.claims.example()
    x, y = data_for(model)
    given = kind.claims.arguments() if kind.claims.arguments else {}
    assert line.count("...") == len(given)
    for name in given:
        line = line.replace(f"{name}=...", f"{name}={name}")
    assert eval(line, {"initlab": initlab, "model": model, "x": x, "y": y} | given)


@pytest.mark.parametrize(
    ("recipe", "line"),
    [
        (recipes.Lora("eva"), "initlab.reinitialize(model, initlab.recipes.Lora(rule='eva'), x)"),
        (
            recipes.Lsuv(keras.initializers.HeNormal(), probe=8),
            "initlab.reinitialize(model, "
            "initlab.recipes.Lsuv(base=keras.initializers.HeNormal(), probe=8), x)",
        ),
        (recipes.Swim(), "initlab.reinitialize(model, 'initlab_swim', x, y)"),
    ],
)
def test_who_misses_data_is_told_the_line_with_its_arguments(recipe, line):
    with pytest.raises(initlab.InputError, match=re.escape(f"call {line}.")):
        recipe.apply(recipe.claims.example())


@pytest.mark.parametrize("name", [one for one in recipes.list_recipes() if named(one).claims.arguments])
def test_what_arguments_are_missing_is_said_by_a_line_that_runs(name):
    with pytest.raises(initlab.InputError, match="cannot be made") as caught:
        initlab.reinitialize(net(), name)
    runs_as_written(str(caught.value), named(name))


@pytest.mark.parametrize("name", recipes.list_recipes())
def test_it_keeps_what_it_claims(name):
    check_recipe(name)


@pytest.mark.parametrize("name", recipes.list_recipes())
def test_a_layer_says_how_to_use_it(name):
    with pytest.raises(initlab.InputError, match="acts on a whole model") as caught:
        layers.Dense(3, kernel_initializer=name)
    runs_as_written(str(caught.value), named(name))
    with pytest.raises(initlab.InputError, match="acts on a whole model"):
        initlab.get(name)
    assert name not in list_initializers()


def test_ones_own_recipe_has_a_name_and_is_checked(level):
    check_recipe("initlab_level", net())
    model = net()
    account = initlab.reinitialize(model, "initlab_level", layers="first")
    assert [row.path for row in account] == ["first/kernel"]
    assert account[0].scheme == "all 2.0"
    np.testing.assert_array_equal(model.layers[0].kernel, np.full((4, 3), 2.0))
    for given in (level, level(), "initlab_level", {"recipe": "initlab_level", "config": {"value": 2.0}}):
        assert find(given) == level()
    assert level(3.0).label() == "Level(value=3.0)"
    assert initlab.catalogue().loc["initlab_level", "kind"] == "model"
    with pytest.raises(initlab.InputError, match="is taken"):
        recipes.register("level", claims=CLAIMS)(level)
    with pytest.raises(initlab.InputError, match="is taken"):
        recipes.register("he_normal", claims=CLAIMS)(level)
    with pytest.raises(initlab.InputError, match=r"Level cannot be made.*nothing"):
        find({"recipe": "initlab_level", "config": {"nothing": 1}})


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda work: work.put(work.every[1], np.ones(3), "ones"), "first/bias was written|may not"),
        (lambda work: work.model.layers[0].bias.assign(np.ones(3)), "account does not say so"),
        (lambda work: work.put(work.slots[0], np.random.normal(size=(4, 3)), "chance"), "one seed gave"),
        (lambda work: work.put(work.slots[0], work.draw(work.slots[0], "he_normal"), "he"), "other weights"),
    ],
)
def test_a_recipe_that_breaks_a_promise_is_caught(level, change, match):
    level.change = lambda self, work: change(work)
    with pytest.raises((AssertionError, initlab.InputError), match=match):
        check_recipe(level(), net())


def test_frozen_and_unselected_weights_are_not_written(level):
    model = net()
    model.layers[0].trainable = False
    account = initlab.reinitialize(model, "initlab_level")
    assert [row.path for row in account] == ["second/kernel"]
    with pytest.raises(initlab.InputError, match=r"initlab_level changes \(kernel\).*second/kernel"):
        initlab.reinitialize(model, "initlab_level", layers="first")
    with pytest.raises(initlab.InputError, match=r"pattern 'first'.*whole model"):
        initlab.reinitialize(model, {"first": "initlab_level"})


def test_nothing_that_is_not_finite_is_written(level):
    model = net()
    before = model.get_weights()
    with pytest.raises(initlab.InputError, match="first/kernel to NaN"):
        initlab.reinitialize(model, level(float("nan")))
    np.testing.assert_array_equal(before[0], model.get_weights()[0])
