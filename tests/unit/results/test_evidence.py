"""What records say: frames, ranking, pairs, and who may be best."""

import math
import random

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from keras_initlab.results import tables
from keras_initlab.results.comparison import Comparison
from keras_initlab.trials.record import Record
from tests.results import TEN, config, made_up, tiny

NAN = math.nan


def one_run(losses, status="completed", **changes):
    record = Record("a", 0, status, step_losses=tuple(losses))
    return Comparison([record], config(["a"], **changes)).runs.iloc[0]


def test_runs_has_one_row_per_run_with_final_and_best_metrics():
    record = Record(
        "a", 2, "completed", "", (3.0, 1.0), {"val_accuracy": (0.5, 0.9, 0.8), "val_loss": (3.0, 1.0, 2.0)}
    )
    row = Comparison([record], config(["a"])).runs.iloc[0]
    assert (row["initializer"], row["replicate"], row["status"], row["steps"]) == ("a", 2, "completed", 2)
    assert (row["final_val_accuracy"], row["best_val_accuracy"]) == (0.8, 0.9)
    assert (row["final_val_loss"], row["best_val_loss"]) == (2.0, 1.0)
    assert row["first_100"] == 2.0


def test_a_run_that_diverged_has_no_final_metric_and_keeps_what_it_reached():
    record = Record("a", 0, "diverged", step_losses=(1.0, NAN), epochs={"val_accuracy": (0.5, 0.7)})
    row = Comparison([record], config(["a"])).runs.iloc[0]
    assert math.isnan(row["final_val_accuracy"])
    assert row["best_val_accuracy"] == 0.7


@pytest.mark.parametrize("value", [NAN, math.inf])
def test_a_run_whose_last_value_is_not_finite_has_diverged_though_every_step_was(value):
    """As where the last update of an epoch blows the weights up: only the validation meets them."""
    epochs = {"loss": (1.0, 0.5), "val_loss": (0.9, value), "val_accuracy": (0.6, 0.1)}
    record = Record("a", 0, "completed", step_losses=(1.0, 0.5), epochs=epochs)
    result = Comparison([record], config(["a"], chance={"val_accuracy": 0.12}))
    row = result.runs.iloc[0]
    assert row["status"] == "diverged"
    assert "A value after the last epoch is not finite" in row["message"]
    assert math.isnan(row["final_val_loss"])
    assert math.isnan(row["final_val_accuracy"])
    assert (row["best_val_loss"], row["best_val_accuracy"]) == (0.9, 0.6)
    assert result.summary().loc["a", ["diverged", "stuck"]].tolist() == [1, 0]
    healed = Record("a", 0, "completed", epochs={"val_loss": (value, 0.5)})
    assert Comparison([healed], config(["a"])).runs.iloc[0]["status"] == "completed"


def test_first_100_leaves_out_later_steps_and_divergence():
    assert one_run([2.0] * 100 + [9.0] * 50)["first_100"] == 2.0
    assert one_run([2.0] * 100 + [NAN], "diverged")["first_100"] == 2.0
    assert math.isnan(one_run([2.0] * 99 + [NAN], "diverged")["first_100"])
    assert math.isnan(one_run([], "failed")["first_100"])


def test_the_target_is_reached_by_the_mean_of_the_last_ten_losses():
    losses = [2.0] * 10 + [1.0] * 10
    assert one_run(losses, target_loss=1.5)["steps_to_target"] == 15
    assert one_run(losses, target_loss=2.0)["steps_to_target"] == 10
    assert math.isnan(one_run(losses, target_loss=0.99)["steps_to_target"])
    assert math.isnan(one_run([0.0] * 9, target_loss=1.0)["steps_to_target"])
    assert math.isnan(one_run([2.0] * 12 + [NAN], "diverged", target_loss=1.5)["steps_to_target"])


def test_a_huge_first_loss_leaves_no_rounding_in_later_means():
    losses = [1e20] + [0.25] * 30
    assert one_run(losses, target_loss=0.25)["steps_to_target"] == 11
    np.testing.assert_array_equal(tables.running_loss(losses)[1:], 0.25)


def test_the_default_target_is_half_way_from_the_start_to_the_best():
    fast = Record("a", 0, "completed", step_losses=(4.0,) * 10 + (1.0,) * 10)
    slow = Record("b", 0, "completed", step_losses=(4.0,) * 20)
    assert tables.default_target([fast, slow]) == 2.0
    negative = Record("a", 0, "completed", step_losses=(4.0,) * 10 + (-2.0,) * 10)
    assert tables.default_target([negative]) == 1.0
    assert math.isnan(tables.default_target([Record("a", 0, "completed", step_losses=(1.0,))]))
    assert tables.default_target([Record("a", 0, "completed", step_losses=tuple(range(1, 21)))]) == 5.5


def test_curves_hold_every_step_and_every_epoch():
    record = Record(
        "a", 1, "completed", "", (3.0, 2.0, 1.0, 0.5), {"loss": (2.5, 0.75), "val_loss": (2.0, 1.0)}
    )
    curves = Comparison([record], config(["a"], steps_per_epoch=2)).curves
    assert list(curves.columns) == ["initializer", "replicate", "step", "epoch", "split", "metric", "value"]
    batch = curves[curves["split"] == "batch"]
    assert batch["step"].tolist() == [1, 2, 3, 4]
    assert batch["epoch"].tolist() == [1, 1, 2, 2]
    assert batch["value"].tolist() == [3.0, 2.0, 1.0, 0.5]
    validation = curves[curves["split"] == "validation"]
    assert validation[["step", "epoch", "metric", "value"]].values.tolist() == [
        [2, 1, "loss", 2.0],
        [4, 2, "loss", 1.0],
    ]
    assert set(curves["initializer"]) == {"a"}
    assert set(curves["replicate"]) == {1}


def test_histories_are_shaped_like_those_of_keras():
    result = made_up(TEN[:2], replicates=2)
    history = result.histories["he_normal", 1]
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert isinstance(history["loss"], list)
    assert len(history["loss"]) == 2


@pytest.mark.parametrize(
    ("epochs", "directions", "expected"),
    [
        (["loss", "accuracy", "val_loss", "val_accuracy"], {"accuracy": "up"}, "val_accuracy"),
        (["loss", "accuracy"], {"accuracy": "up"}, "accuracy"),
        (["loss", "mystery", "val_loss", "val_mystery"], {"mystery": None}, "val_loss"),
        (["loss"], {}, "loss"),
        ([], {}, "first_100"),
    ],
)
def test_the_metric_that_ranks(epochs, directions, expected):
    record = Record("a", 0, "completed", step_losses=(1.0,), epochs=dict.fromkeys(epochs, (1.0,)))
    assert Comparison([record], config(["a"], directions=directions)).metric == expected


def test_summary_ranks_by_the_mean_in_the_metrics_direction():
    result = tiny({"low": [0.1, 0.2], "high": [0.8, 0.9], "middle": [0.5, 0.6]})
    summary = result.summary()
    assert list(summary.index) == ["high", "middle", "low"]
    assert summary["rank"].tolist() == [1, 2, 3]
    assert list(result.summary("first_100").index) == ["low", "high", "middle"]  # a tie keeps the given order
    expected = scipy_stats.ttest_1samp([0.8, 0.9], 0).confidence_interval(0.95)
    row = summary.loc["high"]
    assert (row["val_accuracy_low"], row["val_accuracy_high"]) == pytest.approx((expected.low, expected.high))


def test_unfinished_runs_are_counted_ranked_last_and_never_averaged():
    result = made_up(TEN, diverged={"he_normal": 2, "ones": 5}, failed={"glorot_uniform": 1})
    summary = result.summary()
    assert list(summary.index)[-3:] == ["glorot_uniform", "he_normal", "ones"]
    assert summary.loc["he_normal", ["n", "diverged", "failed"]].tolist() == [5, 2, 0]
    assert summary.loc["glorot_uniform", ["n", "diverged", "failed"]].tolist() == [5, 0, 1]
    finished = result.runs.query("initializer == 'he_normal' and status == 'completed'")
    assert len(finished) == 3
    assert summary.loc["he_normal", "val_accuracy_mean"] == pytest.approx(
        finished["final_val_accuracy"].mean()
    )
    assert math.isnan(summary.loc["ones", "val_accuracy_mean"])
    assert len(result.runs) == 50
    assert result.runs.query("status == 'diverged'")["message"].str.contains("step 61").all()


def test_a_run_that_never_reaches_the_target_is_censored_not_dropped():
    reach, never = (2.0,) * 10 + (1.0,) * 10, (2.0,) * 20
    records = [Record("a", r, "completed", step_losses=reach if r < 2 else never) for r in range(3)]
    records += [Record("b", r, "completed", step_losses=never) for r in range(3)]
    row = (
        Comparison(records, config(["a", "b"], target_loss=1.5, epochs=1, steps_per_epoch=20))
        .summary()
        .loc["a"]
    )
    assert row["reached_target"] == 2
    assert row["steps_to_target_median"] == 15
    assert row["steps_to_target_mean"] == pytest.approx((15 + 15 + 20) / 3)
    other = (
        Comparison(records, config(["a", "b"], target_loss=1.5, epochs=1, steps_per_epoch=20))
        .summary()
        .loc["b"]
    )
    assert (other["reached_target"], other["steps_to_target_mean"]) == (0, 20)
    assert math.isnan(other["steps_to_target_median"])


def test_censored_runs_are_later_than_all_others_in_median_and_interquartile_mean():
    def steps(reached):
        losses = [(2.0,) * (10 + r) + (0.0,) * (20 - r) if r < reached else (2.0,) * 30 for r in range(12)]
        records = [Record("a", r, "completed", step_losses=own) for r, own in enumerate(losses)]
        return (
            Comparison(records, config(["a"], target_loss=0.1, epochs=1, steps_per_epoch=30))
            .summary()
            .loc["a"]
        )

    most, half = steps(10), steps(6)
    assert most["steps_to_target_median"] == 25.5
    assert most["steps_to_target_iqm"] == np.mean(range(23, 29))
    assert math.isnan(half["steps_to_target_median"])
    assert math.isnan(half["steps_to_target_iqm"])
    assert half["steps_to_target_mean"] == pytest.approx((sum(range(20, 26)) + 6 * 30) / 12)


def test_the_order_of_records_never_matters():
    result = made_up(TEN, diverged={"ones": 2})
    shuffled = list(result.records)
    random.Random(1).shuffle(shuffled)
    again = Comparison(shuffled, result.config)
    for frame in ("runs", "curves"):
        pd.testing.assert_frame_equal(getattr(again, frame), getattr(result, frame))
    pd.testing.assert_frame_equal(again.summary(), result.summary())
    pd.testing.assert_frame_equal(again.pairs(), result.pairs())
    assert (repr(again), again.best, again.histories) == (repr(result), result.best, result.histories)


def test_pairs_hold_replicate_against_replicate():
    ours, theirs = [0.91, 0.95, 0.93, 0.97], [0.90, 0.93, 0.925, 0.95]
    pairs = tiny({"ours": ours, "theirs": theirs}).pairs(baseline="theirs")
    row = pairs.loc["ours"]
    expected = scipy_stats.ttest_rel(ours, theirs)
    interval = expected.confidence_interval(0.95)
    assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
    assert row["difference"] == pytest.approx(np.mean(ours) - np.mean(theirs))
    assert row["p_adjusted"] == pytest.approx(expected.pvalue)
    assert (row["win"], row["p_sign_flip"], row["verdict"]) == (1.0, 0.125, "better")
    mirrored = tiny({"ours": ours, "theirs": theirs}).pairs(baseline="ours").loc["theirs"]
    assert (mirrored["difference"], mirrored["verdict"]) == (pytest.approx(-row["difference"]), "worse")


def test_better_follows_the_direction_of_the_metric():
    result = made_up(TEN[:3])
    assert result.pairs("glorot_uniform", "val_accuracy").loc["he_normal", "verdict"] == "better"
    row = result.pairs("glorot_uniform", "first_100").loc["he_normal"]
    assert (row["difference"] < 0, row["verdict"]) == (True, "better")
    assert row["low"] < row["difference"] < row["high"] < 0


def test_pairs_adjust_for_the_size_of_the_family():
    generator = np.random.default_rng(0)
    values = {"base": generator.normal(0.9, 0.01, 6)}
    values |= {f"a{i}": values["base"] + generator.normal(0.004, 0.004, 6) for i in range(8)}
    few = tiny({label: values[label] for label in ("base", "a0")}).pairs("base")
    many = tiny(values).pairs("base")
    assert many.loc["a0", "p_adjusted"] == pytest.approx(8 * few.loc["a0", "p_adjusted"])
    assert many.loc["a0", "high"] - many.loc["a0", "low"] > few.loc["a0", "high"] - few.loc["a0", "low"]


def test_pairs_with_a_margin_can_be_equivalent():
    ours, theirs = [0.9001, 0.9002, 0.9, 0.9001], [0.9, 0.9001, 0.9001, 0.9]
    result = tiny({"ours": ours, "theirs": theirs})
    assert result.pairs("theirs").loc["ours", "verdict"] == "unresolved"
    assert result.pairs("theirs", margin=0.01).loc["ours", "verdict"] == "equivalent"


def test_pairs_with_diverged_runs_claim_no_interval_over_nan():
    row = tiny({"a": [0.9, NAN, 0.92], "b": [0.8, 0.81, 0.83]}).pairs("b").loc["a"]
    assert (row["n"], row["n_values"]) == (3, 2)
    assert row["difference"] == pytest.approx(np.mean([0.1, 0.09]))
    assert row["win"] == pytest.approx(2 / 3)
    assert math.isnan(row["p_sign_flip"])
    assert row["verdict"] == "unresolved"


def test_pairs_are_the_replicates_that_both_ran():
    result = made_up(TEN[:3], replicates=3)
    partial = Comparison(
        [run for run in result.records if (run.label, run.replicate) != (TEN[2], 2)], result.config
    )
    assert partial.pairs()["n"].tolist() == [3, 2]
    assert partial.summary()["n"].tolist() == [3, 3, 2]


def test_best_is_whom_nobody_was_shown_to_beat():
    generator = np.random.default_rng(1)
    base = generator.normal(0.9, 0.01, 8)
    result = tiny(
        {
            "top": base,
            "near": base + generator.normal(0, 0.002, 8),
            "far": base - 0.1 + generator.normal(0, 0.002, 8),
        }
    )
    assert result.best == {"top", "near"}
    assert set(result.best.beaten_by) == {"far"}
    assert set(result.best.beaten_by["far"]) == {"top", "near"}


@pytest.mark.parametrize(
    ("labels", "configured", "expected"),
    [
        (["a", "glorot_uniform"], None, "glorot_uniform"),
        (["a", "b"], None, "a"),
        (["a", "b", "glorot_uniform"], "b", "b"),
    ],
)
def test_the_baseline(labels, configured, expected):
    assert tiny({label: [0.5] for label in labels}, baseline=configured).baseline == expected


def test_the_baseline_is_known_by_its_law_under_any_label():
    labels = {"mine": {"class_name": "HeNormal"}, "usual": {"class_name": "GlorotUniform", "config": {}}}
    assert Comparison([], config(["mine"]) | {"labels": labels}).baseline == "usual"
