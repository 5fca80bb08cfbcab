"""What goes wrong is named, with the layer and a line that helps; the model is given back as it was."""

import json
import re

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.testing.schemes import numpy

LAWS = keras.initializers
RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(4, 20))
Y = np.arange(128) % 4
X = (0.6 * CENTRES[Y] + 0.5 * RNG.normal(size=(128, 20))).astype("float32")

VERDICTS = {
    "fine": ("relu", "he_normal", 4, []),
    "fine tanh": ("tanh", "glorot_uniform", 6, []),
    "zeros": ("relu", "zeros", 3, ["symmetric"]),
    "ones": ("tanh", "ones", 3, ["symmetric"]),
    "small": ("tanh", lambda: LAWS.RandomNormal(stddev=0.02), 10, ["vanishing", "forward scale"]),
    "large": ("relu", lambda: LAWS.RandomNormal(stddev=0.8), 10, ["exploding", "forward scale"]),
    "positive": ("relu", lambda: LAWS.RandomUniform(0, 1), 4, ["collapsed", "loss too high"]),
    "saturated": ("tanh", lambda: LAWS.RandomNormal(stddev=2), 3, ["saturated"]),
}
SEVERE = {case: names for case, (*_, names) in VERDICTS.items() if names}


def net(activation, make, depth, units=48, optimizer="adam", loss=True):
    def law():
        return make() if callable(make) else make

    hidden = [layers.Dense(units, activation, kernel_initializer=law(), name=f"h{at}") for at in range(depth)]
    own = make != "he_normal"  # whose logits would be as large as the classes are few
    head = layers.Dense(4, kernel_initializer=law() if own else "glorot_uniform", name="head")
    model = keras.Sequential([keras.Input((20,)), *hidden, head])
    if loss:
        model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def built(case, **arguments):
    activation, make, depth, _ = VERDICTS[case]
    return net(activation, make, depth, **arguments)


@pytest.mark.parametrize("case", VERDICTS)
def test_what_is_wrong_is_named_whatever_the_draw(case):
    expected = VERDICTS[case][-1]
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        found = initlab.diagnose(built(case), X, Y)
        kinds = {one.kind for one in found.verdicts if one.severity >= 1}
        assert set(expected) <= kinds, (seed, found)
        if not expected:
            assert found.word == "fine", (seed, found)
            found.assert_healthy()
        else:
            assert found.word == "severe"
            with pytest.raises(AssertionError, match=expected[0]):
                found.assert_healthy()


@pytest.mark.parametrize("case", SEVERE)
def test_the_line_to_write_helps(case):
    keras.utils.set_random_seed(0)
    model = built(case)
    worst = initlab.diagnose(model, X, Y).verdicts[0]
    eval(worst.instead, {"initlab": initlab, "model": model})
    after = initlab.diagnose(model, X, Y)
    assert after.word != "severe", f"{worst.instead}\n{after}"


def test_small_weights_in_few_layers_are_slow_under_sgd():
    keras.utils.set_random_seed(0)
    found = {}
    for optimizer in ("sgd", "adam"):
        model = net("relu", lambda: LAWS.RandomNormal(stddev=0.05), 2, optimizer=optimizer)
        found[optimizer] = [one.kind for one in initlab.diagnose(model, X, Y).verdicts]
    assert "slow" in found["sgd"]
    assert found["adam"] == []


def test_the_layer_where_it_starts_is_named():
    keras.utils.set_random_seed(0)
    model = net("tanh", "glorot_uniform", 6)
    for name in ("h3", "h4"):  # equal weights going in and out; those that go in alone would be told apart
        model.get_layer(name).kernel.assign(np.full((48, 48), 0.1))
    found = {one.kind: one.layer for one in initlab.diagnose(model, X, Y).verdicts}
    assert found["symmetric"] == "h3:pre"
    model = net("tanh", "glorot_uniform", 6)
    model.get_layer("h3").kernel.assign(RNG.normal(size=(48, 48)))
    found = {one.kind: one.layer for one in initlab.diagnose(model, X, Y).verdicts}
    assert found["saturated"] == "h3:pre"


def test_the_model_is_bit_equal_afterwards_optimizer_included():
    model = net("relu", "he_normal", 2)
    model.fit(X, Y, epochs=1, verbose=0)
    variables = [*model.variables, *model.optimizer.variables]
    before = [numpy(one).copy() for one in variables]
    optimizer = model.optimizer
    initlab.diagnose(model, X, Y)
    initlab.diagnose(model, X, Y, initializers=["zeros", "he_normal"])
    assert model.optimizer is optimizer
    for variable, kept in zip(variables, before, strict=True):
        np.testing.assert_array_equal(numpy(variable), kept)


def test_the_state_of_global_generators_is_given_back():
    import random

    model = net("relu", "he_normal", 1)
    before = np.random.get_state()[1].tolist(), random.getstate()
    initlab.diagnose(model, X, Y)
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before


def test_entrants_start_where_compare_starts_them():
    """The loss before the first step is that of compare's first batch, for two replicates."""
    model = net("tanh", "glorot_uniform", 2)
    for layer in model.layers:
        layer.bias.assign(np.ones(layer.bias.shape))  # they start anew
    schemes = ["he_normal", "initlab_orthogonal", initlab.recipes.Lsuv(probe=24)]
    data = (X[:32], Y[:32])
    result = initlab.compare(
        model,
        schemes,
        *data,
        replicates=2,
        seed=7,
        batch_size=32,
        shuffle=False,
        layers="h0",
        verbose=False,
    )
    losses = {(one.label, one.replicate): one.step_losses[0] for one in result.records}
    for replicate in range(2):
        found = initlab.diagnose(model, *data, initializers=schemes, replicate=replicate, seed=7, layers="h0")
        assert found.keys() == set(result.summary().index)
        for label, one in found.items():
            assert one.loss == pytest.approx(losses[label, replicate], rel=1e-5)


def test_several_are_ranked():
    model = net("relu", "he_normal", 4)
    found = initlab.diagnose(model, X, Y, initializers={"good": "he_normal", "nothing": "zeros"})
    assert list(found.summary.index) == ["good", "nothing"]
    assert found.summary.loc["nothing", "word"] == "severe"
    assert max(map(len, str(found).splitlines())) <= 80


def test_the_loss_the_step_and_what_to_expect():
    keras.utils.set_random_seed(0)
    model = net("tanh", "glorot_uniform", 2, optimizer=keras.optimizers.SGD(1e-3))
    found = initlab.diagnose(model, X, Y, examples=64)
    assert found.expected_loss == pytest.approx(np.log(4))
    assert found.loss == pytest.approx(model.evaluate(X[:64], Y[:64], verbose=0), rel=1e-5)
    assert found.step.ratio == pytest.approx(1, abs=0.05), "so short a step is linear"
    assert found.step.others[0] == pytest.approx(model.evaluate(X[64:], Y[64:], verbose=0), rel=1e-5)
    model.train_on_batch(X[:64], Y[:64])
    assert found.step.after == pytest.approx(model.evaluate(X[:64], Y[:64], verbose=0), rel=1e-5)


def test_the_jacobian_is_the_product_of_the_matrices():
    model = net("linear", "glorot_uniform", 3)
    product = np.linalg.multi_dot([numpy(layer.kernel) for layer in model.layers])
    values = np.linalg.svd(product, compute_uv=False)
    found = initlab.diagnose(model, X, Y).jacobian
    assert found.largest == pytest.approx(values[0], rel=1e-4)
    assert found.mean_square == pytest.approx((values**2).mean(), rel=1e-4)


def test_the_tangent_kernel_is_that_of_gradients_example_by_example():
    """One output, so that the chance direction is a factor: ratios are those of the gradients' products."""
    inputs = keras.Input((20,))
    h = layers.Dense(9, "tanh")(inputs)
    model = keras.Model(inputs, layers.Dense(1)(layers.Dense(7, "tanh")(h)))
    w0, b0, w1, b1, w2, _ = (numpy(one).astype("float64") for one in model.trainable_variables)
    x = X[:16].astype("float64")
    z0 = x @ w0 + b0
    z1 = np.tanh(z0) @ w1 + b1
    g1 = w2[:, 0] * (1 - np.tanh(z1) ** 2)
    g0 = g1 @ w1.T * (1 - np.tanh(z0) ** 2)
    rows = [
        np.concatenate(
            [
                np.outer(x[n], g0[n]).ravel(),
                g0[n],
                np.outer(np.tanh(z0[n]), g1[n]).ravel(),
                g1[n],
                np.tanh(z1[n]),
                [1.0],
            ]
        )
        for n in range(16)
    ]
    gram = np.array(rows) @ np.array(rows).T
    found = initlab.diagnose(model, X[:16]).tangents
    assert found.rank == pytest.approx(np.trace(gram) ** 2 / (gram**2).sum(), rel=1e-4)
    eigenvalues = np.linalg.eigvalsh(gram)
    assert found.condition == pytest.approx(eigenvalues[-1] / eigenvalues[0], rel=0.01)


def test_coherence_is_that_of_gradients_example_by_example():
    model = net("tanh", "glorot_uniform", 1, optimizer="sgd")
    found = initlab.diagnose(model, X[:8], Y[:8])
    w0, b0, w1, b1 = (numpy(one).astype("float64") for one in model.trainable_variables)
    a = np.tanh(X[:8] @ w0 + b0)
    z = a @ w1 + b1
    g1 = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True) - np.eye(4)[Y[:8]]
    g0 = g1 @ w1.T * (1 - a**2)
    rows = [
        np.concatenate([np.outer(X[n], g0[n]).ravel(), g0[n], np.outer(a[n], g1[n]).ravel(), g1[n]])
        for n in range(8)
    ]
    sizes = found.layers["G"]
    assert sizes["head"] == pytest.approx((g1**2).sum(axis=1).mean(), rel=1e-4)
    assert sizes["h0:pre"] == pytest.approx((g0**2).sum(axis=1).mean(), rel=1e-4)
    mean = np.mean(rows, axis=0)
    wanted = (mean**2).sum() / np.mean([(row**2).sum() for row in rows])
    assert found.coherence == pytest.approx(wanted, rel=1e-4)


def test_without_labels_or_loss_gradients_are_those_of_a_chance_direction():
    model = net("tanh", "glorot_uniform", 3, loss=False)
    for found in (initlab.diagnose(model, X), initlab.diagnose(model, X, Y)):
        assert np.isnan(found.loss)
        assert found.step is None
        assert "chance direction" in found.notes[0]
        assert found.layers["G"].notna().all()


def test_signals_and_gradients_are_those_that_theory_expects():
    """Second moment, cosine and gradient of a wide deep net, averaged over several draws."""
    ratios = {"q": [], "cosine": [], "chi": []}
    for seed in range(4):
        keras.utils.set_random_seed(seed)
        model = net("tanh", lambda: LAWS.VarianceScaling(1.69), 8, units=200, loss=False)
        for layer in model.layers:
            layer.bias.assign(0.1 * RNG.normal(size=layer.bias.shape))
        table = initlab.diagnose(model, X).layers
        sums = table[(table["kind"] == "sums") & ~table["head"]]
        for name, found in ratios.items():
            found.append((sums[name] - sums[f"{name}_theory"]).to_numpy()[:-1])
    for name, found in ratios.items():
        assert np.abs(np.mean(found, axis=0)).max() < 0.1, name


def test_it_prints_at_most_80_columns_and_tells_the_profile():
    keras.utils.set_random_seed(0)
    for case in VERDICTS:
        text = str(initlab.diagnose(built(case), X, Y))
        assert max(map(len, text.splitlines())) <= 80
        assert re.search(r"^signal +\S", text, re.MULTILINE)
        assert "gradient" in text


def test_json_is_strict():
    found = json.loads(initlab.diagnose(built("zeros"), X, Y).to_json(), parse_constant=pytest.fail)
    assert found["word"] == "severe"
    assert found["verdicts"][0]["kind"] == "symmetric"
    assert found["layers"][0]["tap"] == "h0:in"


def test_it_is_drawn():
    found = initlab.diagnose(net("tanh", "glorot_uniform", 5), X, Y, initializers=["zeros", "he_normal"])
    axes = found.plot()
    assert [ax.get_yscale() for ax in axes] == ["log", "linear", "log"]
    assert len(axes[0].lines) == 4, "each start, and what theory expects of it"
    assert len(found["he_normal"].plot()) == 3


def rnn():
    inputs = keras.Input((6,), dtype="int32")
    h = layers.Embedding(20, 8, mask_zero=True)(inputs)
    h = layers.LSTM(8, return_sequences=True)(h)
    model = keras.Model(inputs, layers.Dense(4)(layers.GRU(8)(h)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, RNG.integers(0, 20, (128, 6)), Y


def attention():
    inputs = keras.Input((6, 8))
    h = inputs
    for _ in range(3):
        normal = layers.LayerNormalization()(h)
        h = h + layers.MultiHeadAttention(2, 4)(normal, normal)
        h = h + layers.Dense(8)(layers.Dense(16, "gelu")(layers.LayerNormalization()(h)))
    model = keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling1D()(h)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, RNG.normal(size=(128, 6, 8)).astype("float32"), Y


def residual():
    inputs = h = keras.Input((8, 8, 3))
    h = layers.Conv2D(8, 3, padding="same")(h)
    for _ in range(3):
        f = layers.Conv2D(8, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(h)
        f = layers.ReLU()(layers.BatchNormalization()(f))
        h = h + layers.DepthwiseConv2D(3, padding="same", depthwise_initializer="he_normal")(f)
    model = keras.Model(inputs, layers.Dense(4, "softmax")(layers.GlobalAveragePooling2D()(h)))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, RNG.normal(size=(128, 8, 8, 3)).astype("float32"), Y


def heads():
    one, two = keras.Input((20,), name="one"), keras.Input((3,), name="two")
    both = layers.Concatenate()([layers.Dense(16, "relu")(one), layers.Dense(16, "relu")(two)])
    model = keras.Model([one, two], [layers.Dense(4, name="a")(both), layers.Dense(1, name="b")(both)])
    model.compile("adam", [keras.losses.SparseCategoricalCrossentropy(from_logits=True), "mse"])
    return model, [X, X[:, :3]], [Y, X[:, :1]]


@pytest.mark.parametrize("make", [rnn, attention, residual, heads])
def test_sound_models_of_all_kinds_are_not_called_severe(make):
    for seed in range(2):
        keras.utils.set_random_seed(seed)
        model, x, y = make()
        found = initlab.diagnose(model, x, y, examples=32)
        assert found.severity < 1, found
        sums = found.layers.query("kind == 'sums'")
        assert len(sums)
        assert sums["G"].notna().all()


def test_mixed_precision():
    keras.utils.set_random_seed(0)
    policy = keras.DTypePolicy("mixed_float16")
    hidden = [layers.Dense(32, "relu", kernel_initializer="he_normal", dtype=policy) for _ in range(3)]
    model = keras.Sequential([keras.Input((20,)), *hidden, layers.Dense(4, dtype="float32")])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    found = initlab.diagnose(model, X, Y)
    assert found.word == "fine", found
    assert found.step.ratio > 0.5


BAD = {
    "no model": (lambda m: initlab.diagnose("mlp", X), "model is str: give a built keras.Model"),
    "no data": (lambda m: initlab.diagnose(m, None), "x is None"),
    "nothing": (lambda m: initlab.diagnose(m, X[:0]), "there is nothing"),
    "one example": (lambda m: initlab.diagnose(m, X[:1], Y[:1]), "x has 1 example: give at least 2"),
    "NaN": (lambda m: initlab.diagnose(m, X * np.nan), "NaN or infinite"),
    "shape": (lambda m: initlab.diagnose(m, X[:, :7], Y), "x and y do not fit the model"),
    "lengths": (lambda m: initlab.diagnose(m, X, Y[:5]), "unequal lengths"),
    "labels": (lambda m: initlab.diagnose(m, X, Y + 9), "class labels from 9 to 12"),
    "examples": (lambda m: initlab.diagnose(m, X, Y, examples=1), "examples is 1: give a whole number"),
    "optimizer": (lambda m: initlab.diagnose(m, X, Y, optimizer="adm"), "optimizer is 'adm': give 'auto'"),
    "scheme": (lambda m: initlab.diagnose(m, X, Y, initializers="he_norml"), "Did you mean"),
    "training": (
        lambda m: initlab.diagnose(m, X, Y, training="yes"),
        "training is 'yes': give True or False",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_work_is_one_clear_error(case):
    call, message = BAD[case]
    with pytest.raises(initlab.InputError, match=re.escape(message)):
        call(net("relu", "he_normal", 1))


def test_a_model_that_is_not_built_is_refused():
    with pytest.raises(initlab.InputError, match="is not built"):
        initlab.diagnose(keras.Sequential([layers.Dense(3)]), X)
