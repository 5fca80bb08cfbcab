"""Finished runs read as if a rule had stopped them."""

import dataclasses
import math

import numpy as np
import pytest

from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.results.comparison import Comparison, Grid, load
from keras_initlab.results.stopping import GL, LargestWeightChange, Patience, Window
from keras_initlab.trials.record import Record
from tests.results import config, made_up_grid

EPOCHS, STEPS = 12, 10


def record(label, replicate, turn, status="completed"):
    """A validation loss that falls until epoch `turn` and rises after it."""
    loss = tuple(1.0 + 0.1 * abs(epoch - turn) for epoch in range(1, EPOCHS + 1))
    accuracy = tuple(2.0 - value for value in loss)
    steps = tuple(np.linspace(3, 1, EPOCHS * STEPS))
    if status == "diverged":
        steps, loss, accuracy = (*steps[:95], math.nan), loss[:9], accuracy[:9]
    epochs = {"loss": loss, "val_loss": loss, "val_accuracy": accuracy}
    return Record(label, replicate, status, "", steps, epochs, 12.0)


@pytest.fixture(scope="module")
def result():
    records = [record("a", r, 4 + r) for r in range(3)] + [record("b", r, 20) for r in range(2)]
    records.append(record("b", 2, 5, "diverged"))
    return Comparison(records, config(["a", "b"], replicates=3, epochs=EPOCHS, steps_per_epoch=STEPS))


def test_a_stopped_run_is_a_prefix(result):
    found = result.stopped(Patience(2))
    assert type(found) is Comparison
    assert found.runs["steps"].tolist() == [60, 70, 80, 120, 120, 70]
    for cut, whole in zip(found.records, result.records, strict=True):
        epochs = len(cut.epochs["val_loss"])
        assert cut.step_losses == whole.step_losses[: STEPS * epochs]
        assert cut.epochs == {name: values[:epochs] for name, values in whole.epochs.items()}
        assert cut.seconds == pytest.approx(whole.seconds * min(1, STEPS * epochs / len(whole.step_losses)))
    first = found.runs.iloc[0]
    assert first["final_val_loss"] == pytest.approx(1.2)
    assert first["best_val_loss"] == pytest.approx(1.0)
    assert first["message"] == ("Read as stopped after epoch 6 by Patience(patience=2).")


def test_a_run_that_is_stopped_before_it_diverges_has_completed(result):
    assert result.runs["status"].tolist()[-1] == "diverged"
    assert result.stopped(Patience(2)).runs["status"].tolist()[-1] == "completed"
    late = result.stopped(Patience(9))
    assert late.runs["status"].tolist()[-1] == "diverged"
    assert late.runs["steps"].tolist() == result.runs["steps"].tolist()


def test_larger_may_be_better(result):
    found = result.stopped(Patience(2), "val_accuracy")
    assert found.runs["steps"].tolist() == result.stopped(Patience(2)).runs["steps"].tolist()


def test_notes_say_which_rule_and_how_many_runs_it_stopped(result):
    text = repr(result.stopped(Window(2, 1e-3)))
    assert "Window(k=2, d=0.001) on val_loss stops 4 of 6 runs, after epochs" in " ".join(text.split())
    assert "prefixes of the runs that were trained" in " ".join(text.split())
    assert "stops none of 6 runs" in " ".join(repr(result.stopped(GL(99))).split())


def test_several_rules_are_levels_of_a_factor_whose_reference_is_none(result):
    found = result.stopped([Patience(2), GL(5)])
    assert isinstance(found, Grid)
    labels = ("none", "Patience(patience=2)", "GL(alpha=5)")
    assert found.factors == {"stopping": labels}
    whole = found.at(stopping="none")
    assert whole.runs.equals(result.runs)
    assert found.at(stopping=labels[1]).runs.equals(result.stopped(Patience(2)).runs)
    assert any("GL(alpha=5) on val_loss stops" in line for line in found.notes)
    effects = found.effects("stopping", "best_val_loss")
    assert effects.loc[("a", "GL(alpha=5)"), "difference"] == 0
    named = result.stopped({"early": Patience(2)})
    assert named.factors == {"stopping": ("none", "early")}


def test_a_grid_is_read_at_the_steps_of_each_cell():
    batches = {"32": {"value": 32, "steps_per_epoch": 10}, "64": {"value": 64, "steps_per_epoch": 5}}
    cells = [{"batch_size": "32"}, {"batch_size": "64"}]
    grid = made_up_grid(["a"], {"batch_size": batches}, 1, cells=cells)
    rule = Window(1, 10)
    one = grid.stopped(rule, "val_loss")
    assert one.runs["steps"].tolist() == [20, 10]
    both = grid.stopped([rule])
    assert both.factors == {"batch_size": ("32", "64"), "stopping": ("none", "Window(k=1, d=10)")}
    assert len(both.records) == 4
    assert len(both.config["cells"]) == 4


def test_what_is_read_is_saved_apart_from_what_was_trained(result, tmp_path):
    result.save(tmp_path / "all")
    found = result.stopped(Patience(2))
    assert not {run.name for run in found.records} & {run.name for run in result.records}
    found.save(tmp_path / "some")
    again = load(tmp_path / "some")
    assert type(again) is Comparison
    assert again.runs.equals(found.runs)
    assert repr(again) == repr(found)
    grid = result.stopped([Patience(2)])
    grid.save(tmp_path / "grid")
    assert load(tmp_path / "grid").runs.equals(grid.runs)


def test_the_largest_weight_change_needs_its_series(result):
    with pytest.raises(InputError, match="which these runs did not record"):
        result.stopped(LargestWeightChange(0.1))
    records = [
        dataclasses.replace(
            run,
            epochs={
                **run.epochs,
                "weight_change": tuple(0.5**epoch for epoch in range(len(run.epochs["loss"]))),
            },
        )
        for run in result.records
    ]
    found = Comparison(records, result.config).stopped(LargestWeightChange(0.1))
    assert found.runs["steps"].tolist() == [50] * 6
    assert "on weight_change stops 6 of 6 runs" in " ".join(repr(found).split())


def test_what_cannot_be_read_is_refused(result):
    with pytest.raises(UnknownNameError, match="Unknown metric 'val_los'"):
        result.stopped(Patience(2), "val_los")
    with pytest.raises(InputError, match="takes ratios of errors"):
        result.stopped(GL(), "val_accuracy")
    with pytest.raises(InputError, match="rule is 'early'"):
        result.stopped(["early"])
    with pytest.raises(InputError, match="give rules that differ"):
        result.stopped([GL(), GL()])
    with pytest.raises(InputError, match="give rules that differ"):
        result.stopped([])
    with pytest.raises(InputError, match="read by a rule already"):
        result.stopped(GL()).stopped(GL())
