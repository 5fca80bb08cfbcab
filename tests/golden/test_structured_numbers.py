"""Schemes of a fixed structure against torch, scipy and hand arithmetic, and against what they promise."""

import keras
import numpy as np
import pytest
import scipy.linalg
import torch

import keras_initlab as initlab
from keras_initlab import initializers as schemes
from keras_initlab.testing.schemes import numpy


def image(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_idinit_stacks_identities_of_torch():
    """The paper's figure of ten outputs and four inputs: I₄, I₄ and half of a third, torch's (out, in)."""
    stacked = torch.cat([torch.eye(4), torch.eye(4), torch.eye(4)[:2]]).numpy()
    np.testing.assert_array_equal(numpy(schemes.Idinit()((4, 10))).T, stacked)
    np.testing.assert_array_equal(numpy(schemes.Idinit()((10, 4))), stacked)


def test_idinit_of_a_convolution_reads_the_window_first():
    """Rows of the matrix are (row, column, channel): the first outputs copy the first tap's channels."""
    kernel = numpy(schemes.Idinit()((2, 1, 3, 6)))
    np.testing.assert_array_equal(kernel[0, 0, :, :3], np.eye(3))
    np.testing.assert_array_equal(kernel[1, 0, :, 3:], np.eye(3))
    assert kernel.sum() == 6


def test_idinit_zero_takes_differences():
    """Inputs of equal mean give outputs of mean zero; the square case is scipy's circulant."""
    for shape in [(4, 9), (5, 5), (6, 3)]:
        np.testing.assert_allclose(numpy(schemes.IdinitZero()(shape)).sum(axis=0), 0, atol=1e-12)
    square = numpy(schemes.IdinitZero(gain=1.0)((5, 5)))
    np.testing.assert_array_equal(square, scipy.linalg.circulant([1, -1, 0, 0, 0]))


def test_sinusoidal_has_full_rank_for_every_shape():
    for inputs in (1, 2, 3, 4, 7, 12, 16, 33):
        for outputs in (2, 3, 4, 5, 8, 11, 16, 21, 48, 64):
            kernel = numpy(schemes.Sinusoidal()((inputs, outputs)))
            values = np.linalg.svd(kernel, compute_uv=False)
            assert values[-1] > values[0] / 2, (inputs, outputs)
            units = kernel.T / np.abs(kernel).max()
            for sign in (1, -1):
                distance = np.abs(units[:, None] - sign * units[None]).max(axis=-1)
                assert (distance + 10 * np.eye(outputs) > 1e-5).all(), (inputs, outputs, sign)


def test_sinusoidal_up_to_its_inputs_is_part_of_the_hartley_matrix():
    """cas(x) = cos x + sin x, an orthogonal matrix; the real and imaginary parts of scipy's DFT give it."""
    transform = scipy.linalg.dft(24)
    hartley = np.roll(transform.real - transform.imag, -1, axis=1)[:, :10]
    kernel = numpy(schemes.Sinusoidal()((24, 10)))
    np.testing.assert_allclose(kernel / kernel[0, 0], hartley / hartley[0, 0], atol=1e-5)


def test_sinusoidal_of_the_paper_by_hand():
    """Two inputs and three units: sin(2πik/2 + 2πi/3), of which the third unit is all zero."""
    wave = np.sqrt(3) / 2 * np.array([[1, -1, 0], [-1, -1, 0]])
    expected = wave * np.sqrt(2 / 5 / wave.var(ddof=1))
    kernel = numpy(schemes.Sinusoidal(full_rank=False)((2, 3)))
    np.testing.assert_allclose(kernel, expected, atol=1e-6)


def test_gabor_filters_peak_at_their_waves():
    """The strongest frequency of filter o, by NumPy's FFT, is 1/λ in its direction."""
    bank = numpy(schemes.Gabor(orientations=6, wavelength=8.0)((31, 31, 1, 24)))[:, :, 0]
    for output in range(24):
        spectrum = np.abs(np.fft.fft2(bank[:, :, output], (256, 256)))
        row, column = np.unravel_index(spectrum[:, :129].argmax(), (256, 129))
        frequency = np.array([np.fft.fftfreq(256)[row], column / 256])
        angle = np.pi * (output % 6) / 6
        expected = np.array([np.sin(angle), np.cos(angle)]) / (8 if output < 12 else 16)
        assert min(np.linalg.norm(frequency - expected), np.linalg.norm(frequency + expected)) < 0.012, output


def test_icnr_before_torchs_pixel_shuffle_is_nearest_neighbour():
    kernel = numpy(schemes.Icnr("initlab_he_normal", 3, "pixel_shuffle", seed=0)((3, 3, 2, 18)))
    weights = torch.from_numpy(kernel).permute(3, 2, 0, 1)
    picture = torch.from_numpy(image(1, 2, 5, 5)).double()
    shuffled = torch.nn.functional.pixel_shuffle(torch.nn.functional.conv2d(picture, weights), 3)
    small = torch.nn.functional.conv2d(picture, weights[::9])
    expected = torch.nn.functional.interpolate(small, scale_factor=3, mode="nearest")
    np.testing.assert_allclose(shuffled, expected, atol=1e-6)


def test_icnr_before_depth_to_space_is_nearest_neighbour():
    """TensorFlow's order written out: channel (i · 2 + j) · C + c goes to row i, column j, channel c."""
    layer = keras.layers.Conv2D(12, 3, kernel_initializer=schemes.Icnr(seed=0))
    outputs = numpy(layer(image(1, 6, 6, 2)))
    small = outputs[..., :3]
    enlarged = outputs.reshape(1, 4, 4, 2, 2, 3).transpose(0, 1, 3, 2, 4, 5).reshape(1, 8, 8, 3)
    np.testing.assert_allclose(enlarged, small.repeat(2, axis=1).repeat(2, axis=2), atol=1e-6)
    assert not np.isclose(small[..., 0], small[..., 1]).any()


def test_icnr_of_a_transposed_convolution_is_nearest_neighbour():
    scheme = schemes.Icnr("initlab_he_normal", 2, "transposed", seed=0)
    layer = keras.layers.Conv2DTranspose(3, 4, strides=2, use_bias=False, kernel_initializer=scheme)
    enlarged = numpy(layer(image(1, 5, 5, 2)))
    assert enlarged.shape == (1, 12, 12, 3)
    small = enlarged[:, ::2, ::2]
    np.testing.assert_allclose(enlarged, small.repeat(2, axis=1).repeat(2, axis=2), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schemes.IdinitZero()((1, 5)), "two inputs or more"),
        (lambda: schemes.Sinusoidal(full_rank="yes"), "full_rank is 'yes': give True or False"),
        (lambda: schemes.Sinusoidal()((1, 1)), "waves are not all the same"),
        (lambda: schemes.Gabor(wavelength=2), "wavelength is 2: give a finite number above 2"),
        (lambda: schemes.Gabor()((2, 5, 1, 4)), "a window of three by three or more"),
        (lambda: schemes.Icnr(factor=0), "factor is 0: give a whole number of at least 1"),
        (
            lambda: schemes.Icnr(upsampling="bilinear"),
            "upsampling is 'bilinear': give one of 'depth_to_space'",
        ),
        (lambda: schemes.Icnr()((3, 3, 2, 6)), "outputs that are a multiple of 4 pixels"),
        (lambda: schemes.Icnr(upsampling="transposed")((3, 3, 2, 4)), "sides are multiples of 2"),
    ],
)
def test_refusals_say_what_is_needed(make, message):
    with pytest.raises(initlab.InputError) as caught:
        make()
    assert message in str(caught.value)
