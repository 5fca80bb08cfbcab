"""Schemes against numbers worked out by hand or by scipy and torch, and against what they promise."""

import math

import keras
import numpy as np
import pytest
import scipy.fft
import scipy.linalg
import torch
from scipy import stats

import keras_initlab as initlab
from keras_initlab import initializers as schemes
from keras_initlab.testing.schemes import numpy


@pytest.mark.parametrize(
    ("scheme", "shape", "expected"),
    [
        (schemes.RandomWalk("linear"), (100, 100), 0.10050125),
        (schemes.RandomWalk("relu"), (100, 100), 0.14317088),
        (schemes.SmallInit(), (512, 100), 0.0279508),
        (schemes.Wang(12), (2048, 512), 0.00736570),
        (schemes.Kaiming(0.25), (100, 7), math.sqrt(1.88235294 / 100)),
        (schemes.Kaiming(0.25, "fan_out"), (7, 100), math.sqrt(1.88235294 / 100)),
        (schemes.Kumar("sigmoid"), (100, 7), 0.35777088),
        (schemes.Kumar("tanh"), (100, 7), 0.1),
        (schemes.EdgeOfChaos("tanh"), (100, 7), 0.1467414),
        (schemes.AutoGain("gelu"), (100, 7), 0.1533530),
        (schemes.Siren(), (600, 7), math.sqrt(2 / 600) / 30),
        (schemes.SirenFirst(), (10, 7), 1 / (10 * math.sqrt(3))),
        (schemes.Hyperfan(50, 2.0), (10, 7), math.sqrt(1 / 1000)),
    ],
)
def test_standard_deviation_by_hand(scheme, shape, expected):
    assert scheme.std(shape) == pytest.approx(expected, rel=5e-5)


def test_scaled_normal_of_twelve_layers():
    values = numpy(schemes.ScaledNormal(seed=0)((400, 400)))
    assert values.std() == pytest.approx(0.00408248, rel=5 / math.sqrt(2 * values.size))


def test_auto_gain_keeps_the_variance():
    """Ten gelu layers of width 1000 by NumPy: pre-activations stay near unit variance."""
    x = np.random.default_rng(0).normal(size=(200, 1000))
    for layer in range(3):
        x = numpy(keras.activations.gelu(x)) @ numpy(schemes.AutoGain("gelu", seed=layer)((1000, 1000)))
    assert x.var() == pytest.approx(1, abs=0.15)


def test_hyperfan_generates_lecun():
    z = np.random.default_rng(0).normal(size=(500, 40)) * math.sqrt(2)
    generated = z @ numpy(schemes.Hyperfan(50, 2.0, seed=0)((40, 500)))
    assert generated.var() == pytest.approx(1 / 50, rel=0.1)


def test_dirac_is_that_of_torch():
    tensor = torch.nn.init.dirac_(torch.empty(6, 2, 3, 3), groups=3)
    np.testing.assert_array_equal(
        numpy(schemes.Dirac(groups=3)((3, 3, 2, 6))), tensor.permute(2, 3, 1, 0).numpy()
    )


@pytest.mark.parametrize("size", [3, 4])
def test_dirac_passes_an_image_through(size):
    image = np.random.default_rng(0).normal(size=(2, 6, 6, 4)).astype("float32")
    layer = keras.layers.Conv2D(4, size, padding="same", kernel_initializer="initlab_dirac")
    np.testing.assert_allclose(numpy(layer(image)), image, atol=1e-6)


def test_delta_orthogonal_keeps_norms():
    image = np.random.default_rng(0).normal(size=(2, 6, 6, 4)).astype("float32")
    layer = keras.layers.Conv2D(9, 3, padding="same", kernel_initializer="initlab_delta_orthogonal")
    outputs = numpy(layer(image))
    np.testing.assert_allclose((outputs**2).sum(-1), (image**2).sum(-1), rtol=1e-4)


def test_zero_hadamard_is_scipys():
    np.testing.assert_allclose(
        numpy(schemes.ZeroHadamard()((5, 12))), scipy.linalg.hadamard(16)[:5, :12] / 4, atol=1e-7
    )


def test_dct_is_scipys():
    filters = numpy(schemes.Dct()((8, 1, 8)))[:, 0, :]
    np.testing.assert_allclose(filters, scipy.fft.dct(np.eye(8), norm="ortho", axis=1), atol=1e-6)


def test_bilinear_keeps_a_constant_image():
    layer = keras.layers.Conv2DTranspose(
        2, 4, strides=2, padding="same", kernel_initializer="initlab_bilinear"
    )
    outputs = numpy(layer(np.ones((1, 6, 6, 2), "float32")))
    np.testing.assert_allclose(outputs[:, 1:-1, 1:-1], 1, atol=1e-6)


def test_sincos_by_hand():
    expected = [[0, 0, 1, 1], [math.sin(1), math.sin(0.01), math.cos(1), math.cos(0.01)]]
    np.testing.assert_allclose(numpy(schemes.SincosPosition()((2, 4))), expected, atol=1e-6)


def test_hippo_by_hand():
    expected = [[-1, 0, 0], [-math.sqrt(3), -2, 0], [-math.sqrt(5), -math.sqrt(15), -3]]
    np.testing.assert_allclose(numpy(schemes.HippoLegs()((3, 3))), expected, rtol=1e-6)


def test_s4d_inv_by_hand():
    expected = [8 / math.pi * (8 / (2 * n + 1) - 1) for n in range(4)]
    np.testing.assert_allclose(numpy(schemes.S4dImag("inv")((4,))), expected, rtol=1e-5, atol=1e-6)


def test_henaff_turns_by_any_angle_and_cayley_by_a_quarter():
    for scheme, low, high in [(schemes.Henaff, -math.pi, math.pi), (schemes.Cayley, 0, math.pi / 2)]:
        kernel = numpy(scheme(seed=0)((2000, 2000)))
        even = np.arange(0, 2000, 2)
        angles = np.arctan2(kernel[even, even + 1], kernel[even, even])
        assert stats.kstest(angles, stats.uniform(low, high - low).cdf).pvalue > 1e-6


def test_haar_so_fixes_the_sign_of_orthogonal():
    plain = [np.linalg.det(numpy(schemes.Orthogonal(seed=seed)((5, 5)))) for seed in range(20)]
    fixed = [np.linalg.det(numpy(schemes.HaarSo(seed=seed)((5, 5)))) for seed in range(20)]
    assert min(plain) == pytest.approx(-1, abs=1e-5)
    np.testing.assert_allclose(fixed, 1, atol=1e-5)


def test_gate_biases_have_their_laws():
    forget = numpy(schemes.ChronoBias(100, seed=0)((8000,)))[2000:4000]
    assert stats.kstest(np.exp(forget), stats.uniform(1, 98).cdf).pvalue > 1e-6
    forget = numpy(schemes.UniformGateBias(seed=0)((8000,)))[2000:4000]
    assert stats.kstest(1 / (1 + np.exp(-forget)), stats.uniform(0, 1).cdf).pvalue > 1e-6
    steps = np.log1p(np.exp(numpy(schemes.MambaDt(seed=0)((4000,)))))
    assert stats.kstest(steps, stats.loguniform(0.001, 0.1).cdf).pvalue > 1e-6


def test_chrono_bias_in_an_lstm():
    layer = keras.layers.LSTM(5, bias_initializer=schemes.ChronoBias(100, seed=0), unit_forget_bias=False)
    layer.build((None, 3, 2))
    bias = numpy(layer.cell.bias)
    assert (bias[5:10] >= 0).all()
    np.testing.assert_allclose(bias[:5], -bias[5:10])


def test_reservoir_is_as_sparse_as_told():
    kernel = numpy(schemes.Reservoir(0.8, density=0.1, seed=0)((200, 200)))
    assert (kernel != 0).mean() == pytest.approx(0.1, abs=5 * math.sqrt(0.09 / kernel.size))
    assert abs(np.linalg.eigvals(kernel)).max() == pytest.approx(0.8, rel=1e-5)


def test_sparse_weights_are_anywhere():
    """Each input is as likely as any other to be listened to."""
    kernel = numpy(schemes.SparseMartens(5, seed=0)((20, 4000)))
    share = (kernel != 0).mean(axis=1)
    assert abs(share - 0.25).max() < 5 * math.sqrt(0.25 * 0.75 / 4000)
    assert kernel[kernel != 0].std() == pytest.approx(1, rel=5 / math.sqrt(2 * 20000))


def test_signs_are_fair():
    signs = np.sign(numpy(schemes.SignedConstant(seed=0)((100, 100))))
    assert abs(signs.mean()) < 5 / 100


def test_with_fans_gives_a_depthwise_kernel_unit_gain():
    """A depthwise unit sums nine inputs; Keras's convention counts 9 · 64."""
    scheme = schemes.WithFans("initlab_lecun_normal", 9, 9, seed=0)
    layer = keras.layers.DepthwiseConv2D(3, depthwise_initializer=scheme)
    image = np.random.default_rng(0).normal(size=(8, 32, 32, 64)).astype("float32")
    outputs = numpy(layer(image))
    spread = 5 * math.sqrt(2 / (9 * 64))  # of the kernel's own mean square
    assert outputs.var() == pytest.approx(1, abs=spread)


def test_wrappers_draw_every_part_anew():
    kernel = numpy(schemes.PerGate("initlab_he_normal", seed=0)((8, 32))).reshape(8, 4, 8)
    assert not np.isclose(kernel[:, 0], kernel[:, 1]).any()
    kernel = numpy(schemes.PerBlock("initlab_he_normal", 2, seed=0)((8, 16)))
    assert not np.isclose(kernel[:, :8], kernel[:, 8:]).any()


def test_per_block_uses_the_fans_of_the_block():
    kernel = numpy(schemes.PerBlock("initlab_glorot_normal", 4, seed=0)((100, 400)))
    assert kernel.std() == pytest.approx(0.1, rel=5 / math.sqrt(2 * kernel.size))


def test_masked_keeps_the_other_values():
    masked = numpy(schemes.Masked("initlab_ones", 0.3, seed=0)((50, 20)))
    assert sorted(np.unique(masked)) == [0, 1]
    assert (masked == 0).sum() == 300


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: schemes.WithFans("he_normal"),
            "inner is 'he_normal': give an initlab scheme that scales by fans",
        ),
        (lambda: schemes.Sparse(1.5), "sparsity is 1.5: give a number between 0 and 1"),
        (lambda: schemes.SparseMartens(0), "connections is 0: give a whole number of at least 1"),
        (lambda: schemes.ChronoBias(2), "timescale is 2: give a finite number above 2"),
        (lambda: schemes.LruRing(0.9, 0.5), "give 0 <= inner < outer < 1"),
        (lambda: schemes.MambaDt(0.1, 0.01), "largest is 0.01: give a number above smallest"),
        (lambda: schemes.EdgeOfChaos("sigmoid"), "no edge of chaos"),
        (lambda: schemes.AutoGain("reluu"), "Did you mean 'relu'"),
        (lambda: schemes.ClassPriorBias([1, 2])((3,)), "has 2 counts; got shape"),
        (lambda: schemes.HaarSo()((3, 4)), "as many inputs as outputs"),
        (lambda: schemes.DeltaOrthogonal()((3, 4, 2)), "at least as many outputs as inputs"),
        (lambda: schemes.Dirac(groups=4)((3, 1, 6)), "multiple of 4 groups"),
        (lambda: schemes.ForgetBias()((6,)), "the bias of an LSTM"),
        (lambda: schemes.PerGate()((4, 6)), "multiple of the rows"),
        (lambda: schemes.SincosPosition()((4, 5)), "an even width"),
    ],
)
def test_refusals_say_what_is_needed(make, message):
    with pytest.raises(initlab.InputError) as caught:
        make()
    assert message in str(caught.value)
