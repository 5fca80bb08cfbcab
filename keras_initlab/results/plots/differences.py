"""Differences between initializers: forest, strip and heat map."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keras_initlab.results.labels import short_labels
from keras_initlab.results.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 0.27  # inches
_BEYOND = 10.0  # times the reach of the middle row from which a row would flatten the others
_COLOURS = {"better": "#009E73", "worse": "#D55E00", "equivalent": "#0072B2", "unresolved": "#6E6E6E"}
_SIGNS = {"better": "o", "worse": "s", "equivalent": "D", "unresolved": "x"}


def plot_pairs(pairs: pd.DataFrame, ranked: Sequence[str], metric: str, ax: "Axes | None") -> "Axes":
    """Forest plot of paired differences with their simultaneous intervals, best rank on top.

    A row that reaches far beyond the others leaves the axis to them: arrows show where it goes on, and
    numbers beside it how far.
    """
    rows = [label for label in ranked if label in pairs.index]
    ax = ax if ax is not None else style.new_axes(7.2, 1.6 + _ROW * len(rows))
    texts = short_labels(ranked)  # the baseline among them, so that numbers are those of the table
    names = []
    shown = set()
    limits = _limits(pairs.loc[rows, ["low", "difference", "high"]]) if rows else None
    for place, label in enumerate(rows):
        line = pairs.loc[label]
        verdict = str(line["verdict"])
        colour = _COLOURS[verdict]
        entry = verdict if verdict not in shown else None
        shown.add(verdict)
        ax.plot([line["difference"]], [place], _SIGNS[verdict], color=colour, markersize=5, label=entry)
        if line["by"] == "failures":
            ax.annotate(
                f"{verdict}: lost runs decide",
                (0.02, place),
                xycoords=("axes fraction", "data"),
                fontsize=8,
                va="center",
            )
        ax.plot([line["low"], line["high"]], [place, place], color=colour, linewidth=1.6)
        if limits is not None:
            span = np.array([line["low"], line["difference"], line["high"]], dtype=float)
            _mark_beyond(ax, place, span, limits, colour)
        lost = "" if line["n_values"] == line["n"] else f", {line['n'] - line['n_values']} without value"
        names.append(style.figure_text(f"{texts[label]} (N={line['n']}{lost})"))
    if limits is not None:
        ax.set_xlim(*limits)
    ax.axvline(0, color="#4D4D4D", linewidth=1)
    ax.set_yticks(range(len(rows)), names, fontsize=8)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    baseline = style.figure_text(texts[str(pairs["baseline"].iloc[0])]) if len(rows) else ""
    ax.set_xlabel(f"{metric}: difference from {baseline}\nwith 95 % intervals that hold together")
    style.set_spines(ax)
    ax.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
    return ax


def _limits(spans: pd.DataFrame) -> tuple[float, float] | None:
    """The axis that the rows need without those far beyond them; None where there are none."""
    reach = spans.abs().max(axis=1)
    most = _BEYOND * reach[reach > 0].quantile(0.5, interpolation="lower")
    if not (reach > most).any():
        return None
    others = spans[reach <= most]
    low, high = min(0.0, others.min().min()), max(0.0, others.max().max())
    margin = 0.06 * (high - low)
    return low - margin, high + margin


def _mark_beyond(ax: "Axes", place: int, span: np.ndarray, limits: tuple[float, float], colour: str) -> None:
    """Arrows and numbers for a row that leaves the axis."""
    low, middle, high = span
    arrows = [("<", limits[0])] if np.fmin.reduce(span) < limits[0] else []  # past what is not known
    arrows += [(">", limits[1])] if np.fmax.reduce(span) > limits[1] else []
    for arrow, edge in arrows:
        ax.plot([edge], [place], arrow, color=colour, markersize=6, clip_on=False)
    if arrows:
        interval = f" [{low:.3g}, {high:.3g}]" if np.isfinite(span).all() else ""
        ax.annotate(
            f"{middle:.3g}{interval}",
            (1.02, place),
            xycoords=("axes fraction", "data"),
            fontsize=7,
            va="center",
        )


def plot_replicates(
    values: Mapping[str, Mapping[int, float]],
    ranked: Sequence[str],
    labels: Sequence[str],
    metric: str,
    ax: "Axes | None",
) -> "Axes":
    """Every replicate as a dot, one row per initializer, its mean as a bar."""
    rows = list(ranked)
    ax = ax if ax is not None else style.new_axes(7.2, 1.2 + _ROW * len(rows))
    texts = short_labels(rows)
    names = []
    for place, label in enumerate(rows):
        runs = np.array(list(values[label].values()))
        own = runs[np.isfinite(runs)]
        offsets = np.linspace(-0.22, 0.22, len(own)) if len(own) > 1 else np.zeros(len(own))
        colour = style.style(labels.index(label)).colour
        ax.plot(own, place + offsets, "o", color=colour, markersize=3.5, alpha=0.75)
        if len(own) > 1:
            ax.plot([own.mean()] * 2, [place - 0.35, place + 0.35], color="#222222", linewidth=1.6)
        lost = len(runs) - len(own)
        without = f", {lost} without value" if lost else ""
        names.append(style.figure_text(f"{texts[label]} (N={len(runs)}{without})"))
    ax.set_yticks(range(len(rows)), names, fontsize=8)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    everything = np.array([value for own in values.values() for value in own.values()])
    if style.wants_log(everything):
        ax.set_xscale("log")
    ax.set_xlabel(f"{metric}, each replicate and the mean")
    style.set_spines(ax)
    return ax


def plot_wins(wins: pd.DataFrame, ranked: Sequence[str], ax: "Axes | None") -> "Axes":
    """Heat map: the chance that the row beats the column."""
    count = len(ranked)
    size = max(4.0, 2.2 + 0.3 * count)
    ax = ax if ax is not None else style.new_axes(size + 1.2, size)
    ordered = wins.loc[list(ranked), list(ranked)].to_numpy(float)
    image = ax.imshow(np.ma.masked_invalid(ordered), cmap="PuOr", vmin=0, vmax=1)
    names = [style.figure_text(name) for name in short_labels(ranked, 24).values()]
    ax.set_xticks(range(count), names, rotation=90, fontsize=7)
    ax.set_yticks(range(count), names, fontsize=7)
    if count <= 12:
        for row, column in np.argwhere(np.isfinite(ordered)):
            chance = ordered[row, column]
            colour = "white" if abs(chance - 0.5) > 0.35 else "black"
            ax.text(column, row, f"{chance:.2f}", ha="center", va="center", fontsize=7, color=colour)
    ax.set_xlabel("loses")
    ax.set_ylabel("wins")
    colourbar = ax.figure.colorbar(image, ax=ax, shrink=0.8)
    colourbar.set_label("chance that the row wins")
    return ax
