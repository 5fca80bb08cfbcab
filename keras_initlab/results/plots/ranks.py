"""The critical-difference diagram (Demšar 2006)."""

from typing import TYPE_CHECKING

import pandas as pd

from keras_initlab.results.labels import short_labels
from keras_initlab.results.plots import style
from keras_initlab.results.stats import ALPHA

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_ranks(
    mean_ranks: pd.Series, critical: float, p_value: float, comparisons: int, ax: "Axes | None"
) -> "Axes":
    """Mean ranks on a line; bars join groups within the critical difference of each other."""
    names = [style.figure_text(name) for name in short_labels(map(str, mean_ranks.index), 28).values()]
    ranks = mean_ranks.to_numpy(float)
    count = len(ranks)
    reach = critical if p_value < ALPHA else count
    groups = _groups(ranks, reach)
    left = (count + 1) // 2
    top = 0.6 + 0.25 * len(groups)
    ax = ax if ax is not None else style.new_axes(8.0, 1.6 + 0.3 * left + 0.2 * len(groups))
    for place, (rank, name) in enumerate(zip(ranks, names, strict=True)):
        before = place < left
        depth = top + 0.5 * (place if before else count - 1 - place) + 0.4
        edge, side = (0.7, "right") if before else (count + 0.3, "left")
        ax.plot([rank, rank, edge], [0, depth, depth], color="#4D4D4D", linewidth=0.9)
        ax.text(edge, depth, f" {name} ({rank:.2f}) ", ha=side, va="center", fontsize=8)
    for level, (low, high) in enumerate(groups):
        ax.plot([low - 0.04, high + 0.04], [0.35 + 0.25 * level] * 2, color=style.COLOURS[1], linewidth=3.5)
    ax.plot([1, count], [0, 0], color="black", linewidth=1.2)
    for tick in range(1, count + 1):
        ax.plot([tick, tick], [0, -0.12], color="black", linewidth=1)
        if count <= 15 or tick % 5 == 0 or tick == 1:
            ax.text(tick, -0.2, str(tick), ha="center", va="bottom", fontsize=8)
    ax.set_ylim(top + 0.5 * left + 0.6, -1.1)
    width = count - 1
    ax.set_xlim(1 - 0.75 * width, count + 0.75 * width)
    ax.axis("off")
    ax.set_title(
        f"mean rank over N={comparisons} comparisons; Friedman p = {p_value:.2g}; "
        f"critical difference {critical:.2f}",
        fontsize=9,
    )
    return ax


def _groups(ranks, reach: float) -> list[tuple[float, float]]:
    """Longest runs of at least two ranks that lie within `reach`."""
    found: list[tuple[float, float]] = []
    for low in ranks:
        high = max(rank for rank in ranks if rank - low <= reach)
        if high > low and not any(group[1] >= high for group in found):
            found.append((float(low), float(high)))
    return found
