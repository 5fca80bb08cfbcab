"""What becomes of signals and gradients over depth."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_initlab.results.labels import short_labels
from keras_initlab.results.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = (
    ("q", "q_theory", "second moment of the sums", True),
    ("cosine", "cosine_theory", "cosine between examples", False),
    ("G", "G_theory", "squared gradient per example", True),
)


def plot_depth(
    profiles: Mapping[str, Sequence[Mapping[str, Any]]], axes: "Sequence[Axes] | None" = None
) -> "list[Axes]":
    """Second moment, cosine and gradient of the sums of each layer, three panels side by side.

    Args:
        profiles: Label -> a row for each layer with a kernel, in the order of the calls, with `q`,
            `q_theory`, `cosine`, `cosine_theory`, `G` and `G_theory`; what theory expects is drawn thinly.
        axes: Three axes to draw into; new ones by default.
    """
    axes = list(axes) if axes is not None else _new_axes()
    names = short_labels(profiles)
    for ax, (key, theory, title, log) in zip(axes, _PANELS, strict=True):
        for at, (label, rows) in enumerate(profiles.items()):
            look = style.style(at)
            depth = np.arange(1, len(rows) + 1)
            (line,) = ax.plot(
                depth,
                _values(rows, key, log),
                color=look.colour,
                linewidth=1.8,
                marker=look.marker or ("." if len(rows) == 1 else ""),
                markersize=4,
                markevery=max(1, len(rows) // 8),
                label=style.figure_text(names[label]),
            )
            if look.dashes:
                line.set_dashes(look.dashes)
            ax.plot(depth, _values(rows, theory, log), color=look.colour, linewidth=0.7, alpha=0.7)
        if log:
            ax.set_yscale("log")
        ax.set_xlabel("layer with a kernel")
        ax.set_title(title, fontsize=10)
        ax.locator_params(axis="x", integer=True)
        style.set_spines(ax)
    if len(profiles) > 1:
        style.legend_beside(axes[-1], len(profiles))
    return axes


def _new_axes() -> "list[Axes]":
    from matplotlib import pyplot

    return list(pyplot.subplots(1, len(_PANELS), figsize=(12.0, 3.8), layout="constrained")[1])


def _values(rows: Sequence[Mapping[str, Any]], key: str, log: bool) -> np.ndarray:
    """A column; a gap where there is nothing that the axis can show."""
    found = np.array([row[key] for row in rows], dtype=float)
    return np.where(np.isfinite(found) & ((found > 0) | (not log)), found, math.nan)
