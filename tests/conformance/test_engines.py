"""Every engine leaves the records that plain `fit`, one model after another, leaves."""

import warnings

import keras
import numpy as np
import pytest

from keras_initlab.core.rng import isolated
from keras_initlab.engines import ENGINES
from keras_initlab.engines.sequential import Sequential
from keras_initlab.engines.stacked import blocks
from keras_initlab.engines.stacked.convolution import as_products, is_product
from keras_initlab.engines.stacked.engine import Stacked
from keras_initlab.engines.stacked.members import Template
from keras_initlab.testing import check_engine
from tests.engines import (
    BACKEND,
    IMAGES,
    LAYERS,
    RNG,
    WORDS,
    N,
    X,
    Y,
    check,
    compiled,
    crossentropy,
    plan_and_setup,
    records,
    setup_and_trials,
)


def test_dense_nets_with_everything_a_layer_can_carry():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.9)
    model = compiled(
        LAYERS.Dense(
            8, "tanh", kernel_regularizer="l2", activity_regularizer="l1", kernel_constraint="max_norm"
        ),
        LAYERS.BatchNormalization(),
        LAYERS.Dense(8, "relu", bias_regularizer="l1"),
        LAYERS.LayerNormalization(),
        LAYERS.Dense(3),
        optimizer=keras.optimizers.Adam(schedule, clipvalue=0.5),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")],
    )
    weights = RNG.uniform(0.5, 2, N).astype("float32")
    check(model, sample_weight=weights, validation_data=(X[:16], Y[:16]))


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        keras.optimizers.SGD(0.05, loss_scale_factor=64.0),
        "nadam",
        "lion",
    ],
    ids=["sgd", "scaled loss", "nadam", "lion"],
)
def test_elementwise_optimizers(optimizer):
    model = compiled(LAYERS.Dense(8, "tanh"), LAYERS.Dense(3), optimizer=optimizer)
    check(model, X[:54], Y[:54], replicates=1, class_weight={0: 1.0, 1: 3.0, 2: 0.5})  # 54 = 3 x 16 + 6


@pytest.mark.parametrize(
    "optimizer", [keras.optimizers.AdamW(0.01, weight_decay=1.0), "ftrl"], ids=["adamw", "ftrl"]
)
def test_weights_that_the_loss_does_not_depend_on_stay_as_they_are(optimizer):
    inputs = keras.Input((6,))
    hidden = LAYERS.Dense(8, "tanh")(inputs)
    model = keras.Model(inputs, {"a": LAYERS.Dense(3)(hidden), "b": LAYERS.Dense(3)(hidden)})
    model.compile(optimizer, {"a": crossentropy()}, metrics={"b": ["mae"]})
    y = {"a": Y, "b": RNG.normal(size=(N, 3)).astype("float32")}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Gradients do not exist")
        check(model, X, y, replicates=1)


@pytest.mark.skipif(BACKEND == "torch", reason="refused, see below")
def test_noise_is_the_same_for_all_members_of_a_replicate_and_fresh_at_each_step():
    model = compiled(LAYERS.Dense(8, "relu"), LAYERS.Dropout(0.4), LAYERS.GaussianNoise(0.2), LAYERS.Dense(3))
    check(model)
    twins = {"one": "initlab_he_normal", "twin": "initlab_he_normal"}
    setup, trials = setup_and_trials(model, X, Y, twins)
    found = records(Stacked(), setup, trials)
    for replicate in range(2):
        assert found["one", replicate].step_losses == found["twin", replicate].step_losses
    assert found["one", 0].step_losses != found["one", 1].step_losses


def test_convolutions():
    check(
        compiled(
            LAYERS.Conv2D(4, 3, activation="relu", padding="same"),
            LAYERS.BatchNormalization(),
            LAYERS.MaxPooling2D(),
            LAYERS.Conv2D(3, 2, kernel_regularizer="l2"),
            LAYERS.Flatten(),
            LAYERS.Dense(3),
            shape=(8, 8, 2),
        ),
        IMAGES,
        replicates=1,
        epochs=2,
    )


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("window", "strides", "rates"),
    [((3, 2), 1, 1), ((1, 1), 2, 1), ((4, 3), (2, 3), 1), ((2, 3), 1, (2, 1)), ((3, 3, 2), (1, 2, 1), 1)],
    ids=str,
)
def test_a_convolution_is_a_product_of_patches_and_kernel(window, strides, rates, padding):
    kind = LAYERS.Conv2D if len(window) == 2 else LAYERS.Conv3D
    layer = kind(5, window, strides, padding, dilation_rate=rates)
    inputs = RNG.normal(size=(2, *(7, 8, 5)[: len(window)], 3)).astype("float32")
    expected = keras.ops.convert_to_numpy(layer(inputs))
    assert is_product(layer)
    model = keras.Sequential([layer])
    with as_products(model):
        assert "convolution_op" in vars(layer)
        found = keras.ops.convert_to_numpy(layer(inputs))
    assert "convolution_op" not in vars(layer)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(BACKEND == "torch", reason="refused, see below")
def test_convolutions_that_stay_as_they_are():
    layers = [LAYERS.DepthwiseConv2D(3, strides=2), LAYERS.Conv2D(4, 3, groups=2)]
    assert not any(map(is_product, layers))
    model = compiled(*layers, LAYERS.Flatten(), LAYERS.Dense(3), shape=(8, 8, 2))
    check(model, IMAGES, replicates=1, epochs=2)


@pytest.mark.filterwarnings("ignore:.*performance drop.*:UserWarning")  # vmap over attention on PyTorch
def test_sequences_attention_shared_layers_and_many_inputs_and_outputs():
    words, numbers = keras.Input((5,), dtype="int32", name="words"), keras.Input((6,), name="numbers")
    embedded = LAYERS.Embedding(20, 6)(words)
    attended = LAYERS.MultiHeadAttention(2, 3)(embedded, embedded)
    both = [LAYERS.LSTM(4)(attended), LAYERS.GRU(4)(embedded)]
    shared = LAYERS.Dense(6, "tanh")
    hidden = LAYERS.Concatenate()([*both, shared(shared(numbers))])
    model = keras.Model(
        {"words": words, "numbers": numbers}, [LAYERS.Dense(3, name="kind")(hidden), LAYERS.Dense(1)(hidden)]
    )
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9),
        [crossentropy(), "mse"],
        metrics=[["accuracy"], ["mae"]],
        loss_weights=[1.0, 0.5],
    )
    check(model, {"words": WORDS, "numbers": X}, [Y, X[:, 0]], replicates=1, epochs=2)


class Taken(LAYERS.Layer):
    """A table of its own."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(20, 4), name="kernel")

    def call(self, x):
        return keras.ops.take(self.kernel, keras.ops.cast(x, "int32"), axis=0)


@pytest.mark.parametrize(
    ("layer", "optimizer"),
    [
        (LAYERS.Embedding(20, 4), "adam"),
        (LAYERS.Embedding(20, 4, embeddings_constraint="max_norm"), keras.optimizers.AdamW(0.01)),
        (LAYERS.Embedding(20, 4), keras.optimizers.SGD(clipvalue=0.01)),
        (Taken(), "nadam"),
    ],
    ids=["Embedding", "constrained", "clipped", "custom"],
)
def test_rows_of_a_table_that_come_twice_count_as_the_optimizer_counts_them(layer, optimizer):
    layers = [layer, LAYERS.Flatten(), LAYERS.Dense(3)]
    check(compiled(*layers, shape=(5,), optimizer=optimizer), WORDS, epochs=2)


@pytest.mark.filterwarnings("ignore:.*performance drop.*:UserWarning")  # vmap over attention on PyTorch
def test_a_small_transformer_with_adam():
    words = keras.Input((5,), dtype="int32")
    embedded = LAYERS.Embedding(20, 8)(words)
    attended = LAYERS.LayerNormalization()(embedded + LAYERS.MultiHeadAttention(2, 4)(embedded, embedded))
    hidden = LAYERS.LayerNormalization()(attended + LAYERS.Dense(8)(LAYERS.Dense(16, "relu")(attended)))
    model = keras.Model(words, LAYERS.Dense(3)(LAYERS.GlobalAveragePooling1D()(hidden)))
    model.compile("adam", crossentropy(), metrics=["accuracy"])
    check(model, WORDS, replicates=1, epochs=5)


def test_metrics_with_state():
    model = keras.Sequential([keras.Input((6,)), LAYERS.Dense(4, "tanh"), LAYERS.Dense(1, "sigmoid")])
    model.compile("rmsprop", "binary_crossentropy", metrics=[keras.metrics.AUC(num_thresholds=20)])
    check(model, X, (Y > 1).astype("float32"), validation_split=0.2, replicates=1)


@pytest.fixture
def double_precision():
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


@pytest.mark.skipif(BACKEND == "jax", reason="JAX computes in float32 unless told before it starts")
@pytest.mark.usefixtures("double_precision")
def test_double_precision_agrees_far_closer():
    model = keras.Sequential([keras.Input((6,)), LAYERS.Dense(8, "tanh"), LAYERS.Dense(3)])
    model.compile("adam", "mse")
    check(model, X.astype("float64"), X[:, :3].astype("float64"), replicates=1)


def test_mixed_precision():
    model = compiled(
        LAYERS.Dense(8, "relu", dtype="mixed_bfloat16"), LAYERS.BatchNormalization(), LAYERS.Dense(3)
    )
    check(model, replicates=1)


class Shuffled(keras.utils.PyDataset):
    """A data set that comes in another order each time."""

    def __init__(self):
        super().__init__()
        self.on_epoch_begin_count = 0
        self._rng = np.random.default_rng(1)
        self._order = np.arange(N)

    def __len__(self):
        return 4

    def __getitem__(self, step):
        chosen = self._order[step * 16 : step * 16 + 16]
        return X[chosen], Y[chosen]

    def on_epoch_end(self):
        self._rng.shuffle(self._order)


def tf_dataset():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(N, seed=1).batch(16)


@pytest.mark.parametrize(
    "dataset",
    [
        Shuffled,
        pytest.param(
            tf_dataset, marks=pytest.mark.skipif(BACKEND != "tensorflow", reason="its own backend is enough")
        ),
    ],
)
def test_data_sets_are_read_as_one_model_after_another_reads_them(dataset):
    model = compiled(LAYERS.Dense(8, "tanh"), LAYERS.Dense(3))
    found = []
    for engine in (Sequential(), Stacked()):
        setup, trials = setup_and_trials(
            model, dataset(), None, batch_size=None, validation_data=(X[:20], Y[:20])
        )
        found.append(records(engine, setup, trials))
    for name, record in found[0].items():
        np.testing.assert_allclose(found[1][name].step_losses, record.step_losses, rtol=1e-3)
        assert found[1][name].epochs.keys() == record.epochs.keys()


def test_large_data_stay_on_the_host(monkeypatch):
    monkeypatch.setattr(blocks, "LARGE", 0)
    model = compiled(LAYERS.Dense(8, "tanh"), LAYERS.Dense(3))
    plan, setup = plan_and_setup(model, X[:54], Y[:54], validation_data=(X, Y))
    by_replicate = [[trial for trial in plan.trials if trial.replicate == one] for one in (0, 1)]
    assert blocks.blocks(setup.training, by_replicate[0]).data == ()
    assert blocks.blocks(setup.training, plan.trials).data != ()  # each replicate has an order of its own
    # So that replicates train one by one.
    monkeypatch.setattr("keras_initlab.engines.stacked.groups.HEAVY", 0)
    check_engine(ENGINES["stacked"], plan, setup)


def test_initial_weights_are_equal_to_the_bit_and_the_model_is_given_back():
    model = compiled(LAYERS.Dense(8, "relu"), LAYERS.BatchNormalization(), LAYERS.Dense(3))
    before = [np.array(variable) for variable in model.variables]
    starts = {}

    def keep(label, replicate):
        def note(batch, logs):
            starts.setdefault((label, replicate), [np.array(v) for v in model.trainable_variables])

        return [keras.callbacks.LambdaCallback(on_train_batch_begin=note)]

    setup, trials = setup_and_trials(model, callbacks=keep, epochs=1)
    records(Sequential(), setup, trials)
    template = Template(setup)
    for trial in trials:
        with isolated() as generators:
            start = template.packing.unpack(template.start(setup, trial, generators).trainable)
        for one, other in zip(start, starts[trial.label, trial.replicate], strict=True):
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(one), other)
    records(Stacked(), *setup_and_trials(model, epochs=1))
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(np.array(variable), value)
    assert not model.optimizer.built or int(model.optimizer.iterations) == 0
