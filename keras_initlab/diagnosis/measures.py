"""Numbers of one tensor between two layers, and of its gradient; NumPy only.

An activation `a` has shape (examples N, places S, units C); `g` is N times the gradient of the mean loss,
which is each example's own.
"""

import math
from typing import NamedTuple

import numpy as np

_EQUAL = 1e-5  # of the largest: units that differ by less are one
_ROUNDING = 1e-11  # of the second moment, below which float32 cannot tell examples apart
_DIRECTIONS = 4  # chance projections, in all of which two units must agree


class Forward(NamedTuple):
    """What an activation is like; `second` is exactly `offset + pattern + signal`.

    Attributes:
        mean: Over everything.
        second: The mean square, q.
        offset: The part of it that all units have in common, the squared mean.
        pattern: The part that differs between units and not between inputs.
        signal: The part that varies with the input, over examples and places.
        cosine: Between two examples, on average; NaN where all is zero.
        rank: Number of directions in which the examples differ (participation ratio); 0 where they do not.
        largest: The greatest magnitude.
    """

    mean: float
    second: float
    offset: float
    pattern: float
    signal: float
    cosine: float
    rank: float
    largest: float


def forward(a: np.ndarray) -> Forward:
    """The numbers of an activation of shape (N, S, C).

    >>> found = forward(np.array([[[1.0, 1.0]], [[1.0, -1.0]]]))
    >>> found.second, found.offset, found.pattern, found.signal, found.cosine
    (1.0, 0.25, 0.25, 0.5, 0.0)
    """
    a = a.astype("float64")
    mean = a.mean()
    by_unit = a.mean(axis=(0, 1))
    second = float((a**2).mean())
    flat = a.reshape(len(a), -1)
    centred = flat - flat.mean(axis=0)
    differ = (centred**2).mean() > _ROUNDING * second
    return Forward(
        mean=float(mean),
        second=second,
        offset=float(mean**2),
        pattern=float(by_unit.var()),
        signal=float(a.var(axis=(0, 1)).mean()),
        cosine=cosine(flat),
        rank=rank(centred) if differ else 0.0,
        largest=float(np.abs(a).max(initial=0)),
    )


def cosine(flat: np.ndarray) -> float:
    """Mean product of two different rows over their mean square; NaN for one row, or nothing but zeros.

    >>> cosine(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])).__round__(3)
    0.333
    """
    squares = float((flat**2).sum())
    examples = len(flat)
    if examples < 2 or not 0 < squares < math.inf:
        return math.nan
    return float(((flat.sum(axis=0) ** 2).sum() - squares) / ((examples - 1) * squares))


def rank(centred: np.ndarray) -> float:
    """Participation ratio of the rows: trace² over squared norm of their Gram matrix; 0 if all are zero.

    >>> rank(np.eye(4)), rank(np.ones((4, 3)))
    (4.0, 1.0)
    """
    gram = centred @ centred.T
    largest = np.abs(gram).max(initial=0)
    if not 0 < largest < math.inf:
        return 0.0
    gram = gram / largest
    return float(np.trace(gram) ** 2 / (gram**2).sum())


def attended(weights: np.ndarray) -> tuple[float, float]:
    """Of attention's weights the entropy over that of equal ones; the standard deviation of the logits.

    Places that are masked have weight 0 and are left out; NaN where only one place is left everywhere.

    Args:
        weights: Sum to 1 along the last axis.

    >>> attended(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]))
    (1.0, 0.0)
    """
    weights = weights.reshape(-1, weights.shape[-1]).astype("float64")
    there = weights > 0
    counts = there.sum(axis=1)
    logs = np.log(np.where(there, weights, 1.0))
    most = np.log(np.maximum(counts, 1)).sum()
    if not most > 0:
        return math.nan, math.nan
    means = logs.sum(axis=1) / np.maximum(counts, 1)
    squares = np.where(there, (logs - means[:, None]) ** 2, 0.0)[counts > 1].sum()
    return float(-(weights * logs).sum() / most), math.sqrt(squares / counts[counts > 1].sum())


def gradient_size(g: np.ndarray) -> float:
    """Mean over the examples of the squared norm of each one's gradient."""
    return float((g.reshape(len(g), -1).astype("float64") ** 2).sum(axis=1).mean())


def classes(*columns: np.ndarray) -> int:
    """How many different columns there are, where all the arrays are stacked; each counts by its own scale.

    >>> classes(np.array([[1.0, 1.0, 2.0], [0.0, 0.0, 1.0]]))
    2
    """
    units = columns[0].shape[1]
    rng = np.random.default_rng(0)
    shadows = np.zeros((_DIRECTIONS, units))
    for block in columns:
        largest = np.abs(block).max(initial=0)
        if largest > 0:
            directions = rng.normal(size=(_DIRECTIONS, len(block))) / math.sqrt(len(block))
            shadows += directions @ (block / largest).astype("float64")
    ordered = shadows[:, np.argsort(shadows[0])]
    return 1 + int((np.abs(np.diff(ordered)) > _EQUAL).any(axis=0).sum()) if units else 0


def coherence(squares: np.ndarray, of_mean: float) -> float:
    """Squared norm of the mean gradient over the mean squared norm of the examples'; 1/N if unrelated."""
    mean = float(np.mean(squares))
    return of_mean / mean if mean > 0 else math.nan


def products(x: np.ndarray, g: np.ndarray, bias: bool) -> np.ndarray:
    """Inner products of two examples' gradients of a dense layer, of all pairs: an N by N matrix.

    The kernel's gradient of one example is `sum over places of x_s g_s^T`, the bias's `sum of g_s`.

    Args:
        x: What the layer takes, (N, S, inputs).
        g: Each example's gradient by its sums, (N, S, units).
        bias: Whether the layer has a bias that trains.
    """
    x, g = x.astype("float64"), g.astype("float64")
    if x.shape[1] == 1:
        x, g = x[:, 0], g[:, 0]
        return (x @ x.T + bias) * (g @ g.T)
    per_example = np.einsum("nsi,nsj->nij", x, g).reshape(len(x), -1)
    sums = g.sum(axis=1)
    return per_example @ per_example.T + bias * (sums @ sums.T)


def squares(x: np.ndarray, g: np.ndarray, bias: bool) -> np.ndarray:
    """The squared norms of the same gradients, which are the diagonal of `products`."""
    if x.shape[1] > 1:
        return np.diag(products(x, g, bias))
    return ((x.astype("float64") ** 2).sum(axis=(1, 2)) + bias) * (g.astype("float64") ** 2).sum(axis=(1, 2))
