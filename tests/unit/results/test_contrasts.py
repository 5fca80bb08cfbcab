"""The arithmetic of contrasts, against scipy and by hand."""

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from keras_initlab.results import contrasts, stats
from keras_initlab.results.contrasts import UNCHANGED

NAN = np.nan
KEYS = tuple(itertools.product(("he", "zeros", "x10"), ("off", "on"), ("a", "b")))


def test_an_effect_is_the_mean_of_differences_over_the_other_cells():
    values = np.arange(12.0)[:, None] ** 2
    weight = contrasts.weights(KEYS, {1: ("on", "off")})
    by_hand = np.mean([values[place + 2] - values[place] for place in (0, 1, 4, 5, 8, 9)])
    assert contrasts.numbers(weight[None], values)[0, 0] == pytest.approx(by_hand, rel=1e-14)
    own = contrasts.weights(KEYS, {1: ("on", "off")}, {0: "zeros"})
    assert contrasts.numbers(own[None], values)[0, 0] == ((36 - 16) + (49 - 25)) / 2


def test_an_interaction_is_a_difference_of_differences():
    weight = contrasts.weights(KEYS, {0: ("x10", "he"), 1: ("on", "off")}, {2: "b"})
    found = dict(zip(KEYS, weight, strict=True))
    assert {key: value for key, value in found.items() if value} == {
        ("x10", "on", "b"): 1,
        ("he", "on", "b"): -1,
        ("x10", "off", "b"): -1,
        ("he", "off", "b"): 1,
    }


def test_a_partial_grid_uses_the_cells_in_which_all_corners_were_trained():
    keys = tuple(key for key in KEYS if key not in {("zeros", "on", "a"), ("he", "off", "b")})
    weight = contrasts.weights(keys, {0: ("zeros", "he"), 1: ("on", "off")})
    assert not weight.any()
    assert np.isnan(contrasts.numbers(weight[None], np.ones((len(keys), 3)))).all()
    own = contrasts.weights(keys, {1: ("on", "off")}, {0: "zeros"})
    assert own[keys.index(("zeros", "on", "b"))] == 1
    assert own[keys.index(("zeros", "off", "a"))] == 0


def test_a_replicate_in_which_a_cell_has_no_value_has_no_number():
    values = np.ones((12, 3))
    values[5, 1] = NAN
    weight = np.stack([contrasts.weights(KEYS, {1: ("on", "off")}, {0: label}) for label in ("zeros", "he")])
    np.testing.assert_array_equal(contrasts.numbers(weight, values), [[0, NAN, 0], [0, 0, 0]])


def test_equal_values_leave_no_difference_by_rounding():
    keys = tuple(itertools.product("abcdefg", ("off", "on")))
    values = np.repeat(np.random.default_rng(0).uniform(0.1, 1, (7, 5)), 2, axis=0)
    weight = contrasts.weights(keys, {1: ("on", "off")})
    assert (contrasts.numbers(weight[None], values) == 0).all()


def test_a_family_is_judged_like_scipys_t_test_with_holms_steps():
    found = np.random.default_rng(1).normal([[0.0], [1.0], [2.0]], 1.0, (3, 8))
    judged = contrasts.judge(found)
    for row, own in enumerate(found):
        reference = scipy_stats.ttest_1samp(own, 0)
        low, high = reference.confidence_interval(0.95)
        assert judged.p[row] == pytest.approx(reference.pvalue, rel=1e-12)
        assert (judged.low[row], judged.high[row]) == pytest.approx((low, high), rel=1e-12)
    first, second, third = np.sort(judged.p)
    expected = [3 * first, max(3 * first, 2 * second), max(3 * first, 2 * second, third)]
    assert np.sort(judged.p_adjusted) == pytest.approx(np.minimum(expected, 1))
    assert judged.sign.tolist() == [0, 1, 1]
    assert contrasts.judge(-found).sign.tolist() == [0, -1, -1]
    assert (contrasts.judge(found, family=False).p_adjusted == judged.p).all()


def test_holm_is_that_of_any_shape():
    p = np.random.default_rng(2).uniform(0, 0.3, (4, 5))
    np.testing.assert_array_equal(stats.holm(p), np.stack([stats.holm(row) for row in p]))
    assert stats.holm(np.array([0.5, 0.9])).tolist() == [1.0, 1.0]


def test_a_contrast_that_lost_a_value_is_never_shown():
    found = np.array([[5.0, 5.1, 4.9, 5.0, NAN], [5.0, 5.1, 4.9, 5.0, 5.2], [0.0, 0.0, 0.0, 0.0, NAN]])
    judged = contrasts.judge(found, np.ones(found.shape, bool))
    assert judged.n.tolist() == [5, 5, 5]
    assert judged.n_values.tolist() == [4, 5, 4]
    assert judged.sign.tolist() == [0, 1, 0]
    assert judged.unchanged.tolist() == [False, False, False]


def test_zero_in_every_replicate_is_no_change_and_no_p_of_nan():
    judged = contrasts.judge(np.zeros((1, 5)))
    assert judged.unchanged.all()
    assert (judged.p[0], judged.low[0], judged.high[0]) == (1.0, 0.0, 0.0)
    assert contrasts.word(0, True) == UNCHANGED == "no change in any replicate"


@pytest.mark.parametrize(
    ("bad", "unchanged", "gap_low", "margin", "expected"),
    [
        (1, False, -0.005, 0.01, "rescued"),
        (1, False, -0.01, 0.01, "helped"),
        (1, False, 1.0, None, "helped"),
        (0, False, 1.0, 0.01, "not shown"),
        (-1, False, 1.0, 0.01, "hurt"),
        (0, True, 1.0, 0.01, UNCHANGED),
    ],
)
def test_the_words_of_a_rescue(bad, unchanged, gap_low, margin, expected):
    assert contrasts.rescue_word(bad, unchanged, gap_low, margin) == expected


def test_ranks_are_those_within_a_replicate_and_runs_without_a_value_tie_last():
    values = np.array([[0.9, 0.5], [0.8, NAN], [0.9, NAN], [NAN, NAN]])
    ran = np.array([[True, True], [True, True], [True, True], [True, False]])
    np.testing.assert_array_equal(
        contrasts.ranks(values, ran, 1), [[1.5, 1.0], [3.0, 2.5], [1.5, 2.5], [4.0, NAN]]
    )
    np.testing.assert_array_equal(contrasts.ranks(values, ran, -1)[:, 0], [2.5, 1.0, 2.5, 4.0])


def test_a_level_is_chosen_by_the_others_and_fewest_lost_runs_come_first():
    values = np.array([[1.0, 1.0, 1.0, NAN], [0.5, 0.4, 0.3, 0.2]])
    here, chosen = contrasts.tuned(values)
    assert chosen.tolist() == [1, 1, 1, 0]
    np.testing.assert_array_equal(here, [0.5, 0.4, 0.3, NAN])


def test_a_width_is_cut_where_the_straight_line_crosses():
    positions = np.array([-4.0, -3.0, -2.0, -1.0])
    values = np.array([0.0, 1.0, 1.0, 0.5])
    assert contrasts.width(positions, values, 0.75) == pytest.approx((0.25 + 1 + 0.5, False))
    assert contrasts.width(positions, values, 0.5) == pytest.approx((0.5 + 1 + 1, True))
    assert contrasts.width(positions, values, 1.5) == (0.0, False)


def test_beyond_a_level_without_a_value_nothing_counts():
    positions = np.array([0.0, 1.0, 2.0])
    assert contrasts.width(positions, np.array([1.0, 1.0, NAN]), 0.5) == (1.0, True)
    assert contrasts.width(positions, np.array([1.0, NAN, 1.0]), 0.5) == (0.0, True)
    assert contrasts.width(positions, np.array([NAN, 1.0, NAN]), 0.5) == (0.0, False)
