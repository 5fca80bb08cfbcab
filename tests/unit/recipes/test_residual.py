"""Residual branches switched off, as in Fixup, or scaled by depth: exact factors, roles and refusals."""

import math

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.recipes import DepthScaled, Fixup, ZeroResidual, examples
from keras_initlab.recipes.residual import HE_FAN_OUT

ROWS = np.random.default_rng(0).normal(size=(20, 12)).astype("float32")
PICTURES = np.random.default_rng(0).normal(size=(8, 8, 8, 3)).astype("float32")


def plain(model, scheme, seed=0):
    """What the scheme alone draws, by path."""
    initlab.reinitialize(model, scheme, seed=seed, roles=None)
    return {slot.path: np.array(keras.ops.convert_to_numpy(slot.variable)) for slot in initlab.slots(model)}


def values(model):
    return {slot.path: np.array(keras.ops.convert_to_numpy(slot.variable)) for slot in initlab.slots(model)}


def outputs(model, x, *names):
    shown = keras.Model(model.inputs[0], [model.get_layer(name).output for name in names])(x)
    return [keras.ops.convert_to_numpy(one) for one in shown]


def test_zero_residual_takes_the_last_norm_and_leaves_all_else():
    model = examples.normed_residual_net()
    before = values(model)
    account = initlab.reinitialize(model, "initlab_zero_residual")
    assert [row.path for row in account] == [
        f"block_{number}_norm_2/{part}" for number in (1, 2) for part in ("gamma", "beta")
    ]
    assert [row.block for row in account] == ["1", "1", "2", "2"]
    for path, value in values(model).items():
        np.testing.assert_array_equal(value, 0 if "norm_2" in path else before[path])
    stem, first = outputs(model, PICTURES, "stem", "block_1_add")
    np.testing.assert_array_equal(stem, first)


def test_it_takes_what_stands_last():
    class Scaled(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner, self.norm = layers.Dense(6), layers.LayerNormalization()

        def build(self, shape):
            self.inner.build(shape)
            self.norm.build(shape)
            self.alpha = self.add_weight(shape=(6,), initializer="ones", name="alpha")

        def call(self, x):
            return x + self.norm(self.inner(x)) * self.alpha

    model = keras.Sequential([keras.Input((6,)), Scaled(), layers.Dense(2)])
    (row,) = initlab.reinitialize(model, "initlab_zero_residual")
    assert row.role == "alpha"
    (row,) = initlab.reinitialize(model, ZeroResidual(to=1e-4))
    np.testing.assert_allclose(model.layers[0].alpha, np.full(6, 1e-4), rtol=1e-6)
    assert [row.role for row in initlab.reinitialize(model, ZeroResidual(at="gamma"))] == ["gamma", "beta"]
    assert [row.role for row in initlab.reinitialize(model, ZeroResidual(at="kernel"))] == ["kernel", "bias"]
    model = examples.small_transformer()
    account = initlab.reinitialize(model, "initlab_zero_residual")
    assert [row.path.split("/")[-2] for row in account if row.role == "kernel"] == [
        "attention_output",
        "layer_1_down",
        "attention_output",
        "layer_2_down",
    ]


def ending_in(*after):
    x = keras.Input((6,))
    inner = layers.Dense(6, name="inner")(layers.Dense(9, "relu")(x))
    for layer in after:
        inner = layer(inner)
    return keras.Model(x, layers.Dense(2)(layers.Add(name="sum")([x, inner])))


@pytest.mark.parametrize(
    ("model", "recipe", "match"),
    [
        (
            lambda: ending_in(layers.BatchNormalization(), layers.ReLU()),
            ZeroResidual(),
            "sum.*ends in an activation",
        ),
        (lambda: ending_in(layers.BatchNormalization(scale=False)), ZeroResidual(), "sum.*has no γ"),
        (lambda: ending_in(), ZeroResidual(at="gamma"), "sum.*has no gamma at its end"),
        (lambda: ending_in(layers.BatchNormalization()), Fixup(), "sum.*has a norm.*initlab_zero_residual"),
        (examples.small_relu_net, Fixup(), "No residual additions"),
        (examples.small_relu_net, ZeroResidual(), "No residual additions"),
        (examples.small_relu_net, DepthScaled(), "No residual additions"),
    ],
)
def test_wrong_structure_is_refused_with_a_name(model, recipe, match):
    net = model()
    before = values(net)
    with pytest.raises(initlab.InputError, match=match):
        initlab.reinitialize(net, recipe)
    for path, value in values(net).items():
        np.testing.assert_array_equal(value, before[path])


def test_what_may_not_be_written_is_refused_and_not_half_done():
    model = examples.residual_net()
    model.get_layer("head").trainable = False
    before = values(model)
    with pytest.raises(initlab.InputError, match="head/kernel, which it may not"):
        initlab.reinitialize(model, "initlab_fixup")
    for path, value in values(model).items():
        np.testing.assert_array_equal(value, before[path])
    initlab.reinitialize(model, Fixup(head=False))


def test_fixups_factors_by_number_and_depth_of_branches():
    def deep(count, depth, width=40):
        x = start = keras.Input((width,))
        for _ in range(count):
            inner = x
            for _ in range(depth - 1):
                inner = layers.Dense(3 * width, "relu")(inner)
            x = layers.Add()([x, layers.Dense(width)(inner)])
        return keras.Model(start, layers.Dense(2, name="head")(x))

    for count, depth, expected in ((16, 3, 0.5), (4, 2, 0.5), (9, 2, 1 / 3)):
        model = deep(count, depth)
        base = plain(model, HE_FAN_OUT)
        account = initlab.reinitialize(model, "initlab_fixup")
        scaled = [row for row in account if row.factor is not None]
        assert len(scaled) == count * (depth - 1)
        assert {round(row.factor, 12) for row in scaled} == {round(expected, 12)}
        for row in scaled:
            np.testing.assert_allclose(values(model)[row.path], expected * base[row.path], rtol=1e-6)
        first = scaled[0]
        assert first.std == pytest.approx(expected * math.sqrt(2 / 120), rel=0.06)  # fan-out, not fan-in
        assert not any(np.any(value) for path, value in values(model).items() if path.startswith("head"))


def test_gpt2_beit_and_ds():
    def ratios(rule, base):
        model = examples.small_transformer()
        drawn = plain(model, base, seed=5)
        initlab.reinitialize(model, DepthScaled(rule, base_layers=1), seed=5)
        found = {}
        for path, value in values(model).items():
            if path.endswith("kernel"):
                ratio = value / drawn[path]
                np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-5)
                found[path] = float(ratio.flat[0])
        return found

    names = ("query", "key", "value", "attention_output", "up", "down")

    def by_part(found):
        return [
            [
                next(
                    ratio
                    for path, ratio in found.items()
                    if path.startswith(f"layer_{number}") and path.endswith(f"{name}/kernel")
                )
                for name in names
            ]
            for number in (1, 2)
        ] + [[found["head/kernel"]]]

    gpt2 = by_part(ratios("gpt2", keras.initializers.RandomNormal(stddev=0.02)))
    np.testing.assert_allclose(np.concatenate(gpt2), [1, 1, 1, 0.5, 1, 0.5] * 2 + [1], rtol=1e-6)
    beit = by_part(ratios("beit", keras.initializers.TruncatedNormal(stddev=0.02)))
    completep = by_part(ratios("completep", "initlab_lecun_normal"))
    np.testing.assert_allclose(np.concatenate(completep), [1, 1, 1, 0.5, 1, 0.5] * 2 + [1], rtol=1e-6)
    first, second = 2**-0.5, 0.5
    expected = [1, 1, 1, first, 1, first, 1, 1, 1, second, 1, second, 1]
    np.testing.assert_allclose(np.concatenate(beit), expected, rtol=1e-6)
    ds = by_part(ratios("ds", "glorot_uniform"))
    np.testing.assert_allclose(np.concatenate(ds), [1] * 6 + [2**-0.5] * 6 + [1], rtol=1e-6)
    code = by_part(ratios("ds_code", "glorot_uniform"))
    np.testing.assert_allclose(np.concatenate(code), [1] * 6 + [2**-0.25] * 6 + [1], rtol=1e-6)


def test_golden_factors_of_gpt2():
    for layers_, expected in ((6, 0.0057735), (12, 0.0040825), (24, 0.0028868)):
        factor = DepthScaled()._factor(1, layers_, (None, None), last=True)
        assert 0.02 * factor == pytest.approx(expected, abs=6e-8)


def test_shared_blocks_are_scaled_once():
    class Layer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.first, self.last = layers.Dense(20, "relu"), layers.Dense(12)

        def build(self, shape):
            self.first.build(shape)
            self.last.build((*shape[:-1], 20))

        def call(self, x):
            return x + self.last(self.first(x))

    shared = Layer()
    x = keras.Input((12,))
    model = keras.Model(x, layers.Dense(2)(shared(shared(shared(x)))))
    account = initlab.reinitialize(model, DepthScaled("gpt2", base="ones"))
    last = next(row for row in account if row.shape == (20, 12))
    assert last.factor == pytest.approx(3**-0.5)
    assert last.note == "shared with branch 2, 3"


def test_branches_by_name_do_what_found_ones_do():
    one, other = examples.residual_net(), examples.residual_net()
    found = initlab.reinitialize(one, Fixup(branches=r"block_\d_(first|last)".replace("_(first|last)", "")))
    seen = initlab.reinitialize(other, Fixup())
    kernels = [[row.path for row in rows if row.factor] for rows in (found, seen)]
    assert "block_1_first/kernel" in kernels[0]
    assert kernels[1] == ["block_1_first/kernel", "block_2_first/kernel"]


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: ZeroResidual(at="end"), "at is 'end'"),
        (lambda: ZeroResidual(to=float("nan")), "to is nan"),
        (lambda: DepthScaled("gpt3"), "rule is 'gpt3'"),
    ],
)
def test_wrong_arguments_are_refused_at_once(make, match):
    with pytest.raises(initlab.InputError, match=match):
        make()
