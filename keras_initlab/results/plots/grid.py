"""Grids: heat map of cells, sensitivity to a number, and slopes between levels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_initlab.results import stats
from keras_initlab.results.labels import short_labels
from keras_initlab.results.plots import style
from keras_initlab.results.plots.curves import BAND_FROM
from keras_initlab.results.tables import LOST

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CROWD = 10  # initializers from which on only as many are drawn in colour, and cells have one line of text
_NOTHING = "#D9D9D9"
_OTHERS = "#B5B5B5"
_BRIGHT = 0.55  # of the way through the colours from which text is black


@dataclass(frozen=True)
class Level:
    """A level in a picture: its label, and where it stands on the axis."""

    label: str
    place: float


def plot_grid(means: pd.DataFrame, metric: str, sign: int, ax: "Axes | None") -> "Axes":
    """Heat map of means, best row on top; small, what became of lost runs, or the interval.

    Rows go by their mean, in which a cell where nothing learned counts as the worst of all; it is grey.

    Args:
        means: `Factorial.means`.
        metric: What they are of.
        sign: 1 if larger is better, -1 if smaller is: the bright end is the better one.
        ax: Where to draw; a new figure by default.
    """
    other = str(means.index.names[1])
    table = means["mean"].unstack(other)[list(dict.fromkeys(means.index.get_level_values(other)))]
    table = table.loc[_by_mean(table, sign)]
    values = table.to_numpy(float)
    rows, columns = values.shape
    roomy = rows <= _CROWD
    if ax is None:
        ax = style.new_axes(3.4 + 0.95 * columns, 1.4 + (0.42 if roomy else 0.24) * rows)
    log = style.wants_log(values)
    shown = np.log10(values) if log else values
    image = ax.imshow(np.ma.masked_invalid(shown), cmap="viridis" if sign > 0 else "viridis_r", aspect="auto")
    ax.set_facecolor(_NOTHING)
    lines = means.to_dict("index")
    marked = False
    for row, column in np.ndindex(rows, columns):
        line = lines.get((table.index[row], table.columns[column]))
        if line is None:
            continue
        value = float(shown[row, column])
        colour = "white" if np.isfinite(value) and _is_dark(image, value) else "black"
        main, small = _texts(line)
        if not roomy:
            marked |= bool(main and line["fate"])
            main, small = (f"{main}*" if line["fate"] and main else main or small.split()[-1]), ""
        up = 0.14 if main and small else 0.0
        ax.text(column, row - up, main, ha="center", va="center", fontsize=8 if roomy else 7, color=colour)
        ax.text(column, row + 2 * up, small, ha="center", va="center", fontsize=6.5, color=colour)
    _name_axes(ax, table, other, marked, roomy)
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.8)
    bar.set_label(style.figure_text(f"log10 of {metric}" if log else metric), fontsize=8)
    return ax


def _by_mean(table: pd.DataFrame, sign: int) -> list[str]:
    worst = (sign * table).min().min()
    means = (sign * table).fillna(worst).mean(axis=1)
    return [str(label) for label in means.sort_values(ascending=False, kind="stable").index]


def _is_dark(image: Any, value: float) -> bool:
    red, green, blue, _ = image.cmap(image.norm(value))
    return 0.3 * red + 0.59 * green + 0.11 * blue < _BRIGHT


def _texts(line: Mapping[Any, Any]) -> tuple[str, str]:
    """The mean of a cell, and what stands small under it."""
    mean, high = float(line["mean"]), float(line["high"])
    text = f"{mean:#.3g}".rstrip(".") if np.isfinite(mean) else ""
    if line["fate"]:
        return text, str(line["fate"])
    return text, f"± {high - mean:.2g}" if np.isfinite(high) else ""


def _name_axes(ax: "Axes", table: pd.DataFrame, other: str, marked: bool, roomy: bool) -> None:
    rows, columns = table.shape
    size = 8 if roomy else 7
    names = [style.figure_text(name) for name in short_labels(map(str, table.index), 28).values()]
    ax.set_yticks(range(rows), names, fontsize=size)
    heads = [style.figure_text(name) for name in short_labels(map(str, table.columns), 16).values()]
    ax.set_xticks(range(columns), heads, fontsize=8, rotation=0 if columns <= 8 else 45)
    ax.set_xlabel(style.figure_text(other) + ("\n* some runs were lost" if marked else ""))
    ax.set_title("mean of the runs that learned", fontsize=8)
    ax.spines[:].set_visible(False)


def places(factor: Mapping[str, float]) -> list[Level]:
    """Where the levels of a number stand: at their logarithms if all are positive, else side by side."""
    order = sorted(factor, key=lambda label: factor[label])
    log = all(value > 0 for value in factor.values())
    return [
        Level(label, float(np.log10(factor[label])) if log else place) for place, label in enumerate(order)
    ]


def plot_sensitivity(
    runs: pd.DataFrame,
    factor: str,
    levels: Sequence[Level],
    labels: Sequence[str],
    ranked: Sequence[str],
    column: str,
    sign: int,
    ax: "Axes | None",
) -> "Axes":
    """A metric over the levels of a number: a line for each initializer with its pointwise interval, a dot
    for each run, and a cross at the worse edge with the number of those that were lost.

    Args:
        runs: `Grid.runs`.
        factor: The column of levels.
        levels: See `places`.
        labels: All initializers, for their looks.
        ranked: The same, best first; beyond the first ten they are grey lines.
        column: The metric's column.
        sign: 1 if larger is better, -1 if smaller is.
        ax: Where to draw; a new figure by default.
    """
    ax = ax if ax is not None else style.new_axes(8.0 if len(ranked) <= style.LEGEND_INSIDE else 10.0)
    at = np.array([level.place for level in levels])
    gap = float(np.diff(at).min()) if len(at) > 1 else 1.0
    finished = runs[runs["status"] != "interrupted"]
    learned = finished.loc[finished["status"] == "completed", column].to_numpy(float)
    log = style.wants_log(learned)
    names = short_labels(ranked)
    crosses: list[list[tuple[int, str]]] = [[] for _ in levels]
    for place, label in reversed(list(enumerate(ranked))):
        own = finished[finished["initializer"] == label]
        points = [_point(own[own[factor] == level.label], column, log) for level in levels]
        lost = sum(point.lost for point in points)
        told = f", {lost} lost" if lost else ""
        name = f"{names[label]} (N={len(own)}{told})"
        look = style.style(labels.index(label))
        coloured = place < _CROWD
        shift = gap * (0.45 * (place + 0.5) / min(len(ranked), _CROWD) - 0.225)
        _draw_line(ax, at, points, look, name if coloured else None, log, 0.4 * shift)
        for here, point in zip(crosses, points, strict=True):
            if point.lost:
                here.insert(0, (point.lost, look.colour if coloured else _OTHERS))
    _limit(ax, learned, log)
    for x, here in zip(at, crosses, strict=True):
        for place, (count, colour) in enumerate(here[:_CROWD]):
            _cross(ax, x + 0.08 * gap * (place - (min(len(here), _CROWD) - 1) / 2), count, colour, sign)
    if len(ranked) > _CROWD:
        ax.plot([], [], color=_OTHERS, linewidth=0.8, label=f"{len(ranked) - _CROWD} others")
    ax.set_xticks(at, [style.figure_text(level.label) for level in levels], fontsize=8)
    ax.set_xlabel(style.figure_text(factor) + ("\n× lost runs, and how many" if any(crosses) else ""))
    ax.set_ylabel(column.removeprefix("final_"))
    style.set_spines(ax)
    _legend(ax, _in_order(ax, len(ranked)))
    return ax


@dataclass(frozen=True, eq=False)
class _Point:
    """An initializer at a level: its runs, their mean with its interval, and how many were lost."""

    runs: np.ndarray
    mean: stats.Estimate
    lost: int


def _point(here: pd.DataFrame, column: str, log: bool) -> _Point:
    """Each replicate counts once in the mean, where all of its runs at the level, at whatever levels of other
    factors, have learned."""
    learned = here["status"] == "completed"
    values = here[column].where(learned)
    each = (
        (np.log(values) if log else values).groupby(here["replicate"]).agg(lambda own: own.mean(skipna=False))
    )
    lost = int(here["status"].isin(LOST).sum())
    return _Point(values.dropna().to_numpy(float), stats.estimate(each.tolist()), lost)


def _in_order(ax: "Axes", count: int) -> list[Any]:
    """The legend's lines, best first: they were drawn last to first, so that the best lie on top."""
    handles, _ = ax.get_legend_handles_labels()
    last = handles[min(count, _CROWD) :]
    return [*reversed(handles[: min(count, _CROWD)]), *last]


def _draw_line(
    ax: "Axes",
    at: np.ndarray,
    points: Sequence[_Point],
    look: style.Style,
    name: str | None,
    log: bool,
    shift: float,
) -> None:
    """One initializer; a grey line where it has no name."""
    samples = [point.mean for point in points]
    back = np.exp if log else np.positive
    mean = back(np.array([one.mean for one in samples]))
    if name is None:
        ax.plot(at, mean, color=_OTHERS, linewidth=0.8, zorder=1)
        return
    (line,) = ax.plot(
        at,
        mean,
        color=look.colour,
        linewidth=1.8,
        marker=look.marker or "o",
        markersize=3.5,
        label=style.figure_text(name),
    )
    if look.dashes:
        line.set_dashes(look.dashes)
    for x, point in zip(at, points, strict=True):
        ax.plot([x + shift] * len(point.runs), point.runs, ".", color=look.colour, markersize=4, alpha=0.55)
    low, high = (
        back(np.array([getattr(one, edge) if one.n >= BAND_FROM else np.nan for one in samples]))
        for edge in ("low", "high")
    )
    ax.fill_between(at, low, high, color=look.colour, alpha=0.13, linewidth=0)


def _cross(ax: "Axes", x: float, count: int, colour: str, sign: int) -> None:
    """A cross where bad values are, at the top for losses, with the number of runs."""
    where = ax.get_xaxis_transform()
    edge = 0.985 if sign < 0 else 0.015
    ax.plot([x], [edge], "x", color=colour, transform=where, markersize=5, clip_on=False)
    ax.annotate(
        str(count),
        (x, edge),
        xycoords=where,
        xytext=(0, -11 if sign < 0 else 5),
        textcoords="offset points",
        ha="center",
        fontsize=6.5,
        color=colour,
    )


def _limit(ax: "Axes", values: np.ndarray, log: bool) -> None:
    """Let the runs set the scale: an interval from three replicates may be far wider than they are."""
    values = values[np.isfinite(values)]
    if log:
        ax.set_yscale("log")
    if not len(values) or values.min() == values.max():
        return
    low, high = float(values.min()), float(values.max())
    if log:
        margin = (high / low) ** 0.08
        ax.set_ylim(low / margin, high * margin)
    else:
        margin = 0.08 * (high - low)
        ax.set_ylim(low - margin, high + margin)


def plot_interaction(
    starts: Mapping[str, float],
    effects: pd.DataFrame,
    factor: str,
    levels: Sequence[str],
    labels: Sequence[str],
    metric: str,
    ax: "Axes | None",
) -> "Axes":
    """Slopes from the reference to each other level, with the interval of the paired difference at their end.

    Of more than ten initializers those are in colour whose effects differ most from the middle one.

    Args:
        starts: Initializer -> its mean at the reference, on the scale of the effects.
        effects: `Contrasted.effects`.
        factor: What is varied.
        levels: Its levels, the reference first.
        labels: All initializers, for their looks.
        metric: What is shown.
        ax: Where to draw; a new figure by default.
    """
    ax = ax if ax is not None else style.new_axes(9.0 if len(levels) == 2 else 11.0)
    log = len(effects) > 0 and effects["scale"].iloc[0] == "log"
    back = np.exp if log else np.positive
    lines = effects.to_dict("index")
    own = {label: [lines[label, level] for level in levels[1:]] for label in starts}
    paths = {
        label: np.array([start, *(start + line["difference"] for line in own[label])])
        for label, start in starts.items()
    }
    chosen = _unlike_others(paths)
    names = short_labels(starts)
    handles = {}
    shown = [path[np.isfinite(path)] for path in paths.values()]
    for label in sorted(paths, key=lambda label: label in chosen):
        look, path, x = style.style(labels.index(label)), paths[label], np.arange(float(len(levels)))
        if label not in chosen:
            ax.plot(x, back(path), color=_OTHERS, linewidth=0.8, zorder=1)
            continue
        x[1:] += 0.16 * ((chosen.index(label) + 0.5) / len(chosen) - 0.5)
        told = style.figure_text(f"{names[label]}: {_told(own[label])}")
        (line,) = ax.plot(
            x, back(path), color=look.colour, linewidth=1.6, marker="o", markersize=3.5, label=told
        )
        if look.dashes:
            line.set_dashes(look.dashes)
        handles[label] = line
        for at, one in zip(x[1:], own[label], strict=True):
            ends = starts[label] + np.array([one["low"], one["high"]])
            if np.isfinite(ends).all():
                ax.plot([at, at], back(ends), color=look.colour, linewidth=1.0)
                shown.append(_within_reach(ends, paths))
    _limit(ax, back(np.concatenate(shown)), log)
    ax.set_xlim(-0.25, len(levels) - 0.75)
    ax.set_xticks(range(len(levels)), [style.figure_text(level) for level in levels])
    told = f"bars: 95 % interval of the paired difference from {levels[0]}"
    ax.set_xlabel(f"{style.figure_text(factor)}\n{style.figure_text(told)}")
    ax.set_ylabel(metric)
    style.set_spines(ax)
    ordered = sorted(handles, key=lambda label: -np.nan_to_num(paths[label][-1], nan=-np.inf))
    beside = [handles[label] for label in ordered]
    if len(paths) > len(chosen):
        beside += ax.plot([], [], color=_OTHERS, linewidth=0.8, label=f"{len(paths) - len(chosen)} others")
    _legend(ax, beside)
    return ax


def _unlike_others(paths: Mapping[str, np.ndarray]) -> list[str]:
    """The initializers, or the ten of them whose effects are farthest from the median ones."""
    if len(paths) <= _CROWD:
        return list(paths)
    effects = np.stack([path[1:] - path[0] for path in paths.values()])
    middle = np.nanmedian(effects, axis=0)
    distance = np.nan_to_num(np.abs(effects - middle)).max(axis=1)
    return [list(paths)[place] for place in np.argsort(-distance, kind="stable")[:_CROWD]]


def _within_reach(ends: np.ndarray, paths: Mapping[str, np.ndarray]) -> np.ndarray:
    """The ends of an interval, cut where they would flatten the means."""
    means = np.concatenate(list(paths.values()))
    low, high = np.nanmin(means), np.nanmax(means)
    return np.clip(ends, low - 0.6 * (high - low), high + 0.6 * (high - low))


def _told(lines: Sequence[Mapping[Any, Any]]) -> str:
    """`better`, or `better at 2, unresolved at 1`, and how many contrasts lost a value."""
    words = [str(line["verdict"]) for line in lines]
    lost = sum(line["n"] - line["n_values"] for line in lines)
    without = f" ({lost} of {sum(line['n'] for line in lines)} without value)" if lost else ""
    counts = {word: words.count(word) for word in dict.fromkeys(words)}
    if len(counts) == 1:
        return words[0] + without
    return ", ".join(f"{word} at {count}" for word, count in counts.items()) + without


def _legend(ax: "Axes", handles: Sequence[Any]) -> None:
    ax.legend(
        handles=handles,
        fontsize=8,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        handlelength=3,
    )
