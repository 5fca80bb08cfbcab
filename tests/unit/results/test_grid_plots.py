"""Pictures of grids: what is on the axes, in the cells and in the legend."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot

from tests.results import SWITCH, made_up_grid, numbers

mpl.use("agg")

RATES = numbers(1e-4, 1e-3, 1e-2)


@pytest.fixture(scope="module")
def rates():
    lost = {("b", "0.01"): 3, ("a", "0.01"): 1}
    return made_up_grid(("a", "b", "c"), {"learning_rate": RATES}, 3, lost)


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


@pytest.fixture
def ax():
    from matplotlib.figure import Figure

    return Figure(figsize=(8, 5)).add_subplot()


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_heat_map_has_the_mean_and_small_what_became_of_lost_runs(rates, ax):
    assert rates.plot_grid("initializer", "learning_rate", ax=ax) is ax
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0.0001", "0.001", "0.01"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    found = texts(ax)
    mean = rates.at(learning_rate=1e-4).summary().loc["a", "val_accuracy_mean"]
    assert found[0] == f"{mean:.3f}"
    assert "3 of 3 diverged" in found
    assert "1 of 3 diverged" in found
    assert sum(text.startswith("±") for text in found) == 7
    shown = ax.images[0].get_array()
    assert shown.mask.sum() == 1
    assert shown.mask[1, 2]


def test_the_bright_end_is_the_better_one(rates, ax):
    rates.plot_grid("initializer", "learning_rate", ax=ax)
    assert ax.images[0].cmap.name == "viridis"
    loss = rates.plot_grid("learning_rate", "initializer", "val_loss")
    assert loss.images[0].cmap.name == "viridis_r"
    assert [label.get_text() for label in loss.get_yticklabels()] == ["0.001", "0.01", "0.0001"]


def test_tall_heat_maps_mark_lost_runs_with_a_star(ax):
    labels = [f"start {place}" for place in range(12)]
    grid = made_up_grid(labels, replicates=2, lost={("start 3", "on"): 1, ("start 4", "on"): 2})
    grid.plot_grid("initializer", "batch_norm", ax=ax)
    assert sum(text.endswith("*") for text in texts(ax)) == 1
    assert "diverged" in texts(ax)
    assert "* some runs were lost" in ax.get_xlabel()


def test_sensitivity_has_a_logarithmic_axis_dots_for_runs_and_crosses_for_lost_ones(rates, ax):
    rates.plot_sensitivity("learning_rate", ax=ax)
    assert ax.get_xticks().tolist() == [-4, -3, -2]
    assert legend(ax) == ["c (N=9)", "a (N=9, 1 lost)", "b (N=9, 3 lost)"]
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert len(crosses) == 2
    assert all(cross.get_ydata()[0] < 0.1 for cross in crosses)
    assert sorted(texts(ax)) == ["1", "3"]
    dots = sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() == ".")
    assert dots == 27 - 4
    top = rates.plot_sensitivity("learning_rate", "val_loss")
    assert max(line.get_ydata()[0] for line in top.lines if line.get_marker() == "x") > 0.9


def test_a_replicate_counts_once_whatever_else_was_varied(ax):
    factors = {"learning_rate": RATES, "batch_norm": SWITCH}
    grid = made_up_grid(("a",), factors, 4, lost={("a", "0.001", "on"): 1})
    grid.plot_sensitivity("learning_rate", ax=ax)
    dots = sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() == ".")
    assert dots == 23
    means = grid.means("initializer", "learning_rate")
    line = next(line for line in ax.lines if len(line.get_xdata()) == 3)
    np.testing.assert_allclose(line.get_ydata(), means["mean"])
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(means["high"].max())
    assert means["n_values"].tolist() == [4, 3, 4]


def test_levels_that_are_not_all_positive_stand_side_by_side(ax):
    made_up_grid(("a",), {"noise": numbers(0, 0.5, 1)}).plot_sensitivity("noise", ax=ax)
    assert ax.get_xticks().tolist() == [0, 1, 2]


def test_beyond_ten_initializers_the_others_are_grey(ax):
    labels = [f"start {place}" for place in range(13)]
    grid = made_up_grid(labels, {"learning_rate": RATES}, 2)
    grid.plot_sensitivity("learning_rate", ax=ax)
    assert len(legend(ax)) == 11
    assert legend(ax)[0] == "start 0 (N=6)"
    assert legend(ax)[-1] == "3 others"
    slopes = grid.plot_interaction("learning_rate")
    assert legend(slopes)[-1] == "3 others"


def test_slopes_start_at_the_reference_and_end_with_the_interval_of_the_difference(ax):
    grid = made_up_grid(("a", "b", "c"), replicates=5, lost={("c", "on"): 5})
    grid.plot_interaction("batch_norm", ax=ax)
    assert legend(ax) == ["a: better", "b: better", "c: unresolved (5 of 5 without value)"]
    effects = grid.effects("batch_norm")
    start = grid.at(batch_norm=False).runs.query("initializer == 'a'")["final_val_accuracy"].mean()
    path, interval = ax.lines[0].get_ydata(), ax.lines[1].get_ydata()
    row = effects.loc[("a", "on")]
    np.testing.assert_allclose(path, [start, start + row["difference"]])
    np.testing.assert_allclose(interval, [start + row["low"], start + row["high"]])
    assert "interval of the paired difference from off" in ax.get_xlabel()


def test_slopes_of_losses_are_drawn_on_their_logarithms(ax):
    grid = made_up_grid(("a", "b"), {"batch_norm": SWITCH})
    grid.plot_interaction("batch_norm", "val_loss", ax=ax)
    assert ax.get_yscale() == "log"
    own = grid.at(batch_norm="off").runs.query("initializer == 'a'")["final_val_loss"]
    assert ax.lines[0].get_ydata()[0] == pytest.approx(np.exp(np.log(own).mean()))
