"""Histograms of weights."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.results.labels import short
from keras_initlab.results.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 80


def plot_distribution(
    values: np.ndarray,
    title: str,
    mean: float | None = None,
    std: float | None = None,
    density: Callable[[np.ndarray], np.ndarray] | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Histogram of drawn weights, with what the law says they should be.

    Args:
        values: The draw, of any shape.
        title: What was drawn.
        mean, std: The law's moments, marked as lines; None where the law states none.
        density: The law's probability density, drawn over the histogram.
        ax: Where to draw; a new figure by default.

    Raises:
        InputError: If `values` is empty or not finite.
    """
    flat = np.asarray(values, dtype=float).ravel()
    if not flat.size or not np.isfinite(flat).all():
        raise InputError(f"values must be finite numbers and at least one, got shape {np.shape(values)}.")
    ax = ax if ax is not None else style.new_axes(6.4, 4.0)
    drawn = f"drawn: mean {flat.mean():.4g}, sd {flat.std():.4g}, N={flat.size}"
    ax.hist(flat, bins=_bins(flat), density=True, color=style.COLOURS[0], alpha=0.55, label=drawn)
    if density is not None:
        grid = np.linspace(flat.min(), flat.max(), 400)
        ax.plot(grid, density(grid), color=style.COLOURS[1], linewidth=1.6, label="law")
    if mean is not None and std is not None:
        ax.axvline(mean, color=style.COLOURS[6], linewidth=1.2, label=f"law: mean {mean:.4g}, sd {std:.4g}")
        for side in (mean - std, mean + std):
            ax.axvline(side, color=style.COLOURS[6], linewidth=1.2, linestyle="--")
    ax.set_title(style.figure_text(title))
    ax.set_xlabel("weight")
    ax.set_ylabel("density")
    ax.set_ylim(top=1.25 * ax.get_ylim()[1])  # room for the legend
    style.set_spines(ax)
    ax.legend(fontsize=8)
    return ax


def plot_weights(
    before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], ax: "Axes | None" = None
) -> "Axes":
    """Distribution of each weight before and after training, one row per weight.

    Args:
        before, after: Path of the weight -> its values; both have the same paths.
        ax: Where to draw; a new figure by default.

    Raises:
        InputError: If the paths differ or values are not finite.
    """
    if not before or list(before) != list(after):
        raise InputError(
            f"before and after must have the same weights, got {list(before)} and {list(after)}."
        )
    ax = ax if ax is not None else style.new_axes(7.2, 1.2 + 0.7 * len(before))
    for row, path in enumerate(before):
        pair = [np.asarray(values[path], dtype=float).ravel() for values in (before, after)]
        together = np.concatenate(pair)
        if not together.size or not np.isfinite(together).all():
            raise InputError(f"the weight {path!r} must hold finite numbers and at least one.")
        edges = _bins(together)
        centres = (np.array(edges[1:]) + np.array(edges[:-1])) / 2
        heights = [np.histogram(values, edges)[0] / values.size for values in pair]
        scale = 0.85 / max(height.max() for height in heights)
        for height, colour, name in zip(
            heights, style.COLOURS, ("before training", "after training"), strict=False
        ):
            entry = name if row == 0 else None
            ax.fill_between(
                centres, row, row - scale * height, color=colour, alpha=0.45, step="mid", label=entry
            )
    ax.set_yticks(range(len(before)), [style.figure_text(short(path)) for path in before], fontsize=8)
    ax.set_ylim(len(before) - 0.8, -1.0)
    ax.set_xlabel("weight")
    style.set_spines(ax)
    ax.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return ax


def _bins(flat: np.ndarray) -> list[float]:
    """Equal bins over the values; for constants one bin of their own."""
    low, high = float(flat.min()), float(flat.max())
    if low == high:
        half = max(abs(low), 1.0) * 0.05
        return [low - half, low + half]
    return np.linspace(low, high, BINS + 1).tolist()
