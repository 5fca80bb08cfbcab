"""Schemes for biases, scales and embeddings, and wrappers in recurrent layers, against what they promise."""

import keras
import numpy as np
import pytest
from scipy import special, stats

from keras_initlab import initializers as schemes
from keras_initlab.testing.schemes import numpy


@pytest.mark.parametrize(
    ("blocks", "scale"), [(1, 0.1), (12, 0.1), (18, 0.1), (24, 1e-5), (25, 1e-6), (36, 1e-6)]
)
def test_layer_scale_of_the_paper(blocks, scale):
    np.testing.assert_allclose(numpy(schemes.LayerScale(blocks)((3,))), scale, rtol=1e-6)


def test_vq_codebook_is_scipys_uniform():
    values = numpy(schemes.VqCodebook(seed=0)((50, 400)))
    assert stats.kstest(values.ravel(), stats.uniform(-1 / 50, 2 / 50).cdf).pvalue > 1e-6


def test_embeddings_have_about_unit_length_for_any_vocabulary():
    for entries in (10, 5000):
        lengths = np.linalg.norm(numpy(schemes.EmbeddingNormal(seed=0)((entries, 400))), axis=1)
        np.testing.assert_allclose(lengths, 1, atol=5 / np.sqrt(2 * 400))


def test_prior_biases_predict_the_prior():
    assert special.expit(numpy(schemes.LogPriorBias(0.2)((1,)))) == pytest.approx(0.2, rel=1e-6)
    counts = [30, 60, 10]
    chances = special.softmax(numpy(schemes.ClassPriorBias(counts)((3,))))
    np.testing.assert_allclose(chances, np.array(counts) / 100, rtol=1e-6)


def test_zero_gamma_makes_a_block_the_identity():
    inputs = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    norm = keras.layers.LayerNormalization(gamma_initializer="initlab_zero_gamma")
    np.testing.assert_array_equal(inputs + numpy(norm(inputs)), inputs)


@pytest.mark.parametrize(("layer", "gates"), [("SimpleRNN", 1), ("GRU", 3), ("LSTM", 4)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_every_gate_of_a_layer_gets_a_draw_of_its_own(layer, gates, dtype):
    built = getattr(keras.layers, layer)(
        8,
        dtype=dtype,
        recurrent_initializer=schemes.PerGate("initlab_orthogonal", seed=0),
        kernel_initializer=schemes.PerBlock("initlab_glorot_uniform", gates, seed=0),
    )
    built.build((None, 3, 40))
    kernel, recurrent = (
        numpy(weight) for weight in (built.cell.kernel.value, built.cell.recurrent_kernel.value)
    )
    blocks = recurrent.reshape(8, gates, 8).transpose(1, 0, 2)
    np.testing.assert_allclose(
        blocks @ blocks.transpose(0, 2, 1), np.tile(np.eye(8), (gates, 1, 1)), atol=0.02
    )
    assert np.unique(blocks[:, 0, 0]).size == gates
    limit = np.sqrt(6 / (40 + 8))
    assert 0.95 * limit < np.abs(kernel).max() <= limit * 1.01


def test_per_gate_takes_any_inner_initializer():
    for inner in (
        keras.initializers.GlorotNormal(seed=3),
        "he_uniform",
        {"class_name": "Identity", "config": {}},
    ):
        kernel = numpy(schemes.PerGate(inner, seed=0)((6, 18))).reshape(6, 3, 6)
        assert kernel.std() > 0
    assert (kernel == np.eye(6)[:, None, :]).all()
