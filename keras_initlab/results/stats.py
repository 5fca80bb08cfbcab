"""Intervals, paired tests, verdicts and power, on plain arrays of numbers.

Arrays of outcomes are *oriented*: larger is better. NaN stands for a run without a value (it diverged,
failed, or never reached the target). Such a run is never averaged and never dropped: it counts as worse
than every value, and as equal to another run without one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["better", "worse", "unresolved", "equivalent"]
Floats = NDArray[np.float64]

ALPHA = 0.05
POWER = 0.8
MANY = 10  # replicates from which the interquartile mean says more than the mean
SMALLEST = 6  # replicates below which no distribution-free paired test can reach p < .05
_NORMAL = 10_000  # replicates above which t and the normal distribution need the same number
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


def paired_p(ours: Floats, theirs: Floats) -> tuple[float, int]:
    """Two-sided p-value of "the two do not differ", and the sign of the difference (1: ours is better).

    Runs at the same position are a pair. Where every run has a value this is the paired t-test; if the
    differences are all alike, so that t has no scale, the sign-flip test. Where runs are without a value
    it is the smaller of two p-values, doubled: the sign test over the pairs, and Boschloo's exact test of
    the two counts of runs without one (independent runs; pairing makes it conservative).

    >>> p, sign = paired_p(np.array([3.0, 4.0, 6.0]), np.array([1.0, 1.5, 4.0]))
    >>> round(p, 4), sign
    (0.0059, 1)
    """
    if np.isfinite(ours).all() and np.isfinite(theirs).all():
        return _complete_p(ours - theirs)
    return _incomplete_p(ours, theirs)


def _complete_p(differences: Floats) -> tuple[float, int]:
    from scipy import special

    n = len(differences)
    if n == 0:
        return 1.0, 0
    mean = differences.mean()
    sign = int(np.sign(mean))
    if n == 1 or sign == 0:
        return 1.0, sign
    sd = differences.std(ddof=1)
    if sd <= 1e-12 * abs(mean):  # rounding aside, all alike
        return sign_flip_p(differences), sign
    t = abs(mean) / (sd / math.sqrt(n))
    return float(2 * special.stdtr(n - 1, -t)), sign


def _incomplete_p(ours: Floats, theirs: Floats) -> tuple[float, int]:
    from scipy.stats import binomtest

    wins, losses, _ = count_wins(ours, theirs)
    missing = int(np.isnan(ours).sum()), int(np.isnan(theirs).sum())
    by_sign = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    by_count = _boschloo_p(*missing, len(ours))
    sign = wins - losses if by_sign <= by_count else missing[1] - missing[0]
    return min(1.0, 2 * min(by_sign, by_count)), int(np.sign(sign))


@lru_cache(maxsize=4096)
def _boschloo_p(ours: int, theirs: int, n: int) -> float:
    from scipy.stats import boschloo_exact

    if ours == theirs:
        return 1.0
    return float(boschloo_exact([[ours, theirs], [n - ours, n - theirs]]).pvalue)


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
    return float(np.mean(sums >= sums[0] * (1 - 1e-9)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjustment: reject where the result is below alpha, and the chance of any false rejection
    in the family is at most alpha.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted = [1.0] * len(p_values)
    running = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = running
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


def verdict(sign: int, p_value: float, interval: tuple[float, float], margin: float | None) -> Verdict:
    """What an adjusted p-value and an interval of the difference allow to be said."""
    if margin is not None and -margin < interval[0] and interval[1] < margin:
        return "equivalent"
    if p_value < ALPHA and sign:
        return "better" if sign > 0 else "worse"
    return "unresolved"


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
