"""Effects, interactions, rescue, tolerance and tuned levels of a grid, by hand."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.results import contrasts, families, stats
from keras_initlab.results.contrasts import UNCHANGED
from tests.results import SWITCH, TEN, made_up_grid, numbers

STARTS = ("he", "zeros", "x10")
RATES = numbers(1e-4, 1e-3, 1e-2, 1e-1)


def draw(*key):
    return np.random.default_rng([sum(map(ord, "".join(map(str, key)))), len(str(key))]).normal(0, 0.01)


def circles(key, replicate):
    """Zeros stay at chance, x10 is helped by .1, he by .02."""
    label, level = key[0], key[-1]
    if label == "zeros":
        return 0.5
    gain = {"x10": 0.1, "he": 0.02}[label] if level == "on" else 0.0
    return {"x10": 0.7, "he": 0.85}[label] + gain + draw(label, level, replicate)


@pytest.fixture(scope="module")
def grid():
    return made_up_grid(STARTS, {"batch_norm": SWITCH}, replicates=6, value=circles)


def values(grid, label, level):
    own = grid.runs[(grid.runs["initializer"] == label) & (grid.runs["batch_norm"] == level)]
    return own["final_val_accuracy"].to_numpy()


def test_effects_are_paired_t_tests_with_holm_over_the_frame(grid):
    frame = grid.effects("batch_norm")
    assert frame.index.tolist() == [(label, "on") for label in (families.ALL, *STARTS)]
    assert (frame["family"] == 4).all()
    row = frame.loc[("x10", "on")]
    reference = scipy_stats.ttest_rel(values(grid, "x10", "on"), values(grid, "x10", "off"))
    assert row["p"] == pytest.approx(reference.pvalue, rel=1e-9)
    assert (row["low"], row["high"]) == pytest.approx(tuple(reference.confidence_interval(0.95)))
    assert row["p_sign_flip"] == 2**-5
    assert (row["verdict"], row["n_values"], row["completed"], row["n_runs"]) == ("better", 6, 6, 6)
    mean = np.mean([values(grid, label, "on") - values(grid, label, "off") for label in STARTS], axis=0)
    assert frame.loc[(families.ALL, "on"), "difference"] == pytest.approx(mean.mean())
    assert frame.loc[(families.ALL, "on"), "sd"] == pytest.approx(mean.std(ddof=1))
    zeros = frame.loc[("zeros", "on")]
    assert (zeros["verdict"], zeros["p"], zeros["low"]) == (UNCHANGED, 1.0, 0.0)


def test_interactions_are_differences_of_effects_against_the_baseline(grid):
    frame = grid.interactions("initializer", "batch_norm")
    assert frame.index.tolist() == [("zeros", "on"), ("x10", "on")]
    effect = {label: values(grid, label, "on") - values(grid, label, "off") for label in STARTS}
    reference = scipy_stats.ttest_rel(effect["x10"], effect["he"])
    row = frame.loc[("x10", "on")]
    assert row["p"] == pytest.approx(reference.pvalue, rel=1e-9)
    assert (row["verdict"], row["reference"]) == ("better", "he, off")
    turned = grid.interactions("batch_norm", "initializer", baseline="x10")
    assert turned.index.tolist() == [("on", "he"), ("on", "zeros")]
    assert turned.loc[("on", "he"), "difference"] == pytest.approx(-row["difference"])
    assert grid.effects("batch_norm").loc[("he", "on"), "detectable"] > 0


def test_losses_are_compared_as_logarithms_and_smaller_is_better(grid):
    frame = grid.effects("batch_norm", "val_loss")
    row = frame.loc[("x10", "on")]
    losses = [np.log(1.2 - values(grid, "x10", level)) for level in ("on", "off")]
    assert row["difference"] == pytest.approx((losses[0] - losses[1]).mean())
    assert (row["scale"], row["verdict"]) == ("log", "better")
    linear = grid.effects("batch_norm", "val_loss", scale="linear").loc[("x10", "on")]
    assert linear["difference"] == pytest.approx(-(0.1), abs=0.02)
    ranked = grid.effects("batch_norm", scale="rank").loc[("x10", "on")]
    assert (ranked["scale"], ranked["difference"], ranked["p"]) == ("rank", -1.0, 2**-5)


def test_a_lost_run_leaves_its_contrast_unresolved_and_the_counts_speak():
    lost = {("x10", "off"): 6, ("he", "on"): 1}
    grid = made_up_grid(STARTS, replicates=6, value=circles, lost=lost)
    frame = grid.effects("batch_norm")
    x10 = frame.loc[("x10", "on")]
    assert (x10["n"], x10["n_values"], x10["verdict"]) == (6, 0, "unresolved")
    assert (x10["completed"], x10["completed_reference"], x10["n_runs"]) == (6, 0, 6)
    expected = scipy_stats.boschloo_exact([[6, 0], [0, 6]]).pvalue
    assert x10["p_completed"] == pytest.approx(expected)
    he = frame.loc[("he", "on")]
    assert (he["n"], he["n_values"], he["verdict"]) == (6, 5, "unresolved")
    assert math.isfinite(he["difference"])
    everywhere = frame.loc[(families.ALL, "on")]
    assert (everywhere["n_values"], everywhere["verdict"]) == (0, "unresolved")
    ranked = grid.effects("batch_norm", scale="rank").loc[("x10", "on")]
    assert (ranked["n_values"], ranked["verdict"]) == (6, "better")
    rescue = grid.rescue("batch_norm", "x10", "he", margin=0.2).loc["on"]
    assert (rescue["verdict"], rescue["completed"]) == ("not shown", 6)


@pytest.mark.parametrize(
    ("bad", "good", "margin", "verdict"),
    [
        ("x10", "he", 0.1, "rescued"),
        ("x10", "he", 0.01, "helped"),
        ("x10", "he", None, "helped"),
        ("zeros", "he", 0.1, UNCHANGED),
        ("he", "zeros", 0.1, "rescued"),
    ],
)
def test_a_rescue_takes_three_intervals(grid, bad, good, margin, verdict):
    row = grid.rescue("batch_norm", bad, good, margin).loc["on"]
    assert row["verdict"] == verdict
    gap = values(grid, bad, "on") - values(grid, good, "off")
    low, high = scipy_stats.ttest_1samp(gap, 0).confidence_interval(0.95)
    assert (row["gap_low"], row["gap_high"]) == pytest.approx((low, high))
    losses = grid.rescue("batch_norm", bad, good, margin, metric="val_loss").loc["on"]
    assert math.copysign(1, losses["bad"]) == math.copysign(1, row["bad"])


def test_a_remedy_that_hurts_is_said_to_and_levels_share_the_confidence():
    grid = made_up_grid(
        STARTS[:2],
        {"noise": numbers(0, 1, 2)},
        6,
        value=lambda key, r: 0.9 - 0.1 * int(key[1]) + draw(*key, r),
    )
    frame = grid.rescue("noise", "zeros", "he", 0.5)
    assert frame["verdict"].tolist() == ["hurt", "hurt"]
    own = grid.runs.pivot(columns=["initializer", "noise"], index="replicate", values="final_val_accuracy")
    difference = own["zeros"]["1"] - own["zeros"]["0"]
    edges = scipy_stats.ttest_1samp(difference, 0).confidence_interval(0.975)
    assert (frame.loc["1", "bad_low"], frame.loc["1", "bad_high"]) == pytest.approx(tuple(edges))


def test_power_doubles_for_an_interaction(grid):
    effects = grid.power(0.02, grid.effects("batch_norm"))
    assert math.isnan(effects.loc[("zeros", "on"), "detectable"])
    one = grid.effects("batch_norm").loc[["he"]].assign(sd=0.02, family=1)
    other = one.assign(sd=0.02 * math.sqrt(2))
    assert grid.power(0.02, one)["replicates"].item() == 10
    assert grid.power(0.02, other)["replicates"].item() == 18
    family = grid.power(0.02, one.assign(family=4))
    assert family["replicates"].item() == stats.replicates_needed(1.0, alpha=0.05 / 4) > 10
    assert family["detectable"].item() == pytest.approx(0.02 * stats.detectable_effect(6, alpha=0.05 / 4))


def bell(key, replicate):
    """A parabola over log10 of the rate, 2 decades wide for zeros at .02 below its top."""
    wide = {"he": 2.0, "zeros": 1.0}[key[0]]
    place = math.log10(float(key[1])) + 2.5 + draw(key[0], replicate)
    return 0.9 - 0.02 * (place / wide) ** 2


@pytest.fixture(scope="module")
def rates():
    fine = numbers(*(10 ** (-6 + step / 10) for step in range(61)))
    return made_up_grid(STARTS[:2], {"learning_rate": fine}, replicates=4, value=bell)


def test_tolerance_is_the_width_of_the_curve_in_decades(rates):
    frame = rates.tolerance("learning_rate", within=0.02)
    assert frame.index.tolist() == ["he", "zeros"]
    assert frame["decades"].tolist() == pytest.approx([4.0, 2.0], abs=0.02)
    assert frame["of"].tolist() == pytest.approx([6, 6])
    assert frame["at_least"].tolist() == [0, 0]
    assert (frame["completed"] == 61).all()
    pairs = rates.tolerance_pairs("learning_rate", within=0.02)
    assert pairs.loc[("he", "zeros"), "verdict"] == "wider"
    assert pairs.loc[("he", "zeros"), "difference"] == pytest.approx(2, abs=0.03)
    wide = rates.tolerance("learning_rate", within=1)
    assert wide["at_least"].tolist() == [4, 4]
    assert wide["decades"].tolist() == [pytest.approx(6)] * 2
    assert rates.tolerance_pairs("learning_rate", within=1)["verdict"].item() == UNCHANGED


def test_tolerance_is_measured_from_the_best_of_all_cells_and_ends_at_lost_runs():
    grid = made_up_grid(
        STARTS[:2],
        {"learning_rate": RATES},
        3,
        value=lambda key, r: 0.9 if key[0] == "he" else 0.8,
        lost={("he", "0.1"): 3},
    )
    frame = grid.tolerance("learning_rate")
    assert frame.loc["he", ["decades", "at_least", "completed"]].tolist() == [2.0, 3, 3.0]
    assert frame.loc["zeros", ["decades", "completed"]].tolist() == [0.0, 4.0]


def test_tuned_chooses_on_the_others_and_judges_on_each(rates):
    frame = rates.tuned("learning_rate")
    assert frame.loc["he", "verdict"] == "baseline"
    assert (frame["chosen_in"] <= frame["n"]).all()
    assert abs(float(frame.loc["zeros", "chosen"]) - 10**-2.5) < 0.001
    assert (frame["flattery"] >= 0).all()
    assert frame.loc["zeros", "low"] <= 0 <= frame.loc["zeros", "high"]
    better = made_up_grid(
        STARTS[:2],
        {"learning_rate": RATES},
        5,
        value=lambda key, r: (key[0] == "zeros") * 0.2 + bell(key, r) - 0.3,
    )
    frame = better.tuned("learning_rate")
    assert frame.index[0] == "zeros"
    assert frame.loc["zeros", "verdict"] == "better"
    assert frame.loc["zeros", "low"] < 0.196 < frame.loc["zeros", "high"]
    losses = better.tuned("learning_rate", "val_loss").loc["zeros"]
    assert losses["verdict"] == "better"
    assert losses["low"] < losses["difference"] < losses["high"] < 0


def test_means_of_tuned_starts_are_not_flattered():
    def noise(key, replicate):
        seed = [STARTS.index(key[0]), list(RATES).index(key[1]), replicate]
        return 0.5 + np.random.default_rng(seed).normal(0, 0.01)

    grid = made_up_grid(STARTS[:2], {"learning_rate": RATES}, 6, value=noise)
    frame = grid.tuned("learning_rate")
    assert (frame["flattery"] > 0.002).all()
    for place, label in enumerate(STARTS[:2]):
        own = grid.values().values[place * 4 : place * 4 + 4]
        here, chosen = contrasts.tuned(own)
        row = frame.loc[label]
        assert row["mean"] == pytest.approx(here.mean())
        assert row["flattery"] == pytest.approx(own.mean(axis=1).max() - here.mean())
        assert row["chosen_in"] == np.bincount(chosen).max()
    assert frame.loc["zeros", "verdict"] == "unresolved"


def test_what_cannot_be_asked_is_refused(grid, rates):
    with pytest.raises(UnknownNameError, match=r"Unknown factor 'batch_nrm'\. Did you mean 'batch_norm'"):
        grid.effects("batch_nrm")
    with pytest.raises(InputError, match="one and other are both 'batch_norm'"):
        grid.interactions("batch_norm", "batch_norm")
    with pytest.raises(UnknownNameError, match=r"Unknown bad 'zero'\. Did you mean 'zeros'"):
        grid.rescue("batch_norm", "zero", "he")
    with pytest.raises(InputError, match="bad and good are both 'he'"):
        grid.rescue("batch_norm", "he", "he")
    with pytest.raises(InputError, match="margin must be positive, got -1"):
        grid.rescue("batch_norm", "zeros", "he", -1)
    with pytest.raises(InputError, match="has the level 'on', which is no number"):
        grid.tolerance("batch_norm")
    with pytest.raises(InputError, match="no place on a logarithmic axis"):
        made_up_grid(TEN[:2], {"noise": numbers(0, 1)}).tolerance("noise")
    with pytest.raises(InputError, match="within must be positive, got 0"):
        rates.tolerance("learning_rate", within=0)
    with pytest.raises(UnknownNameError, match="Unknown scale 'logs'"):
        grid.effects("batch_norm", scale="logs")
    with pytest.raises(InputError, match="takes positive values"):
        made_up_grid(TEN[:1], value=lambda key, r: -0.1).effects("batch_norm", scale="log")
    with pytest.raises(InputError, match="at least 3 replicates"):
        made_up_grid(TEN[:2], replicates=2).tuned("batch_norm")
    with pytest.raises(InputError, match="confidence must lie between"):
        grid.effects("batch_norm", confidence=1.5)
