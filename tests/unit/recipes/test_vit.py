"""Vision Transformers by role, against the laws of timm and MAE."""

import math

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.recipes import ViT, examples
from keras_initlab.recipes.vit import sin_cos


def large():
    """Wide enough that deviations are known to a few percent."""
    given = keras.Input((16, 16, 3))
    x = layers.Reshape((16, 64))(layers.Conv2D(64, 4, 4, name="patch")(given))
    x = examples.Positions(name="places")(x)
    inner = layers.MultiHeadAttention(4, 16, name="attention")(layers.LayerNormalization()(x), x)
    x = layers.Add()([x, inner])
    inner = layers.Dense(192, "gelu", name="up")(layers.LayerNormalization(name="norm")(x))
    x = layers.Add()([x, layers.Dense(64, name="down")(inner)])
    return keras.Model(given, layers.Dense(10, name="head")(layers.GlobalAveragePooling1D()(x)))


def values(model, rule, **arguments):
    model.get_layer("norm").gamma.assign(np.full(64, 3.0))
    account = initlab.reinitialize(model, ViT(rule, **arguments), seed=1)
    assert not account.skipped
    return {slot.path: np.asarray(keras.ops.convert_to_numpy(slot.variable)) for slot in initlab.slots(model)}


def glorot(inputs, outputs):
    return math.sqrt(6 / (inputs + outputs))


PATCH = 4 * 4 * 3


@pytest.mark.parametrize(
    ("rule", "patch", "query", "up", "head"),
    [
        ("jax", ("normal", math.sqrt(1 / PATCH)), glorot(64, 64), glorot(64, 192), 0.0),
        ("moco", ("uniform", math.sqrt(1 / PATCH)), glorot(64, 64), glorot(64, 192), glorot(64, 10)),
        ("mae", ("uniform", glorot(PATCH, 64)), glorot(64, 64), glorot(64, 192), glorot(64, 10)),
        ("timm", ("uniform", math.sqrt(1 / PATCH)), None, None, None),
    ],
)
def test_each_role_has_its_law(rule, patch, query, up, head):
    found = values(large(), rule)
    kind, size = patch
    kernel = found["patch/kernel"]
    if kind == "normal":
        assert kernel.std() == pytest.approx(size, rel=0.06)
    else:
        assert np.abs(kernel).max() == pytest.approx(size, rel=0.01)
        assert np.abs(kernel).max() <= size
    for path, limit in (
        ("attention/query/kernel", query),
        ("attention/attention_output/kernel", query),
        ("up/kernel", up),
        ("head/kernel", head),
    ):
        if limit is None:
            assert found[path].std() == pytest.approx(0.02, rel=0.1), path
            assert np.abs(found[path]).max() > 0.04 or found[path].size < 1000, "not cut at two deviations"
        elif limit:
            assert np.abs(found[path]).max() == pytest.approx(limit, rel=0.02), path
        else:
            assert not found[path].any()
    assert np.array_equal(found["norm/gamma"], np.ones(64))
    biases = {path: value for path, value in found.items() if path.endswith("bias")}
    for path, value in biases.items():
        if rule == "jax" and path.startswith(("up", "down")):
            assert 1e-7 < value.std() < 3e-6
        elif rule in ("moco", "timm") and path.startswith("patch"):
            assert 0 < np.abs(value).max() <= math.sqrt(1 / PATCH)
        else:
            assert not value.any(), path
    table = found["places/positions"][0]
    if rule == "mae":
        np.testing.assert_allclose(table, sin_cos(16, 64), atol=1e-6)
    else:
        assert table.std() == pytest.approx(0.02, rel=0.1)


def test_the_head_bias_knows_the_classes():
    found = values(large(), "jax", head_bias="prior")
    np.testing.assert_allclose(found["head/bias"], -math.log(10), rtol=1e-6)


def test_fused_projections_and_tokens():
    class Fused(layers.Layer):
        def __init__(self):
            super().__init__(name="attn")
            self.qkv, self.proj = layers.Dense(96, name="qkv"), layers.Dense(32, name="out_proj")

        def build(self, shape):
            self.qkv.build(shape)
            self.proj.build(shape)
            self.cls_token = self.add_weight(shape=(1, 1, 32), name="cls_token")

        def call(self, x):
            q, k, v = keras.ops.split(self.qkv(x), 3, axis=-1)
            scores = keras.ops.softmax(keras.ops.matmul(q, keras.ops.transpose(k, (0, 2, 1))))
            return self.proj(keras.ops.matmul(scores, v)) + self.cls_token

    x = keras.Input((5, 32))
    inner = layers.Add()([x, Fused()(x)])
    model = keras.Model(x, layers.Dense(3, name="head")(inner))
    named = {"branches": "attn"}
    with pytest.raises(initlab.InputError, match="has no attention"):
        ViT("moco").apply(model)
    del named


@pytest.mark.parametrize(("places", "width", "match"), [(5, 6, "divisible by 4"), (7, 8, "square number")])
def test_positions_that_are_no_square(places, width, match):
    with pytest.raises(initlab.InputError, match=match):
        sin_cos(places, width)


def test_sines_and_cosines_of_mae():
    table = sin_cos(10, 8)
    assert not table[0].any()
    across, down = 2, 1  # the place in column 2 of row 1
    rates = np.array([1.0, 0.01])
    expected = [part(place * rates) for place in (across, down) for part in (np.sin, np.cos)]
    np.testing.assert_allclose(table[1 + 3 * down + across], np.concatenate(expected))


def test_nets_without_attention_are_refused():
    with pytest.raises(initlab.InputError, match="no attention"):
        ViT().apply(examples.residual_net())
    with pytest.raises(initlab.InputError, match="rule"):
        ViT("bert")


class LayerScale(layers.Layer):
    def build(self, shape):
        self.gamma = self.add_weight(
            name="gamma", shape=shape[-1:], initializer=keras.initializers.Constant(1e-5)
        )

    def call(self, inputs):
        return inputs * self.gamma


def test_scales_of_branches_stay():
    given = keras.Input((4, 8))
    x = layers.Add()([given, LayerScale(name="ls")(layers.MultiHeadAttention(2, 4)(given, given))])
    model = keras.Model(
        given, layers.Dense(2)(layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x)))
    )
    account = initlab.reinitialize(model, ViT())
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model.get_layer("ls").gamma), 1e-5)
    assert account.skipped["ls/gamma"] == "of no norm"
