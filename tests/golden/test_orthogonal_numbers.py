"""The orthogonal schemes against torch, scipy and Fourier transforms."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

import keras_initlab as initlab
from keras_initlab import initializers as schemes
from keras_initlab.testing.schemes import numpy


@pytest.mark.parametrize("shape", [(30, 12), (12, 30)])
def test_he_orthogonal_is_standardized_as_by_torch(shape):
    """The authors standardize torch's (out, in) matrix along its inputs by `var_mean`."""
    matrix = torch.tensor(numpy(schemes.Orthogonal(seed=0)(shape))).T
    variance, mean = torch.var_mean(matrix, dim=1, unbiased=True, keepdim=True)
    expected = ((matrix - mean) / variance.sqrt() / math.sqrt(shape[0])).T
    np.testing.assert_allclose(numpy(schemes.HeOrthogonal(seed=0)(shape)), expected, rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("shape", [(5, 3, 4), (3, 2, 3, 4), (2, 3, 4, 3, 5)])
def test_conv_orthogonal_keeps_norms_in_torch(shape):
    """A convolution with circular padding, by torch."""
    *window, inputs, _ = shape
    dimensions = len(window)
    kernel = torch.tensor(numpy(schemes.ConvOrthogonal(1.5, seed=0)(shape)))
    kernel = kernel.permute(dimensions + 1, dimensions, *range(dimensions))
    image = torch.randn(2, inputs, *([7] * dimensions), generator=torch.manual_seed(0), dtype=kernel.dtype)
    padding = [pad for size in reversed(window) for pad in (0, size - 1)]
    wrapped = torch.nn.functional.pad(image, padding, mode="circular")
    convolve = (torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d)
    outputs = convolve[dimensions - 1](wrapped, kernel)
    assert outputs.norm().item() == pytest.approx(1.5 * image.norm().item(), rel=1e-5)


def test_conv_orthogonal_uses_its_whole_window():
    """The share of each tap: binomial along each axis, as every step goes either way half the time."""
    draws = [numpy(schemes.ConvOrthogonal(seed=seed)((3, 3, 4, 20))) for seed in range(300)]
    shares = np.square(draws).sum((3, 4)) / 4
    expected = np.outer([0.25, 0.5, 0.25], [0.25, 0.5, 0.25])
    assert (abs(shares.mean(axis=0) - expected) < 5 * shares.std(axis=0) / math.sqrt(300)).all()


def test_conv_aware_spectra_are_orthonormal():
    """Seven taps have four frequencies: the spectra of each unit's four inputs are an orthogonal matrix."""
    kernel = numpy(schemes.ConvAware(0.0, seed=0)((7, 8, 5)))
    spectra = np.fft.rfft(kernel, axis=0)
    assert abs(spectra.imag).max() < 1e-6
    size = (spectra.real[:, :4, 0] ** 2).sum(axis=0).mean()
    for unit in range(5):
        for basis in (spectra.real[:, :4, unit], spectra.real[:, 4:, unit]):
            np.testing.assert_allclose(basis.T @ basis / size, np.eye(4), atol=1e-5)


def test_conv_aware_filters_are_symmetric_without_noise():
    kernel = numpy(schemes.ConvAware(0.0, seed=0)((3, 5, 4, 6)))
    mirrored = np.roll(kernel[::-1, ::-1], (1, 1), (0, 1))
    np.testing.assert_allclose(mirrored, kernel, atol=1e-6)
    noisy = numpy(schemes.ConvAware(seed=0)((3, 5, 4, 6)))
    assert abs(np.roll(noisy[::-1, ::-1], (1, 1), (0, 1)) - noisy).max() > 0.1 * noisy.std()


@pytest.mark.parametrize("density", [0.05, 0.3, 0.9])
def test_sparse_orthogonal_has_its_density(density):
    kernel = numpy(schemes.SparseOrthogonal(density, 2.0, seed=0)((30, 100)))
    assert density <= (kernel != 0).mean() < density + 0.01
    np.testing.assert_allclose(kernel @ kernel.T, 4 * np.eye(30), atol=1e-5)


def test_sparse_orthogonal_is_uniform_when_dense():
    """After many rotations a corner is distributed as in scipy's Haar matrices."""
    ours = [numpy(schemes.SparseOrthogonal(0.99, seed=seed)((8, 8)))[0, 0] for seed in range(300)]
    theirs = stats.ortho_group(8, seed=0).rvs(3000)[:, 0, 0]
    assert abs(np.mean(ours)) < 5 * np.std(theirs) / math.sqrt(300)
    assert np.var(ours) == pytest.approx(np.var(theirs), rel=0.5)


def test_sparse_orthogonal_turns_by_any_angle():
    kernels = [numpy(schemes.SparseOrthogonal(0.9, seed=seed)((2, 2))) for seed in range(500)]
    angles = [math.atan2(kernel[1, 0], kernel[0, 0]) for kernel in kernels]
    assert stats.kstest(angles, stats.uniform(-math.pi, 2 * math.pi).cdf).pvalue > 1e-6


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schemes.HeOrthogonal()((1, 4)), "at least two inputs; got shape (1, 4)"),
        (
            lambda: schemes.ConvOrthogonal()((3, 5, 4)),
            "at least as many outputs as inputs; got shape (3, 5, 4)",
        ),
        (lambda: schemes.ConvAware()((1, 1, 5, 4)), "a window of at least two taps; got shape (1, 1, 5, 4)"),
        (lambda: schemes.ConvAware(-1.0), "noise is -1.0: give a finite number of at least 0"),
        (lambda: schemes.SparseOrthogonal(1.0), "density is 1.0: give a number between 0 and 1"),
    ],
)
def test_refusals_say_what_is_needed(make, message):
    with pytest.raises(initlab.InputError) as caught:
        make()
    assert message in str(caught.value)
