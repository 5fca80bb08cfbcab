"""The fan-scaled schemes of one library or paper against that library, scipy and the paper's arithmetic."""

import math

import jax
import keras
import numpy as np
import pytest
import torch
from scipy import integrate, optimize, special, stats

import keras_initlab as initlab
from keras_initlab import initializers as schemes
from keras_initlab.initializers.scaling.asymmetric import RAI_STD
from keras_initlab.initializers.scaling.transformers import STD_WITHIN_THREE
from keras_initlab.testing.schemes import numpy


@pytest.mark.parametrize(
    ("scheme", "shape", "expected"),
    [
        (schemes.Bottou(), (100, 7), 0.238 / math.sqrt(3)),
        (schemes.Scawi(), (99, 7), 0.13 / math.sqrt(3)),
        (schemes.Scawi(0.33), (300, 7), 0.13 / math.sqrt(3)),
        (schemes.Mitchell(), (400, 7), 0.9865784 / 20),
        (schemes.Mitchell(7), (400, 7), 0.9865784 / 80),
        (schemes.QuasiRandom(scale=2.0, mode="fan_geo_avg"), (100, 25), 0.2),
    ],
)
def test_standard_deviation_by_hand(scheme, shape, expected):
    assert scheme.std(shape) == pytest.approx(expected, rel=1e-6)


def test_torch_bias_is_that_of_torch():
    torch.manual_seed(0)
    theirs = torch.nn.Linear(37, 20000).bias.detach().numpy()
    ours = numpy(schemes.TorchBias(37, seed=0)((20000,)))
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-6
    assert abs(ours).max() == pytest.approx(abs(theirs).max(), rel=1e-3)


def test_uniform_scaling_is_that_of_jax():
    theirs = jax.nn.initializers.variance_scaling(1.43**2, "fan_in", "uniform")
    theirs = np.asarray(theirs(jax.random.key(0), (3, 3, 20, 80)))
    ours = numpy(schemes.UniformScaling(1.43, seed=0)((3, 3, 20, 80)))
    assert stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 1e-6
    assert abs(ours).max() == pytest.approx(abs(theirs).max(), rel=1e-3)


def test_uniform_scaling_counts_all_dimensions_but_the_last():
    """Also where the layer tells its axes: 2 · 6 inputs here, against 6 by the equation."""
    layer = keras.layers.EinsumDense("abc,bcd->abd", (2, 5000), kernel_initializer="initlab_uniform_scaling")
    layer.build((None, 2, 6))
    assert abs(numpy(layer.kernel)).max() == pytest.approx(0.5, rel=1e-3)


def test_bottou_reaches_the_bend_of_the_logistic_sigmoid():
    def curvature(x):
        s = special.expit(x)
        slope = s * (1 - s)
        return abs(slope * (1 - 2 * s)) / (1 + slope**2) ** 1.5

    bend = optimize.minimize_scalar(lambda x: -curvature(x), bounds=(0.1, 5), method="bounded").x
    assert schemes.Bottou().std((1, 1)) == pytest.approx(bend, rel=0.01)


def test_scawi_paralyses_one_tanh_unit_in_twenty():
    """With the bias from the same law; paralysed is a unit beyond ±0.9."""
    rng = np.random.default_rng(0)
    scheme = schemes.Scawi(9.0, seed=0)
    limit = math.sqrt(3) * scheme.std((200, 300))
    outputs = np.tanh(
        3 * rng.normal(size=(2000, 200)) @ numpy(scheme((200, 300))) + rng.uniform(-limit, limit, 300)
    )
    assert 2 * stats.norm.sf(np.arctanh(0.9) / math.sqrt(1.3**2 / 3)) == pytest.approx(0.05, abs=5e-4)
    assert (abs(outputs) > 0.9).mean() == pytest.approx(0.05, abs=0.005)


def test_mitchell_is_torchs_truncated_normal():
    assert pytest.approx(stats.truncnorm(-3, 3).std(), rel=1e-12) == STD_WITHIN_THREE
    torch.manual_seed(0)
    deviation = 1 / math.sqrt(2 * 64 * 4)
    theirs = torch.empty(500, 64)
    torch.nn.init.trunc_normal_(theirs, std=deviation, a=-3 * deviation, b=3 * deviation)
    ours = numpy(schemes.Mitchell(3, seed=0)((64, 500)))
    assert stats.ks_2samp(ours.ravel(), theirs.numpy().ravel()).pvalue > 1e-6
    assert stats.kstest(ours.ravel() / deviation, stats.truncnorm(-3, 3).cdf).pvalue > 1e-6
    assert abs(ours).max() <= 3 * deviation * (1 + 1e-6)


def test_fourier_features_approximate_a_gaussian_kernel():
    frequencies = numpy(schemes.FourierFeatures(2.0, seed=0)((2, 100000)))
    difference = np.array([0.03, -0.05])
    kernel = np.cos(2 * np.pi * difference @ frequencies)
    expected = math.exp(-2 * (np.pi * 2.0) ** 2 * (difference**2).sum())
    assert kernel.mean() == pytest.approx(expected, abs=5 * kernel.std() / math.sqrt(kernel.size))


def test_hyperfan_shares_the_variance_with_a_generated_bias():
    rng, half = np.random.default_rng(0), 0.5**0.5
    z = rng.normal(size=(400, 40)) * math.sqrt(2)
    kernels = z @ numpy(schemes.Hyperfan(50, 2.0, half, seed=0)((40, 50 * 20)))
    biases = z @ numpy(schemes.Hyperfan(1, 2.0, half, seed=0)((40, 20)))
    outputs = np.einsum("bi,bio->bo", rng.normal(size=(400, 50)), kernels.reshape(400, 50, 20)) + biases
    assert biases.var() == pytest.approx(0.5, rel=0.15)
    assert outputs.var() == pytest.approx(1, rel=0.1)


def test_rai_deviation_is_the_papers():
    """E[(z⁺ + B)²] = 1 for z ~ N(0, σ²), B ~ Beta(2, 1): the expected squared length does not grow."""
    assert pytest.approx(0.6007473, abs=5e-8) == RAI_STD
    square, _ = integrate.dblquad(
        lambda b, z: (max(z, 0) + b) ** 2 * stats.norm.pdf(z, scale=RAI_STD) * 2 * b, -6, 6, 0, 1
    )
    assert square == pytest.approx(1, abs=1e-5)


def test_rai_has_its_laws():
    kernel = numpy(schemes.Rai(seed=0)((4000, 400)))
    limit = 6 * RAI_STD / math.sqrt(4000)
    large = kernel > limit
    assert large.sum(axis=0).max() == 1
    assert large.any(axis=0).mean() > 0.97
    beta = stats.beta(2, 1)
    law = (beta.cdf(kernel[large]) - beta.cdf(limit)) / beta.sf(limit)
    assert stats.kstest(law, "uniform").pvalue > 1e-6
    others = kernel[~large] / RAI_STD * math.sqrt(4000)
    assert others.std() == pytest.approx(1, rel=5 / math.sqrt(2 * others.size))


def test_rai_makes_one_weight_of_each_unit_asymmetric():
    """With one seed, the kernel leaves out those units whose bias is asymmetric."""

    def asymmetric_units(kernel_seed):
        layer = keras.layers.Dense(
            5000, kernel_initializer=schemes.Rai(kernel_seed), bias_initializer=schemes.RaiBias(100, 1)
        )
        layer.build((None, 100))
        limit = 6 * RAI_STD / 10
        return numpy(layer.kernel).max(axis=0) > limit, numpy(layer.bias) > limit

    kernel, bias = asymmetric_units(1)
    assert 20 < bias.sum() < 80  # of 50 expected, some too small to see
    assert not kernel[bias].any()
    kernel, bias = asymmetric_units(2)
    assert kernel[bias].mean() > 0.6


def test_rai_keeps_more_units_alive_than_he():
    """Ten layers of width 4: the share of networks whose output is dead for every input."""

    def dead(scheme, biases):
        alive = 0
        x = np.random.default_rng(0).normal(size=(20, 4))
        for network in range(200):
            signal = x
            for layer in range(10):
                kernel = numpy(scheme(seed=100 * network + layer)((4, 4)))
                bias = numpy(biases(seed=100 * network + layer)((4,)))
                signal = np.maximum(signal @ kernel + bias, 0)
            alive += signal.any()
        return 1 - alive / 200

    def rai_bias(seed):
        return schemes.RaiBias(4, seed)

    def zeros(seed):
        return schemes.Zeros()

    assert dead(schemes.Rai, rai_bias) < 0.5 * dead(schemes.HeNormal, zeros)


@pytest.mark.parametrize("sequence", ["sobol", "halton"])
@pytest.mark.parametrize("distribution", ["untruncated_normal", "truncated_normal", "uniform"])
def test_quasi_random_follows_its_law_closely(sequence, distribution):
    """Over units, mean and mean square scatter by less than half of what independent weights do."""
    scheme = schemes.QuasiRandom(sequence, 2.0, distribution=distribution, seed=0)
    theirs = schemes.VarianceScaling(2.0, distribution=distribution, seed=0)
    ours, independent = (numpy(one((256, 60))) for one in (scheme, theirs))
    assert ours.mean(axis=0).std() < 0.5 * independent.mean(axis=0).std()
    assert (ours**2).mean(axis=0).std() < 0.5 * (independent**2).mean(axis=0).std()
    assert (ours**2).mean() == pytest.approx(2 / 256, rel=0.01)
    correlation = np.corrcoef(ours.T)[~np.eye(60, dtype=bool)]
    assert math.sqrt((correlation**2).mean()) < 1 / math.sqrt(256)


def test_quasi_random_halton_has_one_weight_in_every_stratum():
    """The first dimension of Halton's sequence is in base 2, the second in base 3."""
    kernel = numpy(schemes.QuasiRandom("halton", 1 / 3, distribution="uniform", seed=0)((64, 2)))
    for dimension, size in ((0, 64), (1, 27)):
        strata = np.floor((kernel[:size, dimension] * 8 + 1) / 2 * size)
        np.testing.assert_array_equal(np.sort(strata), np.arange(size))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schemes.TorchBias(0), "fan_in is 0: give a whole number of at least 1"),
        (lambda: schemes.RaiBias(1.5), "fan_in is 1.5: give a whole number of at least 1"),
        (lambda: schemes.Scawi(0), "mean_square is 0: give a finite number above 0"),
        (lambda: schemes.Mitchell(-1), "layer is -1: give a whole number of at least 0"),
        (lambda: schemes.QuasiRandom("sobel"), "sequence is 'sobel': give one of 'sobol', 'halton'"),
        (lambda: schemes.QuasiRandom()((2, 21202)), "at most 21201 outputs"),
        (lambda: schemes.FourierFeatures(-1.0), "stddev is -1.0: give a finite number above 0"),
    ],
)
def test_refusals_say_what_is_needed(make, message):
    with pytest.raises(initlab.InputError) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize("shape", [(200, 300), (3, 2, 20, 300)])
def test_torch_linear_is_the_law_of_torchs_own_layers(shape):
    """Two samples of one law: Kolmogorov and Smirnov's test would meet other limits or fans."""
    *window, inputs, outputs = shape
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(inputs, outputs, tuple(window)) if window else torch.nn.Linear(inputs, outputs)
    theirs = layer.weight.detach().numpy().ravel()
    ours = numpy(schemes.TorchLinear(seed=0)(shape)).ravel()
    assert stats.ks_2samp(theirs, ours).pvalue > 1e-3
    assert abs(np.abs(ours).max() / np.abs(theirs).max() - 1) < 1e-3


def test_edge_of_chaos_bias_has_the_variance_of_the_published_table():
    values = numpy(schemes.EdgeOfChaosBias(seed=0)((200_000,)))
    low, high = stats.chi2.ppf([5e-4, 1 - 5e-4], len(values)) / len(values)
    assert low < np.mean(values**2) / 0.150965 < high
    assert stats.kstest(values / math.sqrt(0.150965), "norm").pvalue > 1e-3


def test_a_scaled_law_is_the_law_times_the_factor():
    singular = np.linalg.svd(
        numpy(schemes.Scaled("initlab_orthogonal", 0.5, seed=1)((12, 20))), compute_uv=False
    )
    np.testing.assert_allclose(singular, 0.5, rtol=1e-5)
    one, three = (numpy(schemes.Scaled("he_normal", factor, seed=1)((12, 20))) for factor in (1.0, 3.0))
    np.testing.assert_allclose(three, 3 * one, rtol=1e-6)


def test_tables_of_transformers_are_drawn_by_their_width():
    """NeoX draws a table (entries, d) with √(2/(5d)), OLMo with 1/√d, whatever the entries."""
    for scheme in (schemes.SmallInit, schemes.Mitchell):
        assert scheme.claims.roles == ("kernel", "recurrent_kernel")
    for gain, std in ((math.sqrt(0.4), math.sqrt(2 / (5 * 64))), (1.0, 1 / 8)):
        table = numpy(schemes.EmbeddingNormal(gain, seed=0)((5000, 64)))
        assert table.std() == pytest.approx(std, rel=0.01)
