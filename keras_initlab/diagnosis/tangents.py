"""How outputs move with inputs and with weights: the Jacobian's singular values, the tangent kernel."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_MOST = 1e12  # of a condition number: rounding lies beyond


class Jacobian(NamedTuple):
    """Singular values of d outputs / d inputs, over a few examples.

    Attributes:
        mean_square: Mean of the squares.
        largest: The largest, averaged over examples.
        spread: The largest over the median one, averaged over examples.
    """

    mean_square: float
    largest: float
    spread: float


def jacobian(matrices: Sequence[np.ndarray]) -> Jacobian | None:
    """From one matrix (outputs, inputs) for each example; None where a number is not finite.

    >>> jacobian([np.diag([3.0, 1.0, 1.0])]).largest
    3.0
    """
    if not matrices or not all(np.isfinite(one).all() for one in matrices):
        return None
    values = [np.linalg.svd(one.astype("float64"), compute_uv=False) for one in matrices]
    medians = [np.median(one) for one in values]
    spreads = [
        one[0] / median if median > 0 else math.inf for one, median in zip(values, medians, strict=True)
    ]
    return Jacobian(
        float(np.mean([(one**2).mean() for one in values])),
        float(np.mean([one[0] for one in values])),
        float(np.mean(spreads)),
    )


class Tangents(NamedTuple):
    """The tangent kernel K of one direction of the outputs: inner products of the examples' gradients.

    Attributes:
        trace: Mean of the squared norms; learning rate times this is the speed of learning.
        rank: Participation ratio of K: how many directions it learns at a like speed.
        condition: Largest over smallest eigenvalue, cut off at 1e12.
        alignment: Between the centred K and that of the targets, 0 to 1; NaN without targets.
    """

    trace: float
    rank: float
    condition: float
    alignment: float


def tangents(gram: np.ndarray, targets: np.ndarray | None) -> Tangents | None:
    """From K, and the targets as rows; None where a number is not finite.

    >>> found = tangents(np.eye(2) + 1, np.array([[0.0], [1.0]]))
    >>> found.trace, found.condition.__round__(6), found.alignment.__round__(6)
    (2.0, 3.0, 1.0)
    """
    if not np.isfinite(gram).all():
        return None
    eigenvalues = np.linalg.eigvalsh(gram)
    square = float((gram**2).sum())
    return Tangents(
        float(np.trace(gram) / len(gram)),
        float(np.trace(gram) ** 2 / square) if square > 0 else 0.0,
        min(_MOST, float(eigenvalues[-1] / eigenvalues[0])) if eigenvalues[0] > 0 else _MOST,
        math.nan if targets is None else _alignment(gram, targets @ targets.T),
    )


def _alignment(a: np.ndarray, b: np.ndarray) -> float:
    def centred(gram: np.ndarray) -> np.ndarray:
        rows = gram - gram.mean(axis=0)
        return rows - rows.mean(axis=1, keepdims=True)

    a, b = centred(a), centred(b)
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum() / norm) if norm > 0 else math.nan
