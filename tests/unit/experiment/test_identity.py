"""What decides the numbers of a comparison is in its identity: one argument changed at a time is seen."""

import functools
import json
import threading

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.core.errors import InputError
from keras_initlab.core.rng import isolated
from keras_initlab.experiment import provenance
from keras_initlab.experiment.intake import Given, Length, take_in
from keras_initlab.trials.config import Config

RNG = np.random.default_rng(2)
X = RNG.normal(size=(16, 4)).astype("float32")
Y = np.eye(3, dtype="float32")[np.arange(16) % 3]
BASE = RNG.normal(size=(4, 4)).astype("float32")
STD = 0.1


def scaled(std):
    def draw(shape, dtype=None):
        return keras.random.normal(shape, stddev=std, dtype=dtype)

    return draw


def by_global(shape, dtype=None):
    return keras.random.normal(shape, stddev=STD, dtype=dtype)


class Law(keras.initializers.Initializer):
    power = 1

    def __call__(self, shape, dtype=None):
        return keras.ops.ones(shape, dtype) ** self.power


class Other(Law):
    def __call__(self, shape, dtype=None):
        return keras.ops.zeros(shape, dtype) ** self.power


Other.__name__ = Other.__qualname__ = "Law"


class Gain(keras.layers.Layer):
    def __init__(self, gain):
        super().__init__()
        self.gain = gain

    def call(self, x):
        return x * self.gain


class Twice(keras.Sequential):
    def compute_loss(self, *args, **kwargs):
        return 2 * super().compute_loss(*args, **kwargs)


class Thrice(keras.Sequential):
    def compute_loss(self, *args, **kwargs):
        return 3 * super().compute_loss(*args, **kwargs)


Thrice.__name__ = Thrice.__qualname__ = "Twice"


def mine(y, predicted):
    return keras.ops.mean((y - predicted) ** 2)


def theirs(y, predicted):
    return keras.ops.mean((y - predicted) ** 4)


theirs.__name__ = theirs.__qualname__ = "mine"


def spared(optimizer):
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def net(
    base=BASE,
    middle=(),
    units=8,
    kind=keras.Sequential,
    activation="relu",
    own="glorot_uniform",
    head="glorot_uniform",
    dtype=None,
    optimizer="adam",
    loss="categorical_crossentropy",
    metrics=("accuracy",),
    **compiled,
):
    frozen = keras.layers.Dense(4, use_bias=False, trainable=False)
    model = kind(
        [
            keras.Input((4,)),
            frozen,
            keras.layers.Dense(units, activation, kernel_initializer=own, dtype=dtype),
            keras.layers.BatchNormalization(),
            *middle,
            keras.layers.Dense(3, kernel_initializer=head, name="head"),
        ]
    )
    frozen.set_weights([base])
    model.compile(optimizer, loss, metrics=list(metrics), **compiled)
    return model


def joined(reverse):
    inputs = keras.Input((4,))
    one, other = (keras.layers.Dense(3, activation="relu")(inputs) for _ in range(2))
    top = keras.layers.Dense(3)(keras.ops.add(one, 2.0 if reverse == "constant" else 1.0))
    model = keras.Model(inputs, keras.ops.subtract(*((other, top) if reverse is True else (top, other))))
    model.compile("adam", "mse")
    return model


def pair(weights):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, [keras.layers.Dense(3, name=name)(inputs) for name in "ab"])
    model.compile("adam", ["mse", "mae"], loss_weights=weights)
    return model


def told(
    model=None,
    initializers=None,
    x=X,
    y=Y,
    validation_data=None,
    shuffle=True,
    class_weight=None,
    sample_weight=None,
    batch_size=8,
    validation_split=0.0,
    steps_per_epoch=None,
    epochs=1,
    seed=0,
    **choices,
):
    """The configuration, as it comes back from a file."""
    choices = {"layers": None, "roles": None, "fans": "keras", "callbacks": None} | choices
    given = Given(x, y, validation_data, validation_split, shuffle, class_weight, sample_weight)
    length = Length(2, epochs, seed, batch_size, steps_per_epoch)
    with isolated() as generators:
        taken = take_in(model or net(), initializers or {"a": "zeros"}, given, length, generators, **choices)
        config = provenance.describe(*taken, None, None)
    return Config.from_json(json.loads(json.dumps(config.to_json(), allow_nan=False)))


def stop(patience):
    return lambda label, replicate: [keras.callbacks.EarlyStopping(patience=patience)]


CASES = {
    "shuffle": ({}, {"shuffle": False}, "shuffle: True there, False here"),
    "batch_size": ({}, {"batch_size": 4}, "batch_size: 8 there, 4 here|steps_per_epoch: 2 there, 4 here"),
    "steps_per_epoch": ({}, {"steps_per_epoch": 1}, "steps_per_epoch: 2 there, 1 here"),
    "epochs": ({}, {"epochs": 2}, "epochs: 1 there, 2 here"),
    "seed": ({}, {"seed": 1}, "seed: 0 there, 1 here"),
    "fans": ({}, {"fans": "layer"}, "fans: 'keras' there, 'layer' here"),
    "a pixel": ({}, {"x": X + (np.arange(4) == 3)}, "x, y, sample_weight or class_weight: "),
    "a target": ({}, {"y": Y[::-1]}, "x, y, sample_weight or class_weight: "),
    "sample_weight": (
        {"sample_weight": np.ones(16)},
        {"sample_weight": np.arange(16)},
        "x, y, sample_weight or class_weight: ",
    ),
    "class_weight": (
        {"class_weight": {0: 1.0}},
        {"class_weight": {0: 2.0}},
        "x, y, sample_weight or class_weight: ",
    ),
    "validation_data": ({}, {"validation_data": (X, Y)}, "validation_data: None there, "),
    "layers": ({}, {"layers": "head"}, r"layers or roles \(layer 3, \w+: tested\): \['kernel'\] there, None"),
    "roles": (
        {},
        {"roles": ("kernel", "bias")},
        r"layers or roles \(layer 3, \w+: tested\[1\]\): 'nothing' th",
    ),
    "callbacks": ({}, {"callbacks": stop(1)}, "callbacks: 'none' there, .'given'.* here"),
    "another callback": (
        {"callbacks": lambda label, replicate: [keras.callbacks.EarlyStopping(patience=3)]},
        {"callbacks": lambda label, replicate: [keras.callbacks.EarlyStopping(patience=4)]},
        r"callbacks \(callbacks.given.code\)",
    ),
    "closure": (
        {"initializers": {"a": scaled(0.1)}},
        {"initializers": {"a": scaled(0.2)}},
        r"'a' with another co.*std",
    ),
    "lambda": (
        {"initializers": {"a": lambda shape, dtype=None: keras.ops.ones(shape, dtype)}},
        {"initializers": {"a": lambda shape, dtype=None: keras.ops.ones(shape, dtype) * 2}},
        "'a' with another code",
    ),
    "partial": (
        {"initializers": {"a": functools.partial(by_global, dtype="float32")}},
        {"initializers": {"a": functools.partial(scaled(1), dtype="float32")}},
        "'a' with another code",
    ),
    "an initializer's class": (
        {"initializers": {"a": Law()}},
        {"initializers": {"a": Other()}},
        "'a' with another code",
    ),
    "an initializer's argument": (
        {"initializers": {"a": keras.initializers.RandomNormal(0, 1)}},
        {"initializers": {"a": keras.initializers.RandomNormal(0, 2)}},
        "'a' as .*'stddev': 1.* here it is .*'stddev': 2",
    ),
}

MODELS = {
    "width": ({}, {"units": 9}, r"model \(layer 3, \w+: config.units\): 8 there, 9 here"),
    "activation": ({}, {"activation": "tanh"}, r"model \(layer 3, \w+: config.activation\)"),
    "own activation": (
        {"activation": lambda x: x},
        {"activation": lambda x: -x},
        r"layer 3, \w+: holds.activation.code",
    ),
    "frozen weights": (
        {},
        {"base": BASE * 1.001},
        r"model \(layer 2, \w+: kept\): .*that are not drawn anew: load",
    ),
    "the weights' own law": (
        {},
        {"own": "ones"},
        r"model \(layer 3, \w+: config.kernel_initializer.class_name\)",
    ),
    "the weights' own function": (
        {"own": scaled(0.1)},
        {"own": scaled(0.3)},
        "holds.kernel_initializer.uses.std",
    ),
    "dtype of a layer": (
        {},
        {"dtype": "float16"},
        r"layer 3, \w+: config.dtype.*: 'float32' there, 'float16' here",
    ),
    "a layer of one's own": (
        {"middle": [Gain(1.0)]},
        {"middle": [Gain(2.0)]},
        r"layer 5, \w+: config.gain\): 1.0 there",
    ),
    "a lambda layer": (
        {"middle": [keras.layers.Lambda(lambda x: x)]},
        {"middle": [keras.layers.Lambda(lambda x: x * 2)]},
        r"layer 5, \w+: holds.function.code",
    ),
    "another layer": (
        {},
        {"middle": [keras.layers.Dropout(0.1)]},
        r"layer 5, \w+: class\): 'Dense' there, 'Dropout' here",
    ),
    "dropout": (
        {"middle": [keras.layers.Dropout(0.1)]},
        {"middle": [keras.layers.Dropout(0.2)]},
        r"layer 5, \w+: config.rate\): 0.1 there, 0.2 here",
    ),
    "a method of the model": ({"kind": Twice}, {"kind": Thrice}, r"model \(layer 0, \w+: code\)"),
    "loss": ({}, {"loss": "mse"}, r"loss \(loss.given\): 'categorical_crossentropy' there, 'mse' here"),
    "from_logits": (
        {"loss": keras.losses.CategoricalCrossentropy(from_logits=True)},
        {"loss": keras.losses.CategoricalCrossentropy(from_logits=False)},
        r"loss \(loss.given.config.from_logits\): True there, False here",
    ),
    "label_smoothing": (
        {"loss": keras.losses.CategoricalCrossentropy()},
        {"loss": keras.losses.CategoricalCrossentropy(label_smoothing=0.1)},
        r"loss.given.config.label_smoothing\): 0.* there, 0.1 here",
    ),
    "own loss": ({"loss": mine}, {"loss": theirs}, r"loss \(loss.given.code\)"),
    "metrics": ({}, {"metrics": ["mae"]}, r"metrics \(metrics.given\[0\]\): 'accuracy' there, 'mae' here"),
    "a metric's argument": (
        {"metrics": [keras.metrics.TopKCategoricalAccuracy(2, name="top")]},
        {"metrics": [keras.metrics.TopKCategoricalAccuracy(1, name="top")]},
        r"metrics.given\[0\].config.k\): 2 there, 1 here",
    ),
    "weighted_metrics": ({}, {"weighted_metrics": ["mae"]}, r"metrics \(metrics.weighted\): None there"),
    "learning rate": (
        {"optimizer": keras.optimizers.Adam(0.1)},
        {"optimizer": keras.optimizers.Adam(0.2)},
        r"optimizer \(optimizer.learning_rate\): 0.1\d* there, 0.2\d* here",
    ),
    "optimizers_alike": (
        {"optimizer": keras.optimizers.Nadam()},
        {"optimizer": keras.optimizers.Adamax()},
        r"optimizer \(optimizer_class.optimizer.class\): 'Nadam' there, 'Adamax' here",
    ),
    "who decays": (
        {"optimizer": keras.optimizers.AdamW()},
        {"optimizer": spared(keras.optimizers.AdamW())},
        r"optimizer \(optimizer_class.optimizer.spared from decay\): None there",
    ),
    "jit_compile": ({"jit_compile": False}, {"jit_compile": True}, "jit_compile: False there, True here"),
}


@pytest.mark.parametrize("name", CASES)
def test_an_argument_that_changes_numbers_is_named(name):
    one, other, wanted = CASES[name]
    assert seen(told(**one), told(**other), wanted)
    assert told(**one).differs_from(told(**one)) is None


@pytest.mark.parametrize("name", MODELS)
def test_a_part_of_the_model_that_changes_numbers_is_named(name):
    one, other, wanted = MODELS[name]
    assert seen(told(net(**one)), told(net(**other)), wanted)
    assert told(net(**one)).differs_from(told(net(**one))) is None  # built anew, with other automatic names


def seen(there, here, wanted):
    with pytest.raises(AssertionError, match=wanted):
        raise AssertionError(there.differs_from(here))
    return there.identity("a") != here.identity("a")


@pytest.mark.parametrize("how", [True, "constant"])
def test_how_layers_are_connected_counts(how):
    assert seen(told(joined(False)), told(joined(how)), r"model \(layer 0, \w+: connections\)")
    assert told(joined(how)).differs_from(told(joined(how))) is None


def test_the_weights_of_losses_count():
    data = {"y": [Y, Y]}
    there, here = (told(pair(weights), **data) for weights in ([1.0, 2.0], [1.0, 3.0]))
    assert seen(there, here, r"loss \(loss.weights\[1\]\): 2.0 there, 3.0 here")


def test_a_global_that_a_function_uses_counts(monkeypatch):
    there = told(initializers={"a": by_global})
    monkeypatch.setitem(globals(), "STD", 0.5)
    here = told(initializers={"a": by_global})
    assert seen(there, here, r"'a' with another code \(code.uses.STD\): 0.1 there, 0.5 here")


def test_the_precision_of_keras_counts():
    there = told()
    epsilon = keras.config.epsilon()
    keras.config.set_epsilon(1e-5)
    try:
        assert seen(there, told(), r"precision \(precision.epsilon\): 1e-07 there, 1e-05 here")
    finally:
        keras.config.set_epsilon(epsilon)


def test_what_nobody_can_look_into_is_said():
    holds = [threading.Lock()]

    def draw(shape, dtype=None):
        return keras.ops.ones(shape, dtype) * len(holds)

    code = told(initializers={"a": draw}).labels["a"]["code"]
    assert code["uses"]["holds"] == {"cannot be told": ["list"]}
    assert told(callbacks=stop(1)).callbacks["cannot be told"] == ["state"]


def test_training_and_other_choices_do_not_count():
    model = net()
    before = told(model)
    initlab.compare(model, ["zeros"], X, Y, replicates=1, verbose=False)
    assert before.differs_from(told(model)) is None
    model.fit(X, Y, verbose=0)  # all that it moved starts anew
    assert before.differs_from(told(model)) is None


def test_versions_do_not_count_but_are_told(monkeypatch):
    there = told()
    monkeypatch.setattr(keras, "__version__", "9.9")
    here = told()
    assert there.differs_from(here) is None
    assert there.made_otherwise(here) == f"keras {there.versions['keras']} there, 9.9 here"
    assert set(here.made_with) == {"keras", here.backend, "processor"}


def test_a_folder_is_refused_with_the_argument(tmp_path):
    data = {"replicates": 1, "verbose": False, "run_dir": tmp_path}
    initlab.compare(net(), ["zeros"], X, Y, **data)
    assert len(initlab.compare(net(), ["zeros", "ones"], X, Y, **data).records) == 2
    with pytest.raises(InputError, match=r"holds a comparison with another model \(layer 2, \w+: kept\)"):
        initlab.compare(net(base=BASE * 2), ["zeros"], X, Y, **data)
    with pytest.raises(InputError, match=r"another shuffle: True there, False here\. Give another"):
        initlab.compare(net(), ["zeros"], X, Y, shuffle=False, **data)
