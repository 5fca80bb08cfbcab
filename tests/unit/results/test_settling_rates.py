"""How often a comparison that goes on until it is settled is wrong: simulated, with everything that may go
wrong. True values are in spreads of a difference; the baseline stands at 0; the margin is 1."""

import numpy as np
import pytest

from tests.settling import play

TIMES, MOST = 1500, 18
LIMIT = 0.061  # 5 % and two standard errors
NULL = np.zeros(6)
MIXED = np.array([0, 0, -20, -3, 0, 0.0])
APART = np.array([0, 1, -1, 1, -1, 1.0])


def drawn(means, spread=1.0, shared=0.0, seed=0):
    """Replicates of initializers, of whose spread the replicate has a share in common."""
    generator = np.random.default_rng(seed)
    own = generator.standard_normal((TIMES, len(means), MOST))
    common = generator.standard_normal((TIMES, 1, MOST))
    noise = np.sqrt(1 - shared) * own + np.sqrt(shared) * common
    return np.asarray(means)[:, None] + np.asarray(spread)[..., None] * noise / np.sqrt(2)


def diverging(values, share, seed=1):
    return np.where(np.random.default_rng(seed).random(values.shape) < share, np.nan, values)


UNEQUAL = np.array([1, 0.1, 3, 1, 0.3, 2.0])
CASES = {
    "null": (drawn(NULL), {}),
    "dropping": (drawn(MIXED, seed=2), {}),
    "unequal spreads": (drawn(NULL, UNEQUAL, seed=3), {}),
    "correlated": (drawn(NULL, shared=0.8, seed=4), {}),
    "coarse": (np.round(2 * drawn(NULL, seed=5)) / 2, {"resolution": 0.5}),
    "mostly ties": (np.round(drawn(NULL, 0.5, seed=6)), {"resolution": 1.0}),
    "a third lost": (diverging(drawn(NULL, seed=7), 0.3), {}),
    "lost and unequal": (diverging(drawn(NULL, UNEQUAL, seed=8), 0.3), {}),
    "margin of a tenth": (drawn(NULL, seed=9), {"margin": 0.1}),
}


@pytest.mark.parametrize("case", CASES)
def test_equal_initializers_are_told_apart_in_at_most_five_percent(case):
    values, arguments = CASES[case]
    values = values[..., :12] if np.isnan(values).any() else values
    verdicts = play(values, **arguments).verdicts
    equal = (MIXED if case == "dropping" else NULL)[1:] == 0
    assert (np.abs(verdicts[:, equal]) == 1).any(axis=1).mean() <= LIMIT


@pytest.mark.parametrize(
    ("spread", "shared", "lost"), [(1.0, 0.0, 0.0), (0.2, 0.5, 0.0), (UNEQUAL / 3, 0.0, 0.0), (0.3, 0, 0.2)]
)
def test_who_differs_by_the_margin_is_equivalent_in_at_most_five_percent(spread, shared, lost):
    played = play(diverging(drawn(APART, spread, shared, seed=11), lost)[..., : 12 if lost else MOST])
    assert (played.verdicts == 0).any(axis=1).mean() <= LIMIT
    wrong = np.sign(APART[1:]) * played.verdicts == -1
    assert wrong.any(axis=1).mean() <= LIMIT


def test_the_best_is_ruled_out_and_the_first_far_behind_in_at_most_five_percent():
    means = np.array([0, 0.3, -0.5, -3, 0.8, 0.6])
    played = play(drawn(means, seed=12))
    assert played.found.better[:, :, 4].any(axis=1).mean() <= LIMIT
    standing = ~played.found.better.any(axis=1)
    bound = np.where(standing[:, :, None] & standing[:, None, :], played.found.high, -np.inf)
    bound[:, range(6), range(6)] = -np.inf
    first = np.where(standing, bound.max(axis=1), np.inf).argmin(axis=1)
    assert ((0.8 - means[first] >= 1) & played.settled).mean() <= LIMIT


def test_what_is_plain_costs_few_runs():
    played = play(drawn(MIXED, seed=2))
    assert (played.verdicts[:, 1] == -1).mean() > 0.99
    assert played.n[:, 2].mean() < 5, "far behind"
    assert played.n[:, 0].mean() > 12, "the baseline goes on with those that are close"
    assert played.runs < 0.75 * 6 * MOST
