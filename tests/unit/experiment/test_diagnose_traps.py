"""What a diagnosis might stumble over: layers that leak, little memory, data sets, axes, zeros, dropout."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_initlab as initlab
from keras_initlab.experiment import diagnose as room
from keras_initlab.network import differentiation
from keras_initlab.testing.schemes import numpy

RNG = np.random.default_rng(0)
X = RNG.normal(size=(128, 20)).astype("float32")
Y = np.arange(128) % 4


def net(*between, initializer="glorot_uniform"):
    hidden = [layers.Dense(32, "tanh", kernel_initializer=initializer, name=f"h{at}") for at in range(3)]
    parts = [part for one in hidden for part in (one, *(make() for make in between))]
    model = keras.Sequential(
        [keras.Input((20,)), *parts, layers.Dense(4, kernel_initializer=initializer, name="head")]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


class Picky(layers.Layer):
    """Fails where somebody looks inside."""

    def __init__(self):
        super().__init__()
        self.inside = layers.Dense(32)

    def build(self, shape):
        self.inside.build(shape)

    def call(self, x):
        if "call" in vars(self.inside):
            raise RuntimeError("somebody looks inside")
        return x + self.inside(x)


def test_a_layer_that_cannot_be_looked_into_is_looked_at_from_outside():
    found = initlab.diagnose(net(Picky), X, Y)
    assert any(
        "looked at from outside only" in note and "somebody looks inside" in note for note in found.notes
    )
    assert not any("/" in name for name in found.layers.index)
    assert found.layers["G"].notna().any()


class Looping(layers.Layer):
    """Calls a layer inside a loop of the backend, whose values nobody may keep."""

    def __init__(self):
        super().__init__()
        self.inside = layers.Dense(32, "tanh", name="inside")

    def build(self, shape):
        self.inside.build(shape)

    def call(self, x):
        return ops.fori_loop(0, 3, lambda _, h: self.inside(h), x)

    def compute_output_shape(self, shape):
        return shape


def test_what_leaks_out_of_a_loop_of_ones_own_is_not_kept():
    model = net(Looping)
    before = model.get_weights()
    found = initlab.diagnose(model, X, Y)
    assert found.loss == pytest.approx(model.evaluate(X[:64], Y[:64], verbose=0), rel=1e-5)
    several = initlab.diagnose(model, X, Y, initializers=["glorot_uniform", "he_normal"])
    for one in (found, *several.values()):
        assert np.isfinite(one.layers.loc["head", "G"])
        assert one.layers.loc["h0:pre", "G"] > 0
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_batch_statistics_are_those_of_the_first_step_and_single_examples_are_asked_without():
    """The Jacobian is of a net that knows no other example: it has the moving mean 0 and variance 1."""
    normal = layers.BatchNormalization(epsilon=1e-7, name="normal")
    inputs = keras.Input((20,))
    h = normal(layers.Dense(4, name="h")(inputs))
    model = keras.Model(inputs, layers.Dense(3, use_bias=False, name="head")(h))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    found = initlab.diagnose(model, 3 * X + 1, Y % 3)
    assert found.layers.loc["normal", "q"] == pytest.approx(1, rel=1e-3)
    assert found.layers.loc["normal", "pattern"] == pytest.approx(0, abs=1e-6)
    calm = initlab.diagnose(model, 3 * X + 1, Y % 3, training=False)
    assert calm.layers.loc["normal", "q"] == pytest.approx(calm.layers.loc["h", "q"], rel=1e-3)
    product = numpy(model.get_layer("h").kernel) @ numpy(model.get_layer("head").kernel)
    largest = np.linalg.svd(product, compute_uv=False)[0]
    assert found.jacobian.largest == pytest.approx(largest, rel=1e-3)
    assert (numpy(normal.moving_mean) == 0).all()


def test_where_memory_is_short_fewer_examples_are_looked_at(monkeypatch):
    whole = initlab.diagnose(net(), X, Y)
    monkeypatch.setattr(room, "MEMORY", 2**15)
    found = initlab.diagnose(net(), X, Y)
    assert whole.facts.examples == 64
    assert 2 <= found.facts.examples < 64
    assert any("examples, for more would take over" in note for note in found.notes)


def test_of_a_data_set_the_first_batch_is_looked_at():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return X[index * 64 : (index + 1) * 64], Y[index * 64 : (index + 1) * 64]

    model = net()
    found, same = initlab.diagnose(model, Batches()), initlab.diagnose(model, X[:64], Y[:64])
    assert found.row() == same.row()
    schemes = {"lsuv": initlab.recipes.Lsuv(probe=100)}  # more than the first batch has
    losses = initlab.compare(model, schemes, Batches(), verbose=False).records[0].step_losses
    started = initlab.diagnose(model, Batches(), initializers=schemes)["lsuv"]
    assert started.loss == pytest.approx(losses[0], rel=1e-5)
    with pytest.raises(initlab.InputError, match="y must not be given when x is a data set"):
        initlab.diagnose(model, Batches(), Y)


@pytest.mark.skipif(
    keras.backend.backend() == "tensorflow", reason="TensorFlow's CPU has no such convolution"
)
def test_channels_first_gives_the_numbers_of_channels_last():
    def image(order):
        last = order == "channels_last"
        inputs = keras.Input((6, 6, 3) if last else (3, 6, 6))
        h = layers.Conv2D(8, 3, activation="tanh", data_format=order, name="a")(inputs)
        h = layers.Conv2D(4, 3, activation="relu", data_format=order, name="b")(h)
        model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D(data_format=order)(h)))
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    x, y = RNG.normal(size=(64, 6, 6, 3)).astype("float32"), np.arange(64) % 3
    last, first = image("channels_last"), image("channels_first")
    first.set_weights(last.get_weights())
    tables = [initlab.diagnose(last, x, y).layers, initlab.diagnose(first, x.transpose(0, 3, 1, 2), y).layers]
    names = ["q", "pattern", "signal", "cosine", "rank", "G", "dead", "saturated", "classes", "q_theory"]
    one, other = (table.loc[["a:pre", "a", "b:pre", "b"], names].to_numpy() for table in tables)
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_nothing_but_zeros_is_symmetric_and_not_vanishing():
    found = initlab.diagnose(net(initializer="zeros"), X, Y)
    kinds = [one.kind for one in found.verdicts]
    assert kinds[0] == "symmetric"
    assert not {"vanishing", "forward scale", "collapsed"} & set(kinds)
    assert "NaN" not in found.to_json()
    assert found.layers.loc["h1:pre", "q"] == 0
    assert np.isnan(found.layers.loc["h1:pre", "cosine"])


def test_dropout_is_the_same_in_every_pass_and_hides_no_zeros():
    def dropout():
        return layers.Dropout(0.5)

    model = net(dropout)
    before = [numpy(one).copy() for one in model.non_trainable_variables]
    first, again = (initlab.diagnose(model, X, Y) for _ in range(2))
    assert first.row() == again.row()
    assert first.word != "severe"
    for variable, kept in zip(model.non_trainable_variables, before, strict=True):
        np.testing.assert_array_equal(numpy(variable), kept)
    calm = initlab.diagnose(model, X, Y, training=False)
    assert calm.loss == pytest.approx(model.evaluate(X[:64], Y[:64], verbose=0), rel=1e-5)
    assert initlab.diagnose(net(dropout, initializer="zeros"), X, Y).verdicts[0].kind == "symmetric"


def test_several_draws_are_averaged():
    model = net()
    schemes = ["glorot_uniform", "he_normal"]
    found = initlab.diagnose(model, X, Y, initializers=schemes, replicates=3)
    for label in schemes:
        single = [initlab.diagnose(model, X, Y, initializers=[label], replicate=at)[label] for at in range(3)]
        assert [one.row() for one in found.draws[label]] == [one.row() for one in single]
        assert found.summary.loc[label, "risk"] == pytest.approx(np.mean([one.risk for one in single]))
        sizes = [one.layers.loc["h1:pre", "q"] for one in single]
        assert found.layers.loc[(label, "h1:pre"), "q"] == pytest.approx(np.exp(np.log(sizes).mean()))
    with pytest.raises(initlab.InputError, match="replicates is 3 without initializers"):
        initlab.diagnose(model, X, Y, replicates=3)


def test_a_backend_without_gradients_is_named_and_not_the_data(monkeypatch):
    monkeypatch.setattr(differentiation, "_BY_BACKEND", {"other": None})
    backend = keras.backend.backend()
    with pytest.raises(initlab.InputError, match=f"Keras on {backend} computes no gradients: set .* other"):
        initlab.diagnose(net(), X, Y)
