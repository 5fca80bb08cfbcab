"""Moments followed through a graph, against what Gaussian inputs show."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.core.keras_private import projections
from keras_initlab.network.moments import (
    UNIT,
    MeanVariance,
    activated,
    follow_moments,
    inside,
    largest_of,
    variance_for,
)
from keras_initlab.network.unrolled import unrolled
from keras_initlab.recipes import Moments

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(400, 200)).astype("float32")


def joined():
    x = keras.Input((200,))
    left = layers.Dense(300, "relu", name="left")(x)
    right = layers.Dense(300, name="right")(x)
    added = layers.Add()([left, right])
    mean = layers.Average()([layers.Dense(300, "tanh", name="third")(added), left])
    both = layers.Concatenate()([mean, right * 2.0])
    return keras.Model(x, [layers.Dense(250, name="last")(both), added, both, layers.ReLU()(added)])


def test_foreseen_and_measured_agree():
    model = joined()
    account = initlab.reinitialize(model, "initlab_moments", seed=2)
    found = [np.asarray(keras.ops.convert_to_numpy(one), "float64") for one in model(ROWS)]
    # Relu of unit sums: mean 1/√(2π), second moment 1/2; the sums of "right" have mean 0 and variance 1.
    added = MeanVariance(1 / np.sqrt(2 * np.pi), 0.5 - 1 / (2 * np.pi) + 1)
    third = activated("tanh", UNIT)
    left = activated("relu", UNIT)
    mean = MeanVariance((third.mean + left.mean) / 2, (third.variance + left.variance) / 4)
    both = (mean.second + 4) / 2
    assert found[1].mean() == pytest.approx(added.mean, abs=0.02)
    assert (found[1] ** 2).mean() == pytest.approx(added.second, rel=0.03)
    assert (found[2] ** 2).mean() == pytest.approx(both, rel=0.04)
    assert (found[3] ** 2).mean() == pytest.approx(activated("relu", added).second, rel=0.04)
    assert found[0].std() == pytest.approx(1, rel=0.05)
    notes = {row.path: row.note for row in account if row.note}
    assert notes["last/kernel"] == f"E x² = {both:.4g}"
    assert notes["left/kernel"] == "E x² = 1"


def test_kernels_have_their_mean_square_whatever_draws_them():
    for base in ("initlab_lecun_normal", "initlab_orthogonal", "random_uniform"):
        model = keras.Sequential([keras.Input((30,)), layers.Dense(40, "relu"), layers.Dense(20)])
        initlab.reinitialize(model, Moments(base))
        first, _, second, _ = model.get_weights()
        assert (first**2).mean() * 30 == pytest.approx(1, rel=1e-5)
        assert (second**2).mean() * 40 * 0.5 == pytest.approx(1, rel=1e-5)


def test_activations_by_hand():
    assert activated("relu", UNIT) == pytest.approx((1 / np.sqrt(2 * np.pi), 0.5 - 1 / (2 * np.pi)), abs=1e-6)
    moved = activated("relu", MeanVariance(1.0, 4.0))
    z = np.linspace(-12, 12, 400001)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    values = np.maximum(1 + 2 * z, 0)
    mean = (values * density).sum()
    assert moved == pytest.approx((mean, (values**2 * density).sum() - mean**2), abs=1e-4)
    assert variance_for("relu") == pytest.approx(2, rel=1e-6)
    bounded = variance_for("tanh")
    assert activated("tanh", MeanVariance(0.0, bounded)).second == pytest.approx(0.5, abs=0.03)
    assert largest_of(1) == pytest.approx((0, 1), abs=1e-6)
    assert largest_of(2) == pytest.approx((1 / np.sqrt(np.pi), 1 - 1 / np.pi), abs=1e-6)


def test_the_second_moment_behind_activations():
    model = keras.Sequential(
        [keras.Input((200,)), layers.Dense(500), layers.ReLU(), layers.Dense(300, "gelu")]
    )
    initlab.reinitialize(model, Moments(target="activation"))
    hidden = keras.ops.convert_to_numpy(keras.Model(model.inputs[0], model.layers[1].output)(ROWS))
    assert (hidden**2).mean() == pytest.approx(1, rel=0.05)
    assert (keras.ops.convert_to_numpy(model(ROWS)) ** 2).mean() == pytest.approx(1, rel=0.1)


def test_padding_dilutes():
    assert inside(5, 1, 1) == 1
    assert inside(4, 3, 1) == pytest.approx(10 / 12)
    assert inside(5, 3, 2) == pytest.approx(7 / 9)
    assert inside(4, 3, 2) == pytest.approx(5 / 6)  # Keras pads at the end first
    model = keras.Sequential([keras.Input((6, 6, 40)), layers.Conv2D(60, 3, padding="same", name="mix")])
    account = initlab.reinitialize(model, "initlab_moments")
    assert account[0].note == f"E x² = {(16 / 18) ** 2:.4g}"
    x = RNG.normal(size=(40, 6, 6, 40)).astype("float32")
    assert keras.ops.convert_to_numpy(model(x)).std() == pytest.approx(1, rel=0.03)


def test_pools_norms_and_attention():
    x = keras.Input((8, 8, 30))
    pooled = layers.MaxPooling2D(2)(layers.Conv2D(50, 1, name="first")(x))
    normed = layers.BatchNormalization()(pooled)
    mean = layers.GlobalAveragePooling2D()(layers.ReLU()(normed))
    model = keras.Model(x, layers.Dense(3, name="head")(mean))
    _, unclear = follow_moments(unrolled(model), lambda node, given, share: None)
    assert list(unclear.values()) == ["Conv2D", "Dense"]
    account = initlab.reinitialize(model, "initlab_moments")
    relu = activated("relu", UNIT)
    notes = {row.path: row.note for row in account}
    assert notes["head/kernel"] == f"E x² = {relu.mean**2 + relu.variance / 16:.4g}"
    y = keras.Input((5, 8))
    attending = keras.Model(y, layers.MultiHeadAttention(2, 4)(y, y))
    assert len([row for row in initlab.reinitialize(attending, "initlab_moments") if row.factor]) == 4


def test_each_input_of_attention_has_its_own_moments():
    queries, pictures, more = keras.Input((5, 60)), keras.Input((4, 50)), keras.Input((4, 40))
    attend = layers.MultiHeadAttention(2, 30, name="attend")
    made = attend(query=2 * queries, value=more + 3, key=pictures / 4)
    model = keras.Model([queries, pictures, more], made)
    account = initlab.reinitialize(model, "initlab_moments")
    notes = {row.path.split("/")[-2]: row.note for row in account if row.role == "kernel"}
    assert notes["query"] == "E x² = 4"
    assert notes["key"] == "E x² = 0.0625"
    assert notes["value"] == "E x² = 10"
    x = [RNG.normal(size=(300, *one.shape[1:])).astype("float32") for one in model.inputs]
    sums = [
        keras.ops.convert_to_numpy(keras.ops.einsum("abc,cde->abde", given, layer.kernel))
        for given, layer in zip((2 * x[0], x[1] / 4), projections(attend)[:2], strict=True)
    ]
    assert [one.std() for one in sums] == pytest.approx([1, 1], rel=0.05)


def test_a_number_over_a_tensor_has_no_moments():
    x = keras.Input((8,))
    _, unclear = follow_moments(unrolled(keras.Model(x, 3 / x)), lambda *_: None)
    assert list(unclear.values()) == ["TrueDivide"]


def test_what_is_not_understood_is_said():
    class Odd(layers.Layer):
        def call(self, x):
            return keras.ops.cumsum(x, axis=-1)

    model = keras.Sequential([keras.Input((5, 8)), Odd(), layers.LSTM(3), layers.Dense(2)])
    account = initlab.reinitialize(model, "initlab_moments")
    assert any("Cumsum" in line for line in account.structure)
    assert [row.note for row in account if "recurrent" in row.path] == [
        "drawn and not scaled: the graph does not say what comes in"
    ] * len([row for row in account if "recurrent" in row.path])
    with pytest.raises(initlab.InputError, match="base draws zeros"):
        initlab.reinitialize(model, Moments("zeros"))
    with pytest.raises(initlab.InputError, match="target"):
        Moments(target="nothing")


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda x: layers.Add()([x, x]), (50,)),
        (lambda x: 3.0 - (2 * x + 1), (50,)),
        (lambda x: x / np.sqrt(8) - 1, (50,)),
        (lambda x: layers.Subtract()([x, x]), (50,)),
        (lambda x: layers.UnitNormalization()(x), (64,)),
        (lambda x: layers.ZeroPadding2D(((1, 2), (0, 3)))(x), (4, 5, 30)),
        (lambda x: layers.ZeroPadding2D(2, data_format="channels_first")(x), (30, 4, 5)),
        (lambda x: layers.GlobalAveragePooling2D(data_format="channels_first")(x), (30, 3, 4)),
    ],
)
def test_operations_without_kernels_against_gaussian_inputs(make, shape):
    given = keras.Input(shape)
    model = keras.Model(given, make(given))
    known, unclear = follow_moments(unrolled(model), lambda *_: None)
    found = np.asarray(keras.ops.convert_to_numpy(model(RNG.normal(size=(300, *shape)).astype("float32"))))
    assert not unclear
    assert found.mean() == pytest.approx(list(known.values())[-1].mean, abs=0.05)
    assert (found**2).mean() == pytest.approx(list(known.values())[-1].second, rel=0.06, abs=1e-6)
