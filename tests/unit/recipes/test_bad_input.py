"""Every recipe with what may come in the way: one error that names it, or an honest line in the account."""

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab import recipes
from keras_initlab.recipes.registry import named
from keras_initlab.testing.recipes import data_for

NAMES = recipes.list_recipes()


def made(name):
    """A recipe with the arguments that it needs, its example, and data."""
    claims = named(name).claims
    recipe = named(name)(**(claims.arguments() if claims.arguments else {}))
    model = claims.example()
    return recipe, model, *data_for(model)


def frozen_layer(model):
    return next(layer for layer in model.layers if any("kernel" in one.name for one in layer.weights))


@pytest.mark.parametrize("name", NAMES)
def test_a_frozen_layer_keeps_its_weights_and_the_account_says_so(name):
    recipe, model, x, y = made(name)
    layer = frozen_layer(model)
    layer.trainable = False
    before = model.get_weights()
    own = [np.array(value) for value in layer.get_weights()]
    try:
        account = recipe.apply(model, x, y)
    except initlab.InputError as error:
        says_so = layer.name in str(error) or "frozen" in str(error)
        assert says_so
        for one, other in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
        return
    if name != "initlab_lora":  # whose kernels are all frozen
        for one, other in zip(own, layer.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    assert not any(row.path.startswith(f"{layer.name}/") for row in account) or name == "initlab_lora"


@pytest.mark.parametrize("name", [name for name in NAMES if named(name).claims.needs])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_data_that_are_not_finite_are_refused(name, value):
    recipe, model, x, y = made(name)
    x[3] = value
    before = model.get_weights()
    with pytest.raises(initlab.InputError, match="x holds NaN or infinite values"):
        recipe.apply(model, x, y)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_mixed_precision_keeps_weights_whole_and_finite(name):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        recipe, model, x, y = made(name)
        account = recipe.apply(model, x, y)
        assert account
        assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
        assert all(np.isfinite(value).all() for value in model.get_weights())
    finally:
        keras.config.set_dtype_policy(policy)


def shared_chain():
    layers = keras.layers
    x, one = keras.Input((16,)), layers.Dense(16, "relu", name="one")
    return keras.Model(x, layers.Dense(16, name="head")(one(one(x))))


def takes_chains(name):
    claims = named(name).claims
    return not claims.arguments and claims.structure in ("any", "chain")


@pytest.mark.parametrize("name", list(filter(takes_chains, NAMES)))
def test_a_layer_that_is_called_twice_is_named_or_changes_nothing_twice(name):
    claims = named(name).claims
    model = shared_chain()
    x, y = data_for(model)
    try:
        account = named(name)().apply(model, x, y)
    except initlab.InputError as error:
        says_so = "one" in str(error) or "chain" in str(error)
        assert says_so
        return
    assert len({row.path for row in account}) == len(account), "a weight stands in the account twice"
    if claims.needs:
        assert any("2 times" in row.note for row in account)


@pytest.mark.parametrize("name", [name for name in NAMES if named(name).claims.structure != "any"])
def test_another_structure_is_one_line(name):
    claims = named(name).claims
    layers = keras.layers
    x = keras.Input((8,))
    model = keras.Model(x, layers.Maximum()([layers.Dense(4)(x), layers.Dense(4, name="other")(x)]))
    before = model.get_weights()
    given, y = data_for(model)
    with pytest.raises(initlab.InputError) as caught:
        named(name)(**(claims.arguments() if claims.arguments else {})).apply(model, given, y)
    assert "\n" not in str(caught.value)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
