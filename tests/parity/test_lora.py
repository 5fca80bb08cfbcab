"""Starts of adapters beside the package `peft`, where that is installed."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_initlab.recipes import Lora

torch = pytest.importorskip("torch", reason="peft needs PyTorch")
peft = pytest.importorskip("peft", reason="the package peft is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("rule", ["pissa", "olora", "mica"])
def test_a_b_and_what_is_left_are_those_of_peft(rule):
    kernel = np.random.default_rng(0).normal(size=(9, 6)).astype("float32")
    theirs = torch.nn.Sequential(torch.nn.Linear(9, 6, bias=False))
    with torch.no_grad():
        theirs[0].weight.copy_(torch.from_numpy(kernel.T.copy()))
    config = peft.LoraConfig(r=2, lora_alpha=6, target_modules=["0"], init_lora_weights=rule)
    adapted = peft.get_peft_model(theirs, config).base_model.model[0]
    a, b, base = (
        one.detach().numpy().T
        for one in (
            adapted.lora_A["default"].weight,
            adapted.lora_B["default"].weight,
            adapted.base_layer.weight,
        )
    )
    model = keras.Sequential([keras.Input((9,)), layers.Dense(6, use_bias=False)])
    layer = model.layers[0]
    layer.kernel.assign(kernel)
    layer.enable_lora(2, lora_alpha=6)
    Lora(rule).apply(model)
    ours = [np.asarray(keras.ops.convert_to_numpy(one)) for one in (layer.lora_kernel_a, layer.lora_kernel_b)]
    np.testing.assert_allclose(ours[0] @ ours[1], a @ b, atol=1e-5)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer._kernel), base, atol=1e-5)
    np.testing.assert_allclose(np.abs(ours[1]), np.abs(b), atol=1e-5)  # a direction has no sign
    np.testing.assert_allclose(np.abs(ours[0]), np.abs(a), atol=1e-5)
