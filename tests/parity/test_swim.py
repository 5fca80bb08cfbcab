"""SWIM beside the package `swimnetworks` of its authors, where that is installed."""

import numpy as np
import pytest

from keras_initlab.recipes.swim import sampled

swimnetworks = pytest.importorskip("swimnetworks", reason="the package swimnetworks is not installed")


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(("classes", "units"), [(True, 30), (False, 30), (True, 170)])
def test_weights_of_equal_seeds_agree(activation, classes, units):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 5))
    y = rng.integers(0, 3, 60) if classes else rng.normal(size=(60, 2))
    layer = swimnetworks.Dense(
        layer_width=units,
        activation=activation,
        parameter_sampler=activation,
        is_classifier=classes,
        random_seed=7,
    )
    layer.fit(x, y)
    targets = np.eye(3)[y] if classes else y
    kernel, bias, _ = sampled(x, targets, units, activation, np.random.default_rng(7))
    np.testing.assert_allclose(kernel, layer.weights, rtol=1e-10)
    np.testing.assert_allclose(bias, layer.biases[0], rtol=1e-10)
