"""Gains against gains.json (29 activations, computed outside this package) and against torch."""

import functools
import json
import math
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from scipy.stats import norm

import keras_initlab as initlab
from keras_initlab.initializers.gains import depth_scale, edge_of_chaos, fixed_point, gain, slope_at_zero

GOLDEN = json.loads(Path(__file__).with_name("gains.json").read_text(encoding="utf-8"))
leaky = keras.activations.leaky_relu
CALLABLES = {
    "leaky_relu(0.01)": functools.partial(leaky, negative_slope=0.01),
    "leaky_relu(0.2)": "leaky_relu",
    "leaky_relu(0.3)": functools.partial(leaky, negative_slope=0.3),
    "prelu(0.25)": functools.partial(leaky, negative_slope=0.25),
    "squared_relu": lambda x: ops.square(ops.relu(x)),
    "gelu_tanh": functools.partial(keras.activations.gelu, approximate=True),
    "lecun_tanh": lambda x: 1.7159 * np.tanh(ops.convert_to_numpy(x) * 2 / 3),
    "squareplus(b=4)": "squareplus",
    "sin": lambda x: np.sin(ops.convert_to_numpy(x)),
    "erf": ops.erf,
}


GOLDEN_HARD_SHRINK = (2 * (0.5 * norm.pdf(0.5) + norm.sf(0.5))) ** -0.5  # E[z²; |z| > ½], by parts


def activation(name):
    return CALLABLES.get(name, name)


@pytest.mark.parametrize("name", GOLDEN)
def test_gains_are_the_golden_ones(name):
    golden = GOLDEN[name]
    assert gain(activation(name)) == pytest.approx(golden["g_forward"], rel=1e-6)
    assert gain(activation(name), "std") == pytest.approx(golden["g_std"], rel=1e-6)
    assert gain(activation(name), "backward") == pytest.approx(golden["g_backward"], rel=1e-6)


@pytest.mark.parametrize("name", GOLDEN)
def test_edge_of_chaos_is_the_golden_one(name):
    golden = GOLDEN[name]["eoc_q1"]
    if golden["sigma_b2"] < -1e-9:
        with pytest.raises(initlab.InputError, match="no edge of chaos at variance 1"):
            edge_of_chaos(activation(name))
        return
    edge = edge_of_chaos(activation(name))
    assert edge.weight_std == pytest.approx(golden["sigma_w"], rel=1e-6)
    assert edge.bias_variance == pytest.approx(golden["sigma_b2"], rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(("bias_std", "weight_std"), [(0.1, 1.193401), (0.2, 1.304146), (0.3, 1.395584)])
def test_edge_of_chaos_for_a_bias(bias_std, weight_std):
    edge = edge_of_chaos("tanh", bias_variance=bias_std**2)
    assert edge.weight_std == pytest.approx(weight_std, abs=1e-6)
    assert edge.bias_variance == pytest.approx(bias_std**2, rel=1e-6)
    assert fixed_point("tanh", edge.weight_std, bias_std**2) == pytest.approx(edge.variance, rel=1e-6)
    # χ = 1: to 1e-6, and the depth scale beyond a hundred thousand layers
    assert depth_scale("tanh", edge.weight_std, bias_std**2) > 1e5


def test_depth_scale_of_a_linear_net_by_hand():
    """χ = σ_w², q* = σ_b² / (1 - σ_w²)."""
    assert fixed_point("linear", 0.5, 0.3) == pytest.approx(0.3 / 0.75, rel=1e-6)
    assert depth_scale("linear", 0.5, 0.3) == pytest.approx(1 / math.log(4), rel=1e-6)


def test_fixed_points_at_the_ends():
    assert fixed_point("relu", 1.3) == 0
    assert fixed_point("relu", 1.5) == math.inf
    with pytest.raises(initlab.InputError, match="explode"):
        depth_scale("relu", 1.5)
    with pytest.raises(initlab.InputError, match="vanish"):
        depth_scale("relu", 1.3)


def test_no_edge_of_chaos_for_this_bias():
    with pytest.raises(initlab.InputError, match=r"no edge of chaos with bias variance 0\.5"):
        edge_of_chaos("relu", bias_variance=0.5)


def test_edge_of_chaos_of_soft_shrink_by_quad():
    """It is flat around zero: E[φ'²] = P(|x| > ½), and q - E[φ²] / E[φ'²] = σ_b² is solved by scipy alone."""
    from scipy import integrate, optimize, stats

    def slope(q):
        return 2 * stats.norm.sf(0.5, scale=math.sqrt(q))

    def power(q):
        def integrand(x):
            return (x - 0.5) ** 2 * stats.norm.pdf(x, scale=math.sqrt(q))

        return 2 * integrate.quad(integrand, 0.5, 0.5 + 12 * math.sqrt(q), epsabs=1e-14)[0]

    q = optimize.brentq(lambda q: q - power(q) / slope(q) - 0.02, 0.02, 0.1, xtol=1e-14)
    edge = edge_of_chaos("soft_shrink", bias_variance=0.02)
    assert edge.variance == pytest.approx(q, rel=1e-5)
    assert edge.weight_std == pytest.approx(slope(q) ** -0.5, rel=1e-5)
    assert edge.bias_variance == pytest.approx(0.02, rel=1e-6)
    assert (round(q, 5), round(edge.weight_std, 2)) == (0.02303, 31.87)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("soft_shrink", {"variance": 1e-4}, "no edge of chaos at variance 0.0001: it is flat there"),
        ("soft_shrink", {"bias_variance": 1e-5}, "no edge of chaos with bias variance 1e-05"),
        ("hard_shrink", {"variance": 1e-4}, "no edge of chaos: it jumps"),
        ("hard_shrink", {"bias_variance": 0.02}, "no edge of chaos: it jumps"),
    ],
)
def test_what_is_flat_or_jumps_has_no_edge_of_chaos(name, arguments, message):
    with pytest.raises(initlab.InputError, match=message):
        edge_of_chaos(name, **arguments)


def test_what_jumps_has_a_forward_gain_alone():
    assert gain("hard_shrink") == pytest.approx(GOLDEN_HARD_SHRINK, rel=1e-6)
    with pytest.raises(initlab.InputError, match="backward gain of 'hard_shrink' does not exist: it jumps"):
        gain("hard_shrink", "backward")


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "sparsemax", "glu", "threshold", "mean", "sum"])
def test_what_is_no_function_of_single_numbers_is_refused(name):
    """φ([a, b])[0] must not change with b, and φ must take an array alone and keep its shape."""
    mixing = {"mean": lambda x: x - ops.mean(x), "sum": lambda x: ops.sum(x)}.get(name, name)
    attempts = [
        lambda: gain(mixing),
        lambda: gain(mixing, "std"),
        lambda: edge_of_chaos(mixing),
        lambda: fixed_point(mixing, 1.0),
        lambda: slope_at_zero(mixing),
        lambda: initlab.initializers.AutoGain(mixing),
    ]
    for attempt in attempts:
        with pytest.raises(initlab.InputError, match=r"activation is .*: give an activation that takes"):
            attempt()


def test_slope_at_zero_by_hand():
    assert slope_at_zero("sigmoid") == (pytest.approx(0.5, abs=1e-7), pytest.approx(0.25, abs=1e-7))
    assert slope_at_zero("relu") == (0.0, pytest.approx(0.5, abs=1e-7))


def test_kinks_anywhere():
    """A kink at an odd place, against the closed form E[relu(x - c)'²] = 1 - Φ(c)."""
    assert gain(lambda x: ops.relu(x - 0.123456), "backward") == pytest.approx(
        norm.sf(0.123456) ** -0.5, rel=1e-6
    )


def test_float32_functions_are_noticed():
    in_float32 = gain(lambda x: ops.cast(ops.cast(x, "float32") * 2, "float64"), "backward")
    assert in_float32 == pytest.approx(0.5, rel=1e-4)


def test_gains_of_torch():
    """torch.nn.init.calculate_gain, where its numbers are derived: relu and leaky_relu."""
    assert gain("relu") == pytest.approx(math.sqrt(2), rel=1e-7)
    assert gain("leaky_relu") == pytest.approx(math.sqrt(2 / (1 + 0.2**2)), rel=1e-7)


def test_errors():
    with pytest.raises(initlab.UnknownNameError, match=r"Unknown activation 'reluu'\. Did you mean 'relu'"):
        gain("reluu")
    with pytest.raises(initlab.InputError, match="kind is 'up': give one of 'forward', 'std', 'backward'"):
        gain("relu", "up")
    with pytest.raises(initlab.InputError, match="it is constant"):
        gain(lambda x: 0 * x)
