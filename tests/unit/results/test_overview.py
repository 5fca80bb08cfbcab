"""Several comparisons together."""

import math

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from scipy import stats as scipy_stats

from keras_initlab.core.errors import InputError
from keras_initlab.results import stats
from keras_initlab.results.overview import Overview, over
from tests.results import tiny

matplotlib.use("agg")


def results(count=8, labels=4, step=0.05, seed=0):
    generator = np.random.default_rng(seed)
    return {
        f"data {index}": tiny({f"init {j}": generator.normal(0.9 - step * j, 0.01, 3) for j in range(labels)})
        for index in range(count)
    }


def test_mean_ranks_and_friedman_agree_with_scipy():
    found = results(step=0.005)
    overview = over(found)
    means = np.array(
        [[one.summary().loc[f"init {j}", "val_accuracy_mean"] for j in range(4)] for one in found.values()]
    )
    assert overview.p_value == pytest.approx(scipy_stats.friedmanchisquare(*means.T).pvalue)
    expected = scipy_stats.rankdata(-means, axis=1).mean(axis=0)
    assert [overview.mean_ranks[f"init {j}"] for j in range(4)] == pytest.approx(expected.tolist())


def test_the_critical_difference_is_that_of_demsar():
    # Demšar 2006, table 5a: q = 2.343 (3), 2.569 (4), 3.164 (10) at .05.
    for count, q in ((3, 2.343), (4, 2.569), (10, 3.164)):
        critical = over(results(12, count)).critical_difference
        assert critical == pytest.approx(q * math.sqrt(count * (count + 1) / (6 * 12)), rel=1e-3)


def test_the_best_are_those_within_the_critical_difference():
    overview = over(results(10, 8, 0.05))
    assert overview.best[0] == "init 0"
    assert "init 7" not in overview.best
    assert "further apart" in repr(overview)


def test_best_ends_where_the_critical_difference_does():
    ranks = pd.DataFrame({"a": [1.0, 1.0], "b": [2.0, 3.0], "c": [4.0, 3.0], "d": [3.0, 5.0]})
    assert Overview(ranks, 0.01, 2.0).best == ["a", "b"]
    assert Overview(ranks, 0.06, 2.0).best == ["a", "b", "c", "d"]


def test_nothing_is_said_where_friedman_sees_nothing():
    overview = over(results(6, 3, step=0.0, seed=3))
    assert overview.p_value > 0.05
    assert len(overview.best) == 3
    assert "No initializer was shown to differ" in repr(overview)


def test_initializers_with_unfinished_runs_rank_behind_and_ties_share():
    same = {"a": [0.5, 0.6], "b": [0.5, 0.6], "lost": [0.9, math.nan], "gone": [math.nan] * 2}
    overview = over({str(index): tiny(same) for index in range(6)})
    assert overview.mean_ranks.to_dict() == {"a": 1.5, "b": 1.5, "lost": 3.0, "gone": 4.0}


def test_too_few_comparisons_are_refused():
    with pytest.raises(InputError, match="results has 5 comparisons: below 6 no test"):
        over(results(5))
    with pytest.raises(InputError, match="results have 2 initializers in common"):
        over(results(6, 2))


def test_false_discoveries_over_data_sets_stay_below_five_percent():
    generator = np.random.default_rng(1)
    critical = stats.critical_difference(8, 5)
    repetitions, false = 1500, 0
    for _ in range(repetitions):
        ranks = pd.DataFrame(generator.permuted(np.tile(np.arange(1.0, 6.0), (8, 1)), axis=1))
        false += len(Overview(ranks, stats.friedman_p(ranks.to_numpy()), critical).best) < 5
    assert false / repetitions <= 0.05


@pytest.mark.parametrize("count", [3, 10, 30])
def test_the_diagram_names_every_initializer(tmp_path, count):
    ax = over(results(6, count)).plot()
    texts = " ".join(text.get_text() for text in ax.texts)
    assert all(f"init {j} (" in texts for j in range(count))
    ax.figure.savefig(tmp_path / "ranks.png")
    pyplot.close("all")
