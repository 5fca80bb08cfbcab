"""Looking again and again: which look speaks for a pair, at which level, and who goes on."""

import math

import numpy as np
import pytest
from scipy import stats as reference

from keras_initlab.core.errors import InputError
from keras_initlab.results import settling
from keras_initlab.results.settling import Stage
from keras_initlab.results.stopping import Patience
from keras_initlab.trials.record import Record
from keras_initlab.trials.settling import Settling, planned
from tests.results import tiny

K, N = 4, 12
GENERATOR = np.random.default_rng(5)
VALUES = np.array([0.0, 3.0, 0.0, -0.2])[:, None] + GENERATOR.normal(0, 0.4, (K, N))
NONE, ALL = np.zeros((K, N), bool), np.ones((K, N), bool)
EVERYBODY = np.ones(K, bool)
SHARES = {3: 0.1, 6: 0.2, 12: 0.5}


def stages(*who):
    parts = [np.isin(np.arange(K), labels) for labels in who] or [EVERYBODY] * 3
    return [Stage(n, share, part) for (n, share), part in zip(SHARES.items(), parts, strict=False)]


def judged(given=None, margin=0.5, values=VALUES, resolution=0.0):
    return settling.judged(values, np.isnan(values), ALL, given or stages(), margin, resolution)


def interval(row, column, n, share):
    """By scipy: a paired t interval at the look's share of 5 %, a third of it for each comparison."""
    differences = (VALUES[row] - VALUES[column])[:n]
    return reference.ttest_1samp(differences, 0).confidence_interval(1 - 0.05 * share / 3)


def test_an_open_pair_has_the_interval_of_the_last_look_at_its_share():
    found = judged(margin=1e-6)
    for row, column in [(0, 2), (2, 0), (2, 3)]:
        low, high = interval(row, column, 12, 0.5)
        assert low < 0 < high, "open"
        assert (found.low[row, column], found.high[row, column]) == pytest.approx((low, high))
        assert found.n[row, column] == 12
        assert found.alpha[row, column] == 0.05 * 0.5


def test_a_decided_pair_keeps_the_interval_of_the_look_that_decided_it():
    found = judged()
    assert interval(1, 0, 3, 0.1).low < 0.5, "three runs are not enough"
    low, high = interval(1, 0, 6, 0.2)
    assert low > 0.5
    assert (found.low[1, 0], found.high[1, 0]) == pytest.approx((low, high))
    assert found.n[1, 0] == 6
    assert found.better[1, 0]
    opposite = VALUES.copy()
    opposite[1, 6:] = -100.0
    assert judged(values=opposite).better[1, 0], "whatever comes after"


def test_below_five_runs_better_has_to_clear_the_margin_too():
    close = np.array([0.0, 3.0, 0.0, -0.2])[:, None] + 0.001 * VALUES
    first = stages()[:1]
    assert judged(first, 2.0, close).better[1, 0]
    assert not judged(first, 3.1, close).better[1, 0]
    assert judged([Stage(5, 0.1, EVERYBODY)], 3.1, close).better[1, 0]


def test_who_does_not_take_part_is_not_judged_again():
    found = judged(stages([0, 1, 2, 3], [0, 2, 3], [0, 3]), 1e-6)
    pairs = {(row, column): found.n[row, column] for row in range(K) for column in range(row)}
    assert pairs == {(1, 0): 3, (2, 0): 6, (3, 0): 12, (2, 1): 3, (3, 1): 3, (3, 2): 6}
    assert np.isnan(judged(stages([0, 1])[:1]).low[0, 2])
    assert judged(stages([0, 1])[:1]).n[0, 2] == 0


def test_equal_differences_are_no_certainty_where_the_metric_is_coarse():
    steps = np.zeros((K, N))
    steps[1] = 0.01
    last = [Stage(N, 0.5, EVERYBODY)]
    assert judged(last, 0.5, steps).low[1, 0] == pytest.approx(0.01)
    half = -reference.t.ppf(0.05 * 0.5 / 6, N - 1) * 0.01 / math.sqrt(N)
    assert judged(last, 0.5, steps, resolution=0.01).low[1, 0] == pytest.approx(0.01 - half)
    assert not judged(last, 0.5, steps, resolution=0.02).better[1, 0]


def open_pairs(low, high):
    """Of initializers with these intervals, row minus column for row > column; the first is the baseline."""
    full = {"low": np.full((K, K), np.nan), "high": np.full((K, K), np.nan)}
    for (row, column), value in low.items():
        full["low"][row, column], full["high"][column, row] = value, -value
    for (row, column), value in high.items():
        full["high"][row, column], full["low"][column, row] = value, -value
    zero = np.zeros((K, K))
    found = settling.nothing((K,))
    found = settling.replace(found, **full, better=full["low"] > 0, difference=zero)
    return {tuple(pair) for pair in np.argwhere(np.triu(settling.unsettled(found, 0, 0.5))).tolist()}


def test_every_initializer_has_to_be_told_from_the_baseline_or_equivalent():
    bound = dict.fromkeys([(2, 1), (3, 1), (3, 2)], 0.1)
    low = {(1, 0): 0.2, (2, 0): -0.4, (3, 0): -0.6, **dict.fromkeys(bound, -9.0)}
    high = {(1, 0): 0.8, (2, 0): 0.4, (3, 0): 0.4, **bound}
    assert open_pairs(low, high) == {(0, 3)}
    assert open_pairs({**low, (2, 0): -0.5}, high) == {(0, 2), (0, 3)}, "the margin itself is not inside"
    assert open_pairs({**low, (3, 0): -0.6}, {**high, (3, 0): -0.1}) == set(), "worse is told too"


def test_nobody_may_be_better_than_the_first_by_the_margin():
    low = {(1, 0): 1.0, (2, 0): 1.0, (3, 0): 1.0, (2, 1): -0.3, (3, 1): -9.0, (3, 2): -9.0}
    high = {(1, 0): 2.0, (2, 0): 2.0, (3, 0): 2.0, (2, 1): 0.6, (3, 1): 0.4, (3, 2): 0.3}
    assert open_pairs(low, high) == set(), "the third is the first: no bound on a rival is above .3"
    assert open_pairs(low, {**high, (3, 2): 0.7, (3, 1): 0.5}) == {(1, 2), (1, 3)}
    assert open_pairs({**low, (2, 3): 0.1}, {**high, (3, 1): 0.7, (3, 2): -0.1}) == set(), "beaten: out"
    beaten = {(2, 1): -0.9, (3, 1): -0.3, (3, 2): -0.9}, {(2, 1): -0.1, (3, 1): 0.7, (3, 2): 0.4}
    found = open_pairs({**low, **beaten[0]}, {**high, **beaten[1]})
    assert found == set(), "the second may be .9 better than the third, which is first, but the first beat it"


def settled(values, rule, **changes):
    """Made-up runs by a rule; each label has as many as it has values."""
    return tiny(values, settling=rule.to_json(), baseline="base", **changes)


RULE = Settling(0.02, planned((), 3, 12), {"val_accuracy": 0.001}, (("base", "good", "same"),) * 2)
RUNS = {
    "base": [0.5, 0.51, 0.49, 0.5, 0.505],
    "good": [0.8, 0.81, 0.79, 0.805, 0.8],
    "same": [0.501, 0.5, 0.49, 0.51, 0.505],
}


def test_pairs_say_what_the_look_said():
    result = settled(RUNS, RULE)
    pairs = result.pairs()
    share = RULE.looks[1].share
    differences = np.subtract(RUNS["same"], RUNS["base"])
    low, high = reference.ttest_1samp(differences, 0).confidence_interval(1 - 0.05 * share / 2)
    assert pairs.loc["same", ["low", "high"]].tolist() == pytest.approx([low, high])
    p = reference.ttest_1samp(differences, 0).pvalue
    assert pairs.loc["same", "p_adjusted"] == pytest.approx(min(1, 2 * p / share))
    assert pairs.loc["same", "win_low"] == pytest.approx(reference.beta.ppf(0.025 * share, 3, 3))
    assert pairs["verdict"].tolist() == ["better", "unresolved"]
    assert pairs.loc["good", "n"] == 3, "three runs cleared the margin"
    assert result.pairs(margin=0.1)["verdict"].tolist() == ["better", "equivalent"], "another margin"
    assert result.unsettled == [("base", "same")]
    assert list(result.best) == ["good"]


def test_a_look_counts_once_all_its_runs_are_there():
    fewer = {**RUNS, "same": RUNS["same"][:4]}
    assert settled(fewer, RULE).pairs()["n"].tolist() == [3, 3]
    assert settled({**RUNS, "same": RUNS["same"][:2]}, RULE).pairs()["verdict"].tolist() == ["unresolved"] * 2
    assert settled({**RUNS, "good": RUNS["good"] + [0.1] * 7}, RULE).pairs()["n"].tolist() == [3, 5]


def test_the_interval_of_a_mean_allows_for_the_looks():
    row = settled(RUNS, RULE).summary().loc["same"]
    sample = np.array(RUNS["same"])
    half = reference.t.ppf(1 - 0.025 * RULE.looks[1].share, 4) * sample.std(ddof=1) / math.sqrt(5)
    assert row["val_accuracy_high"] == pytest.approx(sample.mean() + half)


def test_notes_and_files_say_what_is_open_and_that_it_holds():
    result = settled(RUNS, RULE)
    text = repr(result).replace("\n", " ")
    assert "Open: same against base; within a margin of 0.02." in " ".join(text.split())
    assert "Looked at 3, 5 replicates: intervals and verdicts share their 5 %" in " ".join(text.split())
    assert '"verdict": "better"' in result.to_json()
    assert '"looks"' in result.to_json()
    assert "runs" in repr(result).split("\n")[1]
    assert "runs" not in repr(tiny(RUNS)).split("\n")[1]
    done = settled({**RUNS, "same": RUNS["base"]}, Settling.from_json({**RULE.to_json(), "ended": "settled"}))
    assert "Settled within a margin" in repr(done)
    assert "Looked at" not in repr(tiny(RUNS))


def test_prefixes_are_judged_at_the_same_looks_and_make_no_grid():
    result = settled(RUNS, RULE)
    read = result.stopped(Patience(3), "val_accuracy")
    assert read.pairs()["n"].tolist() == [3, 5]
    with pytest.raises(InputError, match="went on until they were settled"):
        result.stopped([Patience(3), Patience(5)], "val_accuracy")


def test_lost_runs_are_judged_by_their_share_at_the_look():
    nan = math.nan
    rule = Settling(0.02, planned((), 10, 20), {}, (("base", "lost"),))
    wide = {"base": list(np.linspace(0.5, 0.51, 10)), "lost": [nan] * 10}
    pairs = settled(wide, rule).pairs()
    assert pairs.loc["lost", ["by", "verdict"]].tolist() == ["failures", "worse"]
    p = reference.boschloo_exact([[10, 0], [0, 10]]).pvalue
    assert pairs.loc["lost", "p_adjusted"] == pytest.approx(2 * p / rule.looks[0].share)
    some = settled({**wide, "lost": [nan] * 4 + wide["base"][4:]}, rule)
    assert some.pairs().loc["lost", "verdict"] == "unresolved"
    assert some.unsettled == [("base", "lost")], "equal where both have a value is not equivalent"


def test_nothing_is_said_before_the_first_look():
    result = settled({label: values[:1] for label, values in RUNS.items()}, RULE)
    assert set(result.pairs()["verdict"]) == {"unresolved"}
    assert set(result.best) == set(RUNS)
    assert Record("base", 0, "completed").label in repr(result)
