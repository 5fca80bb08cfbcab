"""What every recipe must keep, for this package's recipes and for anybody's.

>>> from keras_initlab.testing import check_recipe
>>> check_recipe("initlab_lsuv")
"""

import dataclasses
from typing import Any
from unittest import mock

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import node_counts, parts
from keras_initlab.core.rng import isolated
from keras_initlab.network.slots import all_slots
from keras_initlab.network.snapshot import assign
from keras_initlab.recipes.account import Account
from keras_initlab.recipes.recipe import Recipe, find
from keras_initlab.recipes.registry import named
from keras_initlab.recipes.work import Work

ROWS = 64
EXACT = 1e-4
"""How far a residual that is zero in exact arithmetic may be from it."""


def check_recipe(recipe: Any, model: keras.Model | None = None, x: Any = None, y: Any = None) -> None:
    """Hold a recipe to what it claims and to what every recipe promises.

    It repeats itself under one seed, whatever the process has drawn before; a seed matters exactly if it
    claims to be random; it writes roles that it names and no other, nothing frozen, and says in its account
    all that it wrote; it asks for data that it needs; an exception on its way leaves every weight and the
    model's graph as they were; its exact property holds; and its config makes it again.

    Args:
        recipe: A registered name, a class, or an instance.
        model: A model that has what the recipe looks for; by default that of its claims.
        x: Inputs; by default Gaussian ones, of the model's input shape.
        y: Targets; by default classes for a model with one output of rank 2.

    Raises:
        AssertionError: Says what does not hold.
        InputError: If `recipe` is no recipe, or there is no model.
    """
    kind = recipe if isinstance(recipe, type) and issubclass(recipe, Recipe) else named(recipe)
    found = _usual(kind) if kind else find(recipe)
    if found is None:
        raise InputError(f"recipe is {recipe!r}: give a registered name, a class or an instance.")
    if model is None:
        if found.claims.example is None:
            raise InputError(f"The claims of {found.name} name no example: give a model.")
        model = found.claims.example()
    x, y = data_for(model, x, y)
    assert type(found)(**found.get_config()) == found, "its config makes another"
    _check_account(found, model, x, y)
    _check_seeds(found, model, x, y)
    _check_data(found, model)
    _check_atomic(found, model, x, y)
    _check_exact(found, model, x, y)


def _usual(kind: type[Recipe]) -> Recipe:
    """The recipe with its default arguments, and those of its claims where it cannot do without."""
    return kind(**(kind.claims.arguments() if kind.claims.arguments else {}))


def data_for(model: keras.Model, x: Any = None, y: Any = None) -> tuple[Any, Any]:
    """Gaussian inputs, or small whole numbers, and chance classes that fit a model, where none are given."""
    rng = np.random.default_rng(0)
    if x is None:
        given = [
            rng.integers(0, 2, (ROWS, *one.shape[1:])).astype("int32")
            if "int" in one.dtype
            else rng.normal(size=(ROWS, *one.shape[1:])).astype("float32")
            for one in model.inputs
        ]
        x = given[0] if len(given) == 1 else given
    if y is None:
        rows = len(keras.tree.flatten(x)[0])
        y = rng.integers(0, model.output_shape[-1] if isinstance(model.output_shape, tuple) else 2, rows)
    return x, y


def _values(model: keras.Model) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in model.variables]


def _graph(model: keras.Model) -> list[int]:
    """How often each layer stands in graphs."""
    return [count for layer in parts(model) for count in node_counts(layer)]


def _changed(before: list[np.ndarray], after: list[np.ndarray]) -> set[int]:
    return {
        at
        for at, (one, other) in enumerate(zip(before, after, strict=True))
        if not np.array_equal(one, other)
    }


def _check_account(recipe: Recipe, model: keras.Model, x: Any, y: Any) -> None:
    before, graph = _values(model), _graph(model)
    account = recipe.apply(model, x, y)
    slots = {slot.index: slot for slot in all_slots(model)}
    told = {row.path for row in account}
    for index in _changed(before, _values(model)):
        slot = slots[index]
        assert slot.path in told, f"{slot.path} has changed, and the account does not say so"
        under_adapter = "base_kernel" in recipe.claims.changes and getattr(slot.layer, "lora_enabled", False)
        assert slot.variable.trainable or under_adapter, f"{slot.path} is frozen, and has changed"
    by_path = {slot.path: slot for slot in slots.values()}
    for row in account:
        role = row.role if by_path[row.path].variable.trainable else "base_kernel"
        assert role in recipe.claims.changes or "*" in recipe.claims.changes, (
            f"{row.path} was written: its role {row.role!r} is not claimed"
        )
    assert _graph(model) == graph, "layers stand in more graphs than before"
    assert isinstance(account, Account)
    assert str(account)


def _check_seeds(recipe: Recipe, model: keras.Model, x: Any, y: Any) -> None:
    start = _values(model)

    def after(seed: int, chance: int) -> list[np.ndarray]:
        assign(model.variables, start)
        with isolated() as generators:
            generators.seed(chance)
            recipe.apply(model, x, y, seed=seed)
        return _values(model)

    first = after(3, chance=1)
    assert not _changed(first, after(3, chance=2)), "one seed gave different weights"
    moved = bool(_changed(first, after(4, chance=2)))
    assert moved == recipe.claims.random, (
        f"another seed gave {'other' if moved else 'the same'} weights; random is {recipe.claims.random}"
    )


def _check_data(recipe: Recipe, model: keras.Model) -> None:
    if not recipe.claims.needs:
        return
    try:
        recipe.apply(model)
    except InputError:
        return
    raise AssertionError(f"it needs {recipe.claims.needs}, and works without")


class _StoppedError(Exception):
    pass


def _check_atomic(recipe: Recipe, model: keras.Model, x: Any, y: Any) -> None:
    before, graph = _values(model), _graph(model)
    puts = len(recipe.apply(model, x, y, seed=1))
    assign(model.variables, before)
    for stop in {1, (puts + 1) // 2, puts}:
        count = 0
        put = Work.put

        def stopping(work: Work, *given: Any, stop: int = stop, put: Any = put, **named: Any) -> None:
            nonlocal count
            count += 1
            put(work, *given, **named)
            if count == stop:
                raise _StoppedError

        with mock.patch.object(Work, "put", stopping):
            caught: Exception | None = None
            try:
                recipe.apply(model, x, y, seed=1)
            except InputError as error:
                caught = error
        assert caught is not None, f"it went on after an exception at weight {stop}"
        assert isinstance(caught.__cause__, _StoppedError), f"another error: {caught}"
        assert not _changed(before, _values(model)), f"an exception at weight {stop} left weights changed"
        assert _graph(model) == graph, "an exception left layers in more graphs than before"
        assert not any("call" in vars(layer) for layer in parts(model)), "a tap was left"


def _check_exact(recipe: Recipe, model: keras.Model, x: Any, y: Any) -> None:
    usual = all(
        getattr(recipe, one.name) == one.default or one.default is dataclasses.MISSING
        for one in dataclasses.fields(recipe)
    )
    if recipe.claims.exact is None or not usual:
        return
    recipe.apply(model, x, y, seed=2)
    residuals = np.abs(np.asarray(recipe.claims.exact(model, x), "float64")).ravel()
    assert residuals.size, "its exact property says nothing of this model"
    worst = float(residuals.max())
    assert worst <= EXACT, f"{recipe.claims.exact_text} It is off by {worst:.3g}, allowed {EXACT:g}."
