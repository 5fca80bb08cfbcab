"""Each channel brought to mean β and deviation 1, against sums computed by hand."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.recipes import WithinLayer
from keras_initlab.recipes.within_layer import whitened_channels
from tests.engines import BACKEND

ROWS = np.random.default_rng(0).normal(1.0, 3.0, size=(90, 12)).astype("float32")
PICTURES = np.random.default_rng(0).normal(size=(16, 8, 8, 3)).astype("float32")


def test_by_hand_in_float64():
    model = keras.Sequential([keras.Input((12,)), layers.Dense(9, "relu"), layers.Dense(4)])
    account = initlab.reinitialize(model, WithinLayer(beta=0.1), ROWS)
    first, bias, second, last = [np.array(value, "float64") for value in model.get_weights()]
    sums = ROWS.astype("float64") @ first + bias
    np.testing.assert_allclose(sums.mean(axis=0), 0.1, atol=1e-5)
    np.testing.assert_allclose(sums.std(axis=0), 1, atol=1e-5)
    after = np.maximum(sums, 0) @ second + last
    np.testing.assert_allclose(after.mean(axis=0), 0.1, atol=1e-5)
    np.testing.assert_allclose(after.std(axis=0), 1, atol=1e-5)
    initlab.reinitialize(model, "initlab_lecun_normal")
    ratio = first / np.asarray(model.get_weights()[0])
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:1], ratio.shape), rtol=1e-4)  # one a channel
    assert np.ptp(ratio[0]) > 0.01
    assert account.probe == 90


def test_convolutions_and_layers_without_a_bias():
    x = keras.Input((8, 8, 3))
    hidden = layers.Conv2D(6, 3, activation="tanh")(x)
    hidden = layers.Conv2D(5, 3, use_bias=False, name="bare")(hidden)
    model = keras.Model(x, layers.Dense(2)(layers.Flatten()(hidden)))
    account = initlab.reinitialize(model, "initlab_within_layer", PICTURES)
    notes = {row.path: row.note for row in account}
    assert notes["bare/kernel"] == "no bias: scaled only"
    bare = keras.Model(x, hidden)(PICTURES)
    std = np.asarray(keras.ops.convert_to_numpy(bare), "float64").std(axis=(0, 1, 2))
    np.testing.assert_allclose(std, 1, atol=1e-5)


def test_dead_channels_and_other_layers_are_named():
    model = keras.Sequential(
        [keras.Input((6, 12)), layers.LSTM(4, name="memory"), layers.Dense(3, name="head")]
    )
    account = initlab.reinitialize(model, "initlab_within_layer", np.zeros((8, 6, 12), "float32"))
    assert set(account.skipped.values()) == {"a loop calls the layer"}
    head = next(row for row in account if row.path == "head/kernel")
    assert head.note == "3 channels do not vary: drawn and not scaled"
    assert max(map(abs, whitened_channels(model, np.zeros((8, 6, 12), "float32")))) <= 1


def test_a_bias_that_may_not_be_set_is_refused():
    model = keras.Sequential([keras.Input((12,)), layers.Dense(3, name="head")])
    before = model.get_weights()
    with pytest.raises(initlab.InputError, match="head/bias may not be set"):
        initlab.reinitialize(model, "initlab_within_layer", ROWS, roles="kernel")
    np.testing.assert_array_equal(before[0], model.get_weights()[0])
    with pytest.raises(initlab.InputError, match="x is missing"):
        initlab.reinitialize(model, "initlab_within_layer")
    with pytest.raises(initlab.InputError, match="beta is nan"):
        WithinLayer(beta=float("nan"))


@pytest.mark.skipif(BACKEND == "numpy", reason="computes gradients")
def test_balanced_layers_learn_at_one_rate_and_compute_the_same():
    def whole():
        hidden = [layers.Conv2D(5, 3, activation="relu"), layers.Flatten(), layers.Dense(7, "relu")]
        return keras.Sequential([keras.Input((8, 8, 3)), *hidden, layers.Dense(2, name="head")])

    model, plain = whole(), whole()
    account = initlab.reinitialize(model, WithinLayer(balance=True), PICTURES, seed=2)
    initlab.reinitialize(plain, WithinLayer(), PICTURES, seed=2)
    one, other = (keras.ops.convert_to_numpy(net(PICTURES)) for net in (model, plain))
    np.testing.assert_allclose(one, other, atol=2e-5)
    rates = [float(rate) for rate in account.notes[0].partition(": ")[2].split(", ")]
    assert rates == pytest.approx([rates[0]] * 3, rel=0.01)
    kernels = [(net.get_weights()[0], net.get_weights()[4]) for net in (model, plain)]
    moved = [float((after / before).flat[0]) for after, before in zip(*kernels, strict=True)]
    assert max(abs(factor - 1) for factor in moved) > 0.1
    with_tanh = keras.Sequential([keras.Input((12,)), layers.Dense(3, "tanh"), layers.Dense(2)])
    with pytest.raises(initlab.InputError, match=r"'tanh' follows.*balance"):
        WithinLayer(balance=True).apply(with_tanh, ROWS)
    x = keras.Input((12,))
    joined = keras.Model(x, layers.Add()([layers.Dense(3)(x), layers.Dense(3)(x)]))
    with pytest.raises(initlab.InputError, match=r"'add.*in the way"):
        WithinLayer(balance=True).apply(joined, ROWS)


@pytest.mark.skipif(BACKEND == "numpy", reason="has no gradients")
def test_balance_names_a_layer_that_it_may_not_change():
    model = keras.Sequential(
        [keras.Input((12,)), layers.Dense(9, "relu"), layers.Dense(7, "relu", name="kept")]
    )
    model.add(layers.Dense(2))
    model.get_layer("kept").trainable = False
    with pytest.raises(initlab.InputError, match="kept/kernel may not be set"):
        initlab.reinitialize(model, WithinLayer(balance=True), ROWS)
