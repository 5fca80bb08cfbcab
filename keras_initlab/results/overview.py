"""Several comparisons of the same initializers: what holds over data sets and models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keras_initlab.core.errors import InputError
from keras_initlab.results import stats
from keras_initlab.results.comparison import Comparison
from keras_initlab.results.tables import LOST

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Overview:
    """Ranks of initializers over several comparisons.

    Attributes:
        ranks: Comparisons x initializers; 1 is best, ties share their mean rank.
        p_value: Friedman's test of "no initializer differs".
        critical_difference: Mean ranks further apart than this differ at .05 over all pairs (Nemenyi);
            to be used only if `p_value` is below .05.
    """

    ranks: pd.DataFrame
    p_value: float
    critical_difference: float

    @property
    def mean_ranks(self) -> pd.Series:
        """Mean rank of each initializer, best first."""
        return self.ranks.mean().sort_values(kind="stable")

    @property
    def best(self) -> list[str]:
        """The initializers that are not distinguishable from the one with the best mean rank."""
        means = self.mean_ranks
        if self.p_value >= stats.ALPHA:
            return list(means.index)
        return list(means.index[means - means.iloc[0] <= self.critical_difference])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The critical-difference diagram: bars join initializers that cannot be told apart."""
        from keras_initlab.results import plots

        return plots.plot_ranks(self.mean_ranks, self.critical_difference, self.p_value, len(self.ranks), ax)

    def __repr__(self) -> str:
        lines = [f"{rank:6.2f}  {label}" for label, rank in self.mean_ranks.items()]
        if self.p_value < stats.ALPHA:
            verdict = f"Mean ranks further apart than {self.critical_difference:.2f} differ (Nemenyi, .05)."
        else:
            verdict = "No initializer was shown to differ from another."
        head = f"Mean ranks over {len(self.ranks)} comparisons; Friedman p = {self.p_value:.3g}. {verdict}"
        return "\n".join([head, *lines])


def over(results: Mapping[str, Comparison], metric: str | None = None) -> Overview:
    """Rank initializers over several data sets or models.

    In each comparison initializers are ranked by their mean of the metric, those with lost runs
    behind those without. The comparisons, not their replicates, are the sample.

    Args:
        results: Name -> comparison, one for each data set or model: at least 6.
        metric: What to rank by; None for each comparison's own `metric`.

    Raises:
        InputError: If there are fewer than 6 comparisons, or fewer than 3 initializers that all have.

    Reference: Demšar 2006, JMLR 7:1-30.
    """
    if len(results) < stats.SMALLEST:
        raise InputError(
            f"results has {len(results)} comparisons: below {stats.SMALLEST} no test over data sets can "
            "reach p < .05 for two initializers. Add data sets or models; more replicates do not help."
        )
    tables = {name: result.summary(metric) for name, result in results.items()}
    first, *rest = tables.values()
    common = [label for label in first.index if all(label in table.index for table in rest)]
    if len(common) < 3:
        raise InputError(
            f"results have {len(common)} initializers in common ({', '.join(common) or 'none'}): "
            "give at least 3."
        )
    rows = {
        name: _ranks(table.loc[common], results[name], metric or results[name].metric)
        for name, table in tables.items()
    }
    ranks = pd.DataFrame.from_dict(rows, orient="index", columns=common)
    return Overview(
        ranks,
        stats.friedman_p(ranks.to_numpy(float)),
        stats.critical_difference(len(ranks), len(common)),
    )


def _ranks(table: pd.DataFrame, result: Comparison, metric: str) -> np.ndarray:
    from scipy.stats import rankdata

    lost = (table[list(LOST)].sum(axis=1) / table["n"]).to_numpy(float)
    means = result.sign(metric) * table[f"{metric}_mean"].to_numpy(float)
    worst = np.where(np.isnan(means), np.inf, -means)
    keys = sorted(set(zip(lost, worst, strict=True)))
    return rankdata([keys.index(key) for key in zip(lost, worst, strict=True)])
