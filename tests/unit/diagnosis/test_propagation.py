"""Signals and gradients of dense, convolutional, residual nets are those of mean-field theory."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_initlab as initlab

LAWS = keras.initializers
EXAMPLES, DRAWS = 32, 24
ACTIVATIONS = {"tanh": 1.5, "relu": 2.0, "gelu": 2.0, "selu": 1.0, "erf": 1.5}  # with a fan_in variance
NUMBERS = ("q", "cosine", "chi", "G")


class Circular(layers.Conv2D):
    """Takes an image for a torus, so that every place has all its neighbours (Xiao 2018)."""

    def call(self, x):
        x = ops.concatenate([x[:, -1:], x, x[:, :1]], axis=1)
        return super().call(ops.concatenate([x[:, :, -1:], x, x[:, :, :1]], axis=2))

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.filters)


def bias():
    return LAWS.RandomNormal(stddev=0.1)


def dense(phi, units=200, depth=5):
    inputs = h = keras.Input((units,))
    for _ in range(depth):
        h = layers.Dense(units, phi, bias_initializer=bias())(h)
    return keras.Model(inputs, layers.Dense(8)(h))


def circular(phi, channels=64, depth=4):
    inputs = h = keras.Input((4, 4, channels))
    for _ in range(depth):
        h = Circular(channels, 3, activation=phi, bias_initializer=bias())(h)
    return keras.Model(inputs, layers.Dense(8)(layers.Flatten()(h)))


def shrinking(phi, channels=64):
    """No padding, and strides: places are taken unequally often, and their sum as often as expected."""
    inputs = h = keras.Input((11, 11, channels))
    for strides in (1, 2, 1):
        h = layers.Conv2D(channels, 3, strides, activation=phi, bias_initializer=bias())(h)
    return keras.Model(inputs, layers.Dense(8)(layers.Flatten()(h)))


def residual(phi, units=200, depth=3):
    inputs = keras.Input((units,))
    h = layers.Dense(units)(inputs)
    for _ in range(depth):
        h = layers.Add()([h, layers.Dense(units)(layers.Dense(units, phi)(h))])
    return keras.Model(inputs, layers.Dense(8)(h))


def before(phi, units=200, depth=3):
    """The activation first in each block, as an operation; the sum too."""
    inputs = keras.Input((units,))
    h = layers.Dense(units)(inputs)
    for _ in range(depth):
        h = h + layers.Dense(units)(layers.Activation(phi)(h))
    return keras.Model(inputs, layers.Dense(8)(h))


NETS = {  # how many tensors theory must speak of, and how many factors on gradients; units, layers
    "dense": (dense, 5, 4, 200, 5),
    "circular": (circular, 4, 3, 64, 4),
    "shrinking": (shrinking, 3, 2, 64, 3),
    "residual": (residual, 10, 3, 200, 7),
    "before": (before, 7, 3, 200, 4),
}
CASES = [
    *((net, name) for net in ("dense", "circular", "residual") for name in ACTIVATIONS),
    ("shrinking", "relu"),
    ("shrinking", "tanh"),
    ("before", "gelu"),
]


def compared(make, name):
    """Measured against expected, for each draw and tensor."""
    model = make(ops.erf if name == "erf" else name)
    rng = np.random.default_rng(0)
    shape = model.input_shape[1:]
    x = (rng.normal(size=(1, *shape)) + rng.normal(size=(EXAMPLES, *shape))) / np.sqrt(2)  # cosine 1/2
    law = {"law": LAWS.VarianceScaling(ACTIVATIONS[name])}
    found = initlab.diagnose(
        model, x.astype("float32"), initializers=law, replicates=DRAWS, examples=EXAMPLES
    )
    gaps = {number: [] for number in NUMBERS}
    for one in found.draws["law"]:
        table = one.layers[~one.layers["head"]]
        for number, held in gaps.items():
            pair = table[[number, f"{number}_theory"]].dropna().to_numpy().T
            held.append(pair[0] - pair[1] if number == "cosine" else np.log(pair[0] / pair[1]))
    return {number: np.array(held) for number, held in gaps.items()}


@pytest.mark.parametrize(("net", "name"), CASES)
def test_what_is_measured_lies_within_two_standard_deviations_of_theory(net, name):
    """Of one draw, and within four of the mean of all; there is no allowance for the width of 64 to 200.

    A standard deviation that hides nothing is at most that of a ReLU net, whose logarithm of q has the
    variance 5 layers / width (Hanin 2018).
    """
    make, sums, factors, width, depth = NETS[net]
    for number, held in compared(make, name).items():
        spread = held.std(axis=0, ddof=1)
        assert held.shape[1] >= (sums if number in ("q", "cosine") else factors), number
        off = np.abs(held.mean(axis=0))
        assert (off <= 2 * spread).all(), (number, off, spread)
        assert (off <= 4 * spread / np.sqrt(DRAWS)).all(), (number, off, spread)
        assert (spread <= np.sqrt(5 * depth / width)).all(), (number, spread)


def padded(phi, channels=40, depth=4):
    inputs = h = keras.Input((8, 8, channels))
    for _ in range(depth):
        h = layers.Conv2D(channels, 3, padding="same", activation=phi)(h)
    return keras.Model(inputs, layers.Dense(8)(layers.Flatten()(h)))


@pytest.mark.parametrize("name", ["tanh", "relu"])
def test_padding_shifts_what_is_expected_by_a_tenth_a_layer_at_most(name):
    """Places at the border take fewer numbers; what they put out is smaller, and is taken less often."""
    for number, held in compared(padded, name).items():
        assert held.shape[1] >= 4
        off = np.abs(held.mean(axis=0))
        assert (off <= 0.1 * (4 if number == "G" else 1 + np.arange(len(off)))).all(), (number, off)


def test_where_a_sum_is_of_dependent_parts_theory_starts_anew():
    inputs = keras.Input((20,))
    h = layers.Dense(20)(inputs)
    f = layers.Dense(20, "relu")(h)
    doubled = layers.Add(name="dependent")([h, h])
    positive = layers.Add(name="positive")([f, layers.Dense(20, "relu")(h)])
    model = keras.Model(inputs, layers.Dense(2)(layers.Concatenate()([doubled, positive])))
    table = initlab.diagnose(model, np.random.default_rng(0).normal(size=(32, 20)).astype("float32")).layers
    assert table.loc[["dependent", "positive"], "q_theory"].isna().all()


def test_a_tensor_that_two_layers_take_has_no_factor_to_the_next():
    inputs = keras.Input((20,))
    h = layers.Dense(20, "tanh", name="both")(inputs)
    parts = [layers.Dense(20, name="a")(h), layers.Dense(20, name="b")(h)]
    model = keras.Model(inputs, layers.Dense(2)(layers.Concatenate()(parts)))
    table = initlab.diagnose(model, np.random.default_rng(0).normal(size=(32, 20)).astype("float32")).layers
    assert np.isnan(table.loc["both:pre", "chi"])
