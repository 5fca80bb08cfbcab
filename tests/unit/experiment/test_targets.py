"""What a constant answer would score stands in the configuration, and tells who is stuck."""

import keras
import numpy as np
import pytest

import keras_initlab as initlab

DIGITS = initlab.datasets.load("digits")
X = np.random.default_rng(0).normal(size=(256, 6)).astype("float32")
Y = (X @ np.arange(6) + 3).astype("float32")


def regression(rate=0.01):
    layers = [keras.Input((6,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(rate), "mse", metrics=["mae"])
    return model


def test_chance_is_that_of_each_split_and_of_the_examples_of_an_epoch_training():
    model = initlab.presets.build("mlp", (8, 8), 10)
    found = initlab.compare(
        model,
        ["he_normal"],
        DIGITS.x,
        DIGITS.y,
        validation_split=0.2,
        replicates=1,
        steps_per_epoch=2,
        verbose=0,
    ).config["chance"]
    cut = len(DIGITS.x) - int(len(DIGITS.x) * 0.2)
    for prefix, y, seen in (("", DIGITS.y[:cut], 64), ("val_", DIGITS.y[cut:], len(DIGITS.y) - cut)):
        shares = np.bincount(y) / len(y)
        commonest = shares.max()
        assert found[f"{prefix}loss"] == pytest.approx(-(shares * np.log(shares)).sum())
        expected = commonest + 3 * (commonest * (1 - commonest) / seen) ** 0.5
        assert found[f"{prefix}accuracy"] == pytest.approx(expected, rel=0.02)


def test_of_weighted_examples_and_custom_losses_no_chance_is_claimed_training():
    def run(model, **arguments):
        result = initlab.compare(model, ["zeros"], X, Y, replicates=1, verbose=False, **arguments)
        return result.config.get("chance", {})

    assert run(regression()) == {"loss": pytest.approx(Y.var())}
    assert run(regression(), sample_weight=np.ones(256)) == {}
    custom = regression()
    custom.compile("sgd", lambda y, p: keras.ops.mean(keras.ops.abs(y - p) ** 1.5))
    assert run(custom) == {}


@pytest.mark.parametrize(
    ("loss", "more"),
    [
        (keras.losses.MeanSquaredError(reduction="sum"), {}),
        ("mse", {"loss_weights": [0.5]}),
    ],
    ids=["summed", "weighted"],
)
def test_of_a_loss_that_is_no_mean_over_examples_no_chance_is_claimed_training(loss, more):
    model = regression(1e-4)
    model.compile("sgd", loss, **more)
    result = initlab.compare(model, ["zeros"], X, Y, validation_split=0.5, replicates=1, verbose=False)
    assert result.config.get("chance", {}) == {}


def test_zeros_get_stuck_on_digits_and_no_healthy_run_does_training():
    model = initlab.presets.build("mlp", (8, 8), 10)
    schemes = ["zeros", "he_normal", "glorot_uniform", "orthogonal"]
    result = initlab.compare(
        model,
        schemes,
        DIGITS.x,
        DIGITS.y,
        validation_split=0.2,
        replicates=2,
        epochs=2,
        verbose=False,
    )
    assert result.summary()["stuck"].to_dict() == {
        "zeros": 2,
        "he_normal": 0,
        "glorot_uniform": 0,
        "orthogonal": 0,
    }
    assert {record.status for record in result.records} == {"completed"}
