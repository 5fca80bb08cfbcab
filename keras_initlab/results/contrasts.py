"""Contrasts of cells: one number for each replicate, then its mean, interval and verdict.

The replicate is the block: all its cells share data, order and draws, so a weighted sum of them is one number
in which what they share cancels. Nothing is pooled: each contrast has the spread of its own numbers, so a
start that never learns lends no other its certainty (`docs/statistics.md` has what pooling costs).
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_initlab.results import judging, stats
from keras_initlab.results.judging import Flags, Floats

UNCHANGED = "no change in any replicate"
_ROUNDING = 1e-13  # of the sum of all terms, below which a difference is none


@dataclass(frozen=True, eq=False)
class Cells:
    """One metric of all runs.

    Attributes:
        keys: Of each row: the initializer, then a level of each factor.
        replicates: Of each column.
        values: (cells, replicates), on the scale; NaN for a run without a value or that did not take place.
        ran: Which runs took place.
        learned: Which of them completed, and ended better than chance.
        sign: 1 if larger is better, -1 if smaller is.
        scale: `linear`, `log` or `rank`.
    """

    keys: tuple[tuple[str, ...], ...]
    replicates: tuple[int, ...]
    values: Floats
    ran: Flags
    learned: Flags
    sign: int
    scale: str


@dataclass(frozen=True, eq=False)
class Judged:
    """A family of contrasts, judged; one entry for each.

    Attributes:
        n: Replicates in which all cells of the contrast ran.
        n_values: Those in which all have a value.
        mean, sd: Of the numbers, one for each of these.
        low, high: Student-t interval of the mean, each for itself.
        p: Of the paired t-test.
        p_adjusted: The same by Holm's steps over the family.
        unchanged: Whether the number is 0 in every replicate.
        sign: 1 where the contrast is shown to be positive, -1 where negative, else 0. A contrast that lost a
            value is never shown to be anything.
    """

    n: NDArray[np.int64]
    n_values: NDArray[np.int64]
    mean: Floats
    sd: Floats
    low: Floats
    high: Floats
    p: Floats
    p_adjusted: Floats
    unchanged: Flags
    sign: NDArray[np.int64]


def weights(
    keys: Sequence[tuple[str, ...]],
    steps: Mapping[int, tuple[str, str]],
    at: Mapping[int, str] | None = None,
) -> Floats:
    """The weight of each cell in a contrast.

    Args:
        keys: The cells.
        steps: Axis -> (level, reference): one for an effect, two for a difference of effects.
        at: Axis -> the level at which the others stand.

    Returns:
        Weights that add up to 0, a mean over all other cells in which every corner was trained; all 0 where
        there is none.

    >>> weights([("he", "off"), ("he", "on"), ("zeros", "off"), ("zeros", "on")], {1: ("on", "off")})
    array([-0.5,  0.5, -0.5,  0.5])
    """
    place = {key: row for row, key in enumerate(keys)}
    wanted = {axis: level for axis, (level, _) in steps.items()} | dict(at or {})
    found = []
    for key in keys:
        if any(key[axis] != level for axis, level in wanted.items()):
            continue
        corners = []
        for back in itertools.product((False, True), repeat=len(steps)):
            other = list(key)
            for goes, (axis, (_, reference)) in zip(back, steps.items(), strict=True):
                other[axis] = reference if goes else other[axis]
            corners.append((place.get(tuple(other)), (-1) ** sum(back)))
        if all(row is not None for row, _ in corners):
            found.append(corners)
    weight = np.zeros(len(keys))
    for corners in found:
        for row, sign in corners:
            weight[row] += sign / len(found)
    return weight


def numbers(weight: Floats, values: Floats) -> Floats:
    """(..., contrasts, replicates) of (contrasts, cells) and (..., cells, replicates).

    NaN where a cell that takes part has no value, and where no cell does. What is left of equal values by
    rounding is 0.
    """
    takes_part = weight != 0
    missing = takes_part.astype(float) @ np.isnan(values)
    empty = ~takes_part.any(-1)[:, None]
    filled = np.nan_to_num(values)
    found = weight @ filled
    rounding = np.abs(found) <= _ROUNDING * (np.abs(weight) @ np.abs(filled))
    return np.where((missing > 0) | empty, np.nan, np.where(rounding, 0.0, found))


def ran_together(weight: Floats, ran: Flags) -> Flags:
    """(contrasts, replicates): whether every cell of the contrast ran."""
    takes_part = weight != 0
    return ((takes_part.astype(int) @ ~ran) == 0) & takes_part.any(-1)[:, None]


def judge(found: Floats, ran: Flags | None = None, alpha: float = stats.ALPHA, family: bool = True) -> Judged:
    """Judge the contrasts of one call, which are one family.

    Args:
        found: (..., contrasts, replicates), see `numbers`.
        ran: Of the same shape; None where a replicate without a number did not run.
        alpha: The chance of any false verdict in the family.
        family: Whether p-values are adjusted (Holm); else each contrast is judged for itself.
    """
    n_values, mean, sd = judging.moments(found)
    level = np.full(mean.shape, alpha)
    low, high, p = judging.t_interval(n_values, mean, sd, level)
    adjusted = stats.holm(p) if family else p
    n = n_values if ran is None else ran.sum(-1)
    whole = (n_values == n) & (n > 0)
    unchanged = whole & (np.nan_to_num(found) == 0).all(-1)
    shown = whole & (adjusted < alpha)
    sign = np.where(shown, np.sign(np.nan_to_num(mean)), 0).astype(np.int64)
    return Judged(n, n_values, mean, sd, low, high, p, adjusted, unchanged, sign)


def word(sign: int, unchanged: bool) -> str:
    """The verdict on an oriented contrast."""
    return UNCHANGED if unchanged else {1: "better", -1: "worse", 0: "unresolved"}[sign]


def rescue_word(bad: int, unchanged: bool, gap_low: float, margin: float | None) -> str:
    """What a remedy did to a bad start.

    Args:
        bad: Sign of its effect on the bad start, 0 where not shown.
        unchanged: Whether it changed nothing in any replicate.
        gap_low: Lower end of the interval of the bad start with it minus the good one without, larger being
            better.
        margin: How far behind the good start is near enough; without one nothing is rescued.
    """
    if unchanged:
        return UNCHANGED
    if bad < 0:
        return "hurt"
    if bad == 0:
        return "not shown"
    return "rescued" if margin is not None and gap_low > -margin else "helped"


def ranks(values: Floats, ran: Flags, sign: int) -> Floats:
    """Ranks within each replicate, 1 the best; runs without a value tie for the last, ties share a mean."""
    from scipy.stats import rankdata

    worst = np.where(np.isnan(values), np.inf, -sign * values)
    found = np.full(values.shape, np.nan)
    for column in range(values.shape[1]):
        here = ran[:, column]
        found[here, column] = rankdata(worst[here, column])
    return found


def tuned(values: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """The value of each replicate at the level that the other replicates found best.

    A level is chosen by the fewest runs without a value, then by the mean of the others. So no replicate
    judges a choice in which it took part.

    Args:
        values: (levels, replicates); larger is better.

    Returns:
        The value of each replicate, and the level chosen for it.

    >>> tuned(np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]))
    (array([0., 0., 0.]), array([1, 0, 0]))
    """
    count = values.shape[1]
    chosen = np.zeros(count, dtype=np.int64)
    for replicate in range(count):
        others = np.delete(values, replicate, axis=1)
        lost = np.isnan(others).sum(axis=1)
        have = others.shape[1] - lost
        means = np.where(have > 0, np.nan_to_num(others).sum(axis=1) / np.maximum(have, 1), -np.inf)
        chosen[replicate] = np.lexsort((-means, lost))[0]
    return values[chosen, np.arange(count)], chosen


def best_against_best(
    mine: Floats, yours: Floats, alpha: float = stats.ALPHA
) -> tuple[Floats, Floats, Floats]:
    """Interval and p-value of how much better one is than another, each at its own best level.

    The difference of the best means is the largest over my levels of the smallest over yours of the
    differences of two cells. Where the best of yours stands, none of my L bounds is wrong with more than
    alpha / 2 / L each, so the largest of the smallest lower bounds holds with alpha / 2, whichever levels
    are the best and however many tie; and so does the upper one. No level is chosen, so nothing flatters.

    Args:
        mine, yours: (..., levels, replicates), each with its own levels; larger is better.
        alpha: One minus the confidence.

    Returns:
        Lower and upper end, and p, below `alpha` where the interval excludes 0.
    """
    differences = mine[..., :, None, :] - yours[..., None, :, :]
    n, mean, sd = judging.moments(differences)
    count, others = mine.shape[-2], yours.shape[-2]
    low, _, p = judging.t_interval(n, mean, sd, np.full(mean.shape, alpha / count))
    _, high, _ = judging.t_interval(n, mean, sd, np.full(mean.shape, alpha / others))
    low = np.nan_to_num(low, nan=-np.inf).min(-1).max(-1)
    high = np.nan_to_num(high, nan=np.inf).max(-2).min(-1)
    above = np.where(mean > 0, p / 2, 1 - p / 2)
    better, worse = count * above.max(-1).min(-1), others * (1 - above).max(-2).min(-1)
    return low, high, np.minimum(1.0, 2 * np.minimum(better, worse))


def width(positions: Floats, values: Floats, least: float) -> tuple[float, bool]:
    """How much of an axis has values of at least `least`, straight lines drawn between the levels.

    Beyond a level without a value, and beyond the ends, nothing counts.

    Args:
        positions: Of the levels, rising.
        values: At each; NaN where there is none.
        least: What is good enough.

    Returns:
        The width, and whether the first or the last level is good enough, so that it is at least this wide.

    >>> width(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0]), 0.5)
    (1.5, True)
    """
    total = 0.0
    for left, right in itertools.pairwise(range(len(positions))):
        ends = values[left], values[right]
        if np.isnan(ends).any():
            continue
        low, high = min(ends), max(ends)
        share = float(low >= least) if low == high else np.clip((high - least) / (high - low), 0.0, 1.0)
        total += float(share) * (positions[right] - positions[left])
    edges = np.nan_to_num(values[[0, -1]], nan=-np.inf)
    return float(total), bool((edges >= least).any())
