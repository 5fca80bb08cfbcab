"""LSUV: unit deviation in models of every kind, what is left and why, and what is refused."""

import contextlib

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.recipes import Lsuv
from keras_initlab.recipes.lsuv import unit_deviation

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(80, 12)).astype("float32")
PICTURES = RNG.normal(size=(32, 8, 8, 3)).astype("float32")
WORDS = RNG.integers(0, 30, (32, 9)).astype("int32")


class Residual(layers.Layer):
    """A block whose layers no graph shows, registered in another order than they run in."""

    def __init__(self, width, **arguments):
        super().__init__(**arguments)
        self.last = layers.Dense(width, name="last")
        self.first = layers.Dense(2 * width, "relu", name="first")

    def build(self, shape):
        self.first.build(shape)
        self.last.build((*shape[:-1], self.first.units))

    def call(self, x):
        return x + self.last(self.first(x))


class Block(layers.Layer):
    def __init__(self, width, **arguments):
        super().__init__(**arguments)
        self.norms = [layers.LayerNormalization() for _ in range(2)]
        self.attention = layers.MultiHeadAttention(2, width // 2)
        self.up, self.down = layers.Dense(2 * width, "gelu"), layers.Dense(width)

    def call(self, x):
        normed = self.norms[0](x)
        x = x + self.attention(normed, normed)
        return x + self.down(self.up(self.norms[1](x)))


class Transformer(keras.Model):
    def __init__(self):
        super().__init__()
        self.table, self.head = layers.Embedding(30, 16), layers.Dense(5)
        self.blocks = [Block(16) for _ in range(2)]

    def call(self, words):
        x = self.table(words)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def functional():
    x = keras.Input((12,))
    y = Residual(16, name="block")(layers.Dense(16, "tanh", name="stem")(x))
    return keras.Model(x, layers.Dense(4, name="head")(y))


def nested():
    inner = keras.Sequential([keras.Input((16,)), layers.Dense(24, "relu"), layers.Dense(8)])
    return keras.Sequential([keras.Input((12,)), layers.Dense(16, "selu"), inner, layers.Dense(3)])


def u_net():
    x = keras.Input((8, 8, 3))
    down = layers.Conv2D(6, 3, padding="same", activation="relu")(x)
    low = layers.DepthwiseConv2D(3, padding="same")(layers.MaxPooling2D()(down))
    up = layers.Conv2DTranspose(6, 2, strides=2)(low)
    return keras.Model(x, layers.Conv2D(2, 1)(layers.Concatenate()([down, up])))


def deviations(model, x, spared=()):
    """Of the sums of each layer, in float64, in a pass of its own."""
    found = {}
    for layer in model._flatten_layers():
        if hasattr(layer, "kernel") and layer.name not in spared:
            with noted(layer) as seen:
                model(x)
            found[layer.path] = seen[0].std()
    return found


@contextlib.contextmanager
def noted(layer):
    """What the layer computes before its activation, call by call."""
    seen, call, activation = [], layer.call, layer.activation

    def noting(*given, **named):
        sums = call(*given, **named)
        seen.append(np.asarray(keras.ops.convert_to_numpy(sums), "float64"))
        return activation(sums)

    object.__setattr__(layer, "call", noting)
    object.__setattr__(layer, "activation", lambda sums: sums)
    try:
        yield seen
    finally:
        object.__delattr__(layer, "call")
        object.__setattr__(layer, "activation", activation)


@pytest.mark.parametrize(
    ("build", "x", "count"),
    [(functional, ROWS, 4), (nested, ROWS, 4), (u_net, PICTURES, 4), (Transformer, WORDS, 9)],
)
def test_every_layer_has_deviation_one(build, x, count):
    model = build()
    model(x)
    account = initlab.reinitialize(model, "initlab_lsuv", x)
    scaled = [row for row in account if row.factor is not None]
    found = deviations(model, x, spared=("query", "key"))
    assert len(scaled) == len(found) == count
    np.testing.assert_allclose(list(found.values()), 1, atol=1e-5)
    assert account.probe == len(x)
    assert not account.skipped


def test_the_same_net_written_in_other_ways_has_the_same_account():
    def rows(model):
        model(ROWS)
        return [(row.shape, row.factor) for row in initlab.reinitialize(model, "initlab_lsuv", ROWS)]

    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Dense(9, "relu"), layers.Dense(4)

        def call(self, x):
            return self.second(self.first(x))

    plain = keras.Sequential([keras.Input((12,)), layers.Dense(9, "relu"), layers.Dense(4)])
    inner = keras.Sequential([keras.Input((12,)), layers.Dense(9, "relu")])
    nest = keras.Sequential([keras.Input((12,)), inner, layers.Dense(4)])
    x = keras.Input((12,))
    graph = keras.Model(x, layers.Dense(4)(layers.ReLU()(layers.Dense(9)(x))))
    expected = rows(plain)
    assert len(expected) == 4
    for model in (Subclassed(), nest, graph):
        assert [shape for shape, _ in rows(model)] == [shape for shape, _ in expected]
        np.testing.assert_allclose(
            [factor or 0 for _, factor in rows(model)], [factor or 0 for _, factor in expected], rtol=1e-6
        )


def test_factors_by_hand():
    model = keras.Sequential([keras.Input((12,)), layers.Dense(9, "relu"), layers.Dense(4)])
    initlab.reinitialize(model, "initlab_he_normal", seed=4)
    first, _, second, _ = [np.array(value, "float64") for value in model.get_weights()]
    account = initlab.reinitialize(model, Lsuv(base="initlab_he_normal"), ROWS, seed=4)
    sums = ROWS.astype("float64") @ first
    hidden = np.maximum(sums / sums.std(), 0)
    expected = [1 / sums.std(), 1 / (hidden @ second).std()]
    np.testing.assert_allclose([row.factor for row in account if row.factor], expected, rtol=1e-6)
    np.testing.assert_allclose(model.get_weights()[0], first * expected[0], rtol=1e-5)


def test_what_is_left_and_why():
    memory = keras.Sequential(
        [
            keras.Input((5, 6, 6, 1)),
            layers.ConvLSTM2D(3, 3, name="memory"),
            layers.SeparableConv2D(4, 2, name="parts"),
            layers.Flatten(),
            layers.Dense(3, trainable=False, name="fixed"),
            layers.Dense(2, name="head"),
        ]
    )
    x = RNG.normal(size=(16, 5, 6, 6, 1))
    fixed = memory.get_layer("fixed").get_weights()
    forget = np.array(memory.get_layer("memory").cell.bias)
    account = initlab.reinitialize(memory, Lsuv(head=False), x)
    notes = {row.path.split("/", 1)[1] if "memory" in row.path else row.path: row.note for row in account}
    assert notes["conv_lstm_cell/kernel"] == "drawn and not scaled: a loop calls the layer"
    assert notes["parts/depthwise_kernel"].startswith("drawn and not scaled: the next one")
    assert notes["head/kernel"] == "drawn and not scaled: the head"
    found = deviations(memory, x, spared=("conv_lstm_cell", "fixed", "head", "parts"))
    assert not found, "every layer is spared for a reason that the account gives"
    with noted(memory.get_layer("parts")) as seen:
        memory(x)
    assert seen[0].std() == pytest.approx(1, abs=1e-5)
    assert account.skipped == {"fixed/kernel": "frozen"}
    assert "left as it was: fixed/kernel (frozen)" in str(account)
    for before, after in zip(fixed, memory.get_layer("fixed").get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(forget, memory.get_layer("memory").cell.bias)


def test_shared_unreached_and_dead_layers_are_named():
    class Odd(keras.Model):
        def __init__(self):
            super().__init__()
            self.twice, self.never = layers.Dense(12, name="twice"), layers.Dense(3, name="never")
            self.dead = layers.Dense(4, name="dead")
            self.never.build((None, 12))

        def call(self, x):
            return self.dead(0 * self.twice(self.twice(x)))

    model = Odd()
    model(ROWS)
    notes = {row.path: row.note for row in initlab.reinitialize(model, "initlab_lsuv", ROWS) if row.note}
    assert notes["twice/kernel"] == "called 2 times: deviation 1 at the first"
    with noted(model.twice) as seen:
        model(ROWS)
    assert seen[0].std() == pytest.approx(1, abs=1e-5)
    assert "does not reach" in notes["never/kernel"]
    assert "do not vary" in notes["dead/kernel"]


def test_a_layer_of_ones_own_is_brought_there_step_by_step():
    class Bent(layers.Layer):
        """Its sums are not proportional to its kernel."""

        def build(self, shape):
            self.mix = self.add_weight(shape=(shape[-1], 8), name="mix")

        def call(self, x):
            sums = keras.ops.matmul(x, self.mix)
            return sums + 0.1 * keras.ops.tanh(sums)

    model = keras.Sequential([keras.Input((12,)), Bent(), layers.Dense(3)])
    initlab.reinitialize(model, "initlab_lsuv", ROWS)
    assert np.asarray(keras.ops.convert_to_numpy(model.layers[0](ROWS))).std() == pytest.approx(1, abs=1e-5)


def test_half_precision_comes_as_close_as_it_can():
    x = keras.Input((12,))
    half = {"dtype": "mixed_bfloat16"}
    model = keras.Model(x, layers.Dense(4, **half)(layers.Dense(32, "relu", **half)(x)))
    account = initlab.reinitialize(model, "initlab_lsuv", ROWS)
    found = keras.ops.convert_to_numpy(keras.ops.cast(model(ROWS), "float32"))
    assert found.std() == pytest.approx(1, abs=1e-2)
    plain = {row.path: row.std for row in initlab.reinitialize(model, "initlab_orthogonal")}
    scaled = [row for row in account if row.factor]
    assert [row.std for row in scaled] == pytest.approx([row.factor * plain[row.path] for row in scaled])
    assert all(variable.dtype == "float32" for variable in model.variables)


def test_tolerance_and_attention_are_arguments():
    model = functional()
    initlab.reinitialize(model, "initlab_lsuv", ROWS)
    loose = initlab.reinitialize(model, Lsuv(tolerance=100.0), ROWS)
    assert {row.note for row in loose if row.role == "kernel"} == {"within the tolerance"}
    words = Transformer()
    words(WORDS)
    every = initlab.reinitialize(words, Lsuv(attention="all"), WORDS)
    assert len([row for row in every if row.factor]) == 13
    np.testing.assert_allclose(list(deviations(words, WORDS).values()), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("recipe", "x", "change", "match"),
    [
        (Lsuv(), None, None, "x is missing.*initlab_lsuv"),
        (Lsuv(), np.where(ROWS > 2, np.nan, ROWS), None, "x holds NaN"),
        (Lsuv(), ROWS[:, :5], None, "cannot run on x.*(80, 5)"),
        (Lsuv(), 1e37 * ROWS, None, "NaN or infinite"),
        (Lsuv(base="nonsense"), ROWS, None, "Unknown initializer 'nonsense'"),
        (Lsuv(), ROWS, "bias", "stem/bias is not zero and may not be set.*stem/kernel.*roles"),
    ],
)
def test_bad_input_leaves_the_model_as_it_was(recipe, x, change, match):
    model = functional()
    model.get_layer("stem").bias.assign(np.ones(16))
    before = model.get_weights()
    with pytest.raises(initlab.InputError, match=match):
        initlab.reinitialize(model, recipe, x, roles="kernel" if change else None)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not any("call" in vars(layer) for layer in model._flatten_layers())


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"probe": 1}, "probe is 1"),
        ({"tolerance": -1}, "tolerance is -1"),
        ({"attention": "no"}, "attention"),
    ],
)
def test_wrong_arguments_are_refused_at_once(arguments, match):
    with pytest.raises(initlab.InputError, match=match):
        Lsuv(**arguments)


def test_data_sets_give_their_first_rows():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, place):
            return ROWS[16 * place : 16 * (place + 1)], np.zeros(16)

    model = functional()
    account = initlab.reinitialize(model, Lsuv(probe=40), Batches())
    assert account.probe == 40
    np.testing.assert_allclose(unit_deviation(model, ROWS[:40]), 0, atol=1e-5)
