"""Runs of a grid that got stuck or were interrupted: where they count, and where they do not."""

import dataclasses

import pytest

from keras_initlab.results.comparison import Grid
from tests.results import made_up_grid


@pytest.fixture(scope="module")
def grid():
    """Of `zeros`, without batch normalization all runs are stuck at .5, and with it the first."""

    def value(key, replicate):
        return 0.5 if key[0] == "zeros" and (key[1] == "off" or replicate == 0) else 0.9

    made = made_up_grid(("he", "zeros"), replicates=4, value=value)
    return Grid(made.records, {**made.config, "chance": {"val_accuracy": 0.6}})


def test_stuck_runs_enter_no_mean_and_stand_beside_it(grid):
    means = grid.means("initializer", "batch_norm")
    assert means.loc[("zeros", "on"), ["n", "n_values", "mean", "fate"]].tolist() == [
        4,
        3,
        0.9,
        "1 of 4 stuck",
    ]
    assert means.loc[("zeros", "off"), "n_values"] == 0
    assert means.loc[("zeros", "off"), "fate"] == "4 of 4 stuck"


def test_stuck_runs_enter_contrasts_with_the_value_they_ended_at(grid):
    row = grid.effects("batch_norm").loc[("zeros", "on")]
    assert (row["n_values"], row["difference"]) == (4, pytest.approx(0.3))
    assert (row["completed"], row["completed_reference"], row["n_runs"]) == (3, 0, 4)


def test_interrupted_runs_are_shown_and_count_nowhere(grid):
    records = [
        dataclasses.replace(run, status="interrupted") if run.replicate == 3 and run.label == "he" else run
        for run in grid.records
    ]
    found = Grid(records, grid.config)
    assert (found.runs["status"] == "interrupted").sum() == 2
    frame = found.effects("batch_norm")
    assert frame["n"].tolist() == [3, 3, 4]
    assert frame["n_values"].tolist() == [3, 3, 4]
    assert found.means("initializer", "batch_norm").loc[("he", "on"), "n"] == 3
    assert any("2 runs were interrupted" in line for line in found.notes)
