"""Gains of Transformers by depth, against the papers' constants, and mimetic attention against its law."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.core.seeds import Seeds
from keras_initlab.recipes import DeepNorm, Mimetic, SubLN, TFixup, examples
from keras_initlab.recipes.transformers import deepnorm_constants, sub_ln_factors, t_fixup_factors
from tests.unit.network.test_branches import Translator, words

SHARES = ("query", "key", "value", "attention_output", "up", "down")


def ratios(model, recipe, base, seed=3):
    """Each kernel over what the base scheme alone draws."""
    initlab.reinitialize(model, base, seed=seed)
    drawn = {slot.path: np.array(keras.ops.convert_to_numpy(slot.variable)) for slot in initlab.slots(model)}
    account = initlab.reinitialize(model, recipe, seed=seed)
    found = {}
    for slot in initlab.slots(model):
        if slot.role == "kernel":
            ratio = np.array(keras.ops.convert_to_numpy(slot.variable)) / drawn[slot.path]
            np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-5)
            found[slot.path] = float(ratio.flat[0])
    return found, account


@pytest.mark.parametrize(
    ("count", "t_fixup", "deepnorm", "both", "decoder", "sub_ln"),
    [
        (
            6,
            (0.428092, 0.368894),
            (1.861210, 0.379918),
            (1.417938, 0.496989),
            (2.059767, 0.343295),
            (1.576359, 1.547288, 1.700109),
        ),
        (
            12,
            (0.359981, 0.310202),
            (2.213364, 0.319472),
            (1.760878, 0.400198),
            (2.449490, 0.288675),
            (1.782710, 1.948385, 1.893018),
        ),
        (
            24,
            (0.302707, 0.260847),
            (2.632148, 0.268642),
            (2.186760, 0.322258),
            (2.912951, 0.242746),
            (1.967537, 2.349173, 2.068010),
        ),
    ],
)
def test_golden_constants(count, t_fixup, deepnorm, both, decoder, sub_ln):
    np.testing.assert_allclose(t_fixup_factors(count, count), t_fixup, atol=6e-7)
    np.testing.assert_allclose(deepnorm_constants(count, 0)[0], deepnorm, atol=6e-7)
    np.testing.assert_allclose(deepnorm_constants(count, count), (both, decoder), atol=6e-7)
    found = (sub_ln_factors(count, 0)[0], *sub_ln_factors(count, count))
    np.testing.assert_allclose(found, sub_ln, atol=6e-7)


def test_t_fixup_scales_values_outputs_and_feed_forward():
    found, _ = ratios(examples.plain_transformer(), "initlab_t_fixup", "initlab_glorot_uniform")
    factor = 0.67 * 2**-0.25
    for number in (1, 2):
        for name, expected in zip(SHARES, (1, 1, factor, factor, factor, factor), strict=True):
            path = next(one for one in found if one.startswith(f"layer_{number}") and f"{name}/" in one)
            assert found[path] == pytest.approx(expected, rel=1e-6), path
    assert found["head/kernel"] == pytest.approx(1)


class Bare(Translator):
    """Encoder and decoder without norms."""

    def __init__(self):
        super().__init__()
        for layer in (*self.encoder, *self.decoder):
            layer.norms = [layers.Identity() for _ in range(3)]


def test_t_fixup_of_encoder_and_decoder():
    model = Bare()
    model(words())
    account = initlab.reinitialize(model, "initlab_t_fixup")
    assert account.structure[1] == "2 layers that encode, 3 that decode"
    by_layer = {
        id(slot.layer): slot for slot in initlab.slots(model) if slot.role in ("kernel", "embeddings")
    }
    factors = {row.path: row.factor for row in account}

    def factor(layer):
        return factors[by_layer[id(layer)].path]

    encoder, decoder = model.encoder[1], model.decoder[0]
    for layer in (encoder.own._value_dense, encoder.own._output_dense, encoder.up, encoder.down):
        assert factor(layer) == pytest.approx(0.67 * 2**-0.25)
    for layer in (
        decoder.own._value_dense,
        decoder.cross._value_dense,
        decoder.cross._output_dense,
        decoder.up,
    ):
        assert factor(layer) == pytest.approx(27**-0.25)
    for layer in (encoder.own._query_dense, decoder.cross._key_dense):
        assert factor(layer) == 1
    assert factor(model.source) == pytest.approx(18**-0.25)
    assert factor(model.target) == pytest.approx(27**-0.25)


def test_deepnorm_looks_for_alpha_and_folds_it():
    found, _ = ratios(examples.post_norm_transformer(), "initlab_deepnorm", "initlab_glorot_normal")
    beta = 16**-0.25
    kernels = [ratio for path, ratio in found.items() if path.startswith("layer_1")]
    np.testing.assert_allclose(kernels, [1, 1, beta, beta, beta, beta], rtol=1e-6)
    without = examples.small_transformer("after")
    with pytest.raises(initlab.InputError, match=r"multiplied by 1, and should be by 1\.41421.*fold=True"):
        initlab.reinitialize(without, "initlab_deepnorm")
    initlab.reinitialize(without, DeepNorm(fold=True), seed=1)
    given = examples.post_norm_transformer()
    initlab.reinitialize(given, DeepNorm(), seed=1)
    x = np.random.default_rng(0).normal(size=(4, 6, 16)).astype("float32")
    one, other = (keras.ops.convert_to_numpy(model(x)) for model in (without, given))
    np.testing.assert_allclose(one, other, atol=2e-3)  # ε of the norms apart


def test_sub_ln_scales_what_has_two_norms():
    found, _ = ratios(examples.sub_ln_transformer(), "initlab_sub_ln", "initlab_glorot_normal")
    gain = np.sqrt(np.log(4))
    kernels = {path.split("/")[-2]: ratio for path, ratio in found.items() if path.startswith("layer_2")}
    for name, expected in (("query", 1), ("key", 1), ("value", gain), ("out_proj", gain)):
        assert kernels[name] == pytest.approx(expected, rel=1e-6)
    assert kernels["layer_2_up"] == kernels["layer_2_down"] == pytest.approx(gain, rel=1e-6)


@pytest.mark.parametrize(
    ("model", "recipe", "match"),
    [
        (examples.small_transformer, TFixup(), "has a norm: T-Fixup"),
        (examples.small_transformer, DeepNorm(), "No norm follows the addition"),
        (examples.small_transformer, SubLN(), "has 1 norms"),
        (examples.residual_net, TFixup(), "no Transformer|No attention"),
        (examples.small_relu_net, Mimetic(), "has no keras.layers.MultiHeadAttention"),
        (examples.small_relu_net, DeepNorm(), "No residual additions"),
    ],
)
def test_wrong_structure_is_refused(model, recipe, match):
    net = model()
    before = net.get_weights()
    with pytest.raises(initlab.InputError, match=match):
        initlab.reinitialize(net, recipe)
    for one, other in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_mimetic_products_are_those_of_its_law():
    model = examples.small_transformer()
    initlab.reinitialize(model, "initlab_mimetic", seed=6)
    seeds, width, size = Seeds(6, 0), 16, 8
    for number, name in enumerate(("layer_1_attention", "layer_2_attention")):
        layer = model.get_layer(name)
        query, key, value, output = (
            np.asarray(keras.ops.convert_to_numpy(part.kernel), "float64")
            for part in (layer._query_dense, layer._key_dense, layer._value_dense, layer._output_dense)
        )
        for head in range(2):
            noise = np.random.default_rng(seeds.recipe("mimetic", number, head)).normal(size=(width, width))
            wanted = 0.7 * noise / 4 + 0.7 * np.eye(width)
            u, s, v = np.linalg.svd(wanted)
            best = (u[:, :size] * s[:size]) @ v[:size]
            np.testing.assert_allclose(query[:, head] @ key[:, head].T, best, atol=2e-6)
        noise = np.random.default_rng(seeds.recipe("mimetic", number, -1)).normal(size=(width, width))
        product = np.einsum("dhk,hke->de", value, output)
        np.testing.assert_allclose(product, 0.4 * noise / 4 - 0.4 * np.eye(width), atol=2e-6)
        assert not any(np.any(keras.ops.convert_to_numpy(part.bias)) for part in (layer._query_dense,))


def test_mimetic_diagonals_of_the_paper():
    def diagonals(width, heads):
        x = keras.Input((4, width))
        attention = layers.MultiHeadAttention(heads, width // heads)
        model = keras.Model(x, x + attention(x, x))
        inner, outer = [], []
        for seed in range(4):
            initlab.reinitialize(model, "initlab_mimetic", seed=seed)
            query, key, value, output = (
                np.asarray(keras.ops.convert_to_numpy(part.kernel))
                for part in (
                    attention._query_dense,
                    attention._key_dense,
                    attention._value_dense,
                    attention._output_dense,
                )
            )
            inner += [np.diag(query[:, head] @ key[:, head].T).mean() for head in range(heads)]
            outer.append(np.diag(np.einsum("dhk,hke->de", value, output)).mean())
        return np.mean(inner), np.mean(outer)

    inner, outer = diagonals(64, 4)
    assert inner == pytest.approx(0.315, abs=0.02)
    assert outer == pytest.approx(-0.40, abs=0.02)


def test_mimetic_refuses_attention_across_and_other_sizes():
    x = keras.Input((4, 16))
    uneven = keras.Model(x, layers.MultiHeadAttention(2, 4)(x, x))
    with pytest.raises(initlab.InputError, match=r"its kernels are \(16, 2, 4\)"):
        initlab.reinitialize(uneven, "initlab_mimetic")
    memory = keras.Input((5, 16))
    across = keras.Model([x, memory], layers.MultiHeadAttention(2, 8)(x, memory))
    with pytest.raises(initlab.InputError, match="takes keys from elsewhere"):
        initlab.reinitialize(across, "initlab_mimetic")
