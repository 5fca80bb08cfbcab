"""Residual branches of models written in every way."""

import functools

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.core.keras_private import node_counts, parts
from keras_initlab.network.attention import blocks
from keras_initlab.network.branches import branches, find_branches
from keras_initlab.network.slots import all_slots
from keras_initlab.recipes import examples


def found_in(model, named=None):
    return branches(model, all_slots(model), named)


@functools.cache
def published(name):
    size = 75 if name.startswith("Inception") else 71 if name == "Xception" else 32
    build = getattr(keras.applications, name)
    return build(weights=None, input_shape=(size, size, 3), classes=10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count", "projections", "ends"),
    [
        ("ResNet50", 16, 4, "norm"),
        ("ResNet50V2", 16, 4, "kernel"),
        ("MobileNetV2", 10, 0, "norm"),
        ("EfficientNetB0", 9, 0, "norm"),
        ("ConvNeXtTiny", 18, 0, "scale"),
        ("Xception", 12, 4, "norm"),
    ],
)
def test_published_nets(name, count, projections, ends):
    model = published(name)
    counts = [node_counts(layer) for layer in parts(model)]
    found = found_in(model)
    assert (len(found.branches), found.projections) == (count, projections)
    assert not found.refused
    assert not found.unclear
    assert {branch.tail[0][0] if branch.tail else "kernel" for branch in found.branches} == {ends}
    assert [node_counts(layer) for layer in parts(model)] == counts


@pytest.mark.slow
@pytest.mark.parametrize("name", ["DenseNet121", "InceptionResNetV2"])
def test_nets_without_residual_additions_of_their_own(name):
    with pytest.raises(initlab.InputError, match=r"No residual additions were found.*branches="):
        found_in(published(name))


class Attending(layers.Layer):
    def __init__(self, width, norm="pre", cross=False, **arguments):
        super().__init__(**arguments)
        self.norm = norm
        self.norms = [layers.LayerNormalization() for _ in range(3)]
        self.own = layers.MultiHeadAttention(2, width // 2)
        self.cross = layers.MultiHeadAttention(2, width // 2) if cross else None
        self.up, self.down = layers.Dense(2 * width, "relu"), layers.Dense(width)

    def build(self, x_shape, memory_shape=None):
        for norm in self.norms:
            norm.build(x_shape)
        self.own.build(x_shape, x_shape)
        if self.cross is not None:
            self.cross.build(x_shape, memory_shape)
        self.up.build(x_shape)
        self.down.build((*x_shape[:-1], self.up.units))

    def call(self, x, memory=None):
        def branch(x, function, norm):
            return x + function(norm(x)) if self.norm == "pre" else norm(x + function(x))

        x = branch(x, lambda inner: self.own(inner, inner), self.norms[0])
        if self.cross is not None:
            x = branch(x, lambda inner: self.cross(inner, memory), self.norms[1])
        return branch(x, lambda inner: self.down(self.up(inner)), self.norms[2])


class Translator(keras.Model):
    def __init__(self, norm="pre"):
        super().__init__()
        self.source, self.target = layers.Embedding(20, 8), layers.Embedding(20, 8)
        self.encoder = [Attending(8, norm) for _ in range(2)]
        self.decoder = [Attending(8, norm, cross=True) for _ in range(3)]
        self.head = layers.Dense(20)

    def call(self, inputs):
        memory, x = self.source(inputs[0]), self.target(inputs[1])
        for layer in self.encoder:
            memory = layer(memory)
        for layer in self.decoder:
            x = layer(x, memory=memory)
        return self.head(x)


def words():
    return [np.zeros((2, 5), "int32"), np.zeros((2, 4), "int32")]


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_subclassed_encoder_and_decoder(norm):
    model = Translator(norm)
    model(words())
    found = found_in(model)
    assert len(found.branches) == 2 * 2 + 3 * 3
    made = blocks(found.branches)
    assert [(block.decodes, block.number) for block in made] == [
        (False, 1),
        (False, 2),
        (True, 1),
        (True, 2),
        (True, 3),
    ]
    assert all(len(block.cross) == block.decodes for block in made)
    assert {branch.normed for branch in found.branches} == {norm == "post"}
    encoder, decoder = model.encoder[0], model.decoder[0]
    assert made[0].attention[0].value.variable is encoder.own._value_dense.kernel
    assert made[2].cross[0][0].output.variable is decoder.cross._output_dense.kernel
    assert made[2].forward[0].kernels[-1][0].variable is decoder.down.kernel
    assert [slot.layer for slot in made[0].attention[1].tables] == [model.source]
    assert [slot.variable for slot in found.head] == [model.head.kernel]


def test_the_same_in_a_graph_and_in_layers_of_ones_own():
    for build in (examples.small_transformer, examples.sub_ln_transformer):
        found = found_in(build())
        assert [branch.depth for branch in found.branches] == [4, 2, 4, 2]
        assert len(blocks(found.branches)) == 2
    norms = [len({id(slot.layer) for slot in branch.norms}) for branch in found.branches]
    assert norms == [2, 2, 2, 2]


def convolutional(**ways):
    """One block with a scale at the end of its branch, of ones own, with raw additions."""

    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.first, self.last = (layers.Conv2D(4, 3, padding="same") for _ in range(2))
            self.norm = layers.BatchNormalization()

        def build(self, shape):
            for layer in (self.first, self.norm, self.last):
                layer.build(shape)
            self.alpha = self.add_weight(shape=(), initializer="ones", name="alpha")

        def call(self, x, training=False):
            inner = keras.ops.relu(self.norm(self.first(x), training=training))
            return x + self.alpha * self.last(inner)

    return keras.Sequential([keras.Input((6, 6, 4)), Block(), Block(), layers.Flatten(), layers.Dense(2)])


def test_a_scalar_at_the_end_is_seen():
    found = found_in(convolutional())
    assert [[(kind, slot.role) for kind, slot in branch.tail] for branch in found.branches] == [
        [("scale", "alpha")]
    ] * 2


def test_what_only_looks_like_one_is_refused_by_name():
    x = keras.Input((8,))
    towers = layers.Add(name="fusion")([layers.Dense(4)(x), layers.Dense(4)(x)])
    bent = layers.Dense(8)(layers.Dense(8)(towers))
    odd = layers.Add(name="odd")([layers.Dense(8, "relu")(towers), bent])
    found = find_branches(keras.Model(x, odd), all_slots(keras.Model(x, odd)))
    assert not found.branches
    assert found.refused == {
        "fusion": "two sides have as few kernels",
        "odd": "the side with the fewest kernels has an activation",
    }
    positions = layers.Embedding(6, 8)(keras.ops.arange(6))
    table = keras.Model(k := keras.Input((6, 8)), layers.Dense(2)(k + positions))
    assert not find_branches(table, all_slots(table)).refused


def test_parallel_branches_are_two():
    x = keras.Input((8,))
    both = [layers.Dense(8)(layers.Dense(9, "relu")(x)) for _ in range(2)]
    assert len(found_in(keras.Model(x, layers.Add()([x, *both]))).branches) == 2


class Raw(layers.Layer):
    """Its code calls a backend, which takes no symbolic tensors."""

    def __init__(self):
        super().__init__()
        self.first, self.last = layers.Dense(8, name="first"), layers.Dense(8, name="last")

    def build(self, shape):
        self.first.build(shape)
        self.last.build(shape)

    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        if isinstance(x, keras.KerasTensor):
            raise TypeError("no values here")
        return x + self.last(self.first(x))


def test_what_cannot_be_followed_is_settled_by_names():
    model = keras.Sequential([keras.Input((8,)), Raw(), Raw(), layers.Dense(2, name="head")])
    names = [layer.name for layer in model.layers]
    with pytest.raises(initlab.InputError, match=rf"Not looked into: {names[0]} \(TypeError: no values here"):
        found_in(model)
    found = found_in(model, r"raw(_\d+)?/")
    assert [[own[0].path.split("/")[-2] for own in branch.kernels] for branch in found.branches] == [
        ["first", "last"]
    ] * 2
    assert [slot.path for slot in found.head] == ["head/kernel"]
    listed = found_in(model, [f"^{names[1]}/"])
    assert len(listed.branches) == 1
    with pytest.raises(initlab.InputError, match="matches no kernel"):
        found_in(model, "nothing")
    with pytest.raises(initlab.InputError, match="no regular expression"):
        found_in(model, "(")
