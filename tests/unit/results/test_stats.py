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


def test_complete_pairs_are_judged_by_the_paired_t_test():
    ours, theirs = np.random.default_rng(0).normal(size=(2, 7))
    p, sign = stats.paired_p(ours, theirs)
    expected = scipy_stats.ttest_rel(ours, theirs)
    assert p == pytest.approx(expected.pvalue)
    assert sign == np.sign(expected.statistic)


def test_differences_that_are_all_alike_are_judged_by_sign_flips():
    assert stats.paired_p(np.full(5, 0.3), np.full(5, 0.1)) == (0.0625, 1)
    assert stats.paired_p(np.ones(5), np.ones(5)) == (1.0, 0)


def test_one_pair_is_no_evidence():
    assert stats.paired_p(np.array([2.0]), np.array([1.0])) == (1.0, 1)


def test_a_run_without_a_value_counts_as_worse():
    finite, lost = np.linspace(0.9, 0.91, 6), np.full(6, NAN)
    p, sign = stats.paired_p(lost, finite)
    assert sign == -1
    assert p == pytest.approx(2 * scipy_stats.boschloo_exact([[6, 0], [0, 6]]).pvalue)
    assert p < 0.05
    assert stats.paired_p(finite, lost) == (p, 1)
    assert stats.paired_p(lost, lost) == (1.0, 0)


def test_one_lost_run_does_not_condemn_and_many_lost_pairs_do():
    good, bad = np.full(12, 0.9) + np.arange(12) / 1e3, np.full(12, 0.5)
    good[0] = NAN
    p, sign = stats.paired_p(good, bad)
    assert (p < 0.05, sign) == (True, 1)
    bad[0] = 0.95
    assert stats.paired_p(good[:3], bad[:3])[0] > 0.05


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


def test_holm_by_hand():
    # Holm 1979: p sorted .01 .02 .03 .04 times 4 3 2 1, then running maximum.
    assert stats.holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert stats.holm([]) == []


def test_the_win_probability_counts_a_tie_as_half_and_its_interval_is_clopper_pearson():
    ours, theirs = np.array([1.0, 2, 3, 0, NAN]), np.zeros(5)
    p, _, _ = stats.win_probability(ours, theirs)
    assert p == (3 + 0.5) / 5
    p, low, high = stats.win_probability(np.array([1.0, 1, 1, -1]), np.zeros(4))
    exact = scipy_stats.binomtest(3, 4).proportion_ci(0.95, "exact")
    assert (p, low, high) == pytest.approx((0.75, exact.low, exact.high))


@pytest.mark.parametrize(
    ("sign", "p", "interval", "margin", "expected"),
    [
        (1, 0.01, (0.1, 0.3), None, "better"),
        (-1, 0.01, (-0.3, -0.1), None, "worse"),
        (1, 0.06, (-0.1, 0.3), None, "unresolved"),
        (1, 0.06, (-0.1, 0.3), 0.5, "equivalent"),
        (1, 0.01, (0.1, 0.3), 0.5, "equivalent"),
        (1, 0.01, (0.1, 0.3), 0.2, "better"),
        (0, 1.0, (NAN, NAN), 0.5, "unresolved"),
    ],
)
def test_verdicts(sign, p, interval, margin, expected):
    assert stats.verdict(sign, p, interval, margin) == expected


def test_replicates_needed_are_those_of_the_evidence():
    assert [stats.replicates_needed(d / 0.3) for d in (1.0, 0.4, 0.2, 0.1)] == [3, 7, 20, 73]


def test_the_detectable_effect_has_the_power_it_claims():
    for n in (2, 5, 30):
        assert stats.achieved_power(n, stats.detectable_effect(n)) == pytest.approx(0.8, abs=1e-6)
    assert stats.detectable_effect(1) == math.inf


@pytest.mark.parametrize(("n", "effect"), [(3, 3.0), (7, 1.3), (20, 0.6)])
def test_power_is_as_predicted(n, effect):
    generator = np.random.default_rng(n)
    ours = generator.normal(effect, 1, (3000, n))
    found = [stats.paired_p(sample, np.zeros(n))[0] < stats.ALPHA for sample in ours]
    assert np.mean(found) == pytest.approx(stats.achieved_power(n, effect), abs=0.05)
