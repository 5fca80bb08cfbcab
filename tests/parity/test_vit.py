"""Starts of vision Transformers beside the package `timm`, where that is installed.

Of timm only the model file and its initializers are used; where torchvision is missing, which timm's data
pipeline wants, a stand-in takes its place.
"""

import importlib.util
import sys
from unittest import mock

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.recipes import ViT

pytest.importorskip("torch", reason="timm needs PyTorch")
if importlib.util.find_spec("timm") is None:
    pytest.skip("the package timm is not installed", allow_module_level=True)

WIDTH, HEADS, HIDDEN, CLASSES = 64, 4, 192, 10


@pytest.fixture(scope="module")
def transformer():
    parts = (
        "",
        ".datasets",
        ".datasets.folder",
        ".models",
        ".models.feature_extraction",
        ".ops",
        ".ops.misc",
    )
    parts += (".transforms", ".transforms.functional", ".utils")
    absent = importlib.util.find_spec("torchvision") is None
    stand_ins = {f"torchvision{part}": mock.MagicMock(__path__=[]) for part in parts if absent}
    with mock.patch.dict(sys.modules, stand_ins):
        from timm.models.vision_transformer import VisionTransformer
    return VisionTransformer


def theirs(transformer, mode):
    import torch

    torch.manual_seed(0)
    model = transformer(
        img_size=16,
        patch_size=4,
        embed_dim=WIDTH,
        depth=1,
        num_heads=HEADS,
        mlp_ratio=HIDDEN / WIDTH,
        num_classes=CLASSES,
        weight_init=mode,
    )
    found = {name: one.detach().numpy() for name, one in model.named_parameters()}
    block = "blocks.0."
    return {
        "patch": found["patch_embed.proj.weight"],
        "value": found[f"{block}attn.qkv.weight"][2 * WIDTH :],
        "output": found[f"{block}attn.proj.weight"],
        "up": found[f"{block}mlp.fc1.weight"],
        "down": found[f"{block}mlp.fc2.weight"],
        "head": found["head.weight"],
        "up bias": found[f"{block}mlp.fc1.bias"],
        "output bias": found[f"{block}attn.proj.bias"],
        "patch bias": found["patch_embed.proj.bias"],
    }


def ours(rule):
    given = keras.Input((16, 16, 3))
    x = layers.Reshape((16, WIDTH))(layers.Conv2D(WIDTH, 4, 4, name="patch")(given))
    inner = layers.MultiHeadAttention(HEADS, WIDTH // HEADS, name="attention")(x, x)
    x = layers.Add()([x, inner])
    inner = layers.Dense(WIDTH, name="down")(layers.Dense(HIDDEN, "gelu", name="up")(x))
    x = layers.Add()([x, inner])
    model = keras.Model(given, layers.Dense(CLASSES, name="head")(layers.GlobalAveragePooling1D()(x)))
    initlab.reinitialize(model, ViT(rule), seed=3)
    found = {slot.path: np.array(keras.ops.convert_to_numpy(slot.variable)) for slot in initlab.slots(model)}
    return {
        "patch": found["patch/kernel"],
        "value": found["attention/value/kernel"],
        "output": found["attention/attention_output/kernel"],
        "up": found["up/kernel"],
        "down": found["down/kernel"],
        "head": found["head/kernel"],
        "up bias": found["up/bias"],
        "output bias": found["attention/attention_output/bias"],
        "patch bias": found["patch/bias"],
    }


@pytest.mark.parametrize("rule", ["jax", "moco", "timm"])
def test_every_role_has_the_deviation_and_the_bound_of_timm(transformer, rule):
    expected, found = theirs(transformer, "" if rule == "timm" else rule), ours(rule)
    for role, value in expected.items():
        if rule == "jax" and role == "value":  # timm takes the fans of all three in one: 64 -> 192
            value = value * np.sqrt((WIDTH + 3 * WIDTH) / (2 * WIDTH))
        assert value.size == found[role].size
        tolerance = 7 / np.sqrt(2 * value.size)  # of two deviations
        assert found[role].std() == pytest.approx(value.std(), rel=tolerance, abs=1e-12), role
        if value.size > 1000:  # uniform, normal and cut laws differ by their largest values
            most = np.abs(value).max() / (value.std() or 1)
            assert np.abs(found[role]).max() / (found[role].std() or 1) == pytest.approx(most, rel=0.25), role
