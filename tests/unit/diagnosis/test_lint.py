"""Every likely mistake is found where it is made, and nowhere else."""

import random

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.network.following import activation_after

HE = "he_normal"


def dense(activation=None, initializer="glorot_uniform", units=6, **given):
    return layers.Dense(units, activation, kernel_initializer=initializer, **given)


def chain(*parts, shape=(6,)):
    return keras.Sequential([keras.Input(shape), *parts])


def kinds(model):
    return [found.kind for found in initlab.lint(model)]


def seeded(seed):
    return keras.initializers.GlorotNormal(seed=seed)


def one_instance():
    one = keras.initializers.GlorotNormal()
    return chain(dense(initializer=one), dense(initializer=one, units=5))


def one_generator():
    """Each draw moves it on."""
    generator = keras.random.SeedGenerator(3)
    return chain(dense(initializer=seeded(generator)), dense(initializer=seeded(generator)))


def attention(initializer):
    inputs = keras.Input((4, 6))
    return keras.Model(
        inputs, layers.MultiHeadAttention(2, 3, kernel_initializer=initializer)(inputs, inputs)
    )


def ours(seed, *names):
    return chain(
        *(dense(initializer=initlab.initializers.GlorotNormal(seed=seed), name=name) for name in names)
    )


def ours_once():
    one = initlab.initializers.GlorotNormal()
    return chain(dense(initializer=one), dense(initializer=one))


def test_a_shared_instance_and_a_shared_seed_are_found():
    found = initlab.lint(one_instance())
    assert [one.kind for one in found] == ["shared seed"]  # the shapes differ, so the values do too
    assert "One initializer instance draws 2 weights" in found[0].why
    assert found[0].instead.startswith(
        "initlab.reinitialize(model, keras.initializers.GlorotNormal(), seed=0)"
    )
    found = initlab.lint(chain(dense(initializer=seeded(3)), dense(initializer=seeded(3))))
    assert [one.kind for one in found] == ["shared seed", "identical weights"]
    assert "One seed draws 2 weights" in found[0].why


@pytest.mark.parametrize(
    "make",
    [
        lambda: attention(seeded(3)),
        lambda: attention(seeded(keras.random.SeedGenerator(3))),  # Keras copies it
        lambda: chain(layers.Bidirectional(layers.SimpleRNN(6, kernel_initializer=seeded(3))), shape=(4, 6)),
        lambda: ours(3, None, None),
    ],
    ids=["attention", "attention, generator", "both directions", "ours, automatic names"],
)
def test_copies_with_one_seed_are_found(make):
    assert {"shared seed", "identical weights"} <= set(kinds(make()))


@pytest.mark.parametrize(
    "make",
    [
        lambda: chain(dense(initializer=seeded(3)), dense(initializer=seeded(4))),
        one_generator,
        ours_once,
        lambda: ours(3, "left", "right"),
        lambda: attention("glorot_normal"),
        lambda: attention(initlab.initializers.GlorotNormal(seed=3)),
        lambda: chain(dense(initializer="ones", units=1), dense(), dense()),
    ],
    ids=["two seeds", "one generator", "ours, unseeded", "ours, by name", "attention", "ours there", "names"],
)
def test_independent_draws_are_not(make):
    found = set(kinds(make())) - {"wrong fans"}  # which attention has before Keras 3.15
    assert not found


def test_equal_values_are_found_however_they_came():
    model = chain(dense(name="a"), dense(name="b"), dense(name="c"))
    assert kinds(model) == []
    model.get_layer("c").set_weights(model.get_layer("a").get_weights())
    found = initlab.lint(model)
    assert [(one.kind, one.weights) for one in found] == [("identical weights", ("a/kernel", "c/kernel"))]


def test_a_shared_layer_is_no_finding():
    inputs, shared = keras.Input((6,)), dense("tanh")
    assert kinds(keras.Model(inputs, shared(shared(inputs)))) == []


WRONG = {
    "DepthwiseConv2D": lambda law: layers.DepthwiseConv2D(3, depthwise_initializer=law),
    "SeparableConv2D": lambda law: layers.SeparableConv2D(16, 3, depthwise_initializer=law),
    "Conv2D with groups": lambda law: layers.Conv2D(16, 3, groups=4, kernel_initializer=law),
    "Conv2DTranspose": lambda law: layers.Conv2DTranspose(4, 4, strides=2, kernel_initializer=law),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize(
    "law", [keras.initializers.GlorotUniform(), initlab.initializers.GlorotUniform()], ids=["Keras", "ours"]
)
def test_wrong_fans_are_found(kind, law):
    model = chain(WRONG[kind](law), WRONG[kind](law.clone()), shape=(12, 12, 16))
    found = [one for one in initlab.lint(model) if one.kind == "wrong fans"]
    assert [len(one.weights) for one in found] == [2]
    assert f"takes the fans of {kind} from the shape" in found[0].why
    # The line to write instead is one, and it mends what was found.
    account = eval(found[0].instead, {"initlab": initlab, "keras": keras, "model": model})
    assert tuple(row.path for row in account) == found[0].weights
    for row in account:
        assert row.std == pytest.approx(1 / np.sqrt(row.fans.fan_avg), rel=0.2)


def test_wrong_fans_say_by_how_much():
    found = initlab.lint(chain(layers.DepthwiseConv2D(3, depthwise_initializer=HE), shape=(8, 8, 64)))
    assert "the first has fan_in 9, fan_out 9 and counts as fan_in 576, fan_out 9" in found[0].why
    assert "0.12 times the law's" in found[0].why  # 1 / √64


@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.DepthwiseConv2D(3, depthwise_initializer="random_normal"),
        lambda: layers.DepthwiseConv2D(
            3, depthwise_initializer=initlab.initializers.WithFans("initlab_he_normal", 9, 9)
        ),
        lambda: layers.Conv2D(16, 3, strides=2, kernel_initializer="glorot_uniform"),
        lambda: layers.DepthwiseConv2D(
            3, strides=2, depthwise_initializer=keras.initializers.VarianceScaling(2, "fan_out")
        ),
        lambda: layers.Conv2D(16, 3, groups=4, kernel_initializer=HE),  # whose fan_in Keras counts right
    ],
    ids=["no fans", "with_fans", "stride", "stride, depthwise", "groups, fan_in"],
)
def test_right_fans_are_not(layer):
    assert kinds(chain(layer(), shape=(9, 9, 16))) == []


def deep(count, activation, initializer, *between):
    parts = []
    for _ in range(count):
        parts += [dense(activation, initializer), *(make() for make in between)]
    return chain(*parts)


UNFIT = {
    "He before tanh": lambda: deep(1, "tanh", HE),
    "ours before tanh": lambda: deep(1, "tanh", "initlab_he_uniform"),
    "gain that makes it He's, before tanh": lambda: deep(
        1, "tanh", initlab.initializers.LecunNormal(gain=2**0.5)
    ),
    "He before a tanh layer": lambda: deep(1, None, HE, layers.Identity, lambda: layers.Activation("tanh")),
    "Glorot before ReLU": lambda: deep(5, "relu", "glorot_uniform"),
    "LeCun before ReLU layers": lambda: deep(5, None, "initlab_lecun_normal", layers.LeakyReLU),
}
FIT = {
    "Glorot before tanh": lambda: deep(6, "tanh", "glorot_uniform"),
    "He before ReLU": lambda: deep(6, "relu", HE),
    "Glorot before few ReLU": lambda: deep(4, "relu", "glorot_uniform"),
    "normalized": lambda: deep(6, None, "glorot_uniform", layers.BatchNormalization, layers.ReLU),
    "normalized afterwards": lambda: deep(6, "relu", "glorot_uniform", layers.LayerNormalization),
    "He before normalized tanh": lambda: deep(
        1, None, HE, layers.BatchNormalization, lambda: layers.Activation("tanh")
    ),
    "He and no activation": lambda: deep(2, None, HE),
    "gain that makes it He's": lambda: deep(6, "relu", initlab.initializers.LecunNormal(gain=2**0.5)),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_law_that_does_not_fit_the_activation_is_found(case):
    assert "activation" in kinds(UNFIT[case]())


@pytest.mark.parametrize("case", FIT)
def test_a_law_that_fits_is_not(case):
    assert "activation" not in kinds(FIT[case]())


def test_what_follows_in_a_graph():
    inputs = keras.Input((8, 8, 6))
    first, second, third, fourth = (layers.Conv2D(4, 1) for _ in range(4))
    h = keras.ops.relu(layers.MaxPooling2D()(first(inputs)))
    joined = layers.Add()([second(h), h])  # what is summed here, its activation does not see alone
    split = third(layers.ReLU()(joined))
    keras.Model(inputs, fourth(layers.Add()([layers.ReLU()(split), split])))
    followers = [activation_after(layer) for layer in (first, second, third, fourth)]
    assert followers == ["relu", None, None, None]


@pytest.mark.parametrize("law", ["zeros", "ones", "initlab_constant"])
def test_constant_kernels_are_found(law):
    found = initlab.lint(chain(dense(), dense(initializer=law, name="same")))
    assert [(one.kind, one.weights) for one in found] == [("constant kernel", ("same/kernel",))]


def test_other_constants_are_not():
    model = chain(
        layers.BatchNormalization(), dense(bias_initializer="ones"), dense(initializer="zeros", units=1)
    )
    assert kinds(model) == []


class Power(keras.initializers.Initializer):
    """An own law with an argument it cannot do without."""

    def __init__(self, exponent, seed=None):
        self.exponent, self.seed = exponent, seed

    def __call__(self, shape, dtype=None):
        return keras.random.normal(shape, dtype=dtype, seed=self.seed) ** self.exponent

    def get_config(self):
        return {"exponent": self.exponent, "seed": self.seed}


@pytest.mark.parametrize(
    ("law", "code"),
    [
        (Power(3, seed=1), "Power(exponent=3)"),
        (keras.initializers.RandomNormal(stddev=0.5, seed=1), "keras.initializers.RandomNormal(stddev=0.5)"),
        (initlab.initializers.HeNormal(gain=2.0, seed=1), "initlab.initializers.HeNormal(gain=2.0)"),
    ],
    ids=["own", "Keras", "ours"],
)
def test_the_line_to_write_has_every_argument(law, code):
    found = initlab.lint(chain(dense(initializer=law), dense(initializer=law)))
    assert f"initlab.reinitialize(model, {code}" in found[0].instead


def test_findings_print():
    model = chain(*(dense("tanh", keras.initializers.HeNormal(seed=3), name=f"<{i}>") for i in range(7)))
    found = initlab.lint(model)
    text = str(found)
    assert text == repr(found)
    assert text.startswith(
        "3 findings\n1. shared seed: <0>/kernel, <1>/kernel, <2>/kernel, <3>/kernel, <4>/kernel"
    )
    assert "and 2 more\n   One seed draws 7 weights" in text
    assert '\n   -> kernel_initializer="glorot_uniform"' in text
    page = found._repr_html_()
    assert "&lt;0&gt;/kernel" in page
    assert "<0>" not in page
    nothing = initlab.lint(chain(dense()))
    assert str(nothing).startswith("Nothing found: looked at seeds, equal and constant weights, fans, laws")
    assert "as they should be" not in str(nothing)
    assert "Nothing found" in nothing._repr_html_()


def test_looking_changes_no_random_state():
    model = chain(*(dense(initializer=seeded(3)) for _ in range(2)))
    random.seed(1)
    expected = random.random()
    random.seed(1)
    initlab.lint(model)
    assert random.random() == expected


def test_an_unbuilt_model_is_refused():
    with pytest.raises(initlab.InputError, match="is not built"):
        initlab.lint(keras.Sequential([dense()]))


def test_a_model_that_is_built_inside_only_is_looked_at():
    class WithoutCall(keras.Model):
        def __init__(self):
            super().__init__()
            self.net = one_instance()

    model = WithoutCall()
    assert not model.built
    assert "shared seed" in kinds(model)
