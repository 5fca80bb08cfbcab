"""How often contrasts are wrong, and how often they find what is there, under the spreads of bad starts.

Cells are those of an experiment: three starts without and with batch normalization, 8 replicates, the
standard deviations that were measured. `docs/statistics.md` quotes the rates.
"""

import itertools

import numpy as np
import pytest
from scipy import special

from keras_initlab.results import contrasts, stats

KEYS = tuple(itertools.product(("zeros", "x10", "he"), ("off", "on")))
SPREADS = np.array([0.0, 0.0, 0.135, 0.188, 0.124, 0.007])
STEP = {1: ("on", "off")}
N, MANY = 8, 20_000


def simulated(n=N, many=MANY, spreads=SPREADS, seed=0):
    """(many, cells, replicates) without any true effect, and with a block effect that all cells share."""
    generator = np.random.default_rng(seed)
    shape = (many, len(spreads), n)
    return generator.normal(0, 0.1, (many, 1, n)) + generator.normal(0, 1, shape) * spreads[:, None]


def shown(values, *rows):
    found = contrasts.numbers(np.stack([contrasts.weights(KEYS, *row) for row in rows]), values)
    return contrasts.judge(found).sign != 0


INTERACTION = ({0: ("x10", "he"), **STEP},)
EFFECTS = [(STEP, {0: label}) for label in ("x10", "he")]


@pytest.mark.parametrize("n", [3, 5, 8, 10])
def test_five_percent_of_contrasts_without_an_effect_are_called_one(n):
    values = simulated(n)
    for row in (INTERACTION, ({0: ("zeros", "he"), **STEP},), *EFFECTS):
        assert 0.045 < shown(values, row).mean() < 0.055, row
    assert not shown(values, (STEP, {0: "zeros"})).any()


def test_families_are_wrong_in_at_most_five_percent():
    rows = [({0: (label, "he"), **STEP},) for label in ("zeros", "x10")]
    assert 0.03 < shown(simulated(), *rows).any(-1).mean() < 0.055
    rows = [(STEP,), *((STEP, {0: label}) for label in ("zeros", "x10", "he"))]
    assert shown(simulated(), *rows).any(-1).mean() < 0.055


def test_ten_starts_at_five_levels_of_very_unequal_spread_make_one_family_of_36():
    keys = tuple(itertools.product(range(10), range(5)))
    spreads = np.geomspace(0.001, 0.3, 50)
    values = simulated(many=2_000, spreads=np.random.default_rng(3).permutation(spreads))
    rows = [contrasts.weights(keys, {0: (a, 0), 1: (b, 0)}) for a in range(1, 10) for b in range(1, 5)]
    judged = contrasts.judge(contrasts.numbers(np.stack(rows), values))
    assert judged.sign.shape == (2_000, 36)
    assert (judged.sign != 0).any(-1).mean() < 0.06


def test_a_planted_interaction_is_found_as_often_as_promised():
    """And needs twice the variance of one effect: the spread is that of four runs."""
    spread = np.sqrt((SPREADS[2:] ** 2).sum())
    effect = spread * stats.detectable_effect(N)
    values = simulated()
    values[:, KEYS.index(("x10", "on"))] += effect
    assert shown(values, INTERACTION).mean() == pytest.approx(0.80, abs=0.01)
    needed = stats.replicates_needed(effect / spread)
    assert needed == N


def pooled(values, contrast, others):
    """p-values of a repeated-measures analysis of variance that takes one error for all contrasts of a kind.

    `others` are orthonormal contrasts that span the error: all interactions, or all effects.
    """
    error = np.einsum("kc,mcn->mkn", others, values)
    n = values.shape[-1]
    mean_square = error.var(axis=-1, ddof=1).mean(-1)
    degrees = len(others) * (n - 1)
    number = contrast @ values
    t = number.mean(-1) / np.sqrt(mean_square * (contrast**2).sum() / n)
    return 2 * special.stdtr(degrees, -np.abs(t))


def test_pooling_the_error_as_an_analysis_of_variance_does_is_wrong_twice_as_often():
    """What `docs/statistics.md` says against it, and that with equal spreads it would be right."""
    effects = np.array([[-1, 1, 0, 0, 0, 0], [0, 0, -1, 1, 0, 0], [0, 0, 0, 0, -1, 1]]) / np.sqrt(2)
    turned = np.array([[1, -1, 0] / np.sqrt(2), [1, 1, -2] / np.sqrt(6)]) @ effects
    rates = {}
    for name, spreads in {"unequal": SPREADS, "equal": np.full(6, 0.1)}.items():
        values = simulated(spreads=spreads)
        for label in ("x10", "zeros"):
            contrast = contrasts.weights(KEYS, {0: (label, "he"), **STEP})
            rates[name, label] = (pooled(values, contrast, turned) < 0.05).mean()
    assert rates["unequal", "x10"] == pytest.approx(0.115, abs=0.01)
    assert rates["unequal", "zeros"] < 0.01
    assert rates["equal", "x10"] == pytest.approx(0.05, abs=0.005)
    assert rates["equal", "zeros"] == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("mine", [[0.0] * 5, [0.0, 0.0, -5.0, -5.0, -5.0], [0.0, -5.0, -5.0, -5.0, -5.0]])
def test_starts_at_their_best_level_are_told_apart_in_at_most_five_percent(mine):
    """Where levels tie, a t-test of values at chosen levels is wrong up to four times as often."""
    generator = np.random.default_rng(5)
    means = np.stack([mine, [-5.0, 0.0, -0.5, -1.0, -5.0]])
    values = means[:, :, None] + generator.normal(0, 1, (MANY // 10, 2, 5, N))
    low, high, p = contrasts.best_against_best(values[:, 0], values[:, 1])
    assert (p < 0.05).mean() < 0.05
    assert ((low <= 0) & (high >= 0)).mean() > 0.95
    np.testing.assert_array_equal(p < 0.05, (low > 0) | (high < 0))


def test_a_level_chosen_by_others_does_not_flatter():
    generator = np.random.default_rng(5)
    values = generator.normal(0, 1, (1_000, 2, 5, N))
    chosen = np.array([[contrasts.tuned(one)[0] for one in both] for both in values])
    naive = values.mean(-1).max(-1)
    assert abs(chosen.mean()) < 0.03
    assert naive.mean() == pytest.approx(0.41, abs=0.03)  # E max of five, over the root of 8
    differences = chosen[:, 0] - chosen[:, 1]
    assert (contrasts.judge(differences).p < 0.05).mean() > 0.12


def test_a_start_that_is_better_at_its_best_level_is_found():
    generator = np.random.default_rng(6)
    means = np.array([[2.5, -2.5, -2.5, -2.5, -2.5], [-5.0, 0.0, -5.0, -5.0, -5.0]])
    values = means[:, :, None] + generator.normal(0, 1, (1_000, 2, 5, N))
    low, _, _ = contrasts.best_against_best(values[:, 0], values[:, 1])
    assert (low > 0).mean() == pytest.approx(0.90, abs=0.04)
