"""Curves over steps and epochs: thin replicates, their mean and its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keras_initlab.core.errors import UnknownNameError
from keras_initlab.results import stats
from keras_initlab.results.labels import short_labels
from keras_initlab.results.plots import style
from keras_initlab.results.tables import LOST

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 100  # a curve longer than this is a running mean over length / 100 steps


BAND_FROM = 3  # replicates below which an interval (t = 12.7 for two) is wider than any picture
CEILING = 100  # a run that did not complete is drawn up to this many times the largest other value


@dataclass(frozen=True)
class Curve:
    """One run's values over time, and whether the run completed."""

    steps: np.ndarray
    values: np.ndarray
    completed: bool


@dataclass(frozen=True)
class View:
    """The curves of all initializers for one figure.

    Attributes:
        x, y: What the axes show.
        curves: By label, in ranked order.
        log: Whether the spread asks for a logarithmic axis.
    """

    x: str
    y: str
    curves: Mapping[str, Sequence[Curve]]
    log: bool


def loss_view(curves: pd.DataFrame, runs: pd.DataFrame, ranked: Sequence[str], batches: int | None) -> View:
    """Training loss of the first `batches` batches; None for all."""
    chosen = curves[curves["split"] == "batch"]
    if batches is not None:
        chosen = chosen[chosen["step"] <= batches]
    window = max(1, int(chosen["step"].max()) // POINTS) if len(chosen) else 1
    smoothed = f", running mean of {window} batches" if window > 1 else ""
    return _view("batch", f"training loss before the update{smoothed}", chosen, runs, ranked, window)


def metric_view(curves: pd.DataFrame, runs: pd.DataFrame, ranked: Sequence[str], metric: str) -> View:
    """A metric after each epoch."""
    split = "validation" if metric.startswith("val_") else "train"
    per_epoch = curves[curves["split"] != "batch"]
    name = metric.removeprefix("val_")
    chosen = per_epoch[(per_epoch["split"] == split) & (per_epoch["metric"] == name)]
    if chosen.empty:
        pairs = per_epoch[["split", "metric"]].drop_duplicates().itertuples(index=False)
        known = [("val_" if split == "validation" else "") + metric for split, metric in pairs]
        raise UnknownNameError("metric", metric, known, f"There are: {', '.join(known)}.")
    y = ("validation " if split == "validation" else "training ") + name
    return _view("epoch", y, chosen.assign(step=chosen["epoch"]), runs, ranked, 1)


def _view(
    x: str, y: str, chosen: pd.DataFrame, runs: pd.DataFrame, ranked: Sequence[str], window: int
) -> View:
    status = runs.set_index(["initializer", "replicate"])["status"].to_dict()
    by_label: dict[str, list[Curve]] = {label: [] for label in ranked}
    for key, part in chosen.groupby(["initializer", "replicate"], sort=False):
        steps, values = part["step"].to_numpy(), part["value"].to_numpy()
        finite = np.isfinite(values)
        completed = status[key] == "completed"
        by_label[str(key[0])].append(Curve(*_smooth(steps[finite], values[finite], window), completed))
    everything = [curve for curves in by_label.values() for curve in curves]
    _clip_diverged(everything)
    values = np.concatenate([np.empty(0), *(curve.values for curve in everything)])
    return View(x, y, by_label, style.wants_log(values))


def plot_curves(view: View, runs: pd.DataFrame, labels: Sequence[str], ax: "Axes | None") -> "Axes":
    """The legend follows the rank, the colours follow `labels`."""
    ranked = list(view.curves)
    ax = ax if ax is not None else style.new_axes(8.0 if len(ranked) <= style.LEGEND_INSIDE else 9.6)
    names = legend_names(runs, ranked)
    for label, curves in view.curves.items():
        name = style.figure_text(names[label])
        _draw_initializer(ax, curves, style.style(labels.index(label)), name, view.log)
    if view.log:
        ax.set_yscale("log")
    _limit_to(ax, [curve.values for curves in view.curves.values() for curve in curves])
    ax.set_xlabel(view.x)
    ax.set_ylabel(view.y)
    if view.x == "epoch":
        ax.locator_params(axis="x", integer=True)
    style.set_spines(ax)
    style.legend_beside(ax, len(ranked))
    return ax


def legend_names(runs: pd.DataFrame, ranked: Sequence[str]) -> dict[str, str]:
    """Each label, shortened, with its number of runs, or how many of them were lost."""
    texts = short_labels(ranked)
    counts = {label: runs.loc[runs["initializer"] == label, "status"].value_counts() for label in ranked}
    return {label: f"{texts[label]} ({_count(counts[label])})" for label in ranked}


def _clip_diverged(curves: Sequence[Curve]) -> None:
    """Let a run that explodes leave the picture at its top instead of flattening all others."""
    highest = [curve.values.max() for curve in curves if curve.completed and len(curve.values)]
    for curve in curves:
        if highest and not curve.completed:
            np.minimum(curve.values, CEILING * abs(max(highest)), out=curve.values)


def _count(counts: pd.Series) -> str:
    lost = [f"{counts[name]} of {counts.sum()} {name}" for name in (*LOST, "interrupted") if name in counts]
    return ", ".join(lost) or f"N={counts.sum()}"


def _smooth(steps: np.ndarray, values: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    if window == 1 or len(values) < window:
        return steps, values
    totals = np.cumsum(np.concatenate([[0.0], values]))
    return steps[window - 1 :], (totals[window:] - totals[:-window]) / window


def _draw_initializer(ax: "Axes", curves: Sequence[Curve], look: style.Style, name: str, log: bool) -> None:
    dots = "." if curves and max(len(curve.steps) for curve in curves) == 1 else look.marker
    for curve in curves:
        ax.plot(curve.steps, curve.values, color=look.colour, linewidth=0.5, alpha=0.35)
        if not curve.completed and len(curve.steps):
            ax.plot(curve.steps[-1:], curve.values[-1:], "x", color=look.colour, markersize=6)
    completed = [curve for curve in curves if curve.completed]
    steps, mean, low, high = mean_and_interval(completed, log)
    (line,) = ax.plot(
        steps,
        mean,
        color=look.colour,
        linewidth=1.8,
        marker=dots,
        markersize=4,
        markevery=max(1, len(steps) // 8),
        label=name,
    )
    if look.dashes:
        line.set_dashes(look.dashes)
    if len(completed) >= BAND_FROM:
        ax.fill_between(steps, low, high, color=look.colour, alpha=0.15, linewidth=0)


def mean_and_interval(
    curves: Sequence[Curve], log: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pointwise over the steps that all completed runs have (early stopping makes them differ).

    Where the axis is logarithmic both are taken of the logarithms: a symmetric interval around losses
    that differ by orders of magnitude would reach below zero and fill the picture.
    """
    if not curves:
        return np.empty(0), np.empty(0), np.empty(0), np.empty(0)
    shortest = min((curve.steps for curve in curves), key=len)
    values = np.stack([curve.values[: len(shortest)] for curve in curves])
    if log:
        values = np.log(values)
    back = np.exp if log else np.positive
    mean = values.mean(axis=0)
    if len(curves) == 1:
        return shortest, back(mean), back(mean), back(mean)
    half = stats.student_t_quantile(0.975, len(curves) - 1) * values.std(axis=0, ddof=1) / len(curves) ** 0.5
    return shortest, back(mean), back(mean - half), back(mean + half)


def _limit_to(ax: "Axes", values: Sequence[np.ndarray]) -> None:
    """Let the runs set the scale: an interval from three replicates may be far wider than they are."""
    if not values or not sum(map(len, values)):
        return
    together = np.concatenate(values)
    low, high = float(together.min()), float(together.max())
    if ax.get_yscale() == "log":
        ax.set_ylim(low / 1.15, high * 1.15)
    elif high > low:
        ax.set_ylim(low - 0.04 * (high - low), high + 0.04 * (high - low))
