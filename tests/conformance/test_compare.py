"""`compare` trains models that are identical but for their initial weights, on every backend.

Holds the reference engine to it; `test_engines.py` holds the other engines to the reference.
"""

import random

import keras
import numpy as np
import pytest
from keras.src.random.seed_generator import global_seed_generator

from keras_initlab.core.keras_private import set_global_generator
from keras_initlab.core.seeds import Seeds
from keras_initlab.results.stopping import LargestWeightChange
from tests.trained import SEED, Starts, X, Y, dense_net, losses, run


def multi_input():
    left, right = keras.Input((6,), name="left"), keras.Input((6,), name="right")
    shared = keras.layers.Dense(5, "tanh")
    h = keras.layers.Concatenate()([shared(left), shared(right)])
    outputs = {"klass": keras.layers.Dense(3, name="klass")(h), "size": keras.layers.Dense(1, name="size")(h)}
    model = keras.Model({"left": left, "right": right}, outputs)
    model.compile(
        "sgd",
        {"klass": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "size": "mse"},
        metrics={"klass": ["accuracy"]},
    )
    return model


class Subclassed(keras.Model):
    """Without `get_config`: it can be neither cloned nor saved."""

    def __init__(self, width):
        super().__init__()
        self.hidden = keras.layers.Dense(width, "relu", kernel_regularizer="l2")
        self.noise = keras.layers.GaussianNoise(0.1)
        self.head = keras.layers.Dense(3)

    def call(self, x, training=False):
        return self.head(self.noise(self.hidden(x), training=training))


def subclassed():
    model = Subclassed(7)
    schedule = keras.optimizers.schedules.CosineDecay(0.01, 10)
    model.compile(
        keras.optimizers.SGD(schedule, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def recurrent():
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Reshape((3, 2)),
            keras.layers.Bidirectional(keras.layers.LSTM(4, recurrent_dropout=0.2)),
            keras.layers.Dense(3, "softmax"),
        ]
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    return model


def attention():
    inputs = keras.Input((6,))
    h = keras.layers.Reshape((3, 2))(inputs)
    h = keras.layers.MultiHeadAttention(2, 3, dropout=0.1)(h, h)
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(h)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def half_precision():
    with_policy = {"dtype": "mixed_bfloat16"}
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, "relu", **with_policy),
            keras.layers.Dense(3, dtype="float32"),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


class Shift(keras.layers.Layer):
    """Its weight has an initializer that no attribute names."""

    def build(self, shape):
        self.shift = self.add_weight(shape=(shape[-1],), initializer="ones", name="shift")

    def call(self, x):
        return x + self.shift


def custom():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4), Shift(), keras.layers.Dense(3)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


KINDS = {
    "custom": custom,
    "dense": dense_net,
    "function": lambda: dense_net,
    "multi_input": multi_input,
    "subclassed": subclassed,
    "recurrent": recurrent,
    "attention": attention,
    "half_precision": half_precision,
}


@pytest.mark.parametrize("kind", KINDS)
def test_two_labels_of_one_scheme_train_identically(kind):
    data = {"x": X, "y": Y}
    if kind == "multi_input":
        data = {"x": {"left": X, "right": X[::-1].copy()}, "y": {"klass": Y, "size": X[:, :1]}}
    result = run(KINDS[kind](), **data)
    assert [record.status for record in result.records] == ["completed"] * 4, result.records[0].message
    for replicate in range(2):
        assert losses(result, "one", replicate) == losses(result, "twin", replicate)
        assert len(losses(result, "one", replicate)) == 10
    assert losses(result, "one", 0) != losses(result, "one", 1)


def test_a_run_equals_a_loop_written_by_hand():
    starts = Starts()
    result = run(dense_net(dropout=0.0), callbacks=starts, validation_data=(X[:20], Y[:20]))
    seeds = Seeds(SEED, 1)
    model = dense_net(dropout=0.0)
    model.set_weights(starts.weights["one", 1])
    expected, accuracy = [], []
    for epoch in range(2):
        order = np.random.default_rng(seeds.order(epoch)).permutation(len(X))
        seen = []
        for step in range(5):
            chosen = order[step * 16 : (step + 1) * 16]
            logs = model.train_on_batch(X[chosen], Y[chosen], return_dict=True)
            model.reset_metrics()
            expected.append(float(logs["loss"]))
            seen.append(float(logs["accuracy"]) * len(chosen))
        accuracy.append(sum(seen) / len(X))
    np.testing.assert_allclose(losses(result, "one", 1), expected, rtol=2e-5)
    record = next(r for r in result.records if (r.label, r.replicate) == ("one", 1))
    np.testing.assert_allclose(record.epochs["accuracy"], accuracy, rtol=1e-5)
    final = model.evaluate(X[:20], Y[:20], verbose=0, return_dict=True)
    np.testing.assert_allclose(record.epochs["val_loss"][-1], final["loss"], rtol=2e-5)
    assert set(record.epochs) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_dropout_masks_differ_between_replicates():
    result = run(None, {"one": "initlab_ones", "twin": "initlab_ones"}, shuffle=False)
    assert losses(result, "one", 0) == losses(result, "twin", 0)
    assert losses(result, "one", 0) != losses(result, "one", 1)


def test_only_the_weights_under_test_differ_and_replicates_differ_too():
    starts = Starts()
    model = dense_net()
    run(model, {"a": "initlab_he_normal", "b": "initlab_ones"}, layers="head", callbacks=starts)
    names = [variable.path.split("/", 1)[-1] for variable in model.weights]
    head = names.index(next(name for name in names if "head" in name and name.endswith("kernel")))
    hidden = names.index(next(name for name in names if "hidden" in name and name.endswith("kernel")))
    for replicate in range(2):
        a, b = starts.weights["a", replicate], starts.weights["b", replicate]
        equal = [np.array_equal(ours, theirs) for ours, theirs in zip(a, b, strict=True)]
        assert [index for index, same in enumerate(equal) if not same] == [head]
        assert np.all(b[head] == 1)
    assert not np.array_equal(starts.weights["a", 0][hidden], starts.weights["a", 1][hidden])
    assert not np.array_equal(starts.weights["a", 0][head], starts.weights["a", 1][head])


def test_a_run_starts_fresh_whatever_the_model_learned_before():
    trained = dense_net()
    trained.fit(X, Y, epochs=3, verbose=0)
    fresh, before = run(), run(trained)
    for replicate in range(2):
        assert losses(fresh, "one", replicate) == losses(before, "one", replicate)


def test_frozen_layers_keep_their_values():
    starts = Starts()
    model = dense_net()
    model.get_layer("hidden").trainable = False
    kept = np.array(model.get_layer("hidden").kernel)
    run(model, callbacks=starts)
    for weights in starts.weights.values():
        assert any(np.array_equal(value, kept) for value in weights if value.shape == kept.shape)


def test_the_model_is_given_back_as_it_was():
    given, twin = dense_net(dropout=0.0), dense_net(dropout=0.0)
    twin.set_weights(given.get_weights())
    for model in (given, twin):
        model.fit(X, Y, epochs=1, shuffle=False, verbose=0)
    optimizer = given.optimizer
    slots = [np.array(value) for value in optimizer.variables]
    weights = given.get_weights()
    run(given)
    assert given.optimizer is optimizer
    for before, after in zip(slots, optimizer.variables, strict=True):
        np.testing.assert_array_equal(before, np.array(after))
    for before, after in zip(weights, given.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    histories = [model.fit(X, Y, epochs=2, shuffle=False, verbose=0).history for model in (given, twin)]
    assert set(histories[0]) == {"loss", "accuracy"}
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-6)


def test_global_random_state_is_restored():
    def draws():
        values = [random.random(), np.random.rand()]
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            values.append(float(tf.random.uniform(())))
        if keras.backend.backend() == "torch":
            import torch

            values.append(float(torch.rand(())))
        return values

    model = dense_net()
    keras.utils.set_random_seed(7)
    expected = draws()
    keras.utils.set_random_seed(7)
    keras.random.uniform(())  # makes Keras's generator, if it is not there yet
    generator = global_seed_generator()
    state = np.array(generator.state)
    keras.utils.set_random_seed(7)
    set_global_generator(generator)
    run(model)
    assert draws() == expected
    assert global_seed_generator() is generator
    np.testing.assert_array_equal(np.array(generator.state), state)


def test_an_unseeded_callable_is_reproducible_and_paired():
    def normal(shape, dtype=None):
        return keras.random.normal(shape, stddev=0.1, dtype=dtype)

    def from_numpy(shape, dtype=None):
        return np.random.normal(size=shape).astype(dtype)

    for scheme in (normal, from_numpy):
        result = run(None, {"one": scheme, "twin": scheme})
        assert losses(result, "one") == losses(result, "twin")
        assert losses(result, "one", 0) != losses(result, "one", 1)


def test_the_seed_of_an_instance_does_not_freeze_the_replicates():
    starts = Starts()
    run(None, {"seeded": keras.initializers.HeNormal(seed=1)}, callbacks=starts)
    first, second = starts.weights["seeded", 0], starts.weights["seeded", 1]
    assert not np.array_equal(first[0], second[0])


def test_a_model_rebuilt_under_other_names_gives_the_same_result():
    keras.layers.Dense(1)  # moves Keras's counter of automatic names
    assert losses(run(), "one") == losses(run(), "one")


def test_einsum_kernels_are_drawn_as_the_layer_draws_them():
    def net(initializer):
        layer = keras.layers.EinsumDense("abc,cde->abde", (None, 4, 5), kernel_initializer=initializer)
        inputs = keras.Input((3, 6))
        model = keras.Model(inputs, layer(inputs))
        model.compile("sgd", "mse")
        return model

    starts = Starts()
    x, y = np.ones((8, 3, 6), "float32"), np.ones((8, 3, 4, 5), "float32")
    run(net("zeros"), {"keras": "glorot_normal"}, x, y, batch_size=8, callbacks=starts)
    drawn = starts.weights["keras", 0][0]
    built = net(keras.initializers.GlorotNormal(seed=1)).get_weights()[0]
    # Old versions of Keras count the axes as those of a convolution.
    fans = 6 + 20 if hasattr(keras.layers.EinsumDense, "_update_kernel_initializer") else 6 * 4 + 6 * 5
    for values in (drawn, built):
        np.testing.assert_allclose(values.std(), np.sqrt(2 / fans), rtol=5 / np.sqrt(2 * values.size))


@pytest.mark.parametrize("engine", ["sequential", "stacked"])
def test_the_largest_change_of_a_weight_is_recorded_and_stops_readings(engine):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x, y = np.eye(6, dtype="float32"), np.zeros((6, 3), "float32")
    found = run(model, {"ones": "ones"}, x, y, batch_size=6, epochs=3, weight_changes=True, engine=engine)
    # Each weight is one squared error of 18: a step takes lr 2 / 18 of it.
    left = 1 - 0.1 * 2 / 18
    expected = [left**epoch * (1 - left) for epoch in range(3)]
    for record in found.records:
        assert record.epochs["weight_change"] == pytest.approx(expected, rel=1e-4)
    stopped = found.stopped(LargestWeightChange(expected[0] * 0.995), metric="loss")
    assert [len(record.epochs["loss"]) for record in stopped.records] == [2, 2]
    assert (
        "weight_change"
        not in run(model, {"ones": "ones"}, x, y, batch_size=6, engine=engine).records[0].epochs
    )
