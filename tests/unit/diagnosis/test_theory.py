"""The maps of mean-field theory against closed forms, chance draws, and nets of matrices."""

import math

import keras
import numpy as np
import pytest
from scipy.special import erf

from keras_initlab.core.errors import InputError
from keras_initlab.diagnosis import theory
from keras_initlab.diagnosis.theory import Curve, Size

RELU = keras.activations.relu


@pytest.mark.parametrize("cosine", [-0.5, 0.0, 0.3, 0.9, 1.0])
def test_relu_is_the_arc_cosine_kernel(cosine):
    """Cho & Saul 2009: E relu(u) relu(v) = q (sin θ + (π - θ) cos θ) / 2π, and half the slopes are 1."""
    angle = math.acos(cosine)
    found = Curve(RELU).behind(Size(3.0, cosine))
    product = 3 * (math.sin(angle) + (math.pi - angle) * cosine) / (2 * math.pi)
    assert found.second == pytest.approx(1.5, rel=1e-6)
    assert found.cosine * found.second == pytest.approx(product, rel=1e-3)
    assert found.slope == pytest.approx(0.5, rel=2e-3)
    assert cosine < 1 or found.cosine == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("cosine", [-0.8, 0.0, 0.6, 1.0])
def test_erf_is_the_arc_sine_kernel(cosine):
    """Williams 1997: E erf(u) erf(v) = (2/π) asin(2 q c / (1 + 2 q))."""

    def phi(x):
        return keras.ops.erf(x)

    q = 1.7
    found = Curve(phi).behind(Size(q, cosine))
    assert found.second == pytest.approx(2 / math.pi * math.asin(2 * q / (1 + 2 * q)), rel=1e-5)
    assert found.cosine * found.second == pytest.approx(
        2 / math.pi * math.asin(2 * q * cosine / (1 + 2 * q)), abs=1e-5
    )
    assert found.slope == pytest.approx(4 / math.pi / math.sqrt(1 + 4 * q), rel=1e-4)


@pytest.mark.parametrize("name", ["tanh", "gelu", "selu", "sigmoid"])
def test_others_are_means_over_draws(name):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 400_000))
    q, c = 1.3, 0.7
    u, v = math.sqrt(q) * x, math.sqrt(q) * (c * x + math.sqrt(1 - c**2) * y)
    phi = {
        "tanh": np.tanh,
        "gelu": lambda x: x * (1 + erf(x / math.sqrt(2))) / 2,
        "selu": lambda x: (
            1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
        ),
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    }[name]
    found = Curve(keras.activations.get(name)).behind(Size(q, c))
    assert found.second == pytest.approx((phi(u) ** 2).mean(), rel=0.01)
    assert found.cosine == pytest.approx((phi(u) * phi(v)).mean() / (phi(u) ** 2).mean(), abs=0.01)
    slopes = (phi(u + 1e-4) - phi(u - 1e-4)) / 2e-4
    assert found.slope == pytest.approx((slopes**2).mean(), rel=0.02)


def test_sums_of_a_wide_layer():
    """Weights of mean square 2/n, biases of 0.25: over 20 draws of 300 by 500."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 300))
    y = 0.6 * x + 0.8 * y
    taken = Size(float((x**2 + y**2).mean() / 2), float(2 * (x @ y) / (x @ x + y @ y)))
    seconds, products = [], []
    for _ in range(20):
        kernel, bias = math.sqrt(2 / 300) * rng.normal(size=(300, 500)), 0.5 * rng.normal(size=500)
        a, b = x @ kernel + bias, y @ kernel + bias
        seconds.append((a**2 + b**2).mean() / 2)
        products.append((a * b).mean())
    found = theory.sums(taken, 2.0, 0.25)
    assert found.second == pytest.approx(np.mean(seconds), rel=0.03)
    assert found.cosine * found.second == pytest.approx(np.mean(products), rel=0.05)


def test_nothing_comes_of_nothing():
    assert Curve(RELU).behind(Size(0.0, math.nan)).second == 0
    assert math.isnan(theory.sums(Size(0.0, math.nan), 1.0, 0.0).cosine)


def test_what_mixes_its_entries_has_no_theory():
    with pytest.raises(InputError):
        Curve(keras.activations.softmax)
    curves = theory.Curves()
    assert curves.of(keras.activations.softmax) is None
    assert curves.of(RELU) is curves.of(RELU)


def test_where_activations_are_flat():
    """Slopes of tanh fall below a twentieth at 2.18, those of a logistic function at 4.36."""
    for name, edge in (("tanh", 2.18), ("sigmoid", 4.36)):
        curve = Curve(keras.activations.get(name))
        assert curve.bounded
        beside = np.array([-edge - 0.05, -edge + 0.05, 0, edge - 0.05, edge + 0.05, 1e9])
        assert curve.flat(beside).tolist() == [True, False, False, False, True, True]
    curve = Curve(RELU)
    assert not curve.bounded
    assert curve.flat(np.array([-5.0, -0.1, 0.1, 7.0, 1e9])).tolist() == [True, True, False, False, False]
