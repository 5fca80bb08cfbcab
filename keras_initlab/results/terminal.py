"""A result as a table: in a terminal (80 columns, with and without colour) and in a notebook."""

import html
import io
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from keras_initlab.results import conclusion
from keras_initlab.results.evidence import Evidence
from keras_initlab.results.labels import short, short_labels
from keras_initlab.results.tables import EARLY, LOST

if TYPE_CHECKING:
    from rich.console import Group

WIDTH = 80
_BARS = "▁▂▃▄▅▆▇█"
_SPARKS = 8
_TEXTS = ("label", "verdict", "spark")  # columns that start at the left
_STYLES = {"lost": "red", "spark": "cyan"}
_VERDICTS = {"better": "green", "worse": "red", "baseline": "bold"}


@dataclass(frozen=True)
class Row:
    """One initializer as text."""

    rank: str
    label: str
    runs: str
    mean: str
    early: str
    target: str
    lost: str
    verdict: str
    spark: str


def render(found: Evidence) -> "Group":
    """The table, the conclusion and the notes, for a rich console."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    lines = [Text(conclusion.sentence(found), style="bold"), *map(Text, conclusion.notes(found))]
    below = [Padding(line, (0, 1)) for line in lines]
    if not found.ended:
        return Group(*below)
    rows = _rows(found, label_length=WIDTH)
    headers = _headers(found, short(found.metric, 14))
    widths = {
        name: max(len(header), *(len(vars(row)[name]) for row in rows)) for name, header in headers.items()
    }
    spare = WIDTH - sum(widths.values()) + widths["label"] - len(widths) - 1
    widths["label"] = min(widths["label"], spare)
    labels = iter(short_labels([row.label for row in rows], spare).values())
    table = Table(box=SIMPLE_HEAD, padding=0)
    for name, width in widths.items():
        side: Literal["left", "right"] = "left" if name in _TEXTS else "right"
        table.add_column(Text(headers[name]), justify=side, width=width, no_wrap=True)
    for row in rows:
        cells = {name: Text(vars(row)[name], style=_STYLES.get(name, "")) for name in widths}
        cells["label"] = Text(next(labels))
        cells["verdict"].style = _VERDICTS.get(row.verdict, "dim")
        table.add_row(*cells.values())
    return Group(table, *below)


def as_text(found: Evidence) -> str:
    """The rendering without colour, 80 columns wide."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(render(found))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def as_html(found: Evidence) -> str:
    """The rendering as an HTML fragment that takes its colours from the page it is in."""
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in conclusion.notes(found))
    head = f"<p><strong>{html.escape(conclusion.sentence(found))}</strong></p>"
    return f"<div>{head}{html_table(found)}{lines}</div>"


def html_table(found: Evidence) -> str:
    """The table alone; empty without runs."""
    if not found.ended:
        return ""
    rows = _rows(found, label_length=60)
    headers = _headers(found, found.metric)

    def line(tag: str, cells: Mapping[str, str]) -> str:
        sides = {name: "left" if name in _TEXTS else "right" for name in headers}
        return "".join(
            f'<{tag} style="text-align:{sides[name]}">{html.escape(cells[name])}</{tag}>' for name in headers
        )

    body = "".join(f"<tr>{line('td', vars(row))}</tr>" for row in rows)
    return f"<table><thead><tr>{line('th', headers)}</tr></thead><tbody>{body}</tbody></table>"


def _headers(found: Evidence, metric: str) -> dict[str, str]:
    """Field of `Row` -> heading, for the columns that say anything."""
    table = found.summary()
    lost = conclusion.lost_heading(table)
    headings = Row("#", "initializer", "runs", metric, "early", "target", lost, "verdict", "loss")
    empty = () if table[list(LOST)].to_numpy().any() else ("lost",)
    if found.settling is None:
        empty = (*empty, "runs")
    return {name: heading for name, heading in vars(headings).items() if name not in empty}


def _rows(found: Evidence, label_length: int) -> list[Row]:
    table = found.summary()
    verdicts = _verdicts(found)
    labels = short_labels(map(str, table.index), label_length)
    sparks = _sparklines(found.curves, list(table.index), max(2, len(table) // 2))
    rows = []
    for label, line in zip(map(str, table.index), table.to_dict("records"), strict=True):
        lost = int(sum(line[fate] for fate in LOST))
        rows.append(
            Row(
                rank=str(line["rank"]),
                label=labels[label],
                runs=str(line["n"]),
                mean=with_interval(line[f"{found.metric}_mean"], line[f"{found.metric}_high"]),
                early=number(line["first_100_mean"]),
                target=_steps(line) if math.isfinite(found.target) else "–",
                lost=f"{lost} of {int(line['n'])}" if lost else "",
                verdict="baseline" if label == found.baseline else verdicts.get(label, ""),
                spark=sparks[label],
            )
        )
    return rows


def _verdicts(found: Evidence) -> dict[str, str]:
    pairs = found.pairs()
    return {} if pairs.empty else dict(zip(map(str, pairs.index), pairs["verdict"], strict=True))


def number(value: float) -> str:
    """Four significant digits; a dash for no value."""
    return f"{value:.4g}" if math.isfinite(value) else "–"


def with_interval(mean: float, high: float) -> str:
    """`mean ±half`, with the digits that the half-width supports.

    >>> with_interval(0.97034, 0.97294)
    '0.9703 ±0.0026'
    """
    half = high - mean
    if not math.isfinite(half) or half <= 0:
        return number(mean)
    digits = max(0, 1 - math.floor(math.log10(half)))
    if digits > 6 or abs(mean) >= 1e6:
        return f"{mean:.4g} ±{half:.1g}"
    return f"{mean:.{digits}f} ±{half:.{digits}f}"


def _steps(line: Mapping[Hashable, Any]) -> str:
    reached, n = int(line["reached_target"]), int(line["n"])
    if not reached:
        return "never"
    median = line["steps_to_target_median"]
    steps = f"{median:.0f}" if math.isfinite(median) else "–"
    return steps if reached == n else f"{steps} ({reached}/{n})"


def _sparklines(curves: pd.DataFrame, ranked: list[str], contenders: int) -> dict[str, str]:
    """The mean loss over the first 100 steps as eight bars, all initializers on one logarithmic scale: that
    of the first `contenders`, beyond which the hopeless are cut off."""
    early = curves[(curves["split"] == "batch") & (curves["step"] <= EARLY) & np.isfinite(curves["value"])]
    if early.empty:
        return dict.fromkeys(ranked, "")
    span = early["step"].max()
    parts = ((early["step"] - 1) * _SPARKS // max(span, _SPARKS)).rename("part")
    means = early.groupby([early["initializer"], parts])["value"].mean()
    scaled = np.log(means.clip(lower=1e-12)) if (means > 0).all() else means
    front = scaled[scaled.index.get_level_values(0).isin(ranked[:contenders])]
    low, high = (front.min(), front.max()) if len(front) else (scaled.min(), scaled.max())
    spread = (scaled.clip(low, high) - low) / (high - low) if high > low else scaled * 0
    heights = (spread * (len(_BARS) - 1)).round()
    bars = heights.astype(int).map(lambda height: _BARS[height])
    drawn = {label: "".join(own) for label, own in bars.groupby(level=0)}
    return {label: drawn.get(label, "") for label in ranked}
