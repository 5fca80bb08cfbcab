"""Chains of layers that cannot start are found; what lint proposes is right by its own measure."""

import math

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.diagnosis.depth import chains, passage
from keras_initlab.diagnosis.laws import Weight
from keras_initlab.network.slots import own_initializer, slots
from keras_initlab.testing.schemes import numpy

LAWS = keras.initializers


@pytest.fixture(autouse=True)
def _one_draw():
    """Tolerances are for one draw of the laws."""
    keras.utils.set_random_seed(1)


def net(activation, make, depth=12, units=64, head=10):
    """A new initializer for each layer, or the one that is given."""
    law = make if callable(make) and not isinstance(make, LAWS.Initializer) else lambda: make
    hidden = [layers.Dense(units, activation, kernel_initializer=law()) for _ in range(depth)]
    return keras.Sequential([keras.Input((units,)), *hidden, layers.Dense(head, kernel_initializer=law())])


DEAD = {
    "sigmoid and Glorot": ("sigmoid", "glorot_uniform"),
    "tanh and small": ("tanh", lambda: LAWS.RandomNormal(stddev=0.01)),
    "relu and positive": ("relu", lambda: LAWS.RandomUniform(0, 1)),
    "relu and 0.05": ("relu", "random_normal"),
}
ALIVE = {
    "relu and He": ("relu", "he_normal"),
    "tanh and Glorot": ("tanh", "glorot_uniform"),
    "selu and LeCun": ("selu", "lecun_normal"),
}


def test_nets_that_cannot_start_are_found():
    for case, (activation, make) in DEAD.items():
        (found,) = initlab.lint(net(activation, make))
        assert (found.kind, len(found.weights)) == ("depth", 13), case


def test_nets_that_start_are_not():
    for case, (activation, make) in ALIVE.items():
        assert not initlab.lint(net(activation, make)), case


def test_few_layers_of_sigmoids_start_and_so_does_a_head_of_zeros():
    assert not initlab.lint(net("sigmoid", "glorot_uniform", depth=2))
    model = net("tanh", "glorot_uniform", head=1)
    model.layers[-1].kernel.assign(np.zeros((64, 1)))
    assert not initlab.lint(model)


def test_normalization_and_sums_end_a_chain():
    inputs = h = keras.Input((64,))
    for _ in range(12):
        h = layers.Add()([h, layers.Dense(64, "sigmoid")(h)])
    assert not initlab.lint(keras.Model(inputs, h))
    parts = [
        part for _ in range(12) for part in (layers.Dense(64), layers.BatchNormalization(), layers.ReLU())
    ]
    assert not initlab.lint(keras.Sequential([keras.Input((64,)), *parts]))


PHI = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "sigmoid": lambda x: 1 / (1 + np.exp(-x))}


@pytest.mark.parametrize(
    "case", ["relu and positive", "relu and 0.05", "tanh and Glorot", "sigmoid and Glorot"]
)
def test_the_factors_are_those_of_signals_and_gradients(case):
    """Decades between measured and expected, averaged over 8 draws.

    One draw of three ReLU layers of 300 has a standard deviation of √(5 · 3/300) / ln 10 = 0.1 (Hanin).
    """
    found = np.array([_decades(*(DEAD | ALIVE)[case], seed) for seed in range(8)])
    rough = case == "relu and positive"  # where units are alike, by their order of magnitude
    assert abs(found[:, 0].mean()) < (1 if rough else 0.11)  # three standard errors
    if not rough:
        assert abs(found[:, 1].mean()) < 0.11


def _decades(activation, make, seed):
    """Squares of the last sums, and what chance directions pass back from them (by difference)."""
    keras.utils.set_random_seed(seed)
    model = net(activation, make, depth=3, units=300, head=300)
    (chain,) = chains([Weight(slot, own_initializer(slot)) for slot in slots(model)])
    found = passage(chain)
    rng = np.random.default_rng(seed)
    kernels = [numpy(weight.value).astype("float64") for weight in found.weights]

    def last(first):
        sums = first
        for kernel in kernels[1:]:
            sums = PHI[activation](sums) @ kernel
        return sums

    first = rng.normal(size=(200, 300)) @ kernels[0]
    step, error = 1e-6, rng.normal(size=(200, 300))
    towards = rng.normal(size=first.shape)
    slopes = ((last(first + step * towards) - last(first - step * towards)) / (2 * step) * error).sum(axis=1)
    # A direction of unit variance sums the squares of the 300 entries of the gradient.
    return (
        math.log10((last(first) ** 2).mean() / found.forward),
        math.log10((slopes**2).mean() / 300 / found.backward),
    )


def apply(found, make):
    """The net after the line to write instead, as a user would follow it."""
    scope = {"initlab": initlab, "keras": keras}
    if found.instead.startswith("initlab.reinitialize"):
        model = make(None)
        eval(found.instead, scope | {"model": model})
        return model
    return make(eval(found.instead.removeprefix("kernel_initializer=")))


UNFIT = {
    "shared He, relu": ("relu", lambda: LAWS.HeNormal(seed=1), "keras.initializers.HeNormal()"),
    "shared and small, tanh": ("tanh", lambda: LAWS.RandomNormal(stddev=0.01, seed=1), '"glorot_uniform"'),
    "relu and 0.05": (*DEAD["relu and 0.05"], '"he_normal"'),
    "relu and positive": (*DEAD["relu and positive"], '"he_normal"'),
    "tanh and small": (*DEAD["tanh and small"], '"glorot_uniform"'),
    "relu and Glorot": ("relu", "glorot_uniform", '"he_normal"'),
    "relu and zeros": ("relu", "zeros", '"he_normal"'),
    "tanh and He": ("tanh", "he_normal", '"glorot_uniform"'),
}


@pytest.mark.parametrize("case", UNFIT)
def test_what_is_proposed_suits_the_activation_and_lint_finds_nothing_in_it(case):
    activation, make, law = UNFIT[case]
    shared = make() if "shared" in case else make
    findings = initlab.lint(net(activation, shared))
    assert findings
    for found in findings:
        assert law in found.instead
        mended = apply(found, lambda law: net(activation, shared if law is None else law))
        # The layers still name the one initializer that they share; no weight shows it any more.
        assert {one.kind for one in initlab.lint(mended)} <= {"shared seed"}


def test_glorot_is_not_proposed_for_few_relu_layers_either():
    (found,) = initlab.lint(net("relu", "zeros", depth=3))
    assert found.instead == 'kernel_initializer="he_normal"'


def test_where_no_law_helps_normalization_does():
    (found,) = initlab.lint(net("sigmoid", "glorot_uniform"))
    assert found.instead == "keras.layers.BatchNormalization() before each activation"


def test_what_is_usual_in_recurrent_layers_is_a_note():
    found = initlab.lint(keras.Sequential([keras.Input((5, 8)), layers.LSTM(16), layers.Dense(1)]))
    assert [(one.kind, one.note) for one in found] == [("fans of gates", True)]
    assert str(found).startswith("Nothing found but 1 note: looked at")
    assert "all 4 gates" in found[0].why
