"""Real networks: every trainable kernel is a slot, none is missed and none is drawn twice."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.network.roles import KERNEL_ROLES

pytestmark = pytest.mark.slow


def application(name):
    return getattr(keras.applications, name)(weights=None, input_shape=(32, 32, 3), classes=10)


def recurrent():
    return keras.Sequential(
        [
            keras.Input((7,)),
            layers.Embedding(50, 12),
            layers.Bidirectional(layers.LSTM(8, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(8)),
            layers.Dense(3),
        ]
    )


def encoder():
    inputs = keras.Input((7,), dtype="int32")
    h = layers.Embedding(50, 16)(inputs)
    for _ in range(2):
        h = layers.LayerNormalization()(h + layers.MultiHeadAttention(4, 4)(h, h))
        h = layers.LayerNormalization()(h + layers.Dense(16)(layers.Dense(32, "gelu")(h)))
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling1D()(h)))


# The model and the number of its kernels, counted from the papers' tables of layers.
MODELS = {
    "ResNet50": (lambda: application("ResNet50"), 1 + 16 * 3 + 4 + 1),  # stem, blocks, shortcuts, head
    "MobileNetV2": (lambda: application("MobileNetV2"), 1 + 2 + 16 * 3 + 1 + 1),
    "EfficientNetB0": (lambda: application("EfficientNetB0"), 1 + 4 + 15 * 5 + 1 + 1),
    "ConvNeXtTiny": (lambda: application("ConvNeXtTiny"), 4 + 18 * 3 + 1),
    "LSTM": (recurrent, 4 * 2 + 1),
    "Transformer": (encoder, 2 * (4 + 2) + 1),
}


# Depthwise kernels as Conv2D with groups, or under Glorot's law, and the gates of an LSTM.
FINDINGS = {"MobileNetV2": ["wrong fans"], "ConvNeXtTiny": ["wrong fans"], "LSTM": ["fans of gates"]}


@pytest.mark.parametrize("name", MODELS)
def test_every_kernel_is_drawn_once(name):
    make, count = MODELS[name]
    model = make()
    assert [found.kind for found in initlab.lint(model)] == FINDINGS.get(name, [])
    slots = initlab.slots(model)
    assert [id(slot.variable) for slot in slots] == [id(variable) for variable in model.trainable_variables]
    assert len({slot.path for slot in slots}) == len({slot.seed_path for slot in slots}) == len(slots)
    # What is a kernel is told here by the shape alone: apart from tables of embeddings, every trainable
    # tensor of rank 2 or more, but the biases of attention, which have one per head and channel.
    matrices = [
        variable.path
        for variable in model.trainable_variables
        if len(variable.shape) > 1 and variable.name not in ("embeddings", "bias")
    ]
    before = {slot.path: np.array(slot.variable) for slot in slots}
    account = initlab.reinitialize(model, "initlab_lecun_normal")
    assert len(account) == len(matrices) == count
    assert {row.role for row in account} <= set(KERNEL_ROLES)
    drawn = {row.path for row in account}
    for slot in slots:
        value = np.array(slot.variable)
        assert np.array_equal(value, before[slot.path]) == (slot.path not in drawn), slot.path
        if slot.path in drawn:
            std = 1 / np.sqrt(slot.fans.fan_in)
            assert value.std() == pytest.approx(std, rel=5 / np.sqrt(2 * value.size)), slot.path
    firsts = [np.array(slot.variable).ravel()[:4].tolist() for slot in slots if slot.path in drawn]
    firsts = [[x / first[0] for x in first[1:]] for first in firsts]  # whatever the scale
    assert len({tuple(first) for first in firsts}) == count


def test_glorots_law_in_a_deep_net_of_relu_is_found():
    found = initlab.lint(application("VGG16"))
    assert [(one.kind, len(one.weights)) for one in found] == [("activation", 13 + 2)]
