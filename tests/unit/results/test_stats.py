"""Statistics, against scipy and by simulation."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from keras_initlab.results import stats

NAN = math.nan


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_the_interval_is_the_one_of_scipys_t_test(n):
    sample = np.random.default_rng(n).normal(3, 2, n)
    expected = scipy_stats.ttest_1samp(sample, 0).confidence_interval(0.9)
    found = stats.estimate(sample, 0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert (found.mean, found.sd, found.median) == pytest.approx(
        (sample.mean(), sample.std(ddof=1), np.median(sample))
    )


def test_no_nan_enters_a_mean():
    found = stats.estimate([1.0, NAN, 2.0, math.inf])
    assert (found.n, found.mean) == (2, 1.5)
    assert stats.estimate([NAN]).n == 0
    assert math.isnan(stats.estimate([NAN]).mean)
    assert math.isnan(stats.estimate([1.0]).low)


def test_the_interquartile_mean_is_given_from_ten_values_on():
    assert math.isnan(stats.estimate(range(9)).iqm)
    sample = np.random.default_rng(0).normal(size=14)
    assert stats.estimate(sample).iqm == pytest.approx(scipy_stats.trim_mean(sample, 0.25))


@pytest.mark.parametrize("n", [3, 5, 10, 20])
def test_nominal_95_percent_intervals_cover(n):
    samples = np.random.default_rng(n).normal(0.3, 1, (4000, n))
    found = [stats.estimate(sample) for sample in samples]
    coverage = np.mean([one.low <= 0.3 <= one.high for one in found])
    assert 0.93 <= coverage <= 0.97


@pytest.mark.parametrize("n", [2, 4, 9])
def test_sign_flips_agree_with_scipys_permutation_test(n):
    differences = np.random.default_rng(n).normal(0.5, 1, n)
    expected = scipy_stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert stats.sign_flip_p(differences) == pytest.approx(expected.pvalue)


def test_many_sign_flips_are_sampled_and_repeatable():
    differences = np.random.default_rng(3).normal(0.4, 1, 30)
    p = stats.sign_flip_p(differences)
    assert p == stats.sign_flip_p(differences)
    assert p == pytest.approx(scipy_stats.ttest_1samp(differences, 0).pvalue, rel=0.3)


def test_below_six_replicates_no_sign_flip_reaches_five_percent():
    least = [stats.sign_flip_p(np.arange(1.0, n + 1)) for n in range(1, 8)]
    assert [p < stats.ALPHA for p in least] == [n >= stats.SMALLEST for n in range(1, 8)]


def test_the_win_probability_counts_a_tie_as_half_and_its_interval_is_clopper_pearson():
    ours, theirs = np.array([1.0, 2, 3, 0, NAN]), np.zeros(5)
    p, _, _ = stats.win_probability(ours, theirs)
    assert p == (3 + 0.5) / 5
    p, low, high = stats.win_probability(np.array([1.0, 1, 1, -1]), np.zeros(4))
    exact = scipy_stats.binomtest(3, 4).proportion_ci(0.95, "exact")
    assert (p, low, high) == pytest.approx((0.75, exact.low, exact.high))


def test_replicates_needed_are_those_of_the_evidence():
    assert [stats.replicates_needed(d / 0.3) for d in (1.0, 0.4, 0.2, 0.1)] == [3, 7, 20, 73]


def test_the_detectable_effect_has_the_power_it_claims():
    for n in (2, 5, 30):
        assert stats.achieved_power(n, stats.detectable_effect(n)) == pytest.approx(0.8, abs=1e-6)
    assert stats.detectable_effect(1) == math.inf


def test_the_room_that_clean_runs_leave_for_failures_is_clopper_and_pearsons():
    for n in (1, 3, 5, 20):
        exact = scipy_stats.binomtest(0, n, alternative="less").proportion_ci(0.95, "exact")
        assert stats.unseen_failures(n) == pytest.approx(exact.high)


@pytest.mark.parametrize("n", [3, 5, 10, 20])
def test_normal_pairs_are_seldom_called_uneven_and_collapsing_ones_often(n):
    generator = np.random.default_rng(n)
    alike = [stats.is_uneven(*generator.normal(size=(2, n))) for _ in range(1000)]
    assert np.mean(alike) < 0.11  # two questions at 5 %
    steady = generator.normal(0, 0.1, (300, n))
    tail = -generator.lognormal(0, 1.2, (300, n))
    caught = np.mean([stats.is_uneven(one, other) for one, other in zip(steady, tail, strict=True)])
    assert caught > {3: 0.3, 5: 0.75, 10: 0.95, 20: 0.99}[n]
