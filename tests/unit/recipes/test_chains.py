"""Isometry, looks-linear and ZerO: what they promise of a whole net, and what they refuse."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.recipes import Isometry, LooksLinear, Zero, examples
from keras_initlab.recipes.chains import adds_up

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(40, 16)).astype("float32")


def chain(activation, *widths, last=16):
    hidden = [layers.Dense(width, activation) for width in widths]
    return keras.Sequential([keras.Input((16,)), *hidden, layers.Dense(last)])


def numpy(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor), "float64")


def test_the_jacobian_of_a_deep_linear_net_has_singular_values_one():
    model = chain(None, *[16] * 20)
    initlab.reinitialize(model, "initlab_isometry")
    jacobian = numpy(model(np.eye(16, dtype="float32")))
    np.testing.assert_allclose(np.linalg.svd(jacobian)[1], 1, atol=1e-5)
    initlab.reinitialize(model, Isometry(gain=1.1))
    jacobian = numpy(model(np.eye(16, dtype="float32")))
    np.testing.assert_allclose(np.linalg.svd(jacobian)[1], 1.1**21, rtol=1e-4)


def test_convolutions_keep_lengths_inside_and_strided_ones_are_left():
    inner = [layers.Conv2D(4, 3, padding="same", name=f"conv_{number}") for number in range(5)]
    model = keras.Sequential([keras.Input((6, 6, 4)), *inner, layers.Conv2D(8, 3, strides=2, name="skips")])
    account = initlab.reinitialize(model, "initlab_isometry")
    assert account.skipped == {"skips/kernel": "a convolution that skips places cannot keep lengths"}
    x = RNG.normal(size=(3, 6, 6, 4)).astype("float32")
    shown = numpy(keras.Model(model.inputs[0], model.get_layer("conv_4").output)(x))
    np.testing.assert_allclose(np.linalg.norm(shown), np.linalg.norm(x), rtol=1e-5)


@pytest.mark.parametrize("activation", ["relu", "gelu", "silu", "softplus"])
def test_a_net_of_fifty_layers_is_linear(activation):
    model = chain(activation, *[32] * 50)
    initlab.reinitialize(model, "initlab_looks_linear")
    assert max(map(abs, adds_up(model, ROWS))) < 1e-4
    if activation == "relu":
        np.testing.assert_allclose(numpy(model(3 * ROWS)), 3 * numpy(model(ROWS)), atol=1e-4)


def test_convolutions_look_linear_too():
    hidden = [layers.Conv2D(8, 3, padding="same", activation="relu") for _ in range(4)]
    model = keras.Sequential([keras.Input((5, 5, 4)), *hidden, layers.Conv2D(4, 1)])
    initlab.reinitialize(model, "initlab_looks_linear")
    one, other = RNG.normal(size=(2, 3, 5, 5, 4)).astype("float32")
    np.testing.assert_allclose(numpy(model(one + other)), numpy(model(one)) + numpy(model(other)), atol=1e-5)


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (lambda: chain("elu", 32), "activation 'elu' follows"),
        (lambda: chain("tanh", 32), "activation 'tanh' follows"),
        (lambda: chain(None, 32), "No activation follows"),
        (lambda: chain("relu", 31), r"shape \(16, 31\).*widths are even"),
        (lambda: chain("relu"), "it is no chain"),
        (examples.residual_net, "in the way|no chain"),
        (examples.normed_residual_net, "in the way"),
    ],
)
def test_what_does_not_look_linear_is_refused(model, match):
    net = model()
    before = net.get_weights()
    with pytest.raises(initlab.InputError, match=match):
        initlab.reinitialize(net, LooksLinear())
    for one, other in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_zero_has_zeros_ones_and_hadamard_entries():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(8, 3, name="conv"),
            layers.Flatten(),
            layers.Dense(5, name="head"),
        ]
    )
    initlab.reinitialize(model, "initlab_zero")
    conv, head = (numpy(model.get_layer(name).kernel) for name in ("conv", "head"))
    assert set(np.round(np.unique(conv), 6)) == {-0.353553, 0.0, 0.353553}
    assert np.count_nonzero(conv) == np.count_nonzero(conv[1, 1]) == 24
    np.testing.assert_array_equal(head, np.eye(288, 5))
    again = model.get_weights()
    initlab.reinitialize(model, Zero(), seed=9)
    for one, other in zip(again, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_gain_is_checked():
    with pytest.raises(initlab.InputError, match="gain is 0"):
        Isometry(gain=0)


def test_a_model_that_grew_layer_by_layer_is_a_chain():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(6), layers.Dense(9)])
    model.pop()
    for _ in range(2):
        model.add(layers.Dense(6))
    assert len(initlab.reinitialize(model, "initlab_isometry")) >= 3
