"""What a pass shows is what a net written by hand computes; nothing is left behind in the model."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_initlab.core.rng import isolated
from keras_initlab.network.probe import Probe
from keras_initlab.testing.schemes import numpy

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 5)).astype("float32")
LABELS = RNG.integers(0, 3, 6)


def compiled(model, loss=None):
    model.compile("sgd", loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def looked(model, x=X, y=LABELS, **arguments):
    with isolated() as generators:
        probe = Probe(model, generators)
        x = keras.tree.map_structure(ops.convert_to_tensor, x)
        y = None if y is None else keras.tree.map_structure(ops.convert_to_tensor, y)
        if y is not None:
            probe.build_loss(x, y)
        return probe.look(probe.values(), x, y, **arguments)


def by_name(seen):
    return {
        tap.name: (value, gradient)
        for tap, value, gradient in zip(seen.taps, seen.values, seen.gradients, strict=True)
    }


def dense(*units, activation="tanh", last=3):
    hidden = [layers.Dense(width, activation, name=f"h{at}") for at, width in enumerate(units)]
    return compiled(keras.Sequential([keras.Input((5,)), *hidden, layers.Dense(last, name="head")]))


def test_values_and_gradients_are_those_of_a_net_by_hand():
    """Tanh, tanh, linear, softmax cross-entropy of the mean: every tensor and every gradient."""
    model = dense(7, 4)
    seen = looked(model)
    w0, b0, w1, b1, w2, b2 = (numpy(one).astype("float64") for one in model.trainable_variables)
    z0 = X @ w0 + b0
    z1 = np.tanh(z0) @ w1 + b1
    z2 = np.tanh(z1) @ w2 + b2
    chances = np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True)
    g2 = (chances - np.eye(3)[LABELS]) / 6
    g1 = g2 @ w2.T * (1 - np.tanh(z1) ** 2)
    g0 = g1 @ w1.T * (1 - np.tanh(z0) ** 2)
    expected = {
        "h0:in": (X, g0 @ w0.T),
        "h0:pre": (z0, g0),
        "h0": (np.tanh(z0), g1 @ w1.T),
        "h1:pre": (z1, g1),
        "h1": (np.tanh(z1), g2 @ w2.T),
        "head": (z2, g2),
    }
    found = by_name(seen)
    assert list(found) == list(expected)
    for name, pair in expected.items():
        for got, wanted in zip(found[name], pair, strict=True):
            np.testing.assert_allclose(got, wanted, atol=2e-6, err_msg=name)
    np.testing.assert_allclose(seen.weights[0], X.T @ g0, atol=2e-6)
    np.testing.assert_allclose(seen.weights[3], g1.sum(axis=0), atol=2e-6)
    np.testing.assert_allclose(seen.inputs[0], g0 @ w0.T, atol=2e-6)
    assert seen.loss == pytest.approx(-np.log(chances[np.arange(6), LABELS]).mean(), rel=1e-5)
    assert [tap.source for tap in seen.taps] == [None, 0, 1, 2, 3, 4]
    assert seen.heads == (5,)


def test_a_gradient_counts_every_later_use():
    inputs = keras.Input((5,))
    h = layers.Dense(4, "tanh", name="a", bias_initializer="normal")(inputs)
    outputs = layers.Add(name="sum")([h, layers.Dense(4, name="b")(h)])
    model = keras.Model(inputs, outputs)
    direction = RNG.normal(size=(6, 4)).astype("float32")
    found = by_name(looked(model, y=None, along=[ops.convert_to_tensor(direction)]))
    through = direction + direction @ numpy(model.get_layer("b").kernel).T
    np.testing.assert_allclose(found["a"][1], through, atol=1e-5)
    np.testing.assert_allclose(found["b"][1], direction, atol=1e-6)


def test_operations_that_are_no_layers_are_seen():
    inputs = keras.Input((5,))
    h = ops.relu(layers.Dense(4, name="a")(inputs) * 2.0)
    found = by_name(looked(compiled(keras.Model(inputs, layers.Dense(3, name="head")(h)))))
    assert [name.rstrip("_0123456789") for name in found] == ["a:in", "a", "multiply", "relu", "head"]


def test_the_gradient_passes_a_softmax_at_the_end():
    """Keras hangs the logits on a softmax's output and its loss takes them: the sums see the gradient."""
    model = keras.Sequential([keras.Input((5,)), layers.Dense(3, "softmax", name="head")])
    found = by_name(looked(compiled(model, "sparse_categorical_crossentropy")))
    value, gradient = found["head:pre"]
    chances = np.exp(value) / np.exp(value).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(gradient, (chances - np.eye(3)[LABELS]) / 6, atol=1e-5)
    model.layers[-1].kernel.assign(
        50 * numpy(model.layers[-1].kernel)
    )  # where chances alone would be cut off
    assert looked(model).loss == pytest.approx(model.evaluate(X, LABELS, verbose=0), rel=1e-5)


class Block(layers.Layer):
    """Two layers inside one without a graph, and a weight of its own."""

    def __init__(self, units):
        super().__init__(name="block")
        self.inside, self.normal = layers.Dense(units, "gelu", name="inside"), layers.LayerNormalization()

    def build(self, shape):
        self.scale = self.add_weight(shape=(self.inside.units,), initializer="ones", name="scale")
        self.inside.build(shape)
        self.normal.build((*shape[:-1], self.inside.units))

    def call(self, x):
        return self.normal(self.inside(x)) * self.scale


class Subclassed(keras.Model):
    def __init__(self, *parts):
        super().__init__()
        self.parts = list(parts)

    def call(self, x, training=False):
        for part in self.parts:
            x = part(x)
        return x


def words():
    return RNG.integers(1, 9, (6, 4)).astype("int32") * (np.arange(4) < 3)


def shared():
    one, two = keras.Input((5,), name="one"), keras.Input((5,), name="two")
    both = layers.Dense(4, "gelu", name="both")
    sums = layers.Concatenate()([both(one), both(two)])
    heads = {"a": layers.Dense(3, name="a")(sums), "b": layers.Dense(1, name="b")(sums)}
    model = keras.Model({"one": one, "two": two}, heads)
    model.compile("sgd", {"a": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "b": "mse"})
    return model


def attention():
    inputs = keras.Input((4,), dtype="int32")
    h = layers.Embedding(9, 6)(inputs)  # no mask: PyTorch's own gradient of masked attention is off
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 3, name="heads")(h, h))
    masked = layers.Embedding(9, 6, mask_zero=True)(inputs)
    h = layers.Concatenate()([h, layers.LSTM(5, return_sequences=True)(masked)])
    h = layers.Bidirectional(layers.GRU(3, return_sequences=True))(h)
    h = layers.TimeDistributed(layers.Dense(4, "tanh"))(h)
    return compiled(keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling1D()(h))))


def image():
    inputs = keras.Input((6, 6, 2))
    h = layers.Conv2D(4, 3, padding="same", activation="gelu")(inputs)
    h = layers.BatchNormalization()(h)
    h = layers.DepthwiseConv2D(3)(h)
    h = layers.Dropout(0.5)(h)
    h = layers.Conv2DTranspose(3, 2, strides=2)(h)
    inner = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(2, 1), layers.Activation("gelu")], name="inner"
    )
    return compiled(keras.Model(inputs, layers.Dense(3)(layers.Flatten()(inner(h)))))


def frozen():
    model = dense(4, 4)
    model.layers[0].trainable = False
    return model


MODELS = {
    "dense": (dense, X, LABELS),
    "frozen": (frozen, X, LABELS),
    "shared": (shared, {"one": X, "two": X[::-1].copy()}, {"a": LABELS, "b": X[:, :1]}),
    "attention": (attention, words(), LABELS),
    "image": (image, RNG.normal(size=(6, 6, 6, 2)).astype("float32"), LABELS),
    "subclassed": (lambda: compiled(built(Subclassed(Block(4), layers.Dense(3)))), X, LABELS),
}


def built(model):
    model(X)
    return model


@pytest.mark.parametrize("case", MODELS)
def test_of_any_model_the_gradients_are_those_of_finite_differences(case):
    """Along one direction through all weights (no kinks there); the model is bit-equal afterwards."""
    make, x, y = MODELS[case]
    keras.utils.set_random_seed(0)
    model = make()
    before = [numpy(variable).copy() for variable in model.variables]
    seen = looked(model, x, y, training=False)
    for variable, kept in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(numpy(variable), kept)
    assert not any("call" in vars(layer) for layer in model._flatten_layers())
    tensors = keras.tree.map_structure(ops.convert_to_tensor, (x, y))
    step = 1e-3
    rng = np.random.default_rng(1)
    with isolated() as generators:
        probe = Probe(model, generators)
        values = probe.values()
        directions = {at: rng.choice([-1.0, 1.0], size=probe.variables[at].shape) for at in probe.trained}

        def loss(factor):
            moved = [
                ops.convert_to_tensor(numpy(value) + factor * directions[at], dtype="float32")
                if at in directions
                else value
                for at, value in enumerate(values)
            ]
            return probe.lose(moved, *tensors, training=False)[0]

        slope = (loss(step) - loss(-step)) / (2 * step)
    promised = sum(
        (gradient * directions[at]).sum() for at, gradient in zip(probe.trained, seen.weights, strict=True)
    )
    assert slope == pytest.approx(promised, rel=0.02, abs=2e-3)
    assert len(seen.taps) == len({tap.name for tap in seen.taps})


def test_a_shared_layer_is_seen_at_each_call():
    make, x, y = MODELS["shared"]
    names = [tap.name for tap in looked(make(), x, y).taps]
    assert {"both", "both#2", "both:pre", "both:pre#2"} <= set(names)


def test_what_loops_is_seen_from_outside_only():
    make, x, y = MODELS["attention"]
    seen = looked(make(), x, y)
    names = [tap.name for tap in seen.taps]
    assert any(name.startswith("heads/query") for name in names)
    assert not any("cell" in name for name in names)
    assert "time_distributed" in " ".join(names)
    assert not any("time_distributed" in name and "/" in name for name in names)
    assert seen.inputs == [None]  # whole numbers have no gradient


def test_a_mask_goes_on_behind_a_tap():
    """An average over the three words that are there, and not over the fourth."""
    inputs = keras.Input((4,), dtype="int32")
    h = layers.Embedding(9, 6, mask_zero=True, name="table")(inputs)
    model = keras.Model(inputs, layers.GlobalAveragePooling1D(name="mean")(h))
    found = by_name(looked(model, words(), None, along=[ops.ones((6, 6))]))
    np.testing.assert_allclose(found["mean"][0], found["table"][0][:, :3].mean(axis=1), atol=1e-6)


class Failing(layers.Layer):
    def call(self, x):
        if getattr(self, "fails", False):
            raise RuntimeError("out of order")
        return x


def test_after_an_exception_the_model_is_as_it_was():
    failing = Failing()
    model = compiled(keras.Sequential([keras.Input((5,)), layers.Dense(4, "relu"), failing, layers.Dense(3)]))
    activation = model.layers[0].activation
    looked(model)
    failing.fails = True
    with pytest.raises(Exception, match="out of order"):
        looked(model)
    assert not any("call" in vars(layer) for layer in model.layers)
    assert model.layers[0].activation is activation
    failing.fails = False
    assert np.isfinite(looked(model).loss)


def test_dropout_and_statistics_run_as_in_training_and_are_not_moved():
    make, x, y = MODELS["image"]
    model = make()
    before = [numpy(variable).copy() for variable in model.non_trainable_variables]
    first, again = looked(model, x, y), looked(model, x, y)
    assert first.loss == again.loss, "two passes meet one mask"
    for variable, kept in zip(model.non_trainable_variables, before, strict=True):
        np.testing.assert_array_equal(numpy(variable), kept)
    names = [tap.name.rstrip("_0123456789") for tap in first.taps]
    dropped = first.values[names.index("dropout")]
    assert 0.3 < (dropped == 0).mean() < 0.7


def test_half_precision_loses_no_gradient():
    policy = keras.DTypePolicy("mixed_float16")
    hidden = [layers.Dense(32, "tanh", dtype=policy, name=f"h{at}") for at in range(3)]
    model = keras.Sequential([keras.Input((5,)), *hidden, layers.Dense(3, dtype="float32")])
    compiled(model)
    for layer in hidden:
        layer.kernel.assign(0.01 * numpy(layer.kernel))
    found = by_name(looked(model))
    assert found["h0:pre"][0].dtype == "float32"
    assert (found["h0:pre"][1] != 0).mean() > 0.9
