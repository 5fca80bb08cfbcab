"""Every initializer against every other: intervals and verdicts, against scipy and by hand."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from keras_initlab.results import judging, stats

NAN = math.nan


def judge(*rows, alpha=stats.ALPHA):
    values = np.array(rows, dtype=float)
    return judging.judge(values, np.isnan(values), np.ones(values.shape, bool), alpha)


@pytest.mark.parametrize("count", [2, 4])
def test_clean_pairs_have_the_bonferroni_interval_of_the_paired_t_test(count):
    rows = np.random.default_rng(0).normal(size=(count, 7))
    found = judge(*rows)
    expected = scipy_stats.ttest_rel(rows[0], rows[1])
    interval = expected.confidence_interval(1 - 0.05 / (count - 1))
    assert (found.low[0, 1], found.high[0, 1]) == pytest.approx((interval.low, interval.high))
    assert found.p[0, 1] == pytest.approx(min(1, (count - 1) * expected.pvalue))


def test_a_verdict_is_an_interval_that_excludes_zero_and_a_p_below_alpha():
    generator = np.random.default_rng(1)
    values = generator.normal(size=(300, 5, 6)) + 3 * np.arange(5)[:, None]
    lost = generator.random(values.shape) < 0.1
    values[lost] = NAN
    found = judging.judge(values, lost, np.ones(values.shape, bool))
    told = found.better | np.swapaxes(found.better, -1, -2)
    assert ((found.p < 0.05) == told).all()
    by_mean = ~found.by_failures
    assert ((found.low > 0)[by_mean] == found.better[by_mean]).all()
    assert np.isnan(found.low[found.by_failures]).all()
    assert told.mean() > 0.2
    assert found.by_failures.any()


def test_the_interval_of_a_pair_is_the_same_from_either_side():
    found = judge(*np.random.default_rng(2).normal(size=(4, 5)))
    np.testing.assert_allclose(found.low, -found.high.T)
    np.testing.assert_allclose(found.p, found.p.T)


def test_differences_that_are_all_alike_have_an_interval_where_sign_flips_are_enough():
    five, six = np.full((2, 5), [[0.3], [0.1]]), np.full((2, 6), [[0.3], [0.1]])
    assert math.isnan(judge(*five).low[0, 1])
    assert judge(*five).p[0, 1] == 0.0625
    assert (judge(*six).low[0, 1], judge(*six).better[0, 1]) == (pytest.approx(0.2), True)
    same = judge(np.ones(5), np.ones(5))
    assert (same.low[0, 1], same.high[0, 1], same.better.any()) == (0, 0, False)


def test_one_pair_is_no_evidence():
    found = judge([2.0], [1.0])
    assert math.isnan(found.low[0, 1])
    assert (found.p[0, 1], found.better.any()) == (1.0, False)


def test_losing_every_run_is_judged_by_boschloo_at_half_the_level():
    finite, lost = np.linspace(0.9, 0.91, 6), np.full(6, NAN)
    found = judge(finite, lost)
    assert found.p[0, 1] == pytest.approx(2 * scipy_stats.boschloo_exact([[0, 6], [6, 0]]).pvalue)
    assert (found.better[0, 1], found.better[1, 0], found.by_failures[0, 1]) == (True, False, True)
    assert not judge(lost, lost).better.any()


def test_a_lost_run_leaves_the_means_half_the_level():
    ours, theirs = np.random.default_rng(3).normal(size=(2, 8))
    theirs[0] = NAN
    interval = scipy_stats.ttest_rel(ours[1:], theirs[1:]).confidence_interval(0.975)
    found = judge(ours, theirs)
    assert (found.low[0, 1], found.high[0, 1]) == pytest.approx((interval.low, interval.high))
    assert found.n_values[0, 1] == 7


def test_a_better_mean_does_not_speak_for_whoever_lost_more_runs():
    good, poor = np.full(12, 0.9) + np.arange(12) / 1e3, np.full(12, 0.5) + np.arange(12) ** 2 / 1e4
    good[0] = NAN
    found = judge(good, poor)
    assert not found.better.any()
    assert found.by_failures[0, 1]
    assert math.isnan(found.low[0, 1])
    poor[1] = NAN
    assert judge(good, poor).better[0, 1]


def test_where_failing_is_common_a_clean_record_may_be_luck():
    generator = np.random.default_rng(4)
    low, high = generator.normal(0, 0.1, 5), generator.normal(1, 0.1, 5)
    unlucky = generator.normal(1, 0.1, (2, 5))
    assert judge(high, low, *unlucky).better[0, 1]
    unlucky[:, 0] = NAN
    found = judge(high, low, *unlucky)
    assert not found.better[0, 1]
    assert found.by_failures[0, 1]
    unlucky[:, :4] = NAN  # who fails like this would not have come through five runs
    assert judge(high, low, *unlucky).better[0, 1]


def test_who_never_learned_is_compared_where_the_runs_ended():
    generator = np.random.default_rng(5)
    values = np.stack([generator.normal(0.9, 0.01, 3), generator.normal(0.1, 0.01, 3)])
    lost = np.array([[False] * 3, [True] * 3])
    found = judging.judge(values, lost, np.ones((2, 3), bool))
    assert found.better[0, 1]
    both = judging.judge(values, np.ones((2, 3), bool), np.ones((2, 3), bool))
    assert not both.better.any()


def test_only_replicates_that_both_ran_are_a_pair():
    values = np.random.default_rng(6).normal(size=(2, 6))
    ran = np.ones((2, 6), bool)
    ran[0, 5] = False
    values[0, 5] = NAN
    found = judging.judge(values, np.zeros((2, 6), bool), ran)
    assert (found.n[0, 1], found.n_values[0, 1]) == (5, 5)
    assert found.difference[0, 1] == pytest.approx((values[0] - values[1])[:5].mean())


@pytest.mark.parametrize(("n", "effect"), [(3, 3.0), (7, 1.3), (20, 0.6)])
def test_power_is_as_predicted(n, effect):
    ours = np.random.default_rng(n).normal(effect, 1, (3000, 1, n))
    values = np.concatenate([ours, np.zeros_like(ours)], axis=1)
    found = judging.judge(values, np.isnan(values), np.ones(values.shape, bool))
    assert found.better[:, 0, 1].mean() == pytest.approx(stats.achieved_power(n, effect), abs=0.05)
