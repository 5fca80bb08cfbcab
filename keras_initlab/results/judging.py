"""Every initializer against every other, once: the intervals from which table, sentence, figures and `best`
are all read."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from keras_initlab.results.stats import ALPHA

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LUCK = 4  # from one in four initializers on, and at least two, losing some runs is no one's peculiarity
_ALIKE = 1e-12  # a spread below this share of the mean is rounding


@dataclass(frozen=True)
class Judged:
    """Rows are held against columns; larger is better.

    Attributes:
        n: Replicates that both ran.
        n_values: Those in which both have a value.
        difference, sd: Mean and standard deviation of the row minus the column.
        low, high: Simultaneous interval of the difference; NaN where failures decide or forbid to decide.
        p: Adjusted p-value of the question that decided; below `alpha` exactly where there is a verdict.
        by_failures: Whether the shares of lost runs, not the means, speak in this pair.
        better: Whether the row was shown to be better than the column.
        alpha: Chance of any false verdict in a family that was allowed for.
    """

    n: NDArray[np.int64]
    n_values: NDArray[np.int64]
    difference: Floats
    sd: Floats
    low: Floats
    high: Floats
    p: Floats
    by_failures: Flags
    better: Flags
    alpha: Floats


def judge(values: Floats, lost: Flags, ran: Flags, alpha: float = ALPHA, resolution: float = 0.0) -> Judged:
    """Compare all initializers with each other, replicate by replicate.

    With k initializers the family is the k - 1 comparisons that one of them takes part in: with the baseline
    as that one it is the verdicts of the table, with the truly best one it is what `best` promises. Each
    interval has the confidence 1 - alpha / (k - 1) (Bonferroni), so that all of a family cover together
    with at least 1 - alpha, and the interval of a pair is the same from either side: what beats the
    baseline is what the baseline loses to, in every table. Simulated with nine others that do not
    differ, the chance of any false verdict at n = 3, 5, 10, 20 was 4.6, 4.8, 4.5, 4.6 %. Max-t with the
    correlations estimated from the same replicates had 21, 11, 7, 7 %. Holm's steps found 0.2 to 3
    points more true differences, and have no intervals that agree with them.

    A pair with lost runs is asked two questions at half the level each. First the shares: Boschloo's exact
    test of the two counts (of independent runs; pairing makes it conservative). Then the mean of those that
    learned, which speaks only for an initializer that lost no more runs than the other. Where a quarter
    of the initializers, and at least two, lost some of their runs but not all, a clean record may be luck:
    between two clean ones the mean then speaks only for one whose record is rarer than alpha / (k - 1) at
    the rate at which those lost runs.

    Differences of runs that learned are taken for roughly normal: no interval of a mean from a few runs
    holds whatever the law, see `docs/statistics.md`.

    Args:
        values: (..., initializers, replicates); NaN where there is none.
        lost: Runs that diverged, failed or got stuck.
        ran: Runs that took place.
        alpha: Chance of any false verdict in a family.
        resolution: The step in which values come: no spread of differences is taken for less.
    """
    family = max(1, values.shape[-2] - 1)
    both = ran[..., :, None, :] & ran[..., None, :, :]
    n = both.sum(-1)
    mine = (both & lost[..., :, None, :]).sum(-1)
    yours = np.swapaxes(mine, -1, -2)
    level = alpha / family / np.where(mine + yours > 0, 2, 1)

    differences = np.where(both, values[..., :, None, :] - values[..., None, :, :], np.nan)
    n_values, mean, sd = moments(differences)
    sd = np.maximum(sd, resolution)
    low, high, p_mean = t_interval(n_values, mean, sd, level)
    p_share = shares(mine, yours, n)
    decided = p_share < level

    trusted = (mine > 0) | _clean_means_something(lost, ran, alpha / family)[..., :, None]
    may = (mine < yours) | ((mine == yours) & (mine < n) & trusted)
    forbidden = (low > 0) & ~may | (high < 0) & ~np.swapaxes(may, -1, -2)
    silent = decided | forbidden
    low, high = (np.where(silent, np.nan, edge) for edge in (low, high))
    better = decided & (mine < yours) | (low > 0)
    p = np.where(forbidden, p_share, np.minimum(p_share, p_mean))
    p = np.where(decided, p_share, p) * (alpha / level)
    p = np.minimum(1.0, p)
    return Judged(n, n_values, mean, sd, low, high, p, silent, better, np.full(n.shape, alpha))


def moments(differences: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Count, mean and standard deviation over the last axis, NaN left out."""
    have = np.isfinite(differences)
    count = have.sum(-1)
    total = np.where(have, differences, 0.0).sum(-1)
    mean = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    squares = np.where(have, differences - mean[..., None], 0.0) ** 2
    variance = np.divide(squares.sum(-1), count - 1, out=np.full(count.shape, np.nan), where=count > 1)
    return count, mean, np.sqrt(variance)


def t_interval(
    n: NDArray[np.int64], mean: Floats, sd: Floats, level: Floats
) -> tuple[Floats, Floats, Floats]:
    """Student-t interval and p-value; where all differences are alike, so that t has no scale, the sign
    flips decide whether there is one."""
    degrees = np.maximum(n - 1, 1)
    error = sd / np.sqrt(np.maximum(n, 1))
    half = special.stdtrit(degrees, 1 - level / 2) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * special.stdtr(degrees, -np.abs(mean / error))
    alike = (sd <= _ALIKE * np.abs(mean)) & (n > 1)
    p = np.where(alike, np.where(mean == 0, 1.0, 2.0 ** (1 - n)), p)
    none = (n < 2) | alike & (mean != 0) & (p >= level)
    half = np.where(none, np.nan, np.where(alike, 0.0, half))
    return mean - half, mean + half, np.where(n < 2, 1.0, p)


def shares(mine: NDArray[np.int64], yours: NDArray[np.int64], n: NDArray[np.int64]) -> Floats:
    """p-values of Boschloo's test: `mine` of `n` runs against `yours` of as many."""
    kinds, place = np.unique(np.stack([mine, yours, n], -1).reshape(-1, 3), axis=0, return_inverse=True)
    return np.array([_boschloo_p(*kind) for kind in kinds.tolist()])[place].reshape(n.shape)


@lru_cache(maxsize=4096)
def _boschloo_p(mine: int, yours: int, n: int) -> float:
    from scipy.stats import boschloo_exact

    if mine == yours:
        return 1.0
    if mine > yours:
        return _boschloo_p(yours, mine, n)
    return float(boschloo_exact([[mine, yours], [n - mine, n - yours]]).pvalue)


def _clean_means_something(lost: Flags, ran: Flags, level: float) -> Flags:
    """Whether losing runs is rare here, or an initializer's record too good to be luck."""
    n, gone = ran.sum(-1), (lost & ran).sum(-1)
    some = (gone > 0) & (gone < n)
    rare = some.sum(-1) < np.maximum(2, np.ceil(some.shape[-1] / _LUCK))
    runs = np.where(some, n, 0).sum(-1)
    rate = np.where(some, gone, 0).sum(-1) / np.maximum(runs, 1)
    return rare[..., None] | ((1 - rate[..., None]) ** n <= level)
