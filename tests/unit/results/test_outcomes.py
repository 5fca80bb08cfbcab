"""How initializers compare: power, wins."""

import math

import numpy as np
import pandas as pd
import pytest

from keras_initlab.core.errors import InputError
from keras_initlab.results import stats
from tests.results import TEN, made_up, tiny

NAN = math.nan


def test_power_uses_the_paired_sd_that_was_observed():
    base = np.array([0.90, 0.92, 0.94, 0.93, 0.91])
    ours = base + np.array([0.001, 0.003, 0.002, 0.004, 0.0])
    row = tiny({"base": base, "ours": ours}).power(0.002, "base").loc["ours"]
    sd = np.std(ours - base, ddof=1)
    assert row["sd"] == pytest.approx(sd)
    assert row["replicates"] == stats.replicates_needed(0.002 / sd)
    assert stats.achieved_power(5, row["detectable"] / sd) == pytest.approx(0.8)


def test_power_pays_for_the_size_of_the_family():
    base = np.array([0.90, 0.92, 0.94, 0.93])
    ours = base + np.array([0.001, 0.003, 0.002, 0.004])
    two = tiny({"base": base, "ours": ours}).power(0.002, "base").loc["ours"]
    four = tiny({"base": base, "ours": ours, "c": ours, "d": ours}).power(0.002, "base").loc["ours"]
    assert four["replicates"] > two["replicates"]
    assert four["detectable"] > two["detectable"]


def test_power_holds_for_the_verdict():
    """The predicted number of replicates, simulated through `pairs` in a family of three."""
    sd, difference = 0.003, 0.004
    needed = stats.replicates_needed(difference / sd, 0.8, stats.ALPHA / 2)
    generator = np.random.default_rng(4)
    repetitions, found = 400, 0
    for _ in range(repetitions):
        base = generator.normal(0.9, 0.01, needed)
        noise = generator.normal(0, sd, (2, needed))
        values = {"base": base, "better": base + difference + noise[0], "same": base + noise[1]}
        found += tiny(values).pairs("base").loc["better", "verdict"] == "better"
    assert found / repetitions == pytest.approx(
        stats.achieved_power(needed, difference / sd, 0.025), abs=0.05
    )


def test_power_is_missing_where_the_runs_give_no_spread():
    frame = tiny({"a": [0.9, 0.91], "same": [0.9, 0.91], "lost": [NAN, 0.9]}).power(0.01, "a")
    assert frame["replicates"].isna().all()
    assert frame["detectable"].isna().all()


def test_the_summary_says_what_could_have_been_seen():
    result = made_up(TEN[:3])
    summary, power = result.summary(), result.power(0.01)
    assert summary.loc["he_normal", "detectable"] == power.loc["he_normal", "detectable"]
    assert math.isnan(summary.loc["glorot_uniform", "detectable"])
    assert "80 % chance to find is" in " ".join(repr(result).split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"difference": 0}, "difference must be positive, got 0"),
        ({"difference": 0.1, "power": 1}, "power must lie between 0 and 1, got 1"),
        ({"difference": 0.1, "baseline": "he_norml"}, "Did you mean 'he_normal'?"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(InputError) as caught:
        made_up(TEN[:2]).power(**arguments)
    assert message in str(caught.value)


def test_wins_count_ties_as_half_and_lost_runs_as_defeats():
    wins = tiny({"a": [0.9, 0.9, NAN], "b": [0.8, 0.9, 0.1]}).wins()
    expected = pd.DataFrame([[NAN, 0.5], [0.5, NAN]], index=["a", "b"], columns=["a", "b"])
    pd.testing.assert_frame_equal(wins, expected)
