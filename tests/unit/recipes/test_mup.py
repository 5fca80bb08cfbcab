"""μP: the laws of the paper by hand, the parametrization with a multiplier as an oracle, flat coordinates."""

import functools
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab import recipes
from keras_initlab.core.keras_private import decays, learning_rate
from keras_initlab.recipes import Mup, coordinate_check, mup_optimizer
from keras_initlab.recipes.schedule import ScaledSchedule
from tests.engines import BACKEND

TRAINS = pytest.mark.skipif(BACKEND == "numpy", reason="trains")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 6)).astype("float32")
Y = RNG.normal(size=(32, 2)).astype("float32")


class Own(keras.Model):
    """Compiled and without a graph."""

    def __init__(self, width):
        super().__init__()
        self.head = layers.Dense(width)
        self.compile("sgd", "mse")

    def call(self, inputs):
        return self.head(inputs)


def words(width):
    model = keras.Sequential([keras.Input((6,), dtype="int32"), layers.Embedding(9, width), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def net(width, head=layers.Dense, optimizer=None):
    hidden = [layers.Dense(size, "tanh", name=f"hidden_{size}") for size in (width, 2 * width)]
    model = keras.Sequential([keras.Input((6,)), *hidden, head(2, name="head")])
    model.compile(optimizer or "sgd", "mse", run_eagerly=True)
    return model


def ratios(model, recipe, base):
    """Each kernel over the draw of the base scheme with the same seed."""
    initlab.reinitialize(model, base, seed=3)
    drawn = [np.array(layer.get_weights()[0]) for layer in model.layers]
    initlab.reinitialize(model, recipe, seed=3)
    found = [layer.get_weights()[0] / kernel for layer, kernel in zip(model.layers, drawn, strict=True)]
    for ratio in found:
        np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-5)
    return [float(ratio.flat[0]) for ratio in found]


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("random_normal", (1, 0.5, 1 / 4)),  # constant: hidden over √m, head over m
        ("lecun_normal", (1, 1, 2 / 4)),  # by inputs: hidden stays, the head keeps the narrow law, over m
        (
            keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
            (2, 2 / 2, 1 / 4),  # by outputs
        ),
        ("glorot_uniform", ((70 / 22) ** 0.5, 2 / 2, (130 / 34) ** 0.5 / 4)),
    ],
)
def test_the_laws_by_hand(base, expected):
    assert ratios(net(64), Mup(net(16), base), base) == pytest.approx(list(expected), rel=1e-5)


def test_the_narrow_model_is_its_own_base():
    model = net(16)
    assert ratios(model, Mup(net(16)), "initlab_lecun_normal") == [1, 1, 1]
    assert initlab.reinitialize(model, Mup(net(16))).structure == ("0 hidden, 1 head, 2 other kernels",)


@pytest.mark.parametrize("width", [16, 64])
def test_a_zero_head_is_zero_at_every_width(width):
    account = initlab.reinitialize(net(width), Mup(net(16), zero_head=True))
    assert [row.path for row in account if row.role == "kernel" and not row.std] == ["head/kernel"]
    assert account.structure == (f"{int(width > 16)} hidden, 1 head, {2 - (width > 16)} other kernels",)


def rates_of(optimizer, model):
    made = optimizer._optimizer_map
    return {
        variable.path.split("/", 1)[1]: float(made(variable).learning_rate)
        for variable in model.trainable_variables
    }


@pytest.mark.parametrize(
    ("optimizer", "bias", "first", "hidden", "head"),
    [
        (keras.optimizers.SGD(0.5), 2.0, 2.0, 0.5, 0.125),
        (keras.optimizers.Adam(0.5, weight_decay=0.1), 0.5, 0.5, 0.125, 0.125),
    ],
)
def test_rates_by_hand(optimizer, bias, first, hidden, head):
    model = net(64)
    made = mup_optimizer(model, net(16), optimizer)
    rates = list(rates_of(made, model).values())
    assert rates == pytest.approx([first, bias, hidden, bias, head, 0.5])
    for one in made.optimizers:
        if one.weight_decay:
            assert float(one.learning_rate) * one.weight_decay == pytest.approx(0.05)
    assert mup_optimizer(net(16), net(16), optimizer) is optimizer


def test_schedules_are_scaled_and_saved():
    model = net(64)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.5)
    made = mup_optimizer(model, net(16), keras.optimizers.Adam(schedule))
    again = keras.optimizers.MultiOptimizer.from_config(made.get_config())
    found = sorted(float(learning_rate(one)(10)) for one in again.optimizers)
    assert found == pytest.approx([0.25 * 0.25, 0.25 * 0.25, 0.25])


def test_a_saved_schedule_is_known_after_the_import_alone():
    """Recipes wait until somebody asks for one; who loads a model does not."""
    saved = ScaledSchedule(keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.5), 0.25)
    config = keras.saving.serialize_keras_object(saved)
    code = (
        f"import sys, keras, keras_initlab\nfound = keras.saving.deserialize_keras_object({config!r})\n"
        "assert 'keras_initlab.recipes.mup' not in sys.modules\nprint(float(found(10)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) == 0.0625


def test_what_is_spared_from_decay_and_scaled_losses_stay():
    optimizer = keras.optimizers.AdamW(1e-3)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model = net(64)
    for one in mup_optimizer(model, net(16), optimizer).optimizers:
        assert [decays(one, variable) for variable in model.trainable_variables] == [True, False] * 3
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.5))
    assert {float(one.learning_rate) for one in mup_optimizer(model, net(16), scaled).optimizers} == {
        0.5,
        0.125,
    }


def towers(width):
    def tower(inputs):
        x = keras.Input((inputs,))
        return keras.Model(x, layers.Dense(width, name="fc")(x))

    x = keras.Input((8,))
    return keras.Model(x, layers.Dense(1)(tower(width)(tower(8)(x))))


class Divided(layers.Dense):
    """A head whose output is multiplied by 1 / 4, as the paper writes μP."""

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel) / 4 + self.bias


@TRAINS
@pytest.mark.parametrize(
    ("kind", "arguments"),
    [("SGD", {}), ("SGD", {"clipnorm": 0.5}), ("SGD", {"clipvalue": 0.1}), ("Adam", {}), ("Adagrad", {})],
)
def test_it_trains_as_the_parametrization_with_a_multiplier(kind, arguments):
    make = functools.partial(getattr(keras.optimizers, kind), **arguments)
    ours, theirs = net(64), net(64, Divided)
    ours.compile(mup_optimizer(ours, net(16), make(0.02)), "mse", run_eagerly=True)
    initlab.reinitialize(ours, Mup(net(16)), seed=1)
    start = ours.get_weights()
    theirs.set_weights([*start[:4], start[4] * 4, start[5]])
    # The paper's table 8: by width 4 of inputs or outputs, kernels and biases in their order.
    factors = (4, 4, 1, 4, 4, 1) if kind == "SGD" else (1, 1, 0.25, 1, 1, 1)
    made = [make(0.02 * factor) for factor in factors]
    paths = {one.path: each for one, each in zip(theirs.trainable_variables, made, strict=True)}
    optimizer = keras.optimizers.MultiOptimizer(lambda variable: paths[variable.path])
    theirs.compile(optimizer, "mse", run_eagerly=True)
    for _ in range(3):
        ours.train_on_batch(X, Y)
        theirs.train_on_batch(X, Y)
    assert np.abs(ours.get_weights()[4] - start[4]).max() > 1e-4
    found = [*theirs.get_weights()]
    found[4] = found[4] / 4
    for one, other in zip(ours.get_weights(), found, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-6)


@TRAINS
def test_weights_of_losses_count_under_mup():
    def build(width):
        model = net(width)
        model.compile(keras.optimizers.SGD(0.1), "mse", loss_weights=[10.0], run_eagerly=True)
        return model

    frame = coordinate_check(build, (8, 16), X, Y, steps=2).frame
    same = frame[frame["width"] == 8].pivot(index=["step", "layer"], columns="parametrization", values="size")
    np.testing.assert_allclose(same["mup"], same["standard"], rtol=1e-4)


@TRAINS
@pytest.mark.parametrize("loss", ["binary_crossentropy", keras.losses.sparse_categorical_crossentropy])
def test_chance_targets_fit_the_loss(loss):
    def build(width):
        sizes = [layers.Dense(width), layers.Dense(2, "softmax")]
        model = keras.Sequential([keras.Input((6,)), *sizes])
        model.compile("sgd", loss, run_eagerly=True)
        return model

    assert np.isfinite(coordinate_check(build, (4, 8), steps=1).frame["size"]).all()


@TRAINS
def test_coordinates_are_flat_under_mup_alone():
    widths = (16, 256)
    check = coordinate_check(lambda width: net(width, optimizer=keras.optimizers.Adam(0.02)), widths, X, Y)
    slopes = check.slopes
    assert set(check.frame["step"]) == {0, 1, 2, 3}
    assert slopes["mup"].iloc[:-1].abs().max() < 0.15
    assert slopes["mup"].max() < 0.15
    assert slopes["standard"].max() > 0.3
    narrow = check.frame[check.frame["width"] == 16]
    same = narrow.pivot(index=["step", "layer"], columns="parametrization", values="size")
    np.testing.assert_allclose(same["mup"], same["standard"], rtol=1e-4)
    assert check.unmeasured == []
    for step in (4, -1, 1.5, "last"):
        with pytest.raises(initlab.InputError, match=f"step is {step!r}: give one of 0, 1, 2, 3"):
            check.plot(step)
    axes = check.plot()
    assert [ax.get_title() for ax in axes] == ["standard, after 3 steps", "mup, after 3 steps"]
    assert "hidden" not in str(check)
    assert "3 Dense" in str(check)


def test_what_has_no_slope_is_said():
    kinds = ("standard", "mup")
    sizes = {"1 Dense": (1.0, 2.0), "2 Dense": (1.0, float("nan")), "3 Dense": (0.0, 0.0)}
    frame = pd.DataFrame(
        [
            {"parametrization": kind, "width": width, "step": 0, "layer": layer, "size": size}
            for kind in kinds
            for layer, pair in sizes.items()
            for width, size in zip((8, 16), pair, strict=True)
        ]
    )
    check = recipes.CoordinateCheck(frame)
    assert check.slopes["mup"].tolist() == pytest.approx([1, np.nan, np.nan], nan_ok=True)
    assert len(check.unmeasured) == 4
    assert "mup, 2 Dense: no slope, its sums are 0, NaN or infinite at width 16" in str(check)
    assert "standard, 3 Dense: no slope, its sums are 0, NaN or infinite at width 8, 16" in repr(check)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: Mup(3), "narrow is int"),
        (lambda: Mup(net(16), zero_head=1), "zero_head"),
        (lambda: Mup(keras.Sequential([keras.Input((6,)), layers.Dense(3)])).apply(net(8)), "2 weights and"),
        (lambda: Mup(net(8), "initlab_orthogonal").apply(net(16)), "not known how it scales"),
        (lambda: recipes.mup_optimizer(net(8), net(4), "adadelta"), "Adadelta, of which"),
        (lambda: recipes.mup_optimizer(net(8), net(4), "adamm"), "optimizer is 'adamm': give a Keras opt"),
        (lambda: recipes.mup_optimizer(net(8), net(4), keras.optimizers.Adam), "optimizer is <class.*give a"),
        (lambda: recipes.mup_optimizer(net(8), net(4), lambda: 1), "optimizer is <function"),
        (lambda: recipes.mup_optimizer(net(8), net(4), None), "optimizer is NoneType"),
        (lambda: recipes.mup_optimizer(None, net(4), "adam"), "model is NoneType: give a keras.Model"),
        (lambda: recipes.mup_optimizer(net(8), None, "adam"), "narrow is NoneType"),
        (
            lambda: recipes.mup_optimizer(net(8), net(4), keras.optimizers.SGD(global_clipnorm=1.0)),
            "global_clipnorm",
        ),
        (lambda: recipes.mup_optimizer(towers(16), towers(8), "adam"), "of one path, 'fc/kernel'"),
        (lambda: coordinate_check(net, (8,)), "widths is"),
        (lambda: coordinate_check(net, 16), "widths is 16"),
        (lambda: coordinate_check(3, (8, 16)), "build is 3"),
        (lambda: coordinate_check(lambda width: words(width), (8, 16)), "none is made up for inputs of int"),
        (lambda: coordinate_check(lambda width: Own(width), (8, 16)), "only for a graph"),
        (lambda: initlab.reinitialize(net(8), "initlab_mup"), r"call .*initlab.recipes.Mup\(narrow=...\)"),
    ],
)
def test_bad_input_is_refused_in_one_line(call, match):
    with pytest.raises(initlab.InputError, match=match):
        call()


def test_heads_of_attention_grow_in_number_and_tables_are_untied():
    def attending(heads, size):
        x = keras.Input((5, 8))
        return keras.Model(x, layers.MultiHeadAttention(heads, size)(x, x))

    account = initlab.reinitialize(attending(4, 4), Mup(attending(2, 4)))
    assert len([row for row in account if row.factor]) == 4
    with pytest.raises(initlab.InputError, match="more heads of one size"):
        initlab.reinitialize(attending(2, 8), Mup(attending(2, 4)))
