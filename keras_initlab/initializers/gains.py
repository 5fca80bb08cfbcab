"""Gains: what an activation does to the variance of signals and gradients, computed numerically.

Everything is an expectation over `x ~ N(0, q)` of the activation φ or of its derivative. Gaussian
quadrature is poor at kinks (with 200 nodes it errs by 0.05 on hard_tanh), so the integrals are made by
adaptive bisection: panels are split until both halves agree with the whole.
"""

import contextlib
import functools
import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import keras
import numpy as np

from keras_initlab.core.arguments import one_of, refused
from keras_initlab.core.errors import InputError, UnknownNameError

Activation = str | Callable[[Any], Any]
Kind = Literal["forward", "std", "backward"]
KINDS = ("forward", "std", "backward")

NODES, WEIGHTS = np.polynomial.legendre.leggauss(15)
REACH = 14.0  # standard deviations; the tails beyond weigh 1e-44
TOLERANCE = 1e-10  # per panel; the difference quotient itself is only good to 1e-11
STEP = 1e-6  # of the central difference
COARSE_STEP = 2e-3  # of the same, for functions that compute in float32
FLAT = 1e-8  # E[φ'(x)²] below which the integral's own error would show

# Keras computes tanh in float32 on JAX.
IN_FULL: dict[str, Callable[[Any], Any]] = {
    "tanh": np.tanh,
    "tanh_shrink": lambda x: x - np.tanh(x),
}


class EdgeOfChaos(NamedTuple):
    """Where signals and gradients keep their size through any depth.

    Attributes:
        weight_std: σ_w; the kernel's standard deviation is `weight_std / √fan_in`.
        bias_variance: σ_b².
        variance: q, the variance of the pre-activations that it is a fixed point for.
    """

    weight_std: float
    bias_variance: float
    variance: float


def gain(activation: Activation, kind: Kind = "forward") -> float:
    """Factor on `1 / √fan_in` that makes up for what an activation takes away.

    With `z ~ N(0, 1)`: `forward` is `1 / √E[φ(z)²]` (the next layer's pre-activations keep unit
    variance), `std` is `1 / √Var φ(z)` (the outputs do), `backward` is `1 / √E[φ'(z)²]` (gradients
    keep their variance).

    For gelu, silu, mish and hard_silu unit variance is an unstable fixed point of the forward gain:
    an error in the variance grows with every layer.

    Args:
        activation: A Keras activation's name, or a function of an array.
        kind: `"forward"`, `"std"` or `"backward"`.

    Raises:
        UnknownNameError: If Keras has no such activation.
        InputError: If `kind` is another one, or the activation is constant, mixes the entries of its array as
            softmax does, takes more than an array, or jumps where `backward` needs its slope.

    >>> round(gain("relu"), 6), round(gain("tanh", "backward"), 6)
    (1.414214, 1.467414)
    """
    one_of("kind", kind, KINDS)
    first, second, slope = moments(activation)
    powers = {"forward": second, "std": second - first**2, "backward": slope}
    if powers[kind] <= 0 or (kind == "backward" and _jumps(activation)):
        reason = "it jumps" if powers[kind] > 0 else "it is constant"
        raise InputError(f"The {kind} gain of {activation!r} does not exist: {reason}.")
    return 1 / math.sqrt(powers[kind])


def moments(activation: Activation, variance: float = 1.0) -> tuple[float, float, float]:
    """`E[φ(x)]`, `E[φ(x)²]` and `E[φ'(x)²]` for `x ~ N(0, variance)`.

    Good to 1e-7, kinks included. A function that computes in float32 is good to 1e-6 where it is
    smooth and to 1e-3 with kinks.

    Raises:
        UnknownNameError: If Keras has no such activation.
        InputError: If it is no function of single numbers.
    """
    _check_elementwise(activation)
    return _moments(activation, float(variance))


def on_host(activation: Activation) -> Callable[[np.ndarray], np.ndarray]:
    """φ as a function of NumPy arrays, in float64 on every backend.

    Raises:
        UnknownNameError: If Keras has no such activation.
        InputError: If it is no function of single numbers.
    """
    _check_elementwise(activation)
    return functools.partial(_values, activation)


def slope_at_zero(activation: Activation) -> tuple[float, float]:
    """`φ(0)` and `φ'(0)`; the mean of both sides where φ has a kink."""
    _check_elementwise(activation)
    step = _step(activation)
    low, middle, high = _values(activation, np.array([-step, 0.0, step]))
    return float(middle), float((high - low) / (2 * step))


def edge_of_chaos(
    activation: Activation, bias_variance: float | None = None, variance: float = 1.0
) -> EdgeOfChaos:
    """The weight and bias variances at which a deep net neither orders nor scrambles its inputs.

    There `σ_w² E[φ'(x)²] = 1` and `q = σ_w² E[φ(x)²] + σ_b²`, with `x ~ N(0, q)`.

    Args:
        activation: A Keras activation's name, or a function of an array.
        bias_variance: σ_b². If given, q is solved for; otherwise σ_b² follows from `variance`.
        variance: q. Ignored if `bias_variance` is given.

    Raises:
        InputError: If there is no such point: sigmoid and softplus have none, ReLU has one only
            without bias, hard_shrink none because it jumps, soft_shrink none at a small variance, where
            it is flat.

    Reference: Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232.

    >>> edge = edge_of_chaos("tanh", bias_variance=0.01)
    >>> round(edge.weight_std, 5), round(edge.variance, 4)
    (1.1934, 0.2733)
    """
    _check_elementwise(activation)
    if _jumps(activation):
        raise InputError(f"{activation!r} has no edge of chaos: it jumps. Use one that is continuous.")
    if bias_variance is not None:
        variance = _edge_variance(activation, bias_variance)
    _, second, slope = moments(activation, variance)
    if slope < FLAT:
        raise InputError(
            f"{activation!r} has no edge of chaos at variance {variance:g}: it is flat there. "
            "Give a larger one."
        )
    weight_variance = 1 / slope
    needed = variance - weight_variance * second
    if needed < -1e-9 * variance:
        raise InputError(
            f"{activation!r} has no edge of chaos at variance {variance:g}: the bias variance would be "
            f"{needed:.4g}. Subtract its mean from it, or use another activation."
        )
    return EdgeOfChaos(math.sqrt(weight_variance), max(0.0, needed), variance)


def _edge_variance(activation: Activation, bias_variance: float) -> float:
    from scipy.optimize import brentq

    def excess(log_variance: float) -> float:
        variance = math.exp(log_variance)
        _, second, slope = moments(activation, variance)
        return math.nan if slope < FLAT else variance - second / slope - bias_variance

    grid = np.linspace(math.log(1e-6), math.log(25.0), 24)
    values = [excess(point) for point in grid]
    for index in range(len(grid) - 1):
        if values[index] <= 0 < values[index + 1]:
            return math.exp(brentq(excess, grid[index], grid[index + 1], xtol=1e-12))
    raise InputError(
        f"{activation!r} has no edge of chaos with bias variance {bias_variance:g}. "
        "Give another one, or none."
    )


def fixed_point(activation: Activation, weight_std: float, bias_variance: float = 0.0) -> float:
    """The variance q that pre-activations tend to with depth: `q = σ_w² E[φ(x)²] + σ_b²`.

    Args:
        activation: A Keras activation's name, or a function of an array.
        weight_std: σ_w; the kernel's standard deviation times √fan_in.
        bias_variance: σ_b².

    Returns:
        q, 0.0 if signals vanish, infinity if they explode.

    >>> round(fixed_point("tanh", 1.193401, 0.01), 4)
    0.2733
    """

    def next_variance(variance: float) -> float:
        return weight_std**2 * moments(activation, variance)[1] + bias_variance

    variance = 1.0
    for _ in range(10_000):
        following = next_variance(variance)
        if following < 1e-12:
            return 0.0
        if following > 1e6:
            return math.inf
        if abs(following - variance) < 1e-10 * variance:
            return following
        variance = following
    return variance


def depth_scale(activation: Activation, weight_std: float, bias_variance: float = 0.0) -> float:
    """Layers over which a difference between two nearby inputs changes by a factor e.

    `ξ = 1 / |ln χ|` with `χ = σ_w² E[φ'(x)²]` at the fixed point; infinite at the edge of chaos.

    Raises:
        InputError: If signals vanish or explode, so that there is no fixed point.

    >>> round(depth_scale("linear", 0.5, 0.3), 4)  # 1 / ln 4
    0.7213
    """
    variance = fixed_point(activation, weight_std, bias_variance)
    if not 0 < variance < math.inf:
        raise InputError(
            f"Signals through {activation!r} {'explode' if variance else 'vanish'} at weight_std "
            f"{weight_std:g} and bias_variance {bias_variance:g}; there is no depth scale."
        )
    rate = abs(math.log(weight_std**2 * moments(activation, variance)[2]))
    return math.inf if rate < 1e-9 else 1 / rate


@functools.lru_cache(maxsize=512)
def _moments(activation: Activation, variance: float) -> tuple[float, float, float]:
    step = _step(activation)

    def integrand(x: np.ndarray) -> np.ndarray:
        points = np.stack([x - step, x, x + step])
        low, middle, high = _values(activation, points)
        density = np.exp(-(x**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        return np.stack([middle, middle**2, ((high - low) / (2 * step)) ** 2]) * density

    reach = REACH * math.sqrt(variance)
    first, second, slope = _integral(integrand, reach)
    return float(first), float(second), float(slope)


def _integral(integrand: Callable[[np.ndarray], np.ndarray], reach: float) -> np.ndarray:
    """Integral over [-reach, reach] of a function of an array; its values stack along the first axis."""
    edges = np.linspace(-reach, reach, 57)
    left, right = edges[:-1], edges[1:]
    total: Any = 0.0
    for _ in range(40):
        middle = (left + right) / 2
        whole = _panels(integrand, left, right)
        halves = _panels(integrand, left, middle) + _panels(integrand, middle, right)
        open_ = (abs(halves - whole) > TOLERANCE * np.maximum(1, abs(halves))).any(axis=0)
        total = total + halves[:, ~open_].sum(axis=1)
        if not open_.any() or len(left) > 2000:  # as many stay open only where the function is noise
            return total + halves[:, open_].sum(axis=1)
        left, right = (
            np.concatenate([left[open_], middle[open_]]),
            np.concatenate([middle[open_], right[open_]]),
        )
    return total + halves[:, open_].sum(axis=1)


def _panels(integrand: Callable[[np.ndarray], np.ndarray], left: np.ndarray, right: np.ndarray) -> np.ndarray:
    half = (right - left) / 2
    nodes = left[:, None] + half[:, None] * (NODES + 1)
    return (integrand(nodes) * WEIGHTS).sum(axis=-1) * half


@functools.lru_cache(maxsize=512)
def _check_elementwise(activation: Activation) -> None:
    """Refuse what is no function of single numbers: each must have the same value alone as among others."""
    points = np.array([-1.3, 0.2, 0.9])
    wanted = "an activation that takes an array and treats each entry alike"
    try:
        among = _values(activation, points)
        alone = np.concatenate([_values(activation, points[[place]]) for place in range(len(points))])
    except InputError:
        raise
    except Exception as error:
        raise refused("activation", activation, wanted) from error
    if among.shape != points.shape or not np.allclose(among, alone, rtol=1e-5):
        raise refused("activation", activation, wanted)


@functools.lru_cache(maxsize=512)
def _jumps(activation: Activation) -> bool:
    """Whether values differ however near two points are: between neighbours, halved again and again."""
    left, right = (edges := np.linspace(-8, 8, 4001))[:-1], edges[1:]
    for _ in range(20):
        middle = (left + right) / 2
        low, between, high = _values(activation, np.stack([left, middle, right]))
        below = abs(between - low) > abs(high - between)
        left, right = np.where(below, left, middle), np.where(below, middle, right)
    low, high = _values(activation, np.stack([left, right]))
    return bool((abs(high - low) > 1e-3).any())


def _step(activation: Activation) -> float:
    """A step that the function's precision allows."""
    values = _values(activation, np.linspace(-2, 2, 101) + math.pi / 1000)
    return COARSE_STEP if (values == values.astype("float32")).all() else STEP


def _values(activation: Activation, points: np.ndarray) -> np.ndarray:
    """φ at float64 points, computed in float64 on every backend."""
    function = _function(activation)
    if function in IN_FULL.values():
        return function(points)
    with _double_precision():
        outputs = function(keras.ops.convert_to_tensor(points, dtype="float64"))
        return np.asarray(keras.ops.convert_to_numpy(outputs), dtype="float64")


def _function(activation: Activation) -> Callable[[Any], Any]:
    if callable(activation):
        return activation
    if activation in IN_FULL:
        return IN_FULL[activation]
    try:
        return keras.activations.get(activation)
    except (TypeError, ValueError):
        known = [name for name in dir(keras.activations) if not name.startswith("_")]
        raise UnknownNameError("activation", activation, known, "Give a Keras name or a function.") from None


@contextlib.contextmanager
def _double_precision() -> Any:
    """JAX makes float64 only where told to."""
    if keras.backend.backend() == "jax":
        import jax

        with jax.enable_x64(True):
            yield
    else:
        yield
