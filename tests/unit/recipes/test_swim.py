"""SWIM: the pair of examples of each unit, by hand; what is chosen, and what is refused."""

import math

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.recipes import Swim
from keras_initlab.recipes.swim import sampled

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6)).astype("float32")
Y = RNG.integers(0, 3, 50)


def net(activation="tanh", **arguments):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(9, activation, name="first", **arguments)])
    model.add(layers.Dense(7, activation, name="second"))
    model.add(layers.Dense(3, name="head"))
    return model


@pytest.mark.parametrize(
    ("activation", "weights", "bias", "ends"),
    [
        ("tanh", (0.13183347, 0.17577797), -0.54930614, (-0.5, 0.5)),
        ("relu", (0.12, 0.16), 0.0, (0.0, 1.0)),
    ],
)
def test_one_pair_by_hand(activation, weights, bias, ends):
    x, y = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0], [1.0]])
    kernel, found, near = sampled(x, y, 8, activation, np.random.default_rng(3))
    signs = np.sign(kernel[0])
    assert set(signs) == {-1, 1}, "a pair in both directions"
    np.testing.assert_allclose(kernel.T[signs > 0], np.tile(weights, (int((signs > 0).sum()), 1)), atol=1e-8)
    np.testing.assert_allclose(found[signs > 0], bias, atol=1e-8)
    phi = math.tanh if activation == "tanh" else lambda z: max(z, 0.0)
    values = np.vectorize(phi)(x @ kernel + found)
    np.testing.assert_allclose(values[:, signs > 0].T, np.tile(ends, (int((signs > 0).sum()), 1)), atol=1e-8)
    assert not near


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_every_unit_of_every_layer_has_its_pair(activation):
    model = net(activation)
    account = initlab.reinitialize(model, "initlab_swim", X, Y)
    x = X.astype("float64")
    low, high = (-math.log(3) / 2, math.log(3) / 2) if activation == "tanh" else (0.0, 1.0)
    for layer in model.layers[:2]:
        kernel, bias = (np.array(value, "float64") for value in layer.get_weights())
        sums = x @ kernel + bias
        assert np.abs(sums - low).min(axis=0).max() < 1e-4
        assert np.abs(sums - high).min(axis=0).max() < 1e-4
        x = np.tanh(sums) if activation == "tanh" else np.maximum(sums, 0)
    assert [row.scheme for row in account][-2:] == ["initlab_lecun_normal", "zeros"]
    assert account.probe == 50


def test_pairs_are_of_different_classes_and_near_twins_are_none():
    x = X.astype("float64")
    x = np.concatenate([x, x[:5] + 1e-9])
    y = np.concatenate([Y, (Y[:5] + 1) % 3])
    kernel, _, near = sampled(x, np.eye(3)[y], 400, "relu", np.random.default_rng(0))
    assert near
    assert np.abs(kernel).max() < 100
    longest = 1 / np.linalg.norm(kernel, axis=0)  # the pair's distance
    distances = np.linalg.norm(x[:, None] - x[None], axis=2)
    differ = y[:, None] != y[None]
    allowed = np.sort(distances[differ])
    assert np.abs(allowed[:, None] - longest[None]).min(axis=0).max() < 1e-9
    assert longest.mean() < distances[differ].mean(), "steep pairs are chosen more often"


def test_a_solved_head_fits_and_says_so():
    model = net("relu")
    account = initlab.reinitialize(model, Swim(solve_head=True), X, Y)
    assert account.notes == ("the head is solved for the targets: this model begins trained",)
    hidden = keras.Model(model.inputs[0], model.layers[1].output)
    inner = np.column_stack([np.array(keras.ops.convert_to_numpy(hidden(X)), "float64"), np.ones(50)])
    expected = inner @ np.linalg.lstsq(inner, np.eye(3)[Y], rcond=None)[0]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(X)), expected, atol=1e-4)


def shared():
    x, one = keras.Input((6,)), layers.Dense(6, "relu", name="one")
    return keras.Model(x, layers.Dense(3)(one(one(x))))


@pytest.mark.parametrize(
    ("build", "recipe", "x", "y", "match"),
    [
        (net, Swim(), X, None, "y is missing"),
        (lambda: net("elu"), Swim(), X, Y, "'first' has the activation 'elu'"),
        (lambda: net(use_bias=False), Swim(), X, Y, "first/kernel has no bias"),
        (net, Swim(), np.ones_like(X), Y, "the same for all"),
        (shared, Swim(), X, Y, "called 2 times"),
        (net, Swim(solve_head=True), X, RNG.normal(size=(50, 2)), "3 outputs, and y 2 numbers"),
        (
            lambda: keras.Sequential([keras.Input((6, 1)), layers.Conv1D(3, 2), layers.Dense(2)]),
            Swim(),
            X[..., None],
            Y,
            "is Conv1D",
        ),
        (
            lambda: keras.Sequential([keras.Input((6, 1)), layers.Dense(3, "relu"), layers.Dense(2)]),
            Swim(),
            X[..., None],
            Y,
            "put a Flatten",
        ),
    ],
)
def test_what_it_is_not_for(build, recipe, x, y, match):
    model = build()
    before = model.get_weights()
    with pytest.raises(initlab.InputError, match=match):
        initlab.reinitialize(model, recipe, x, y)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_targets_of_a_solved_head_may_be_whole_numbers():
    classes = np.eye(3, dtype="int64")[Y]
    found = []
    for y in (Y, classes, classes.astype("float32")):
        model = net()
        initlab.reinitialize(model, Swim(solve_head=True), X, y, seed=0)
        found.append(keras.ops.convert_to_numpy(model(X)))
    np.testing.assert_allclose(found[1], found[2], atol=1e-4)
    assert (found[0].argmax(1) == Y).mean() > 0.5  # of classes by chance
    model = keras.Sequential([keras.Input((6,)), layers.Dense(40, "relu"), layers.Dense(1)])
    counts = np.round(10 * X[:, 0]).astype("int64")
    initlab.reinitialize(model, Swim(solve_head=True), X, counts, seed=0)
    assert np.corrcoef(keras.ops.convert_to_numpy(model(X))[:, 0], counts)[0, 1] > 0.9


def test_targets_it_can_do_nothing_with_are_named():
    with pytest.raises(initlab.InputError, match="a y without NaN"):
        Swim().apply(net(), X, np.full((50, 3), np.nan))
    with pytest.raises(initlab.InputError, match="at least 2 examples"):
        Swim().apply(net(), X[:1], Y[:1])
