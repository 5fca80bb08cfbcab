"""What a recurrent layer hands back through time, and what attention looks at, against nets by hand."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.diagnosis import measures
from keras_initlab.testing.schemes import numpy

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 5, 4)).astype("float32")


@pytest.mark.parametrize("every_step", [False, True])
def test_the_gradient_by_the_state_over_that_by_the_last_output(every_step):
    inputs = keras.Input((5, 4))
    h = layers.SimpleRNN(6, return_sequences=every_step, name="rnn", recurrent_initializer="he_normal")(
        inputs
    )
    model = keras.Model(inputs, layers.Dense(3, name="head")(layers.Flatten()(h)))
    table = initlab.diagnose(model, X, examples=16).layers
    assert table.loc["rnn:state", "kind"] == "state"
    assert table.loc["rnn:state", "q"] == 0
    kernel, recurrent, bias = (numpy(one).astype("float64") for one in model.get_layer("rnn").weights)
    head = numpy(model.get_layer("head").kernel).astype("float64")
    states = [np.zeros((16, 6))]
    for step in range(5):
        states.append(np.tanh(X[:, step] @ kernel + states[-1] @ recurrent + bias))
    direction = np.random.default_rng(0).normal(size=(16, 3))
    by_output = (direction @ head.T).reshape(16, -1, 6)  # a step each, or the last alone
    g = np.zeros((16, 6))
    for step in reversed(range(5)):
        g = g + by_output[:, step] if every_step else g + by_output[:, 0] * (step == 4)
        g = g * (1 - states[step + 1] ** 2) @ recurrent.T
    wanted = (g**2).sum(axis=1).mean() / (by_output[:, -1] ** 2).sum(axis=1).mean()
    assert table.loc["rnn:state", "chi"] == pytest.approx(wanted, rel=1e-4)


def test_each_state_of_each_call_is_seen():
    inputs = keras.Input((5, 4))
    h = layers.LSTM(3, return_sequences=True)(inputs)
    both = layers.Bidirectional(layers.GRU(3))(h)
    begun = layers.GRU(6)(h, initial_state=both)
    model = keras.Model(inputs, layers.Dense(2)(begun))
    found = initlab.diagnose(model, X).layers
    states = found[found["kind"] == "state"]
    assert len(states) == 2 + 2, "of an LSTM two; none of one that is given its state"
    assert (states["chi"] > 0).all()


def attention(**arguments):
    inputs = keras.Input((5, 4))
    mask = layers.Lambda(lambda x: x[..., 0] > 0, name="mask")(inputs) if arguments.pop("masked", 0) else None
    heads = layers.MultiHeadAttention(2, 3, name="heads", **arguments.pop("made", {}))
    h = heads(inputs, inputs, key_mask=mask, **arguments)
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(h)))


@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_told_by_the_entropy_of_its_weights(causal):
    model = attention(use_causal_mask=causal)
    heads = model.get_layer("heads")
    query, key = (
        np.einsum("ntd,dhk->nthk", X.astype("float64"), numpy(dense.kernel)) + numpy(dense.bias)
        for dense in (heads.query_dense, heads.key_dense)
    )
    logits = np.einsum("nthk,nshk->nhts", query, key) / np.sqrt(3)
    there = np.tril(np.ones((5, 5), bool)) if causal else np.ones((5, 5), bool)
    weights = np.where(there, np.exp(logits), 0)
    weights /= weights.sum(axis=-1, keepdims=True)
    entropy = -(weights * np.log(np.where(there, weights, 1))).sum()
    rows = [logits[:, :, t, : t + 1 if causal else 5] for t in range(causal, 5)]
    inner = np.concatenate([(row - row.mean(axis=-1, keepdims=True)).ravel() for row in rows])
    found = initlab.diagnose(model, X).layers.loc["heads:attention"]
    assert found["entropy"] == pytest.approx(entropy / (32 * np.log(there.sum(axis=1)).sum()), rel=1e-4)
    assert found["logits"] == pytest.approx(np.sqrt((inner**2).mean()), rel=1e-4)
    assert np.isnan(found["G"])


def test_looking_at_attention_changes_nothing_that_it_puts_out():
    for arguments in ({}, {"masked": True}, {"use_causal_mask": True}):
        model = attention(**arguments)
        model.compile("sgd", "mse")
        y = np.zeros((16, 2))
        assert initlab.diagnose(model, X, y).loss == pytest.approx(model.evaluate(X, y, verbose=0), rel=1e-5)


def test_who_asks_for_the_weights_still_gets_them():
    inputs = keras.Input((5, 4))
    h, weights = layers.MultiHeadAttention(1, 3)(inputs, inputs, return_attention_scores=True)
    model = keras.Model(inputs, [layers.Flatten()(h), layers.Flatten()(weights)])
    assert np.isfinite(initlab.diagnose(model, X).layers["q"]).any()


def test_one_place_has_no_entropy():
    assert np.isnan(measures.attended(np.ones((3, 1)))).all()
    peaked = np.array([[1 - 1e-6, 1e-6]])
    entropy, logits = measures.attended(peaked)
    assert entropy < 1e-4
    assert logits == pytest.approx(np.log(1e6) / 2, rel=1e-3)
