"""Kernels made of a layer's inputs, against SciPy and another decomposition."""

import keras
import numpy as np
import pytest
from keras import layers
from scipy.cluster.vq import kmeans2

import keras_initlab as initlab
from keras_initlab.recipes import WithinLayer, data_kernels
from keras_initlab.recipes.data_kernels import clustered, k_means, patches
from keras_initlab.testing import check_recipe

RNG = np.random.default_rng(0)
ROWS = (RNG.normal(size=(200, 6)) @ RNG.normal(size=(6, 6)) + 3).astype("float32")
PICTURES = RNG.normal(size=(20, 7, 6, 3)).astype("float32")


def numpy(value):
    return np.asarray(keras.ops.convert_to_numpy(value), "float64")


def outputs(model, x):
    """The sums of each layer, by layers of one's own making."""
    found = []
    for layer in model.layers:
        activation, layer.activation = layer.activation, keras.activations.linear
        found.append(numpy(layer(x)))
        layer.activation = activation
        x = activation(keras.ops.convert_to_tensor(found[-1].astype("float32")))
    return found


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Conv2D(4, (3, 2), padding="same"), (7, 6, 3)),
        (layers.Conv2D(4, 3, strides=2, padding="same"), (7, 6, 3)),
        (layers.Conv2D(4, (2, 3), dilation_rate=(2, 1)), (7, 6, 3)),
        (layers.Conv1D(4, 3, padding="causal"), (8, 3)),
        (layers.Conv3D(4, 2), (4, 3, 3, 2)),
        (layers.Dense(4), (5, 3)),
    ],
)
def test_patches_times_the_kernel_are_the_sums(layer, shape):
    x = RNG.normal(size=(3, *shape)).astype("float32")
    sums = numpy(layer(x))
    seen = patches(layer, x.astype("float64"), RNG)
    made = seen @ numpy(layer.kernel).reshape(-1, 4)
    np.testing.assert_allclose(made, sums.reshape(-1, 4), atol=1e-5)


def test_so_many_inputs_are_looked_at(monkeypatch):
    monkeypatch.setattr(data_kernels, "PLACES", 50)
    layer = layers.Conv2D(4, 3)
    layer(PICTURES)
    every = {tuple(row) for row in patches(layer, PICTURES, np.random.default_rng(0)).tolist()}
    assert len(every) == 50
    monkeypatch.undo()
    assert every < {tuple(row) for row in patches(layer, PICTURES, np.random.default_rng(0)).tolist()}


def test_principal_directions_by_another_decomposition():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, "relu"), layers.Dense(3)])
    account = initlab.reinitialize(model, WithinLayer(weights="pca"), ROWS, seed=1)
    x = ROWS.astype("float64")
    _, size, directions = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    initlab.reinitialize(twin := keras.models.clone_model(model), "initlab_lecun_normal", seed=1)
    expected = directions[:4].T / size[:4] * np.sqrt(200)
    expected *= np.sign((expected * numpy(twin.layers[0].kernel)).sum(axis=0))
    np.testing.assert_allclose(numpy(model.layers[0].kernel), expected, rtol=1e-3, atol=1e-4)
    for sums in outputs(model, ROWS):
        np.testing.assert_allclose(np.cov(sums.T, bias=True), np.eye(sums.shape[1]), atol=1e-4)
        np.testing.assert_allclose(sums.mean(axis=0), 0, atol=1e-5)
    assert [row.note for row in account if row.role == "kernel"] == ["pca", "pca"]


@pytest.mark.parametrize("kind", ["pca", "k_means"])
def test_convolutions_and_what_keeps_its_draw(kind):
    model = keras.Sequential(
        [
            keras.Input((7, 6, 3)),
            layers.Conv2D(8, 3, activation="tanh", name="mix"),
            layers.Conv2D(8, 1, groups=2, name="groups"),
            layers.Flatten(),
            layers.Dense(21, name="head"),
        ]
    )
    account = initlab.reinitialize(model, WithinLayer(weights=kind), PICTURES)
    first = model.layers[0]
    first.activation = keras.activations.linear
    sums = numpy(first(PICTURES)).reshape(-1, 8)
    np.testing.assert_allclose(sums.std(axis=0), 1, atol=1e-5)
    apart = np.abs(np.cov(sums.T) - np.eye(8)).max()
    assert apart < 5e-3 if kind == "pca" else apart > 0.05
    notes = {row.path: row.note for row in account}
    assert notes["mix/kernel"] == kind
    assert notes["head/kernel"] == notes["groups/kernel"] == f"drawn: too few inputs for {kind}, or groups"


def test_clusters_by_scipy():
    start = ROWS[RNG.choice(200, 5, replace=False)].astype("float64")
    theirs, _ = kmeans2(ROWS.astype("float64"), start.copy(), iter=20, minit="matrix")
    np.testing.assert_allclose(k_means(ROWS.astype("float64"), start.copy(), 20), theirs, atol=1e-10)
    lonely = np.concatenate([start, start[:1] + 1e4])
    np.testing.assert_array_equal(k_means(ROWS.astype("float64"), lonely)[-1], lonely[-1])


def test_the_means_of_whitened_inputs_by_scipy():
    x = ROWS - ROWS.astype("float64").mean(axis=0)
    _, size, directions = np.linalg.svd(x, full_matrices=False)
    back = directions[:5].T / size[:5]
    white = x @ back
    white /= np.linalg.norm(white, axis=1, keepdims=True)
    start = white[np.random.default_rng(3).choice(200, 5, replace=False)]
    theirs, _ = kmeans2(white, start, iter=20, minit="matrix")
    made = clustered(ROWS.astype("float64"), 5, np.random.default_rng(3))
    np.testing.assert_allclose(made, back @ theirs.T, rtol=1e-3, atol=1e-4)


def test_each_unit_answers_to_a_cluster_of_its_own():
    """Far clusters on three axes and their opposites: six units, one for each."""
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    x = (axes[np.arange(180) % 6] * [1.0, 5.0, 20.0] + RNG.normal(size=(180, 3)) * 1e-3).astype("float32")
    best = []
    for seed in range(6):
        made = clustered(x.astype("float64"), 6, np.random.default_rng(seed))
        white = (x - x.mean(axis=0)) @ made
        best.append(len({int(at) for at in white.argmax(axis=1)}))
    assert max(best) == 6
    assert min(best) >= 4


@pytest.mark.parametrize("kind", ["pca", "k_means"])
def test_it_keeps_what_recipes_promise(kind):
    check_recipe(WithinLayer(weights=kind, base="initlab_he_normal"))
    with pytest.raises(initlab.InputError, match="weights is 'zca': give one of 'draw', 'pca', 'k_means'"):
        WithinLayer(weights="zca")
