"""A portable copy loads, and predicts the same, where the package cannot be imported."""

import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.network.portable import builtin
from keras_initlab.testing.schemes import numpy

LOAD = """
import sys
sys.modules["keras_initlab"] = None  # as if it were not installed
import keras
import numpy as np

folder, *names = sys.argv[1:]
x = np.load(f"{folder}/x.npy")
for name in names:
    try:
        model = keras.saving.load_model(f"{folder}/{name}.keras")
    except (ImportError, TypeError, ValueError):
        print(name, "refused")
        continue
    y = keras.ops.convert_to_numpy(keras.ops.cast(keras.tree.flatten(model(x))[0], "float32"))
    np.testing.assert_allclose(y, np.load(f"{folder}/{name}.npy"), rtol=1e-5, atol=1e-6)
    print(name, "loaded after", int(model.optimizer.iterations), "steps")
"""
X = np.random.default_rng(0).normal(size=(4, 3, 6)).astype("float32")


def dense(units=6, initializer="initlab_he_normal", **given):
    return layers.Dense(units, kernel_initializer=initializer, **given)


def nested():
    inner = keras.Sequential([keras.Input((6,)), dense(5, "initlab_orthogonal"), dense(4)], name="inner")
    inputs = keras.Input((3, 6))
    shared = dense(bias_initializer="initlab_constant")
    return keras.Model(inputs, layers.TimeDistributed(inner)(shared(shared(inputs))))


def recurrent():
    cells = [layers.LSTMCell(4, kernel_initializer="initlab_glorot_uniform"), layers.GRUCell(3)]
    gates = layers.LSTM(4, return_sequences=True, recurrent_initializer="initlab_per_gate")
    unit = initlab.initializers.HeUniform(gain=0.5, seed=3)
    return keras.Sequential(
        [
            keras.Input((3, 6)),
            layers.Bidirectional(gates),
            layers.RNN(cells, return_sequences=True),
            layers.SimpleRNN(2, kernel_initializer=unit),
        ]
    )


def attention():
    inputs = keras.Input((3, 6))
    kernel = initlab.initializers.WithFans("initlab_he_normal", 6, 8)
    h = layers.MultiHeadAttention(2, 4, kernel_initializer=kernel, dropout=0.1)(inputs, inputs)
    return keras.Model(inputs, layers.SeparableConv1D(3, 2, depthwise_initializer="initlab_lecun_normal")(h))


def half():
    """Keras's own orthogonal cannot draw this."""
    laws = {"recurrent_initializer": "initlab_orthogonal", "kernel_initializer": "initlab_he_fan_avg_normal"}
    return keras.Sequential([keras.Input((3, 6)), layers.LSTM(4, dtype="bfloat16", **laws)])


MODELS = {"nested": nested, "recurrent": recurrent, "attention": attention, "half": half}


def values(model):
    return keras.ops.convert_to_numpy(keras.ops.cast(model(X), "float32"))


def test_a_copy_loads_after_training_where_the_package_is_not_installed(tmp_path):
    np.save(tmp_path / "x.npy", X)
    for name, make in MODELS.items():
        model = make()
        model.compile("adam", "mse")
        model.fit(X, np.zeros_like(values(model)), batch_size=2, verbose=0)
        model.save(tmp_path / f"original-{name}.keras")
        initlab.make_portable(model).save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.npy", values(model))
    names = [*MODELS, *(f"original-{name}" for name in MODELS)]
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path), *names],
        env={**os.environ, "KERAS_BACKEND": keras.backend.backend()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    expected = [f"{name} loaded after 2 steps" for name in MODELS]
    assert done.stdout.splitlines() == expected + [f"original-{name} refused" for name in MODELS]


def test_a_copy_is_the_model_but_for_its_initializers():
    model = nested()
    copy = initlab.make_portable(model)
    assert [layer.name for layer in copy.layers] == [layer.name for layer in model.layers]
    for one, other in zip(model.weights, copy.weights, strict=True):
        np.testing.assert_array_equal(numpy(one), numpy(other))
    # PyTorch may sum in another order where tensors lie elsewhere in memory.
    np.testing.assert_allclose(values(copy), values(model), rtol=1e-5, atol=1e-6)
    copy.set_weights([0 * weight for weight in copy.get_weights()])
    assert values(model).any()  # which is another model
    assert not copy.compiled
    assert isinstance(model.layers[1].kernel_initializer, initlab.initializers.HeNormal)  # and as it was


def trained(optimizer="adam"):
    model = nested()
    model.compile(optimizer, "mse")
    model.fit(X, np.zeros_like(values(model)), batch_size=2, verbose=0)
    return model


def test_training_one_leaves_the_other_alone():
    model = trained()
    copy = initlab.make_portable(model)
    for one in (copy, model, copy):
        one.fit(X, np.zeros_like(values(one)), batch_size=2, verbose=0)
    assert (int(model.optimizer.iterations), int(copy.optimizer.iterations)) == (4, 6)
    assert (values(copy) != values(model)).any()


def test_layers_frozen_after_training_keep_their_slots():
    model = trained()
    model.layers[1].trainable = False
    copy = initlab.make_portable(model)
    assert [one.trainable for one in copy.layers] == [one.trainable for one in model.layers]
    slots, copied = ([numpy(one) for one in owner.optimizer.variables] for owner in (model, copy))
    for one, other in zip(slots, copied, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(copy.optimizer._trainable_variables) == len(copy.variables)


@pytest.mark.parametrize("scaled", [False, True], ids=["plain", "loss scaled"])
def test_weight_decay_in_training_spares_the_same_weights(scaled):
    adam = keras.optimizers.AdamW(0.1, weight_decay=0.5)
    adam.exclude_from_weight_decay(var_names=["bias"])
    model = trained(keras.optimizers.LossScaleOptimizer(adam) if scaled else adam)
    copy = initlab.make_portable(model)
    optimizer = copy.optimizer.inner_optimizer if scaled else copy.optimizer
    spared = [one.name for one in copy.variables if not optimizer._use_weight_decay(one)]
    assert spared == ["bias"] * 3


KEPT = {
    "initlab_he_normal": (2.0, "fan_in", "untruncated_normal"),
    "initlab_glorot_uniform": (1.0, "fan_avg", "uniform"),
    "initlab_torch_linear": (1 / 3, "fan_in", "uniform"),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_fan_scaled_law_stays_the_same_law(name):
    scheme = type(initlab.get(name))(gain=0.5, seed=3)
    config = builtin(scheme).get_config()
    scale, mode, distribution = KEPT[name]
    assert (config["mode"], config["distribution"], config["seed"]) == (mode, distribution, 3)
    assert config["scale"] == pytest.approx(scale / 4)
    shape = (60, 400)
    drawn = keras.ops.convert_to_numpy(builtin(scheme)(shape))
    assert drawn.std() == pytest.approx(scheme.std(shape), rel=5 / np.sqrt(2 * drawn.size))


def test_plain_laws_have_namesakes_and_the_others_a_stand_in():
    constant = builtin(initlab.initializers.Constant(3.0))
    assert type(constant) is keras.initializers.Constant
    assert constant.value == 3
    for name in ("initlab_siren_first", "initlab_signed_constant", "initlab_orthogonal"):
        assert type(builtin(initlab.get(name))) is keras.initializers.GlorotUniform


def test_every_scheme_has_a_builtin():
    for name in initlab.list_initializers():
        try:
            scheme = initlab.get(name)
        except TypeError:  # it has arguments that it cannot do without
            continue
        assert type(builtin(scheme)).__module__.startswith("keras.")


class Bare(keras.Model):
    """Cannot be rebuilt: Keras does not know what it was made with."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, x):
        return self.layer(x)


class InCode(keras.layers.Layer):
    """Makes its initializer itself, whatever its config says."""

    def build(self, shape):
        self.kernel_initializer = initlab.get("initlab_he_normal")
        self.kernel = self.add_weight(
            shape=(shape[-1], 2), initializer=self.kernel_initializer, name="kernel"
        )

    def call(self, x):
        return x @ self.kernel

    def compute_output_shape(self, shape):
        return (*shape[:-1], 2)


class Named(InCode):
    """Hands the name of a scheme on, as custom layers may."""

    def __init__(self, law_initializer="initlab_he_normal", **given):
        super().__init__(**given)
        self.law_initializer = law_initializer

    def build(self, shape):
        self.kernel_initializer = keras.initializers.get(self.law_initializer)
        self.kernel = self.add_weight(
            shape=(shape[-1], 2), initializer=self.kernel_initializer, name="kernel"
        )

    def get_config(self):
        return super().get_config() | {"law_initializer": self.law_initializer}


def test_a_custom_layer_with_a_config_keeps_its_class():
    copy = initlab.make_portable(keras.Sequential([keras.Input((3, 6)), Named()]))
    assert type(copy.layers[0]) is Named
    assert copy.layers[0].law_initializer == "glorot_uniform"


def test_what_cannot_be_rebuilt_is_refused():
    bare = Bare(lambda x: x)
    bare(X)
    with pytest.raises(initlab.InputError, match=re.escape("cannot be rebuilt from its config")):
        initlab.make_portable(bare)
    with pytest.raises(
        initlab.InputError, match=re.escape("/kernel still has HeNormal of keras_initlab: InCode")
    ):
        initlab.make_portable(keras.Sequential([keras.Input((3, 6)), InCode()]))
    with pytest.raises(initlab.InputError, match="is not built"):
        initlab.make_portable(keras.Sequential([dense()]))
