"""A grid: its frames, the comparison at fixed levels, and what it refuses."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.results.comparison import Comparison, Grid, load
from tests.results import SWITCH, TEN, config, made_up, made_up_grid, numbers

RATES = numbers(1e-4, 1e-3, 1e-2)
BATCHES = {"32": {"value": 32, "steps_per_epoch": 10}, "64": {"value": 64, "steps_per_epoch": 5}}


@pytest.fixture(scope="module")
def grid():
    return made_up_grid(TEN[:3], {"learning_rate": RATES, "batch_norm": SWITCH}, replicates=3)


def test_frames_have_a_column_for_each_factor_after_the_initializer(grid):
    assert grid.factors == {"learning_rate": ("0.0001", "0.001", "0.01"), "batch_norm": ("off", "on")}
    plain = made_up(TEN[:3])
    for frame, known in ((grid.runs, plain.runs), (grid.curves, plain.curves)):
        columns = list(frame.columns)
        assert columns[:3] == ["initializer", "learning_rate", "batch_norm"]
        without = [name for name in columns if name not in grid.factors]
        assert set(without) <= set(known.columns)
        assert without[:2] == ["initializer", "replicate"]
    assert len(grid.runs) == 3 * 6 * 3
    row = grid.runs.iloc[5]
    record = grid.records[5]
    assert (row["initializer"], row["replicate"]) == (record.label, record.replicate)
    assert {name: row[name] for name in grid.factors} == record.levels
    assert row["final_val_accuracy"] == record.epochs["val_accuracy"][-1]


def test_a_summary_has_one_row_per_cell_best_first(grid):
    table = grid.summary()
    assert table.index.names == ["initializer", "learning_rate", "batch_norm"]
    assert len(table) == 18
    assert table["val_accuracy_mean"].is_monotonic_decreasing
    assert table.index[0] == ("he_normal", "0.01", "on")
    own = grid.runs.query("initializer == 'he_normal' and learning_rate == '0.01' and batch_norm == 'on'")
    assert table["val_accuracy_mean"].iloc[0] == pytest.approx(own["final_val_accuracy"].mean())


@pytest.mark.parametrize("rate", [1e-3, "0.001", np.float32(0.001)])
@pytest.mark.parametrize("switch", [True, "on"])
def test_at_all_levels_it_is_an_ordinary_comparison(grid, rate, switch):
    found = grid.at(learning_rate=rate, batch_norm=switch)
    assert type(found) is Comparison
    assert "factors" not in found.config
    assert {name: list(levels) for name, levels in found.config["at"].items()} == {
        "learning_rate": ["0.001"],
        "batch_norm": ["on"],
    }
    own = grid.runs.query("learning_rate == '0.001' and batch_norm == 'on'")
    assert found.runs["final_val_accuracy"].tolist() == own["final_val_accuracy"].tolist()
    assert found.baseline == "glorot_uniform"
    assert found.summary().index[0] == "he_normal"


def test_at_some_levels_it_is_a_smaller_grid(grid):
    found = grid.at(batch_norm=None)
    assert isinstance(found, Grid)
    assert found.factors == {"learning_rate": ("0.0001", "0.001", "0.01")}
    assert len(found.records) == 27
    again = found.at(learning_rate=1e-4)
    assert again.runs.equals(grid.at(learning_rate=1e-4, batch_norm="off").runs)
    strength = made_up_grid(TEN[:1], {"dropout": numbers(0, 0.5)})
    for off in (None, False, 0, "0"):
        assert [run.levels for run in strength.at(dropout=off).records] == [{"dropout": "0"}] * 5


@pytest.mark.parametrize(
    ("levels", "says"),
    [
        ({"learning_rat": 1}, "Unknown factor 'learning_rat'. Did you mean 'learning_rate'?"),
        ({"learning_rate": 0.5}, "Unknown level of learning_rate 0.5"),
        ({"batch_norm": "of"}, "Unknown level of batch_norm 'of'. Did you mean 'off'?"),
    ],
)
def test_unknown_names_and_levels_are_refused(grid, levels, says):
    with pytest.raises(UnknownNameError) as found:
        grid.at(**levels)
    assert says in str(found.value)


def test_cells_are_an_ordinary_comparison_in_which_every_table_and_plot_works(grid):
    cells = grid.cells
    assert cells.labels[:2] == [
        "he_normal, learning_rate 0.0001, batch_norm off",
        "he_normal, learning_rate 0.0001, batch_norm on",
    ]
    assert cells.baseline == "glorot_uniform, learning_rate 0.0001, batch_norm off"
    assert len(cells.pairs()) == 17
    assert "may be best" in repr(cells) or "is better" in repr(cells) or "cannot say" in repr(cells)


def test_a_partial_grid_has_the_cells_that_were_trained():
    cells = [
        {"learning_rate": "0.0001", "batch_norm": "off"},
        {"learning_rate": "0.001", "batch_norm": "off"},
        {"learning_rate": "0.0001", "batch_norm": "on"},
    ]
    grid = made_up_grid(TEN[:2], {"learning_rate": RATES, "batch_norm": SWITCH}, cells=cells)
    assert len(grid.summary()) == 6
    smaller = grid.at(learning_rate=1e-4)
    assert smaller.factors == {"batch_norm": ("off", "on")}
    assert "cells" not in smaller.config
    assert grid.at(batch_norm="off").factors == {"learning_rate": ("0.0001", "0.001")}
    with pytest.raises(InputError, match=r"Nothing was trained at learning_rate 0\.001, batch_norm on"):
        grid.at(learning_rate=1e-3, batch_norm=True)
    frame = grid.effects("batch_norm").loc["he_normal", :].loc["on"]
    own = grid.at(learning_rate=1e-4).effects("batch_norm").loc["he_normal", :].loc["on"]
    assert frame["difference"] == pytest.approx(own["difference"])
    lonely = grid.interactions("learning_rate", "batch_norm").loc[("0.001", "on")]
    assert (lonely["n"], lonely["n_values"], lonely["verdict"]) == (0, 0, "unresolved")


def test_batches_of_another_size_have_their_own_steps():
    grid = made_up_grid(TEN[:1], {"batch_size": BATCHES}, replicates=1)
    epochs = grid.curves[grid.curves["split"] == "validation"].groupby("batch_size")["step"].max()
    assert epochs.to_dict() == {"32": 20, "64": 10}
    batches = grid.curves[grid.curves["split"] == "batch"].groupby("batch_size")["epoch"].max()
    assert batches.to_dict() == {"32": 2, "64": 4}
    assert grid.at(batch_size=64).config["steps_per_epoch"] == 5


def test_metrics_that_do_not_mean_the_same_are_refused_with_one_that_does():
    grid = made_up_grid(TEN[:2], {"batch_size": BATCHES})
    for metric in ("first_100", "steps_to_target"):
        with pytest.raises(InputError, match="Take metric='val_accuracy'"):
            grid.effects("batch_size", metric)
    assert len(grid.effects("batch_size", "loss")) == 3
    noisy = {"off": {"value": 0}, "0.5": {"value": 0.5, "compares": ["val_"]}}
    grid = made_up_grid(TEN[:2], {"dropout": noisy, "batch_norm": SWITCH})
    for metric in ("loss", "best_loss", "first_100"):
        with pytest.raises(InputError, match=r"across them\. Take metric='val_accuracy'"):
            grid.interactions("initializer", "dropout", metric)
    assert len(grid.effects("dropout", "best_val_loss")) == 3
    assert len(grid.effects("batch_norm", "loss")) == 3


def test_a_metric_is_refused_where_nothing_is_known_that_compares():
    records = [
        dataclasses.replace(run, epochs={"loss": run.epochs["loss"]}) for run in made_up_grid(TEN[:1]).records
    ]
    levels = {"off": {}, "on": {"compares": ["val_"]}}
    grid = Grid(records, config(TEN[:1], factors={"batch_norm": levels}))
    with pytest.raises(InputError, match="Train with validation_data"):
        grid.effects("batch_norm")
    assert "does not mean the same" in repr(grid)


def test_records_and_config_have_to_fit():
    grid = made_up_grid(TEN[:1])
    with pytest.raises(InputError, match="config has no factors"):
        Grid(grid.records, config(TEN[:1]))
    stranger = dataclasses.replace(grid.records[0], levels={"batch_norm": "maybe"})
    with pytest.raises(InputError, match="is of he_normal, batch_norm maybe, which is not in config"):
        Grid([stranger], grid.config)
    with pytest.raises(InputError, match="Two records describe"):
        Grid([*grid.records, grid.records[0]], grid.config).summary()
    with pytest.raises(InputError, match="'status', which is that of a column"):
        Grid([], config(TEN[:1], factors={"status": SWITCH}))


def test_a_grid_is_saved_and_read_as_one(grid, tmp_path):
    grid.save(tmp_path / "grid")
    again = load(tmp_path / "grid")
    assert isinstance(again, Grid)
    pd.testing.assert_frame_equal(again.summary(), grid.summary())


def test_what_stands_at_fixed_levels_is_saved_with_them(grid, tmp_path):
    one = grid.at(learning_rate=1e-3, batch_norm=True)
    one.save(tmp_path / "one")
    again = load(tmp_path / "one")
    assert isinstance(again, Comparison)
    assert again.runs.equals(one.runs)
    assert repr(again) == repr(one)
    grid.at(batch_norm=True).save(tmp_path / "row")
    row = load(tmp_path / "row")
    assert isinstance(row, Grid)
    assert row.factors == {"learning_rate": ("0.0001", "0.001", "0.01")}
    assert repr(row) == repr(grid.at(batch_norm=True))
    grid.at(learning_rate=1e-2, batch_norm=True).save(tmp_path / "one")
    both = load(tmp_path / "one")
    assert both.factors == {"learning_rate": ("0.001", "0.01")}
    assert len(both.records) == 2 * len(one.records)
    grid.cells.save(tmp_path / "cells")
    assert load(tmp_path / "cells").runs.equals(grid.cells.runs)
    batches = made_up_grid(["a"], {"batch_size": BATCHES})
    with pytest.raises(InputError, match="save the grid"):
        batches.cells.save(tmp_path / "batches")
    batches.at(batch_size=64).save(tmp_path / "batches")
    assert load(tmp_path / "batches").config["steps_per_epoch"] == 5


def test_the_long_form_names_the_block_and_the_numbers_of_levels(grid):
    frame = grid.to_frame()
    assert {"replicate", "initializer", "batch_norm", "val_accuracy", "learning_rate_value"} <= set(frame)
    assert sorted(set(frame["learning_rate_value"])) == [1e-4, 1e-3, 1e-2]
    assert "batch_norm_value" not in frame
    assert 'groups="replicate"' in Grid.to_frame.__doc__
    assert "aov_ez" in Grid.to_frame.__doc__


def test_it_prints_what_is_shown_of_each_factor(grid):
    text = repr(grid)
    assert max(map(len, text.splitlines())) <= 80
    assert "learning_rate 0.01 against 0.0001: better in the mean over all;" in text
    assert "Holm over the initializers and levels of each" in text
    assert repr(made_up_grid(TEN[:1])).count("better for he_normal") == 1
    assert "<th" in grid._repr_html_()


def test_wide_grids_list_their_best_cells():
    rates = numbers(*(10.0**place for place in range(-6, 6)))
    text = repr(
        made_up_grid([f"start {place}" for place in range(5)], {"learning_rate": rates}, replicates=2)
    )
    assert "… and 36 more, see summary()" in text
    assert max(map(len, text.splitlines())) <= 80


def test_lost_runs_stand_in_the_table_and_in_the_notes():
    grid = made_up_grid(TEN[:2], lost={("he_normal", "on"): 2, ("glorot_uniform", "on"): 5})
    text = repr(grid)
    assert "3/5" in text
    assert "– 0/5" in text
    assert "7 of 20 runs diverged, failed or are stuck at chance" in text
    assert any("no value" in line or "without a value" in line for line in grid.notes)


def test_a_reference_without_room_is_said():
    grid = made_up_grid(TEN[:2], value=lambda key, replicate: 1 - 0.001 * (replicate == 2))
    assert any("no room for an effect" in line for line in grid.notes)


def test_a_grid_without_runs_says_so():
    grid = Grid([], config(TEN[:2], factors={"batch_norm": SWITCH}))
    assert "No run has finished" in repr(grid)
    assert math.isnan(grid.cells.target)
