"""Verdicts of a comparison that is looked at again and again, and who has to go on.

Looks are fixed in advance, and each has a share of the error. At a look every pair of those who were trained
up to it is judged as a fixed comparison would be (`judging.judge`), at that share: so all intervals of a
family, at all looks together, hold with at least 1 - alpha, whatever is stopped when and why. A pair keeps
the interval of the look that decided it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from keras_initlab.results.judging import Flags, Floats, Judged, judge
from keras_initlab.results.stats import ALPHA

SURE = 5
"""Replicates below which `better` also has to clear the margin: three runs know little of failures."""


@dataclass(frozen=True, eq=False)
class Stage:
    """A look, and who took part.

    Attributes:
        n: Replicates.
        share: Part of the error allowed that is spent on it.
        labels: Which initializers were trained up to it.
    """

    n: int
    share: float
    labels: Flags


def judged(
    values: Floats,
    lost: Flags,
    ran: Flags,
    stages: Sequence[Stage],
    margin: float,
    resolution: float = 0.0,
    alpha: float = ALPHA,
) -> Judged:
    """Compare all initializers with each other at every look.

    Args:
        values: (..., initializers, replicates), larger is better; NaN where there is none.
        lost: Runs that diverged, failed or got stuck.
        ran: Runs that took place.
        stages: The looks, in order.
        margin: Differences smaller than this do not matter.
        resolution: Smallest spread of differences that is believed.
        alpha: Chance of any false verdict in a family, over all looks.

    Returns:
        Of each pair what the look said that decided it, or else the last one at which both took part; without
        any, no runs and no interval.
    """
    found = nothing(values.shape[:-1])
    for stage in stages:
        found = looked(found, values, lost, ran, stage, margin, resolution, alpha)
    return found


def nothing(shape: tuple[int, ...]) -> Judged:
    """What is known of (..., initializers) before the first look."""
    shape = (*shape, shape[-1])
    none, nan, never = np.zeros(shape, int), np.full(shape, np.nan), np.zeros(shape, bool)
    return Judged(none, none, nan, nan, nan, nan, np.ones(shape), never, never, nan)


def looked(
    found: Judged,
    values: Floats,
    lost: Flags,
    ran: Flags,
    stage: Stage,
    margin: float,
    resolution: float = 0.0,
    alpha: float = ALPHA,
) -> Judged:
    """What is known after one more look: see `judged`."""
    until = slice(0, stage.n)
    now = judge(values[..., until], lost[..., until], ran[..., until], stage.share * alpha, resolution)
    if stage.n < SURE:
        now = replace(now, better=now.better & (now.by_failures | (now.low > margin)))
    again = stage.labels[..., :, None] & stage.labels[..., None, :] & ~is_settled(found, margin)
    pairs = ((getattr(now, field.name), getattr(found, field.name)) for field in fields(Judged))
    return Judged(*(np.where(again, new, old) for new, old in pairs))


def is_settled(found: Judged, margin: float) -> Flags:
    """Pairs of which one is better, or that are equivalent: no run is without a value, and the interval lies
    inside the margin."""
    inside = (found.n_values == found.n) & (-margin < found.low) & (found.high < margin)
    return found.better | np.swapaxes(found.better, -1, -2) | inside


def unsettled(found: Judged, baseline: int, margin: float) -> Flags:
    """Pairs that have to be looked at again, (..., initializers, initializers).

    The comparison is settled when each initializer is better or worse than the baseline or equivalent to it,
    and the best are: no initializer that stands (none is better) can be better than the first of them by the
    margin or more. The first is who has the smallest such bound, and of equals who has the best mean.
    """
    k = found.n.shape[-1]
    itself = np.eye(k, dtype=bool)
    pairs = np.zeros(found.n.shape, bool)
    pairs[..., :, baseline] = ~is_settled(found, margin)[..., :, baseline]
    standing = ~np.any(found.better, axis=-2)
    rivals = standing[..., :, None] & standing[..., None, :] & ~itself
    bound = np.where(np.isnan(found.high), np.inf, found.high)
    worst = np.where(standing, np.where(rivals, bound, -np.inf).max(-2), np.inf)
    first = np.lexsort((-np.nan_to_num(found.difference[..., :, baseline]), worst))[..., :1, None]
    at_first = np.take_along_axis(rivals & ~(bound < margin), first, -1)
    pairs |= at_first & (np.arange(k) == first)
    return (pairs | np.swapaxes(pairs, -1, -2)) & ~itself
