"""New weights for a built model: which are drawn, from which seeds, with which fans, and what is refused."""

import math
import random
import re

import keras
import numpy as np
import pytest
from keras import layers
from keras.src.random.seed_generator import global_seed_generator

import keras_initlab as initlab
from keras_initlab.core.errors import InputError
from keras_initlab.initializers.fans import Fans, shape_fans
from keras_initlab.network import drawing
from keras_initlab.testing.schemes import numpy


def twins():
    return keras.Sequential(
        [
            keras.Input((30,)),
            layers.Dense(30, "relu", name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(30, "relu", name="second"),
            layers.Dense(4, name="head"),
        ]
    )


def convolutions():
    """Kinds whose fans Keras gets wrong, and one whose it does not."""
    return keras.Sequential(
        [
            keras.Input((12, 12, 32)),
            layers.Conv2D(40, 3, name="plain"),
            layers.DepthwiseConv2D(3, depth_multiplier=4, name="depth"),
            layers.Conv2DTranspose(48, 3, strides=2, name="up"),
        ]
    )


def values(model):
    return {slot.path: np.array(slot.variable) for slot in initlab.slots(model)}


def test_equal_shaped_layers_differ_and_one_seed_repeats_itself():
    model = twins()
    initlab.reinitialize(model, "initlab_he_normal", seed=3)
    first = values(model)
    assert abs(np.corrcoef(first["first/kernel"].ravel(), first["second/kernel"].ravel())[0, 1]) < 0.2
    initlab.reinitialize(model, "initlab_he_normal", seed=4)
    assert not np.isclose(values(model)["head/kernel"], first["head/kernel"]).any()
    initlab.reinitialize(model, "initlab_he_normal", seed=3)
    for path, value in values(model).items():
        np.testing.assert_array_equal(value, first[path])


@pytest.mark.parametrize(
    "scheme",
    [keras.initializers.HeNormal(seed=7), lambda shape, dtype=None: keras.random.normal(shape, dtype=dtype)],
)
def test_a_schemes_own_seed_and_global_state_do_not_matter(scheme):
    one, other = twins(), twins()
    keras.utils.set_random_seed(1)
    initlab.reinitialize(one, scheme)
    keras.utils.set_random_seed(2)
    generator = global_seed_generator()
    before = random.getstate(), np.array(generator.state)
    initlab.reinitialize(other, scheme)
    assert random.getstate() == before[0]  # and it leaves them as they were
    assert global_seed_generator() is generator
    np.testing.assert_array_equal(generator.state, before[1])
    np.testing.assert_array_equal(values(one)["first/kernel"], values(other)["first/kernel"])
    assert not np.isclose(values(one)["first/kernel"], values(one)["second/kernel"]).any()
    alone = twins()
    initlab.reinitialize(alone, scheme, layers="second")  # nor does it matter what else is drawn
    np.testing.assert_array_equal(values(one)["second/kernel"], values(alone)["second/kernel"])


def test_only_the_weights_asked_for_change():
    model = twins()
    before = values(model)
    account = initlab.reinitialize(model, "ones", layers="first", roles=["kernel", "bias"])
    assert [row.path for row in account] == ["first/kernel", "first/bias"]
    for path, value in values(model).items():
        np.testing.assert_array_equal(value, 1 if path.startswith("first") else before[path])


def test_the_account_says_what_was_drawn():
    account = initlab.reinitialize(convolutions(), keras.initializers.HeUniform())
    assert [row.path for row in account] == ["plain/kernel", "depth/kernel", "up/kernel"]
    depth = account[1]
    assert (depth.role, depth.shape, depth.fans) == ("depthwise_kernel", (3, 3, 40, 4), Fans(9, 36))
    assert depth.scheme == "HeUniform"
    assert depth.std == pytest.approx(math.sqrt(2 / 9), rel=0.1)
    printed = str(account)
    assert printed == repr(account)
    assert len(printed.splitlines()) == 5  # two of them head the columns
    assert re.search(r"depth/kernel +depthwise_kernel +\(3, 3, 40, 4\) +9 +36 +HeUniform +0\.4", printed)
    assert "<td>depthwise_kernel</td>" in account._repr_html_()


def test_a_label_cannot_break_out_of_the_page():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="a")])

    def scheme(shape, dtype=None):
        return keras.ops.ones(shape, dtype)

    scheme.__name__ = "<script>"
    assert "<script>" not in initlab.reinitialize(model, scheme)._repr_html_()


def test_several_laws_by_pattern_and_the_first_that_matches():
    model = twins()
    before = values(model)
    account = initlab.reinitialize(
        model,
        {"head": "zeros", re.compile("^(first|head)"): "initlab_constant", "bias": "ones"},
        roles=["kernel", "bias"],
    )
    assert {row.path: row.scheme for row in account} == {
        "first/kernel": "initlab_constant",
        "first/bias": "initlab_constant",
        "second/bias": "ones",
        "head/kernel": "zeros",
        "head/bias": "zeros",
    }
    after = values(model)
    assert not after["head/kernel"].any()
    assert after["second/bias"].all()
    np.testing.assert_array_equal(after["second/kernel"], before["second/kernel"])


def test_a_config_is_one_scheme_and_no_patterns():
    config = keras.initializers.serialize(keras.initializers.Constant(3.0))
    account = initlab.reinitialize(twins(), config, layers="head")
    assert [row.scheme for row in account] == ["Constant(value=3.0)"]


FAN_SCALED = {
    "ours": "initlab_lecun_normal",
    "Keras's": keras.initializers.LecunNormal(),
    "Keras's, average": keras.initializers.VarianceScaling(1.0, "fan_avg", "uniform"),
    "linear in the fan": "initlab_siren_first",
    "scaled": initlab.initializers.Scaled("initlab_lecun_normal", 0.5),
    "masked": initlab.initializers.Masked(keras.initializers.LecunNormal(), 0.5),
}
LAWS = {
    "ours": lambda fans: 1 / fans.fan_in,
    "Keras's": lambda fans: 1 / fans.fan_in,
    "Keras's, average": lambda fans: 1 / fans.fan_avg,
    "linear in the fan": lambda fans: 1 / (3 * fans.fan_in**2),
    "scaled": lambda fans: 1 / (4 * fans.fan_in),
    "masked": lambda fans: 1 / (2 * fans.fan_in),
}


@pytest.mark.parametrize("case", FAN_SCALED)
@pytest.mark.parametrize("fans", ["layer", "keras"])
def test_the_law_holds_with_the_fans_asked_for(case, fans):
    model = convolutions()
    account = initlab.reinitialize(model, FAN_SCALED[case], fans=fans)
    wrong = 0
    for row in account:
        told, other = row.fans, shape_fans(row.shape)
        if fans == "keras":
            told, other = other, told
        tolerance = 5 / math.sqrt(math.prod(row.shape))  # a masked law's variance varies more than a normal's
        assert row.std == pytest.approx(math.sqrt(LAWS[case](told)), rel=tolerance)
        wrong += row.std != pytest.approx(math.sqrt(LAWS[case](other)), rel=tolerance)
    assert wrong == 2


def test_where_keras_counts_right_the_fans_change_nothing():
    drawn = []
    for fans in drawing.FANS:
        model = twins()
        initlab.reinitialize(model, "he_uniform", fans=fans)
        drawn.append(values(model))
    for path, value in drawn[0].items():
        np.testing.assert_array_equal(value, drawn[1][path])


def test_a_fused_kernel_has_the_fans_of_one_gate():
    model = keras.Sequential([keras.Input((5, 60)), layers.LSTM(40, name="lstm")])
    account = initlab.reinitialize(model, "glorot_uniform", roles="kernel")
    assert account[0].fans == Fans(60, 40)
    assert account[0].std == pytest.approx(math.sqrt(2 / 100), rel=5 / math.sqrt(2 * 60 * 160))


def test_half_precision_is_drawn_in_float32_and_then_cast():
    with_dtype = {"dtype": "bfloat16"}
    model = keras.Sequential([keras.Input((8, 8, 64)), layers.DepthwiseConv2D(3, name="depth", **with_dtype)])
    account = initlab.reinitialize(model, "lecun_normal")
    assert keras.backend.standardize_dtype(model.layers[0].kernel.dtype) == "bfloat16"
    assert account[0].std == pytest.approx(1 / 3, rel=5 / math.sqrt(2 * 9 * 64))
    assert np.unique(numpy(model.layers[0].kernel)).size > 300  # jax has 128 values for bfloat16


@pytest.mark.parametrize("fans", drawing.FANS)
def test_training_starts_from_the_same_weights(fans):
    model = convolutions()
    model.compile("sgd", "mse")
    starts = {}

    def callbacks(label, replicate):
        def note(logs=None):
            starts[label, replicate] = values(noting.model)

        noting = keras.callbacks.LambdaCallback(on_train_begin=note)
        return [noting]

    schemes = ["initlab_lecun_normal", "glorot_uniform"]
    x = np.zeros((4, 12, 12, 32), "float32")
    y = np.zeros((4, *model.output_shape[1:]), "float32")
    result = initlab.compare(
        model,
        schemes,
        x,
        y,
        replicates=1,
        seed=5,
        fans=fans,
        verbose=False,
        callbacks=callbacks,
        engine="sequential",
    )
    assert result.config["fans"] == fans
    for scheme in schemes:
        initlab.reinitialize(model, scheme, seed=5, fans=fans)
        drawn = values(model)
        for path in ("plain/kernel", "depth/kernel", "up/kernel"):
            np.testing.assert_array_equal(starts[scheme, 0][path], drawn[path])


def test_training_with_other_fans_is_another_comparison(tmp_path):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    x, y = np.zeros((4, 3)), np.zeros((4, 2))
    arguments = {"replicates": 1, "verbose": False, "run_dir": tmp_path}
    initlab.compare(model, ["zeros"], x, y, **arguments)
    with pytest.raises(InputError, match="another fans: 'keras' there, 'layer' here"):
        initlab.compare(model, ["zeros"], x, y, fans="layer", **arguments)


def raising(shape, dtype=None):
    raise RuntimeError("no luck")


def not_finite(shape, dtype=None):
    return keras.ops.full(shape, math.nan, dtype=dtype)


def other_shape(shape, dtype=None):
    return keras.ops.ones((2, 2), dtype=dtype)


def only_last(bad):
    """Fails at the last kernel, when the others are drawn."""

    def scheme(shape, dtype=None):
        return bad(shape, dtype) if shape == (30, 4) else keras.ops.ones(shape, dtype)

    scheme.__name__ = bad.__name__
    return scheme


BAD = {
    "unknown scheme": ({"scheme": "he_norml"}, "Unknown initializer 'he_norml'. Did you mean 'he_normal'?"),
    "no scheme": ({"scheme": None}, "The initializer of 'NoneType' is None"),
    "no patterns": ({"scheme": {}}, "scheme is {}: give a dict of pattern -> scheme"),
    "pattern without a match": (
        {"scheme": {"head": "zeros", "tail": "ones"}},
        "No trainable weight matches the pattern 'tail' of scheme=. There are: first/kernel (kernel)",
    ),
    "pattern of another role": (
        {"scheme": {"bias": "zeros"}},
        "No trainable weight matches the pattern 'bias' of scheme=",
    ),
    "pattern that comes too late": (
        {"scheme": {".*": "zeros", "head": "ones"}},
        "The pattern 'head' of scheme= draws nothing: earlier patterns have all that it matches (head",
    ),
    "fans": ({"fans": "true"}, "fans is 'true': give one of 'keras', 'layer'."),
    "seed": ({"seed": -1}, "seed is -1: give a whole number of at least 0."),
    "role": ({"roles": "kernels"}, "Unknown role 'kernels'. Did you mean 'kernel'?"),
    "nothing selected": ({"roles": "embeddings"}, "with roles=('embeddings',). There are: first/kernel"),
    "rank": (
        {"scheme": "initlab_orthogonal", "roles": "bias"},
        "'initlab_orthogonal' draws weights of rank 2 or more; first/bias has shape (30,)",
    ),
    "exception": (
        {"scheme": only_last(raising)},
        "The initializer 'raising' cannot draw head/kernel of shape (30, 4): RuntimeError: no luck",
    ),
    "NaN": (
        {"scheme": only_last(not_finite)},
        "'not_finite' returned NaN or infinite values for head/kernel",
    ),
    "shape": (
        {"scheme": only_last(other_shape)},
        "'other_shape' returned shape (2, 2) for head/kernel, which has (30, 4)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error_and_changes_nothing(case):
    changes, message = BAD[case]
    model = twins()
    before = values(model)
    with pytest.raises(InputError, match=re.escape(message)):
        initlab.reinitialize(model, **{"scheme": "ones"} | changes)
    for path, value in values(model).items():
        np.testing.assert_array_equal(value, before[path])


def test_a_model_without_weights_is_refused():
    with pytest.raises(InputError, match="is not built, so it has no weights yet"):
        initlab.reinitialize(keras.Sequential([layers.Dense(3)]), "zeros")
    with pytest.raises(InputError, match="model is str: give a keras\\.Model"):
        initlab.slots("model")


def test_a_seed_of_numpy_draws_what_the_same_number_of_python_draws():
    model = twins()
    initlab.reinitialize(model, "initlab_he_normal", seed=2)
    expected = values(model)
    initlab.reinitialize(model, "initlab_he_normal", seed=0)
    initlab.reinitialize(model, "initlab_he_normal", seed=np.int64(2))
    for path, value in values(model).items():
        np.testing.assert_array_equal(value, expected[path])


@pytest.mark.skipif(not hasattr(layers, "ReversibleEmbedding"), reason="this Keras has none")
def test_an_untied_head_of_a_language_model_is_drawn_by_its_own_fans_where_roles_name_it():
    layer = layers.ReversibleEmbedding(200, 50, tie_weights=False)
    tokens = keras.Input((5,), dtype="int32")
    model = keras.Model(tokens, layer(layer(tokens), reverse=True))
    before = np.array(layer.embeddings)
    (row,) = initlab.reinitialize(model, "initlab_lecun_normal", roles="reverse_embeddings")
    assert (row.role, row.fans, row.guessed) == ("reverse_embeddings", Fans(50, 200), False)
    tolerance = 5 / math.sqrt(2 * 50 * 200)
    assert np.array(layer.reverse_embeddings).std() == pytest.approx(1 / math.sqrt(50), rel=tolerance)
    np.testing.assert_array_equal(np.array(layer.embeddings), before)


def test_the_factors_of_lora_are_drawn_where_roles_name_them_and_the_kernel_under_them_stays():
    model = twins()
    model.get_layer("first").enable_lora(4)
    before = np.array(model.get_layer("first").variables[0])
    account = initlab.reinitialize(model, "ones", roles=["lora_kernel_a", "lora_kernel_b"])
    assert [row.path for row in account] == ["first/lora_kernel_a", "first/lora_kernel_b"]
    assert (values(model)["first/lora_kernel_b"] == 1).all()
    np.testing.assert_array_equal(np.array(model.get_layer("first").variables[0]), before)


def test_a_model_that_is_built_inside_only_is_drawn_anew():
    class WithoutCall(keras.Model):
        def __init__(self):
            super().__init__()
            self.net = twins()

    model = WithoutCall()
    assert not model.built
    account = initlab.reinitialize(model, "zeros")
    assert len(account) == 3
    assert not any(np.array(model.net.get_layer(name).kernel).any() for name in ("first", "second", "head"))
