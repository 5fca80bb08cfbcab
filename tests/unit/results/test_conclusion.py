"""What is said in words never contradicts the table beside it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_initlab.results import conclusion
from keras_initlab.results.comparison import Comparison
from keras_initlab.results.labels import short_labels
from keras_initlab.trials.record import Record
from tests.results import TEN, config, made_up, tiny

NAN = math.nan


@st.composite
def comparisons(draw):
    """Any few initializers: close or far, steady or noisy, some runs lost, stuck or not run at all."""
    count, replicates = draw(st.integers(2, 7)), draw(st.integers(1, 8))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    up = draw(st.booleans())
    metric = "val_accuracy" if up else "val_loss"
    labels = [f"l{index}" for index in range(count)]
    records = []
    for label in labels:
        middle, spread = generator.choice([0.5, 0.52, 0.6, 0.9]), generator.choice([0, 0.001, 0.02, 0.3])
        lost, absent = generator.choice([0, 0, 0.2, 1.0]), generator.choice([0, 0, 0, 0.3])
        for replicate in range(replicates):
            fate = generator.random(2)
            value = middle + spread * generator.normal()
            if fate[0] < lost / 2:
                records.append(Record(label, replicate, "diverged", step_losses=(NAN,)))
            elif fate[1] >= absent:
                end = (0.1 if up else 2.3) if fate[0] < lost else value
                records.append(Record(label, replicate, "completed", epochs={metric: (end,)}))
    level = {"val_accuracy": 0.12} if up else {"val_loss": 2.2}
    return Comparison(records, config(labels, chance=level, baseline=draw(st.sampled_from(labels))))


@settings(max_examples=60, deadline=None)
@given(comparisons())
def test_sentence_table_pairs_and_best_never_contradict_each_other(result):
    repr(result)
    table = result.summary()
    if table.empty:
        return
    said = conclusion.conclude(result)
    everyone = [*said.leaders, *said.open, *said.beaten]
    assert sorted(everyone) == sorted(table.index)
    assert {*said.leaders, *said.open} == result.best
    ranks = table["rank"]
    if said.beaten:
        assert ranks[list(said.leaders)].max() < ranks[list(said.beaten)].min() or len(said.leaders) == 1
    pairs = result.pairs()
    if pairs.empty or result.baseline not in table.index:
        return
    worse, better = (set(pairs.index[pairs["verdict"] == verdict]) for verdict in ("worse", "better"))
    assert worse <= set(said.beaten)
    assert not better or result.baseline in said.beaten
    told = pairs["verdict"].isin(["better", "worse"])
    excludes = (pairs["low"] > 0) | (pairs["high"] < 0)
    assert (told == (excludes | (told & (pairs["by"] == "failures")))).all()
    assert ((pairs["p_adjusted"] < 0.05) == told).all()
    assert not (excludes & (pairs["by"] == "failures")).any()


def steady(middle, spread=0.002, n=5, seed=0):
    return middle + spread * np.random.default_rng(seed).permutation(np.linspace(-1, 1, n))


def test_a_noisy_straggler_is_not_called_a_leader():
    """`initlab compare --data mnist --replicates 3`: rank 8 of 10 with 0.72 ±0.30 "may be best"."""
    result = tiny(
        {
            "a": steady(0.96),
            "b": steady(0.961, seed=1),
            "c": steady(0.90, seed=2),
            "noisy": steady(0.72, 0.4, seed=3),
        }
    )
    said = conclusion.conclude(result)
    assert (said.leaders, said.open, said.beaten) == (("b", "a"), {"noisy": "too noisy"}, ("c",))
    assert (
        "b or a may be best on final val_accuracy; behind, but not ruled out: noisy (too noisy); the other"
        in (conclusion.sentence(result))
    )


def test_who_lost_runs_is_not_ruled_out_and_it_is_said_why():
    values = {"a": steady(0.96), "b": steady(0.5, seed=1), "c": [0.99, 0.99, NAN, 0.98, 0.99]}
    assert conclusion.conclude(tiny(values)).open == {"c": "1 of 5 diverged"}


def test_the_headline_says_which_counts_are_unequal():
    """After Ctrl-C."""
    result = made_up(TEN[:3], replicates=4)
    kept = [run for run in result.records if run.label != TEN[2] or run.replicate < 1]
    assert f"4 replicates (fewer: {TEN[2]} 1)" in conclusion.sentence(Comparison(kept, result.config))
    assert "fewer" not in conclusion.sentence(result)


def test_long_labels_that_look_alike_are_numbered_in_sentences_as_in_the_table():
    """A scheme's arguments in the middle of its label, where a short one leaves out."""
    names = [f"VarianceScaling(scale={scale}, mode=fan_in, distribution=normal)" for scale in (1, 2, 3, 4)]
    rates = (0.6, 0.9, 0.9001, 0.8)
    values = {
        name: steady(rate, seed=seed) for seed, (name, rate) in enumerate(zip(names, rates, strict=True))
    }
    result = tiny(values, baseline=names[0])
    kept = [run for run in result.records if (run.label, run.replicate) != (names[3], 4)]
    result = Comparison(kept, result.config)
    shown = short_labels(result.summary().index)
    assert [text[-3:] for text in shown.values()] == ["al)", "(2)", "(3)", "(4)"]
    text = " ".join([conclusion.sentence(result), *conclusion.notes(result)])
    assert f"(fewer: {shown[names[3]]} 4) {shown[names[2]]} or {shown[names[1]]} may be best" in text
    assert f"against {shown[names[0]]}, by" in text


@pytest.mark.parametrize(
    "name", ["±:", "early:", "target:", "verdict: against glorot_uniform,", "diverged: 1 of 50"]
)
def test_every_column_is_explained_under_the_table(name):
    result = made_up(TEN, diverged={TEN[4]: 1})
    assert sum(line.startswith(name) for line in conclusion.notes(result)) == 1
    assert name in repr(result)
    assert name in result._repr_html_()


def test_pairs_of_very_unequal_spread_or_with_an_outlier_are_named():
    values = {
        "glorot_uniform": steady(0.96, n=12),
        "wild": steady(0.7, 0.2, 12, 1),
        "like": steady(0.95, n=12),
    }
    assert "stands out: wild against glorot_uniform" in " ".join(repr(tiny(values)).split())


def test_how_many_replicates_would_settle_it_is_said_where_it_can_be_guessed():
    generator = np.random.default_rng(0)
    values = {
        "glorot_uniform": list(0.9 + 0.01 * generator.normal(size=8)),
        "near": list(0.911 + 0.01 * generator.normal(size=8)),
        "far": list(0.1 + 0.01 * generator.normal(size=8)),
    }
    found = tiny(values)
    said = conclusion.outlook(found)
    needed = found.power(abs(found.pairs().loc["near", "difference"])).loc["near", "replicates"]
    assert f"{int(needed)} replicates would settle what is open against glorot_uniform" in said
    assert "far" not in said
    assert conclusion.outlook(tiny({label: row[:1] for label, row in values.items()})) == ""
