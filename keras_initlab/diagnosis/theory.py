"""Mean-field theory of one layer: what becomes of second moment, cosine and gradient, wide layers assumed.

Weights are taken as they are, by their mean square; predicted is the mean over all kernels of that size.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.initializers.gains import on_host

_REACH = 9.0  # standard deviations: 1e-19 lies beyond
_POINTS = 6001
_ORDER = 80  # of the Hermite series; what is left of ReLU's then is 1e-4 of it
_STEP = 1e-3  # of the difference quotient, in standard deviations

Activation = Callable[[Any], Any]


class Size(NamedTuple):
    """What theory follows: the second moment of a tensor, and the cosine between two examples in it."""

    second: float
    cosine: float


class After(NamedTuple):
    """Behind an activation: second moment and cosine, and the mean squared slope."""

    second: float
    cosine: float
    slope: float


def sums(taken: Size, weight_square: float, bias_square: float) -> Size:
    """The sums of a layer: `q' = σ_w² q + σ_b²`, and `q' c' = σ_w² q c + σ_b²`.

    Args:
        taken: What the layer takes.
        weight_square: σ_w², fan_in times the mean square of the kernel.
        bias_square: σ_b², the mean square of the bias.

    >>> sums(Size(2.0, 0.5), 1.5, 1.0)
    Size(second=4.0, cosine=0.625)
    """
    second = weight_square * taken.second + bias_square
    common = weight_square * taken.second * taken.cosine + bias_square
    return Size(second, common / second if second > 0 else math.nan)


@functools.cache
def _grid() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, their weights under N(0, 1), and the normalized Hermite polynomials there, order by order."""
    x = np.linspace(-_REACH, _REACH, _POINTS)
    density = np.exp(-(x**2) / 2)
    density /= density.sum()
    orders = [np.ones_like(x), x]
    for k in range(1, _ORDER - 1):
        orders.append((x * orders[k] - math.sqrt(k) * orders[k - 1]) / math.sqrt(k + 1))
    return x, density, np.stack(orders)


class Curve:
    """An activation, tabulated once: what it makes of a size, and where it is flat.

    Args:
        activation: None for none.

    Attributes:
        bounded: Whether it is flat far on both sides, as tanh and sigmoid are.

    Raises:
        InputError: If it is no function of single numbers.
    """

    _REACH, _PER_UNIT, _SHARE = 32, 64, 0.05

    def __init__(self, activation: Activation):
        self._values = on_host(activation)
        points = np.linspace(-self._REACH, self._REACH, 2 * self._REACH * self._PER_UNIT + 1)
        step = 0.5 / self._PER_UNIT
        low, high = self._values(np.stack([points - step, points + step]))
        slopes = np.abs(high - low) / (2 * step)
        self._flat = slopes < self._SHARE * slopes[np.abs(points) <= 8].max()
        self.bounded = bool(self._flat[0] and self._flat[-1])

    def behind(self, taken: Size) -> After:
        """`E φ(u)²`, `E φ(u) φ(v)` over that, and `E φ'(u)²` for `u, v ~ N(0, q)` of correlation c.

        With the Hermite coefficients `a_k = E φ(√q x) h_k(x)` the product is `Σ a_k² c^k`.

        >>> import keras
        >>> after = Curve(keras.activations.relu).behind(Size(2.0, 0.0))
        >>> round(after.second, 4), round(after.cosine, 4), round(after.slope, 3)  # 1, 1/π, 1/2
        (1.0, 0.3183, 0.5)
        """
        x, density, hermite = _grid()
        scale = math.sqrt(taken.second)
        step = max(_STEP * scale, 1e-9)
        low, middle, high = self._values(np.stack([scale * x - step, scale * x, scale * x + step]))
        second = float(density @ middle**2)
        slope = float(density @ ((high - low) / (2 * step)) ** 2)
        coefficients = (hermite @ (density * middle)) ** 2
        rest = max(0.0, second - float(coefficients.sum()))  # beyond the last order
        powers = taken.cosine ** np.arange(_ORDER)
        product = float(coefficients @ powers) + rest * taken.cosine**_ORDER
        return After(second, product / second if second > 0 else math.nan, slope)

    def flat(self, z: np.ndarray) -> np.ndarray:
        """Which of these sums lie where it hardly passes a gradient on.

        There `|φ'|` is below a twentieth of its largest.
        """
        places = np.rint((np.clip(z, -self._REACH, self._REACH) + self._REACH) * self._PER_UNIT)
        return self._flat[np.nan_to_num(places).astype(int)]


class Curves:
    """The activations of a model, each tabulated when it is first asked for."""

    def __init__(self) -> None:
        self._known: dict[Activation, Curve | None] = {}

    def of(self, activation: Activation) -> Curve | None:
        """None if it is no function of single numbers."""
        if activation not in self._known:
            try:
                self._known[activation] = Curve(activation)
            except InputError:
                self._known[activation] = None
        return self._known[activation]
