"""Adapters: the model computes the same, and a and b are what their names say."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.recipes import Lora, examples
from tests.engines import BACKEND

X = np.random.default_rng(0).normal(size=(40, 20)).astype("float32")


def numpy(value):
    return np.asarray(keras.ops.convert_to_numpy(value), "float64")


@pytest.mark.parametrize("rule", Lora.rules)
def test_the_model_computes_the_same(rule):
    model = examples.adapted_net()
    before = numpy(model(X))
    kernels = [numpy(layer.kernel) for layer in model.layers]
    account = Lora(rule).apply(model, X)
    assert np.abs(numpy(model(X)) - before).max() < 1e-5
    for layer, kernel in zip(model.layers, kernels, strict=True):
        np.testing.assert_allclose(numpy(layer.kernel), kernel, atol=1e-6)  # the merged one
    moved = {row.path.rsplit("/")[-1] for row in account}
    changes_base = rule in ("pissa", "olora")
    assert moved == {"lora_kernel_a", "lora_kernel_b"} | ({"kernel"} if changes_base else set())
    assert account.probe == (40 if rule == "eva" else 0)


def test_what_a_and_b_are():
    model = examples.adapted_net()
    layer = model.layers[1]
    kernel = numpy(layer.kernel)
    u, s, v = np.linalg.svd(kernel)
    Lora("pissa").apply(model)
    a, b = numpy(layer.lora_kernel_a), numpy(layer.lora_kernel_b)
    np.testing.assert_allclose(2 * a @ b, u[:, :3] * s[:3] @ v[:3], atol=1e-5)  # α/r is 2
    np.testing.assert_allclose(a.T @ a, b @ b.T, atol=1e-5)
    left = np.linalg.svd(numpy(layer._kernel), compute_uv=False)
    assert left[0] == pytest.approx(s[3], rel=1e-5)

    model = examples.adapted_net()
    layer = model.layers[1]
    kernel = numpy(layer.kernel)
    Lora("mica").apply(model)
    b = numpy(layer.lora_kernel_b)
    least = np.linalg.svd(kernel, full_matrices=False)[1][-3:]
    np.testing.assert_allclose(np.linalg.norm(kernel @ b.T, axis=0), least, rtol=1e-3)
    assert not numpy(layer.lora_kernel_a).any()

    model = examples.adapted_net()
    kernel = numpy(model.layers[1].kernel)
    Lora("olora").apply(model)
    a, b = numpy(model.layers[1].lora_kernel_a), numpy(model.layers[1].lora_kernel_b)
    np.testing.assert_allclose(b @ b.T, np.eye(3), atol=1e-5)
    np.testing.assert_allclose(kernel @ b.T, a, atol=1e-4)  # Wᵀ = QR: W Q_r = R_rᵀ

    model = examples.adapted_net()
    Lora("eva").apply(model, X)
    a = numpy(model.layers[0].lora_kernel_a)
    top = np.linalg.svd(X.astype("float64"), full_matrices=False)[2][:3].T
    np.testing.assert_allclose(np.abs(a.T @ top), np.eye(3), atol=1e-4)
    assert not numpy(model.layers[0].lora_kernel_b).any()


def test_micas_b_stays():
    model = examples.adapted_net()
    account = Lora("mica").apply(model, layers="first|second")
    trained = {one.path for one in model.trainable_variables if "lora" in one.path}
    assert {path.removeprefix(f"{model.name}/") for path in trained} == {
        *(f"{name}/lora_kernel_a" for name in ("first", "second", "third", "head")),
        *(f"{name}/lora_kernel_b" for name in ("third", "head")),
    }
    assert [row.path for row in account if row.note == "frozen"] == [
        "first/lora_kernel_b",
        "second/lora_kernel_b",
    ]
    for rule in ("pissa", "olora"):
        rows = {row.path: row.note for row in Lora(rule).apply(model)}
        assert rows["first/lora_kernel_b"] == "frozen before, and still"
        assert rows["third/lora_kernel_b"] == ""


def test_a_start_that_fails_freezes_nothing():
    model = examples.adapted_net()
    model.layers[-1].trainable = False
    with pytest.raises(initlab.InputError, match="is frozen: unfreeze it"):
        Lora("mica").apply(model)
    assert all(layer.lora_kernel_b.trainable for layer in model.layers[:-1])


@pytest.mark.skipif(BACKEND == "numpy", reason="trains")
def test_all_that_are_compared_train_the_same_weights():
    model = examples.small_relu_net()
    adapted = model.layers[:-1]
    for layer in adapted:
        layer.enable_lora(2)
    model.compile("sgd", "mse")
    arguments = {"x": X, "y": np.zeros((40, 5)), "epochs": 1, "replicates": 1, "verbose": False}
    with pytest.raises(initlab.InputError, match=r"Lora\(rule=mica\) freezes .*lora_kernel_b.*for all"):
        initlab.compare(model, [Lora(), Lora("mica")], **arguments)
    assert all(layer.lora_kernel_b.trainable for layer in adapted)
    for layer in adapted:
        layer.lora_kernel_b.trainable = False
    found = initlab.compare(model, [Lora(), Lora("mica")], **arguments)
    assert {record.status for record in found.records} == {"completed"}


def test_attention_and_convolutions():
    given = keras.Input((8, 8, 3))
    x = layers.Reshape((36, 8))(layers.Conv2D(8, 3, name="mix")(given))
    model = keras.Model(given, layers.MultiHeadAttention(2, 4, name="attention")(x, x))
    model.get_layer("mix").enable_lora(2)
    model.get_layer("attention")._query_dense.enable_lora(2)
    pictures = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    before = numpy(model(pictures))
    account = Lora().apply(model)
    assert len(account) == 6
    assert np.abs(numpy(model(pictures)) - before).max() < 1e-5


@pytest.mark.parametrize(
    ("build", "recipe", "match"),
    [
        (examples.small_relu_net, Lora(), "has an adapter.*enable_lora"),
        (examples.adapted_net, Lora("eva"), "x is missing"),
    ],
)
def test_what_is_refused(build, recipe, match):
    with pytest.raises(initlab.InputError, match=match):
        recipe.apply(build())
    with pytest.raises(initlab.InputError, match="rule"):
        Lora("corda")


def test_a_rank_above_the_kernels_is_refused():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="head")])
    model.layers[0].enable_lora(4)
    with pytest.raises(initlab.InputError, match="rank 4, and its kernel 3"):
        Lora().apply(model)


@pytest.mark.parametrize(
    ("change", "arguments", "match"),
    [
        (lambda layer: layer.quantize("int8"), {}, "int8: start its adapter before quantize"),
        (lambda layer: setattr(layer, "trainable", False), {}, "is frozen: unfreeze it"),
        (lambda layer: None, {"roles": "lora_kernel_a"}, "roles is 'lora_kernel_a'.*layers="),
    ],
)
def test_what_it_would_damage_is_refused(change, arguments, match):
    model = examples.adapted_net()
    change(model.layers[0])
    before = numpy(model(X))
    with pytest.raises(initlab.InputError, match=match):
        Lora().apply(model, **arguments)
    np.testing.assert_array_equal(numpy(model(X)), before)
