"""Figures: what is drawn, for any number of initializers and any fate of their runs."""

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from scipy import stats

from keras_initlab.core.errors import InputError
from keras_initlab.results import plots
from keras_initlab.results.labels import short_labels
from keras_initlab.results.plots import style
from tests.results import TEN, made_up, tiny

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_thin_replicates_lie_under_their_mean():
    ax = made_up(TEN[:2], replicates=3).plot()
    assert len(ax.lines) == 2 * (3 + 1)
    thin, mean = [line.get_ydata() for line in ax.lines[:3]], ax.lines[3].get_ydata()
    assert ax.get_yscale() == "log"
    np.testing.assert_allclose(mean, stats.gmean(thin, axis=0))
    assert len(mean) == 100
    assert legend(ax) == ["he_normal (N=3)", "glorot_uniform (N=3)"]
    assert ax.get_xlabel() == "batch"


def test_all_batches_are_a_running_mean_that_is_named():
    ax = made_up(TEN[:2], steps=2000).plot(None)
    assert max(line.get_xdata().max() for line in ax.lines) == 2000
    assert "running mean of 20 batches" in ax.get_ylabel()


def test_the_axis_is_logarithmic_where_the_spread_asks_for_it():
    assert made_up(TEN).plot().get_yscale() == "log"
    assert made_up(TEN).plot(metric="val_accuracy").get_yscale() == "linear"


def test_a_diverged_run_ends_in_a_cross_and_enters_no_mean():
    ax = made_up(TEN[:3], diverged={TEN[0]: 2, TEN[1]: 5}).plot()
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert len(crosses) == 7
    assert {float(line.get_xdata()[0]) for line in crosses} == {60.0}
    mean = next(line for line in ax.lines if line.get_label().startswith("he_normal"))
    own = [line for line in ax.lines if line.get_color() == mean.get_color() and line.get_marker() != "x"]
    thin = [line.get_ydata() for line in own if line is not mean]
    assert [len(values) for values in thin] == [60, 60, 100, 100, 100]
    np.testing.assert_allclose(mean.get_ydata(), stats.gmean(thin[2:], axis=0))
    assert "he_normal (2 of 5 diverged)" in legend(ax)
    assert "glorot_uniform (5 of 5 diverged)" in legend(ax)


def test_an_exploding_run_does_not_flatten_the_others():
    result = made_up(TEN[:2], diverged={TEN[0]: 1})
    exploding = result.records[0]
    object.__setattr__(exploding, "step_losses", (1.0, 1e30, float("nan")))
    assert result.plot().get_ylim()[1] < 1e5


@pytest.mark.parametrize("count", [2, 10, 30, 100])
def test_every_initializer_looks_different(count):
    looks = {style.style(index) for index in range(count)}
    assert len(looks) == count


@pytest.mark.parametrize("replicates", [1, 3])
@pytest.mark.parametrize("metric", [None, "val_loss"])
def test_any_label_can_be_drawn(tmp_path, replicates, metric):
    labels = ["$x_", "_hidden", "<script>", "😀", "a\nb", "q" * 200, "q" * 199, "漢字", "%s {x} \\frac"]
    ax = made_up(labels, replicates=replicates).plot(metric=metric)
    ax.figure.savefig(tmp_path / "figure.png")
    assert len(legend(ax)) == len(set(legend(ax))) == len(labels)


def test_an_axes_given_is_the_axes_returned():
    _, ax = pyplot.subplots()
    assert made_up(TEN[:2]).plot(ax=ax) is ax
    assert plots.plot_distribution(np.arange(5), "five", ax=ax) is ax


def test_runs_that_all_failed_leave_an_empty_figure():
    ax = made_up(TEN[:2], failed=dict.fromkeys(TEN[:2], 5)).plot()
    assert legend(ax) == ["he_normal (5 of 5 failed)", "glorot_uniform (5 of 5 failed)"]


def test_a_distribution_shows_the_draw_and_the_law():
    values = np.random.default_rng(0).normal(0, 0.1, (50, 40))
    ax = plots.plot_distribution(values, "N(0, 0.1)", 0.0, 0.1, lambda x: np.exp(-(x**2) / 0.02) / 0.2507)
    heights = [patch.get_height() * patch.get_width() for patch in ax.patches]
    assert sum(heights) == pytest.approx(1)
    assert any("N=2000" in text for text in legend(ax))
    assert any("law: mean 0, sd 0.1" in text for text in legend(ax))


def test_a_constant_is_one_bar():
    assert len(plots.plot_distribution(np.zeros((3, 4)), "zeros").patches) == 1


def test_a_distribution_of_nothing_is_refused():
    with pytest.raises(InputError, match="values must be finite"):
        plots.plot_distribution(np.array([]), "none")


def test_the_forest_has_a_row_and_an_interval_per_initializer():
    result = made_up(TEN, diverged={"ones": 5, "zeros": 2})
    ax = result.plot_pairs()
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names[0] == "he_normal (N=5)"
    assert "zeros (N=5, 2 without value)" in names
    assert set(legend(ax)) == {"worse", "unresolved"}
    assert [text.get_text() for text in ax.texts] == ["worse: lost runs decide"]
    pairs = result.pairs()
    spans = {tuple(line.get_xdata()) for line in ax.lines}
    assert (pairs.loc["he_normal", "low"], pairs.loc["he_normal", "high"]) in spans


def close_by(**more):
    generator = np.random.default_rng(0)
    values = {label: list(0.96 + 0.002 * generator.normal(size=5)) for label in TEN[:5]}
    return tiny(values | more)


def test_a_row_far_beyond_the_others_leaves_the_axis_of_the_forest_to_them():
    result = close_by(noisy=[0.9, 0.1, 0.95, 0.3, 0.8])
    ax, pairs = result.plot_pairs(), result.pairs()
    others = pairs.drop(index="noisy")
    low, high = ax.get_xlim()
    assert low < others["low"].min() < others["high"].max() < high
    assert high - low < 1.2 * (max(others["high"].max(), 0) - others["low"].min())
    arrows = {line.get_marker(): float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() in "<>"}
    assert arrows == {"<": low, ">": high}
    assert [text.get_text() for text in ax.texts] == [
        "{difference:.3g} [{low:.3g}, {high:.3g}]".format(**pairs.loc["noisy"])
    ]
    assert set(legend(ax)) <= {"better", "worse", "unresolved"}


@pytest.mark.parametrize("replicates", [1, 5])
def test_a_difference_far_beyond_the_others_is_told_in_numbers(replicates):
    result = close_by(far=[-40.0] * 5)
    kept = [run for run in result.records if run.replicate < replicates]
    ax = type(result)(kept, result.config).plot_pairs()
    assert [line.get_marker() for line in ax.lines if line.get_marker() in "<>"] == ["<"]
    (text,) = ax.texts
    assert text.get_text() == "-41" + (" [-41, -41]" if replicates > 1 else "")
    assert ax.get_xlim()[0] > -0.1


def test_the_forest_shows_all_where_none_is_far_beyond_the_others():
    ax = close_by().plot_pairs()
    pairs = close_by().pairs()
    assert ax.get_xlim()[0] < pairs["low"].min()
    assert ax.get_xlim()[1] > pairs["high"].max()
    assert not ax.texts
    same = tiny({label: [0.9, 0.8, 0.85] for label in TEN[:3]} | {"other": [0.5, 0.4, 0.46]}).plot_pairs()
    assert not same.texts, "of rows that all are zero nothing is known"


def test_the_forest_numbers_labels_that_look_alike_as_the_table_does():
    names = [f"VarianceScaling(scale={scale}, mode=fan_in, distribution=normal)" for scale in (1, 2, 3)]
    result = made_up(names, baseline=names[1])
    shown = list(short_labels(result.summary().index).values())
    assert [text[-3:] for text in shown] == ["al)", "(2)", "(3)"]
    ax = result.plot_pairs()
    assert [text.get_text() for text in ax.get_yticklabels()] == [f"{shown[place]} (N=5)" for place in (0, 2)]
    assert f"difference from {shown[1]}\n" in ax.get_xlabel()


def test_the_strip_shows_every_replicate():
    ax = made_up(TEN, failed={"ones": 3}).plot_replicates()
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert sum(len(line.get_xdata()) for line in dots) == 47
    assert made_up(TEN).plot_replicates("first_100").get_xscale() == "log"


@pytest.mark.parametrize("count", [2, 10, 30])
@pytest.mark.parametrize("replicates", [1, 4])
def test_all_figures_take_any_number_of_initializers(tmp_path, count, replicates):
    labels = [f"scheme {index}" for index in range(count)]
    result = made_up(labels, replicates=replicates, diverged={labels[1]: 1})
    for draw in (result.plot_pairs, result.plot_replicates, result.plot_wins):
        draw().figure.savefig(tmp_path / "figure.png")


def test_the_heat_map_holds_the_win_probabilities():
    result = made_up(TEN[:3])
    shown = result.plot_wins().images[0].get_array()
    np.testing.assert_allclose(shown[0, 1:], [1.0, 1.0])
    np.testing.assert_allclose(shown[2, :2], [0.0, 0.0])


def test_weights_before_and_after_training_share_a_row():
    before = {"dense/kernel": np.linspace(-1, 1, 50), "dense/bias": np.zeros(4)}
    after = {"dense/kernel": np.linspace(-2, 2, 50), "dense/bias": np.ones(4)}
    ax = plots.plot_weights(before, after)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["dense/kernel", "dense/bias"]
    assert legend(ax) == ["before training", "after training"]
    with pytest.raises(InputError, match="before and after must have the same weights"):
        plots.plot_weights(before, {"dense/kernel": np.zeros(3)})
    with pytest.raises(InputError, match="must hold finite numbers"):
        plots.plot_weights({"a": np.array([np.nan])}, {"a": np.zeros(1)})
