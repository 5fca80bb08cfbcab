"""Intervals, sign flips, wins and power, on plain arrays of numbers.

Arrays of outcomes are *oriented*: larger is better. NaN stands for a run without a value (it diverged,
failed, or never reached the target). Such a run is never averaged and never dropped: it counts as worse
than every value, and as equal to another run without one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALPHA = 0.05
POWER = 0.8
MANY = 10  # replicates from which the interquartile mean says more than the mean
SMALLEST = 6  # replicates below which no distribution-free paired test can reach p < .05
_NORMAL = 10_000  # replicates above which t and the normal distribution need the same number
_UNEVEN = 3.0  # ratio of two spreads from which a pair is named
_ROUNDING = 1e-9
_EXACT = 16  # replicates up to which all sign flips are enumerated


@dataclass(frozen=True)
class Estimate:
    """A sample in numbers.

    Attributes:
        n: Values in the sample. With none, every other field is NaN; with one, `sd`, `low` and `high` are.
        mean: Arithmetic mean.
        sd: Standard deviation (n - 1 in the denominator).
        low, high: Student-t interval of the mean.
        median: Median.
        iqm: Interquartile mean (a quarter trimmed from each end); NaN below 10 values.
    """

    n: int
    mean: float
    sd: float
    low: float
    high: float
    median: float
    iqm: float


def estimate(values: Sequence[float] | Floats, confidence: float = 0.95) -> Estimate:
    """The finite entries of `values` in numbers.

    >>> sample = estimate([1.0, 2.0, 3.0, float("nan")])
    >>> sample.n, sample.mean, round(sample.low, 3), round(sample.high, 3)
    (3, 2.0, -0.484, 4.484)
    """
    sample = np.asarray(values, dtype=float)
    sample = sample[np.isfinite(sample)]
    n = len(sample)
    nan = math.nan
    if n == 0:
        return Estimate(0, nan, nan, nan, nan, nan, nan)
    mean = float(sample.mean())
    median = float(np.median(sample))
    if n == 1:
        return Estimate(1, mean, nan, nan, nan, median, nan)
    sd = float(sample.std(ddof=1))
    half = student_t_quantile((1 + confidence) / 2, n - 1) * sd / math.sqrt(n)
    iqm = interquartile_mean(sample) if n >= MANY else nan
    return Estimate(n, mean, sd, mean - half, mean + half, median, iqm)


def student_t_quantile(probability: float, degrees: int) -> float:
    from scipy import special

    return float(special.stdtrit(degrees, probability))


def interquartile_mean(sample: Floats) -> float:
    """Mean of what is left after a quarter, rounded down, is taken from each end."""
    cut = len(sample) // 4
    return float(np.sort(sample)[cut : len(sample) - cut].mean())


def sign_flip_p(differences: Floats) -> float:
    """Two-sided p-value of the mean under all flips of signs: no assumption but symmetry.

    Exact up to 16 differences, from 2**15 flips with a fixed seed above. It cannot be smaller than
    2**(1 - n), so five differences never reach .05.

    >>> sign_flip_p(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    0.0625
    """
    n = len(differences)
    if n == 0:
        return 1.0
    if n <= _EXACT:
        bits = (np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1
    else:
        bits = np.random.default_rng(0).integers(0, 2, size=(2 ** (_EXACT - 1), n))
        bits[0] = 0  # what was observed is one of the flips
    sums = np.abs((1 - 2 * bits) @ differences)
    return float(np.mean(sums >= sums[0] * (1 - _ROUNDING)))


def holm(p: Floats) -> Floats:
    """p-values adjusted for the family along the last axis by Holm's steps.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(3)
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, axis=-1, kind="stable")
    left = p.shape[-1] - np.arange(p.shape[-1])
    stepped = np.maximum.accumulate(np.take_along_axis(p, order, -1) * left, axis=-1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(stepped, 1.0), -1)
    return adjusted


def count_wins(ours: Floats, theirs: Floats) -> tuple[int, int, int]:
    """Pairs won, lost and tied."""
    left = np.where(np.isnan(ours), -np.inf, ours)
    right = np.where(np.isnan(theirs), -np.inf, theirs)
    return int((left > right).sum()), int((left < right).sum()), int((left == right).sum())


def win_probability(ours: Floats, theirs: Floats, confidence: float = 0.95) -> tuple[float, float, float]:
    """Probability of beating the other in a replicate, a tie counting one half, with its interval.

    The interval is Clopper and Pearson's, with the half wins of ties entering as they are.

    >>> p, low, high = win_probability(np.array([1.0, 2.0, 3.0]), np.zeros(3))
    >>> p, round(low, 3), high
    (1.0, 0.292, 1.0)
    """
    from scipy.stats import beta

    won, lost, tied = count_wins(ours, theirs)
    n, wins = won + lost + tied, won + tied / 2
    if n == 0:
        return math.nan, 0.0, 1.0
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, wins, n - wins + 1)) if wins > 0 else 0.0
    high = float(beta.ppf(1 - tail, wins + 1, n - wins)) if wins < n else 1.0
    return wins / n, low, high


def unseen_failures(n: int) -> float:
    """The failure rate that `n` runs without a failure leave room for (one-sided, 95 %).

    >>> round(unseen_failures(5), 2)
    0.45
    """
    return 1 - float(ALPHA ** (1 / n))


def is_uneven(ours: Floats, theirs: Floats) -> bool:
    """Whether a pair of samples looks far from what Student's t supposes: one spreads more than three times
    as much as the other (and beyond chance, by the F test), or one difference stands out (Grubbs).

    >>> is_uneven(np.array([1.0, 2, 3, 4, 5]), np.array([1.0, 1.1, 1.2, 1.3, 1.4]))
    True
    """
    from scipy import special

    both = np.isfinite(ours) & np.isfinite(theirs)
    n = int(both.sum())
    if n < 3:
        return False
    one, other = sorted((float(ours[both].std(ddof=1)), float(theirs[both].std(ddof=1))))
    beyond = math.sqrt(special.fdtri(n - 1, n - 1, 1 - ALPHA / 2))
    if other > max(_UNEVEN, beyond) * one:
        return True
    differences = ours[both] - theirs[both]
    sd = float(differences.std(ddof=1))
    t = student_t_quantile(1 - ALPHA / (2 * n), n - 2)
    critical = (n - 1) * t / math.sqrt(n * (n - 2 + t * t))
    return bool(np.abs(differences - differences.mean()).max() > critical * sd * (1 + _ROUNDING))


def achieved_power(n: int, effect: float, alpha: float = ALPHA) -> float:
    """Power of the two-sided paired t-test with `n` pairs; `effect` is the difference over its sd.

    >>> round(achieved_power(20, 0.2 / 0.3), 2)
    0.81
    """
    from scipy.stats import nct

    if n < 2:
        return 0.0
    critical = student_t_quantile(1 - alpha / 2, n - 1)
    shift = effect * math.sqrt(n)
    return float(nct.sf(critical, n - 1, shift) + nct.sf(critical, n - 1, -shift))


def replicates_needed(effect: float, power: float = POWER, alpha: float = ALPHA) -> int:
    """Smallest number of pairs whose two-sided t-test finds `effect` with the given power.

    >>> [replicates_needed(difference / 0.3) for difference in (1.0, 0.4, 0.2, 0.1)]
    [3, 7, 20, 73]
    """
    from scipy.special import ndtri

    normal = ((ndtri(1 - alpha / 2) + ndtri(power)) / effect) ** 2
    if normal > _NORMAL:
        return math.ceil(normal)
    n = max(2, math.floor(normal))
    while achieved_power(n, effect, alpha) < power:
        n += 1
    return n


@lru_cache(maxsize=256)
def detectable_effect(n: int, power: float = POWER, alpha: float = ALPHA) -> float:
    """Smallest difference over its sd that `n` pairs find with the given power; infinite below two."""
    from scipy.optimize import brentq

    if n < 2:
        return math.inf
    high = 1.0
    while achieved_power(n, high, alpha) < power:
        high *= 2
    return float(brentq(lambda effect: achieved_power(n, effect, alpha) - power, 0.0, high))


def friedman_p(ranks: Floats) -> float:
    """p-value of "no column differs" for ranks (blocks x columns), three columns or more."""
    from scipy.stats import friedmanchisquare

    return float(friedmanchisquare(*ranks.T).pvalue) if np.ptp(ranks) else 1.0


def critical_difference(blocks: int, columns: int, alpha: float = ALPHA) -> float:
    """Nemenyi's: mean ranks further apart than this differ, at `alpha` for all pairs together.

    Demšar 2006, JMLR 7:1-30, table 5a: q = 3.164 for 10 columns.

    >>> round(critical_difference(14, 4), 2)  # the example of the paper, with its q = 2.569
    1.25
    """
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1 - alpha, columns, np.inf)) / math.sqrt(2)
    return q * math.sqrt(columns * (columns + 1) / (6 * blocks))
