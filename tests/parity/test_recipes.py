"""Recipes beside the packages of their authors, where these are installed: `pip install lsuv`."""

import itertools
import math

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.recipes import Lsuv

WIDTHS = (20, 64, 48, 32, 5)


def test_the_factors_of_lsuvs_own_package():
    lsuv = pytest.importorskip("lsuv", reason="the package lsuv is not installed")
    torch = pytest.importorskip("torch", reason="lsuv needs PyTorch")
    x = np.random.default_rng(0).normal(size=(256, WIDTHS[0])).astype("float32")
    hidden = [layers.Dense(width, "relu") for width in WIDTHS[1:-1]]
    model = keras.Sequential([keras.Input((WIDTHS[0],)), *hidden, layers.Dense(WIDTHS[-1])])
    initlab.reinitialize(model, "initlab_random_normal", seed=4)
    drawn = [np.array(layer.get_weights()[0]) for layer in model.layers]
    parts = []
    for kernel in drawn:
        linear = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(kernel.T.copy()))
            linear.bias.zero_()
        parts += [linear, torch.nn.ReLU()]
    theirs = lsuv.lsuv_with_singlebatch(
        torch.nn.Sequential(*parts[:-1]), torch.from_numpy(x), std_tol=1e-7, do_orthonorm=False, verbose=False
    )
    account = initlab.reinitialize(model, Lsuv(base="initlab_random_normal"), x, seed=4)
    ours = [row.factor for row in account if row.factor]
    # The package divides by n - 1, we by n; a layer's factor makes up for that of the one before.
    shares = [1.0, *(math.sqrt(1 - 1 / (256 * width)) for width in WIDTHS[1:])]
    expected = [
        factor * after / before
        for factor, (before, after) in zip(ours, itertools.pairwise(shares), strict=True)
    ]
    found = [
        float(np.median(part.weight.detach().numpy().T / kernel))
        for part, kernel in zip(theirs[::2], drawn, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=2e-6)
