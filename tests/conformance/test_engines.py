"""Every engine leaves the records that plain `fit`, one model after another, leaves."""

import importlib
import re
import warnings
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_initlab.core.errors import InputError
from keras_initlab.core.rng import isolated
from keras_initlab.engines import ENGINES, blocks, choice, choose, groups
from keras_initlab.engines.sequential import Sequential
from keras_initlab.engines.stacked.convolution import as_products, is_product
from keras_initlab.engines.stacked.engine import Stacked
from keras_initlab.engines.stacked.members import Template
from keras_initlab.experiment.intake import take_in
from keras_initlab.testing import check_engine

BACKEND = keras.backend.backend()
LAYERS = keras.layers
RNG = np.random.default_rng(0)
N = 64  # four full batches; where the last is smaller, a test says so
X = RNG.normal(size=(N, 6)).astype("float32")
Y = RNG.integers(0, 3, N)
IMAGES = RNG.normal(size=(N, 8, 8, 2)).astype("float32")
WORDS = RNG.integers(0, 20, (N, 5)).astype("int32")
LABELS = ["initlab_he_normal", "glorot_uniform"]


def crossentropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def compiled(*layers, shape=(6,), optimizer="adam", metrics=("accuracy",), **arguments):
    model = keras.Sequential([keras.Input(shape), *layers])
    model.compile(optimizer, crossentropy(), metrics=list(metrics), **arguments)
    return model


def plan_and_setup(model, x=X, y=Y, initializers=LABELS, **arguments):
    given = {
        "validation_data": None,
        "validation_split": 0.0,
        "batch_size": 16,
        "epochs": 4,
        "steps_per_epoch": None,
        "shuffle": True,
        "class_weight": None,
        "sample_weight": None,
        "callbacks": None,
        "replicates": 2,
        "seed": 5,
        "layers": None,
        "roles": None,
        "fans": "keras",
        "baseline": None,
        "target_loss": None,
    }
    with isolated():
        return take_in(model, initializers, x, y, **given | arguments)[:2]


def check(model, *data, **arguments):
    check_engine(ENGINES["stacked"], *plan_and_setup(model, *data, **arguments))


class Observer:
    def started(self, trial):
        pass

    def stepped(self, trial):
        pass

    def finished(self, record):
        pass


def records(engine, plan, setup):
    return {(r.label, r.replicate): r for r in engine.run(plan.trials, plan, setup, Observer())}


# -- meaning ---------------------------------------------------------------------------------------


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
    plan, setup = plan_and_setup(model, X, Y, twins)
    found = records(Stacked(), plan, setup)
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
        plan, setup = plan_and_setup(
            model, dataset(), None, batch_size=None, validation_data=(X[:20], Y[:20])
        )
        found.append(records(engine, plan, setup))
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
    monkeypatch.setattr(
        "keras_initlab.engines.stacked.groups.HEAVY", 0
    )  # so that replicates train one by one
    check_engine(ENGINES["stacked"], plan, setup)


def test_initial_weights_are_equal_to_the_bit_and_the_model_is_given_back():
    model = compiled(LAYERS.Dense(8, "relu"), LAYERS.BatchNormalization(), LAYERS.Dense(3))
    before = [np.array(variable) for variable in model.variables]
    starts = {}

    def keep(label, replicate):
        def note(batch, logs):
            starts.setdefault((label, replicate), [np.array(v) for v in model.trainable_variables])

        return [keras.callbacks.LambdaCallback(on_train_batch_begin=note)]

    plan, setup = plan_and_setup(model, callbacks=keep, epochs=1)
    records(Sequential(), plan, setup)
    template = Template(model)
    for trial in plan.trials:
        with isolated():
            start = template.packing.unpack(template.start(setup, trial).trainable)
        for one, other in zip(start, starts[trial.label, trial.replicate], strict=True):
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(one), other)
    records(Stacked(), *plan_and_setup(model, epochs=1))
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(np.array(variable), value)
    assert not model.optimizer.built or int(model.optimizer.iterations) == 0


# -- divergence and failure --------------------------------------------------------------------------


def explode(shape, dtype=None):
    return keras.ops.full(shape, 1e30, dtype=dtype)


def refuse(shape, dtype=None):
    raise ValueError("not this shape")


def test_a_member_that_diverges_or_fails_leaves_its_neighbours_alone():
    model = compiled(LAYERS.Dense(8, "relu"), LAYERS.Dense(3), optimizer=keras.optimizers.SGD(0.1))
    calm = {"he": "initlab_he_normal", "also": "glorot_uniform", "third": "initlab_he_uniform"}
    wild = {"he": "initlab_he_normal", "also": explode, "refuses": refuse, "third": "initlab_he_uniform"}
    without = records(Stacked(), *plan_and_setup(model, X, Y, calm, epochs=2))
    plan, setup = plan_and_setup(model, X, Y, wild | {"refuses": calm["also"]}, epochs=2)
    setup.schemes["refuses"] = refuse
    found = records(Stacked(), plan, setup)
    expected = records(Sequential(), plan, setup)
    for replicate in range(2):
        for name in ("he", "third"):
            assert found[name, replicate].step_losses == without[name, replicate].step_losses
        assert found["refuses", replicate].status == "failed"
        assert "not this shape" in found["refuses", replicate].message
        gone = found["also", replicate]
        assert gone.status == expected["also", replicate].status == "diverged"
        assert len(gone.step_losses) == len(expected["also", replicate].step_losses)
        assert gone.epochs == expected["also", replicate].epochs
        assert np.isfinite(gone.step_losses[:-1]).all()
        assert "lower learning rate" in gone.message


def test_dead_members_are_left_out_when_that_pays(monkeypatch):
    sizes = []
    monkeypatch.setattr("keras_initlab.engines.stacked.engine._Warmth.pays_to_rebuild", lambda *_: True)
    original = Stacked.run.__globals__["_Machine"]

    class Machine(original):
        def __init__(self, template, setup, trials, before):
            sizes.append(len(trials))
            super().__init__(template, setup, trials, before)

    monkeypatch.setitem(Stacked.run.__globals__, "_Machine", Machine)
    model = compiled(LAYERS.Dense(8, "relu"), LAYERS.BatchNormalization(), LAYERS.Dense(3))
    wild = {"he": "initlab_he_normal", "boom": explode, "glorot": "glorot_uniform"}
    plan, setup = plan_and_setup(model, X, Y, wild, epochs=3, replicates=1)
    found, expected = records(Stacked(), plan, setup), records(Sequential(), plan, setup)
    assert sizes == [3, 2]
    for name, record in expected.items():
        assert found[name].status == record.status
        np.testing.assert_allclose(found[name].step_losses, record.step_losses, rtol=1e-3)
        assert found[name].epochs.keys() == record.epochs.keys()


# -- refusal and choice --------------------------------------------------------------------------------


class OwnStep(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = LAYERS.Dense(3)

    def call(self, x):
        return self.dense(x)

    def train_step(self, *arguments):
        return super().train_step(*arguments)


class Hidden(LAYERS.Layer):
    """Changes a variable that Keras does not know of."""

    def __init__(self):
        super().__init__()
        seen = keras.Variable(0.0, trainable=False)
        self.note = lambda: seen.assign_add(1.0)

    def call(self, x):
        self.note()
        return x


def excluded_one_by_one():
    model = compiled(LAYERS.Dense(3), optimizer=keras.optimizers.AdamW(weight_decay=0.1))
    model.optimizer.exclude_from_weight_decay(var_list=[model.trainable_variables[1]])
    return model


def own_step():
    model = OwnStep()
    model.compile("adam", crossentropy())
    model(X[:1])
    return model


class Scale(LAYERS.Layer):
    """A custom layer; with `remember` each call leaves a trace in it."""

    def __init__(self, remember=None):
        super().__init__()
        self.remember, self.calls, self.seen = remember, 0, []

    def call(self, x):
        if self.remember == "count":
            self.calls += 1
        if self.remember == "append":
            self.seen.append(self.calls)
        return 2 * x


def test_a_custom_layer_without_side_effects_is_stacked():
    check(compiled(LAYERS.Dense(4, "tanh"), Scale(), LAYERS.Dense(3)), replicates=1, epochs=2)


REFUSED = {
    "a call of Scale changes its attribute 'calls'": lambda: compiled(LAYERS.Dense(3), Scale("count")),
    "a call of Scale changes its attribute 'seen'": lambda: compiled(LAYERS.Dense(3), Scale("append")),
    "LossScaleOptimizer|Lamb": lambda: compiled(LAYERS.Dense(3), optimizer=keras.optimizers.Lamb()),
    "excluded from the weight decay": excluded_one_by_one,
    "a variable that the model does not track": lambda: compiled(LAYERS.Dense(3), Hidden()),
    "clipnorm": lambda: compiled(LAYERS.Dense(3), optimizer=keras.optimizers.Adam(clipnorm=1.0)),
    "global_clipnorm": lambda: compiled(LAYERS.Dense(3), optimizer=keras.optimizers.SGD(global_clipnorm=1.0)),
    "use_ema": lambda: compiled(LAYERS.Dense(3), optimizer=keras.optimizers.Adam(use_ema=True)),
    "run_eagerly": lambda: compiled(LAYERS.Dense(3), run_eagerly=True),
    "train_step of its own": own_step,
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_stacked_is_refused_with_a_reason_and_auto_takes_another(reason):
    plan, setup = plan_and_setup(REFUSED[reason]())
    with pytest.raises(InputError, match=rf"(?i)'stacked' cannot run this comparison: .*({reason})"):
        choose("stacked", plan, setup)
    engine, why = choose("auto", plan, setup)
    assert engine.name == "sequential"
    assert "cannot be stacked" in why


def test_callbacks_are_refused():
    plan, setup = plan_and_setup(compiled(LAYERS.Dense(3)), callbacks=lambda label, replicate: [])
    assert "callbacks" in Stacked().why_not(plan, setup)


@pytest.mark.skipif(BACKEND != "torch", reason="others can")
@pytest.mark.parametrize(
    ("layer", "word"), [(LAYERS.Dropout(0.1), "dropout"), (LAYERS.Conv1D(2, 3), "convol")]
)
def test_pytorch_refuses_random_layers_and_convolutions(layer, word):
    data = (IMAGES[:, 0], Y)
    plan, setup = plan_and_setup(compiled(layer, LAYERS.Flatten(), LAYERS.Dense(3), shape=(8, 2)), *data)
    assert word in Stacked().why_not(plan, setup)


class Taken(LAYERS.Layer):
    """A table of its own."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(20, 4), name="kernel")

    def call(self, x):
        return keras.ops.take(self.kernel, keras.ops.cast(x, "int32"), axis=0)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="others have dense gradients")
@pytest.mark.parametrize(
    ("layer", "optimizer"),
    [
        (LAYERS.Embedding(20, 4), "adam"),
        (LAYERS.Embedding(20, 4), keras.optimizers.SGD(clipvalue=0.1)),
        (Taken(), "adam"),
    ],
    ids=["Embedding", "clipped", "custom"],
)
def test_tensorflow_refuses_sparse_gradients_where_the_optimizer_minds(layer, optimizer):
    layers = [layer, LAYERS.Flatten(), LAYERS.Dense(3)]
    plan, setup = plan_and_setup(compiled(*layers, shape=(5,), optimizer=optimizer), WORDS)
    assert "sparse" in Stacked().why_not(plan, setup)
    plan, setup = plan_and_setup(compiled(*layers, shape=(5,), optimizer="sgd"), WORDS)
    assert Stacked().why_not(plan, setup) is None


@pytest.mark.skipif(BACKEND == "torch", reason="Keras cannot train them there")
def test_stateful_layers_start_each_run_with_nothing_and_are_not_stacked():
    model = keras.Sequential(
        [keras.Input((3, 6), batch_size=16), LAYERS.GRU(4, stateful=True), LAYERS.Dense(3)]
    )
    model.compile("sgd", crossentropy())
    x = np.repeat(X[:, None], 3, axis=1)
    model.predict(x[:16], verbose=0)
    before = np.array(model.layers[0].states[0])
    plan, setup = plan_and_setup(model, x, initializers={"one": "he_normal", "twin": "he_normal"}, epochs=1)
    assert "stateful" in Stacked().why_not(plan, setup)
    found = records(Sequential(), plan, setup)
    assert found["one", 0].status == "completed"
    assert found["one", 0].step_losses == found["twin", 0].step_losses
    np.testing.assert_array_equal(np.array(model.layers[0].states[0]), before)


def test_names_excluded_from_weight_decay_stay_excluded():
    def loss(exclude):
        optimizer = keras.optimizers.AdamW(0.05, weight_decay=2.0)
        model = compiled(LAYERS.Dense(8, "tanh"), LAYERS.Dense(3), optimizer=optimizer)
        if exclude:
            optimizer.exclude_from_weight_decay(var_names=["kernel"])
        plan, setup = plan_and_setup(model, replicates=1, initializers=LABELS[:1])
        check_engine(ENGINES["stacked"], plan, setup)
        return records(Sequential(), plan, setup)[LABELS[0], 0].step_losses

    assert loss(exclude=True)[0] == loss(exclude=False)[0]
    assert loss(exclude=True)[-1] != pytest.approx(loss(exclude=False)[-1], rel=0.01)


def test_auto_stacks_small_nets_that_train_long_enough_and_nothing_it_does_not_know():
    def small():
        return LAYERS.Dense(8, "relu"), LAYERS.Dense(3)

    plan, setup = plan_and_setup(compiled(*small()), epochs=200)
    assert choose("auto", plan, setup)[0].name == "stacked"
    engine, why = choose("auto", *plan_and_setup(compiled(*small()), epochs=1))
    assert (engine.name, "too short" in why) == (
        ("sequential", True) if BACKEND == "jax" else ("stacked", False)
    )
    engine, why = choose("auto", *plan_and_setup(compiled(*small()), replicates=1, epochs=200))
    assert (engine.name, "too few runs" in why) == ("sequential", True)
    images = compiled(LAYERS.Conv2D(4, 3), LAYERS.MaxPooling2D(), LAYERS.Flatten(), *small(), shape=(8, 8, 2))
    assert choose("auto", *plan_and_setup(images, IMAGES, epochs=200))[0].name == "stacked"
    unknown = compiled(*small(), LAYERS.UnitNormalization())
    engine, why = choose("auto", *plan_and_setup(unknown, epochs=200))
    assert (engine.name, "too short to try" in why) == ("sequential", True)


def test_auto_tries_what_it_does_not_know_and_leaves_no_trace(monkeypatch):
    monkeypatch.setattr(choice, "_cheap", lambda model: 0)
    model = compiled(LAYERS.Dense(8, "relu"), LAYERS.BatchNormalization(), LAYERS.Dense(3))
    plan, setup = plan_and_setup(model, validation_data=(X, Y))
    assert choose("auto", plan, setup)[1] == "the run is too short to try which engine is faster"
    before = records(Stacked(), plan, setup)
    monkeypatch.setattr(choice, "TRIAL_SHARE", float("inf"))
    _, why = choose("auto", plan, setup)
    assert re.fullmatch(r"(stacked was )?\d+\.\d times as fast in a trial of 16 steps", why)
    for name, record in records(Stacked(), plan, setup).items():
        assert record.step_losses == before[name].step_losses
        assert record.epochs == before[name].epochs


def test_groups_fit_the_memory_of_the_accelerator(monkeypatch):
    """No accelerator is at hand: its answers are made up, in the form that each backend documents."""
    plan, setup = plan_and_setup(compiled(LAYERS.Dense(3)), replicates=3)
    template = Template(setup.model)
    image = plan_and_setup(compiled(LAYERS.Conv2D(4, 3), LAYERS.Flatten(), shape=(8, 8, 2)), IMAGES)[1]
    # 6 x 6 places of 4 channels and, as patches, 3 x 3 taps of 2; as often flattened; and the input.
    activations = 16 * (8 * 8 * 2 + 36 * 4 + 36 * 18 + 36 * 4)
    weights = 3 * 3 * 2 * 4 + 4
    counted = groups.member_bytes(image, Template(image.model))
    assert counted >= 4 * (5 * weights + 2 * activations)
    assert counted < 4 * (5 * weights + 2 * activations) + 200  # metrics and seeds
    free = 16 * groups.member_bytes(setup, template)  # a quarter of it holds four members
    if BACKEND == "torch":
        monkeypatch.setattr("torch.cuda.is_available", lambda: True)
        monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (free, 10 * free))
    elif BACKEND == "jax":
        device = SimpleNamespace(memory_stats=lambda: {"bytes_limit": 3 * free, "bytes_in_use": 2 * free})
        monkeypatch.setattr("jax.local_devices", lambda: [device])
    else:
        device_lib = importlib.import_module("tensorflow.python.client.device_lib")
        gpu = SimpleNamespace(device_type="GPU", memory_limit=3 * free)
        monkeypatch.setattr("tensorflow.config.list_logical_devices", lambda kind: [gpu])
        monkeypatch.setattr(device_lib, "list_local_devices", lambda: [gpu])
        monkeypatch.setattr(
            "tensorflow.config.experimental.get_memory_info", lambda name: {"current": 2 * free}
        )
    assert [len(group) for group in groups.groups(plan.trials, setup, template)] == [4, 2]


# -- the check itself ------------------------------------------------------------------------------------


def mutants():
    def mean_of_losses(monkeypatch):
        original = Template.step

        def step(self, trainable, state, batch, training):
            loss, after = original(self, trainable, state, batch, training)
            return loss * 1.01, after

        monkeypatch.setattr(Template, "step", step)

    def order_of_first_replicate(monkeypatch):
        monkeypatch.setattr(blocks, "_fed_alike", lambda source, trials: True)

    def metrics_not_reset(monkeypatch):
        from keras_initlab.engines.stacked.members import Members

        monkeypatch.setattr(Members, "reset_metrics", lambda self: None)

    def optimizer_not_fresh(monkeypatch):
        from keras_initlab.engines import stacked

        monkeypatch.setattr(stacked, "fresh_optimizer", lambda optimizer: keras.optimizers.Adam(0.002))

    return [mean_of_losses, order_of_first_replicate, metrics_not_reset, optimizer_not_fresh]


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.__name__)
def test_a_wrong_engine_is_found_out(mutant, monkeypatch):
    plan, setup = plan_and_setup(compiled(LAYERS.Dense(8, "tanh"), LAYERS.Dense(3)))
    mutant(monkeypatch)
    with pytest.raises(AssertionError, match="instead of"):
        check_engine(Stacked(), plan, setup)
