"""Slots: every weight tensor of a built model, once, with its role and its own initializer."""

import keras
import numpy as np
import pytest

from keras_initlab.core.errors import InputError
from keras_initlab.core.rng import isolated
from keras_initlab.initializers.adapting import seeded
from keras_initlab.initializers.fans import Fans
from keras_initlab.network.drawing import draw
from keras_initlab.network.selection import restarted, under_test
from keras_initlab.network.slots import all_slots, einsum_axes, own_initializer, slots


def roles(*layers, shape=(8, 8, 4)):
    model = keras.Sequential([keras.Input(shape), *layers])
    return [slot.role for slot in slots(model)]


def test_roles_of_keras_layers():
    assert roles(keras.layers.Conv2D(3, 2)) == ["kernel", "bias"]
    assert roles(keras.layers.DepthwiseConv2D(2)) == ["depthwise_kernel", "bias"]
    assert roles(keras.layers.SeparableConv2D(3, 2)) == ["depthwise_kernel", "pointwise_kernel", "bias"]
    assert roles(keras.layers.Embedding(5, 3), shape=(4,)) == ["embeddings"]
    assert roles(keras.layers.GRU(3), shape=(4, 2)) == ["kernel", "recurrent_kernel", "bias"]
    assert roles(keras.layers.BatchNormalization()) == ["gamma", "beta"]
    assert (
        roles(keras.layers.Bidirectional(keras.layers.SimpleRNN(2)), shape=(4, 2))
        == [
            "kernel",
            "recurrent_kernel",
            "bias",
        ]
        * 2
    )


LAYERS = {
    "Dense": (keras.layers.Dense(3), (4,)),
    "EinsumDense": (keras.layers.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d"), (4, 2)),
    "Conv1D": (keras.layers.Conv1D(3, 2), (4, 2)),
    "Conv2DTranspose": (keras.layers.Conv2DTranspose(3, 2), (4, 4, 2)),
    "DepthwiseConv1D": (keras.layers.DepthwiseConv1D(2), (4, 2)),
    "SeparableConv2D": (keras.layers.SeparableConv2D(3, 2), (4, 4, 2)),
    "Embedding": (keras.layers.Embedding(5, 3), (4,)),
    "SimpleRNN": (keras.layers.SimpleRNN(3), (4, 2)),
    "LSTM": (keras.layers.LSTM(3), (4, 2)),
    "GRU": (keras.layers.GRU(3), (4, 2)),
    "ConvLSTM2D": (keras.layers.ConvLSTM2D(3, 2), (3, 4, 4, 2)),
    "Bidirectional": (keras.layers.Bidirectional(keras.layers.LSTM(3)), (4, 2)),
    "TimeDistributed": (keras.layers.TimeDistributed(keras.layers.Dense(3)), (4, 2)),
    "BatchNormalization": (keras.layers.BatchNormalization(), (4,)),
    "LayerNormalization": (keras.layers.LayerNormalization(), (4,)),
    "GroupNormalization": (keras.layers.GroupNormalization(2), (4,)),
    "PReLU": (keras.layers.PReLU(), (4, 2)),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_every_weight_of_a_keras_layer_can_restart(kind):
    layer, shape = LAYERS[kind]
    model = keras.Sequential([keras.Input(shape), layer])
    for slot in all_slots(model):
        if slot.role != "seed_generator_state":
            assert own_initializer(slot) is not None, slot.path
            with isolated() as generators:
                value = draw(own_initializer(slot), slot, 1, generators)
            assert tuple(value.shape) == slot.shape


def test_attention_can_restart():
    inputs = keras.Input((4, 6))
    model = keras.Model(inputs, keras.layers.MultiHeadAttention(2, 3)(inputs, inputs))
    assert [slot.role for slot in slots(model)] == ["kernel", "bias"] * 4
    assert all(own_initializer(slot) is not None for slot in slots(model))


def test_a_custom_layers_matrix_is_a_kernel():
    class Mixing(keras.layers.Layer):
        def build(self, shape):
            self.mix = self.add_weight(shape=(shape[-1], 3), name="mix")
            self.shift = self.add_weight(shape=(3,), name="shift")

        def call(self, x):
            return x @ self.mix + self.shift

    assert roles(Mixing(), shape=(4,)) == ["kernel", "shift"]


def test_a_shared_layer_is_one_slot_and_paths_leave_out_the_models_name():
    inputs = keras.Input((3,))
    shared = keras.layers.Dense(3, name="shared")
    model = keras.Model(inputs, shared(shared(inputs)), name="whole")
    assert [slot.path for slot in slots(model)] == ["shared/kernel", "shared/bias"]
    assert len({slot.seed_path for slot in all_slots(model)}) == 2


@pytest.mark.parametrize(
    ("equation", "expected"),
    [
        ("abc,cd->abd", ((0,), (1,))),
        ("abc,cde->abde", ((0,), (1, 2))),
        ("abcd,cde->abe", ((0, 1), (2,))),
        ("...x,xy->...y", ((0,), (1,))),
        ("abgc,gcd->abgd", ((1,), (0, 2))),
    ],
)
def test_einsum_axes_are_kerass(equation, expected):
    assert einsum_axes(equation) == expected


def test_an_lstms_own_bias_remembers_at_first():
    model = keras.Sequential([keras.Input((4, 2)), keras.layers.LSTM(3)])
    bias = next(slot for slot in slots(model) if slot.role == "bias")
    with isolated() as generators:
        drawn = keras.ops.convert_to_numpy(draw(own_initializer(bias), bias, 1, generators))
    np.testing.assert_array_equal(drawn, np.array(bias.variable))
    np.testing.assert_array_equal(drawn, [0] * 3 + [1] * 3 + [0] * 6)


def test_seeded_replaces_a_seed_and_keeps_the_rest():
    given = keras.initializers.RandomUniform(-2, 3, seed=1)
    again = seeded(given, 9)
    assert again.get_config() | {"seed": None} == given.get_config() | {"seed": None}
    assert again.seed == 9
    ones = keras.initializers.Ones()
    assert seeded(ones, 9) is ones


@pytest.mark.skipif(not hasattr(keras.layers, "ReversibleEmbedding"), reason="this Keras has none")
def test_an_untied_head_of_a_language_model_can_be_put_under_test():
    tokens = keras.Input((5,), dtype="int32")
    layer = keras.layers.ReversibleEmbedding(10, 4, tie_weights=False, name="words")
    model = keras.Model(tokens, layer(layer(tokens), reverse=True))
    (head,) = under_test(model, None, "reverse_embeddings")
    assert head.variable is layer.reverse_embeddings


def test_the_factors_of_lora_can_be_put_under_test_and_the_frozen_kernel_cannot():
    layer = keras.layers.Dense(3, name="head")
    model = keras.Sequential([keras.Input((6,)), layer])
    layer.enable_lora(2)
    chosen = under_test(model, None, ["lora_kernel_a", "lora_kernel_b"])
    assert [(slot.path, slot.fans) for slot in chosen] == [
        ("head/lora_kernel_a", Fans(6, 2)),
        ("head/lora_kernel_b", Fans(2, 3)),
    ]
    with pytest.raises(InputError, match="has no kernel; its roles are bias, lora_kernel_a, lora_kernel_b"):
        under_test(model, None, None)


def test_a_kernel_frozen_under_lora_starts_from_the_values_it_has():
    """They are what was trained before; the factors and the bias beside it start anew."""
    layer = keras.layers.Dense(3, name="head")
    model = keras.Sequential([keras.Input((6,)), layer, keras.layers.BatchNormalization(name="norm")])
    layer.enable_lora(2)
    chosen = under_test(model, None, "lora_kernel_a")
    assert [slot.path for slot in restarted(model, chosen)] == [
        "head/bias",
        "norm/gamma",
        "norm/beta",
        "norm/moving_mean",
        "norm/moving_variance",
    ]


class WithoutCall(keras.Model):
    """Trained by a `train_step` of its own, so that Keras never calls it a built model."""

    def __init__(self):
        super().__init__()
        self.net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="inner")])


def test_a_model_that_is_built_inside_only_has_slots():
    model = WithoutCall()
    assert not model.built
    assert [(slot.role, slot.fans) for slot in slots(model)] == [
        ("kernel", Fans(4, 3)),
        ("bias", Fans(4, 3)),
    ]
    assert not model.built
