"""Transformers of keras_hub with random weights, where it is installed: branches, and recipes on them."""

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.network.attention import blocks
from keras_initlab.network.branches import branches
from keras_initlab.network.slots import all_slots
from keras_initlab.recipes import DeepNorm, DepthScaled

hub = pytest.importorskip("keras_hub", reason="keras_hub is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")

SIZE = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16}
WORDS = {"vocabulary_size": 50, "intermediate_dim": 32, "max_sequence_length": 12, **SIZE}


def bert():
    return hub.models.BertBackbone(**WORDS)


def gpt2():
    return hub.models.GPT2Backbone(**WORDS)


def vit():
    return hub.models.ViTBackbone(image_shape=(16, 16, 3), patch_size=4, mlp_dim=32, **SIZE)


def data(model):
    rng = np.random.default_rng(0)
    return {
        one.name: np.ones((4, 12), "int32")
        if "mask" in one.name
        else rng.integers(0, 2, (4, *(size or 12 for size in one.shape[1:]))).astype(one.dtype)
        for one in model.inputs
    }


@pytest.mark.parametrize(("build", "normed"), [(bert, {True}), (gpt2, {False, True}), (vit, {False, True})])
def test_four_branches_of_two_layers(build, normed):
    model = build()
    found = branches(model, all_slots(model))
    assert [branch.depth for branch in found.branches] == [4, 2, 4, 2]
    assert not found.refused
    assert not found.unclear
    assert [len(block.forward) for block in blocks(found.branches)] == [1, 1]
    assert {branch.normed for branch in found.branches} == normed  # the last norm follows an addition too
    assert {len({id(slot.layer) for slot in branch.norms}) for branch in found.branches} == {
        int(build is not bert)
    }


def test_factors_are_of_the_right_kernels():
    account = initlab.reinitialize(gpt2(), DepthScaled())
    scaled = {row.path.split("/", 1)[1] for row in account if row.factor == 0.5}
    assert len(scaled) == 2
    assert {path.split("/")[-2] for path in scaled} == {
        "attention_output",
        "feedforward_output_dense",
    }
    account = initlab.reinitialize(bert(), DeepNorm(fold=True))
    kinds = {row.path.split("/")[-2]: round(row.factor, 4) for row in account if row.block and row.factor}
    beta, alpha = 16**-0.25, 4**0.25
    assert kinds == {
        "query": 1.0,
        "key": 1.0,
        "value": round(beta, 4),
        "attention_output": round(beta / alpha, 4),
        "feedforward_intermediate_dense": round(beta, 4),
        "feedforward_output_dense": round(beta / alpha, 4),
    }


@pytest.mark.parametrize("build", [bert, gpt2, vit])
def test_lsuv_reaches_every_layer(build):
    model = build()
    x = data(model)
    x = next(iter(x.values())) if len(x) == 1 else x
    account = initlab.reinitialize(model, "initlab_lsuv", x)
    notes = {row.note for row in account if row.role == "kernel" and row.factor is None}
    assert notes <= {"drawn and not scaled: its scale is the softmax's temperature"}
    assert len([row for row in account if row.factor]) == 2 * 4 + (build is bert) + (build is vit)


def test_what_cannot_be_followed_is_refused_by_name():
    model = hub.models.T5Backbone(vocabulary_size=50, intermediate_dim=32, **SIZE)
    with pytest.raises(initlab.InputError, match=r"transformer_encoder_layer_0 \(.*branches="):
        DepthScaled().apply(model)
    named = DepthScaled("ds", branches=r"(en|de)coder_layer_\d+")
    assert {row.block for row in named.apply(model) if row.block} == {"1", "2", "3", "4"}
    assert keras.backend.backend()
