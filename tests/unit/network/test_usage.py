"""What a custom layer does with its weights: seen in its own code, on every backend alike."""

import random

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_initlab as initlab
from keras_initlab.core.keras_private import global_generator, operations_after, parts, symbolic_outputs
from keras_initlab.testing.schemes import numpy

# On NumPy, Keras finds a layer's output shape by computing with whatever the memory holds.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


class Custom(layers.Layer):
    """Weights of these shapes, used by a function of layer and input."""

    def __init__(self, shapes, use, **given):
        super().__init__(**given)
        self.shapes, self.use = shapes, use

    def build(self, shape):
        for name, size in self.shapes.items():
            setattr(self, name, self.add_weight(shape=size, name=name, initializer="glorot_uniform"))

    def call(self, x):
        return self.use(self, x)


def model_of(shape, shapes, use):
    return keras.Sequential([keras.Input(shape), Custom(shapes, use)])


def seen(shape, shapes, use):
    return [
        (slot.role, *slot.fans) for slot in initlab.slots(model_of(shape, shapes, use)) if not slot.guessed
    ]


KERNELS = {
    "x @ w": ((64,), (64, 8), lambda w, x: x @ w, (64, 8)),
    "w @ x": ((64,), (8, 64), lambda w, x: ops.transpose(w @ ops.transpose(x)), (64, 8)),
    "dot": ((5, 64), (64, 8), lambda w, x: ops.dot(x, w), (64, 8)),
    "tensordot": ((5, 64), (8, 64), lambda w, x: ops.tensordot(x, w, axes=[[2], [1]]), (64, 8)),
    "a kernel for each channel": (
        (30, 6),
        (30, 6, 20),
        lambda w, x: ops.einsum("bic,ico->bco", x, w),
        (30, 20),
    ),
    "experts": ((64,), (4, 64, 8), lambda w, x: ops.mean(ops.einsum("bi,eio->beo", x, w), 1), (64, 8)),
    "experts, batched": ((4, 5, 64), (4, 64, 8), lambda w, x: ops.matmul(x, w), (64, 8)),
    "chosen experts": (
        (1, 64),
        (4, 64, 8),
        lambda w, x: ops.matmul(x, ops.take(w, ops.cast(x[:, 0, 0] > 0, "int32"), axis=0)),
        (64, 8),
    ),
    "heads": (
        (5, 64),
        (64, 32),
        lambda w, x: ops.einsum("bsd,dhk->bshk", x, ops.reshape(w, (64, 4, 8))),
        (64, 32),
    ),
    "split in three": (
        (5, 64),
        (64, 24),
        lambda w, x: sum(x @ part for part in ops.split(w, 3, -1)),
        (64, 8),
    ),
    "split by shape": (
        (64,),
        (64, 24),
        lambda w, x: sum(x @ ops.reshape(w, (64, 3, 8))[:, part] for part in range(3)),
        (64, 8),
    ),
    "heads, turned": (
        (64,),
        (64, 4, 8),
        lambda w, x: ops.einsum("bi,hio->bho", x, ops.transpose(w, (1, 0, 2))),
        (64, 32),
    ),
    "stacked": ((64,), (2, 64, 8), lambda w, x: x @ w[0] + x @ w[1], (64, 8)),
    "turned": ((64,), (8, 64), lambda w, x: x @ ops.transpose(w), (64, 8)),
    "swapped": ((64,), (8, 64), lambda w, x: x @ ops.swapaxes(w, 0, 1), (64, 8)),
    "cast and normed": (
        (64,),
        (64, 8),
        lambda w, x: x @ (ops.cast(w, "float32") / ops.sqrt(ops.sum(w**2, axis=0, keepdims=True))),
        (64, 8),
    ),
    "a product summed": ((64,), (64, 8), lambda w, x: ops.sum(x[..., None] * w, axis=1), (64, 8)),
    "conv": ((9, 9, 4), (3, 3, 4, 8), lambda w, x: ops.conv(x, w, 2), (36, 18)),
    "depthwise conv": ((9, 9, 4), (3, 3, 4, 2), lambda w, x: ops.depthwise_conv(x, w), (9, 18)),
    "transposed conv": ((9, 9, 4), (2, 2, 8, 4), lambda w, x: ops.conv_transpose(x, w, 2), (4, 32)),
}


@pytest.mark.parametrize("case", KERNELS)
def test_what_is_multiplied_with_inputs_is_a_kernel_with_the_fans_of_the_product(case):
    shape, size, use, fans = KERNELS[case]
    assert seen(shape, {"experts_table": size}, lambda self, x: use(self.experts_table, x)) == [
        ("kernel", *fans)
    ]


@pytest.mark.parametrize(
    "case", ["x @ w", "experts", "heads", "a kernel for each channel", "turned", "chosen experts"]
)
def test_lecuns_law_with_these_fans_keeps_unit_variance(case):
    shape, size, use, _ = KERNELS[case]
    layer = Custom({"w": size}, lambda self, x: use(self.w, x))
    model = keras.Sequential([keras.Input(shape), layer])
    initlab.reinitialize(model, "initlab_lecun_normal", seed=1)
    x = np.random.default_rng(0).normal(size=(256, *shape)).astype("float32")
    out = numpy(layer(x)) * (2 if case == "experts" else 1)  # the mean of four
    assert out.var() == pytest.approx(1, rel=0.25)


NO_KERNELS = {
    "class token": (
        (4, 16),
        (1, 1, 16),
        lambda w, x: ops.concatenate([ops.repeat(w, ops.shape(x)[0], 0), x], 1),
    ),
    "positions": ((4, 16), (9, 16), lambda w, x: x + w[:4]),
    "positions looked up": ((4, 16), (9, 16), lambda w, x: x + ops.take(w, ops.arange(4), axis=0)),
    "relative bias": (
        (4, 4, 3),
        (9, 3),
        lambda w, x: x + ops.reshape(ops.take(w, np.zeros(16, int), axis=0), (1, 4, 4, 3)),
    ),
    "latents": ((5, 16), (3, 16), lambda w, x: ops.broadcast_to(w, (ops.shape(x)[0], 3, 16))),
    "tokens": ((5, 30), (30, 16), lambda w, x: ops.take(w, ops.argmax(x, -1), axis=0)),
    "layer scale": ((5, 16), (1, 1, 16), lambda w, x: x + ops.mean(x * w, 1, keepdims=True)),
    "leaves of a decision forest": (
        (5, 16),
        (16, 3),
        lambda w, x: ops.matmul(ops.sigmoid(x), keras.activations.softmax(w)),
    ),
    "shares by name": ((5, 16), (16, 3), lambda w, x: x @ ops.softmax(w, axis=0)),
    "into a layer": ((5, 16), (3, 16), lambda w, x: layers.Activation("relu")(w) + x[:, :3]),
}


@pytest.mark.parametrize("case", NO_KERNELS)
def test_what_is_added_joined_or_looked_up_keeps_its_own_name_and_law(case):
    shape, size, use = NO_KERNELS[case]
    model = model_of(shape, {"mix": size}, lambda self, x: use(self.mix, x))
    (slot,) = initlab.slots(model)
    assert (slot.role, slot.guessed, slot.fans) == ("mix", False, initlab.Fans(1, size[-1]))
    before = numpy(slot.variable).copy()
    with pytest.raises(initlab.InputError, match=r"has no kernel; its roles are mix: .*roles='mix'"):
        initlab.reinitialize(model, "initlab_he_normal")
    np.testing.assert_array_equal(numpy(slot.variable), before)
    assert initlab.reinitialize(model, "initlab_he_normal", roles="mix")[0].role == "mix"


def test_lint_does_not_call_a_zero_table_a_constant_kernel():
    model = model_of((4, 16), {"table": (9, 16)}, lambda self, x: x + self.table[:4])
    model.layers[0].table.assign(np.zeros((9, 16)))
    assert not initlab.lint(model)


def test_what_was_not_seen_is_guessed_from_the_name_and_said_so():
    layer = Custom({"a": (9, 4), "pos_embed": (4, 9)}, lambda self, x: x @ (self.a @ self.pos_embed))
    layer.build((None, 9))
    model = keras.Sequential([layer])
    assert [(slot.role, slot.guessed) for slot in initlab.slots(model)] == [
        ("kernel", True),
        ("pos_embed", True),
    ]
    assert "kernel (guessed), (9, 4)" in repr(initlab.slots(model)[0])
    account = initlab.reinitialize(model, "initlab_he_normal")
    assert [row.guessed for row in account] == [True]
    assert "kernel (guessed)" in str(account)


def test_code_that_asks_for_values_is_a_guess_but_products_before_it_count():
    def use(self, x):
        first = x @ self.table
        return first if isinstance(x, keras.KerasTensor) and float(ops.sum(x)) else first @ self.mix

    layer = Custom({"table": (9, 4), "mix": (4, 9), "latents": (2, 2)}, use)
    layer.build((None, 9))
    model = keras.Sequential([layer])
    assert [(slot.role, slot.guessed) for slot in initlab.slots(model)] == [
        ("kernel", False),
        ("kernel", True),
        ("latents", True),
    ]


def test_a_layer_whose_input_shape_nobody_knows_is_seen_inside_the_layer_around_it():
    class Inner(layers.Layer):
        def __init__(self):
            super().__init__()
            self.table = self.add_weight(shape=(16, 4), name="table")

        def call(self, x):
            return x @ self.table

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def build(self, shape):
            pass

        def call(self, x):
            return self.inner(x)

    layer = Outer()
    layer(np.ones((2, 16), "float32"))
    (slot,) = initlab.slots(keras.Sequential([layer]))
    assert (slot.role, slot.guessed, slot.fans) == ("kernel", False, (16, 4))


class Busy(layers.Layer):
    """Changes all that a call can change, beside using its weight."""

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], shape[-1]), name="w")
        self.count = self.add_weight(shape=(), name="count", trainable=False, initializer="zeros")
        self.norm = layers.BatchNormalization()
        self.norm.build(shape)
        self.drop = layers.Dropout(0.5, seed=1)
        self.seen = []
        self.noise = keras.random.SeedGenerator(5)

    def call(self, x):
        self.last = x
        self.seen.append(x)
        self.count.assign_add(1.0)
        noise = keras.random.normal((2, 1), seed=self.noise)
        x = self.drop(self.norm(x @ self.w, training=True), training=True) + noise
        self.add_loss(ops.sum(x))
        return x


def test_to_look_leaves_no_trace():
    inputs = keras.Input((6,), batch_size=2)
    layer = Busy()
    model = keras.Model(inputs, layers.Dense(3)(layer(inputs)))
    layer.seen.clear()
    attributes = set(vars(layer))
    before = [numpy(variable).copy() for variable in model.variables]
    graph = [(len(operations_after(part)), len(symbolic_outputs(part))) for part in parts(model)]
    name = keras.layers.Dense(1).name
    keras.random.normal(())  # makes the generator, if it is not there yet
    generator = global_generator()
    state, python = numpy(generator.state).copy(), random.getstate()
    assert next(slot.role for slot in initlab.slots(model) if not slot.guessed) == "kernel"
    assert global_generator() is generator
    np.testing.assert_array_equal(numpy(generator.state), state)
    assert random.getstate() == python
    assert int(keras.layers.Dense(1).name.split("_")[-1]) == int(name.split("_")[-1]) + 1
    assert [(len(operations_after(part)), len(symbolic_outputs(part))) for part in parts(model)] == graph
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(numpy(variable), value)
    assert set(vars(layer)) == attributes
    assert isinstance(layer.w, keras.Variable)
    assert not layer.seen
