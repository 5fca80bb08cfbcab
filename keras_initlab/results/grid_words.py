"""A grid in words and as a table of initializers x levels."""

import html
import io
import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_initlab.core.errors import InputError
from keras_initlab.results import conclusion, stats
from keras_initlab.results.contrasted import Contrasted
from keras_initlab.results.factors import INITIALIZER, held
from keras_initlab.results.families import ALL
from keras_initlab.results.labels import short, short_labels

if TYPE_CHECKING:
    from rich.console import Group

WIDTH = 80
_FEW = 4  # cells up to which there is room for four digits
_LABEL = 10  # letters that an initializer needs; where there is no room, cells stand below each other
_LONGEST = 24  # rows of that list
_VERDICTS = ("better", "worse", "unresolved", "no change in any replicate")


def sentences(found: Contrasted) -> list[str]:
    """What is shown of each factor's levels, in one sentence each."""
    if not found.cells.ended:
        return ["No run has finished, so there is nothing to compare."]
    said = []
    for name, levels in found.factors.items():
        try:
            frame = found.effects(name)
        except InputError as error:
            said.append(f"{name}: {error}")
            continue
        for level in levels[1:]:
            own = frame[frame.index.get_level_values("level") == level].droplevel("level")
            said.append(f"{name} {level} against {levels[0]}: {_counted(own)}.")
    return said


def _counted(own: pd.DataFrame) -> str:
    """`better in the mean over all; better for 3 of 10 initializers, unresolved for 7`."""
    verdicts = dict(zip(map(str, own.index), map(str, own["verdict"]), strict=True))
    together = verdicts.pop(ALL, None)
    if together is None:
        label, verdict = next(iter(verdicts.items()))
        return f"{verdict} for {short(label)}"
    counts = Counter(verdicts.values())
    first, *others = [f"{word} for {counts[word]}" for word in _VERDICTS if counts[word]]
    parts = [f"{first} of {len(verdicts)} initializers", *others]
    return f"{together} in the mean over all; {', '.join(parts)}"


def notes(found: Contrasted) -> list[str]:
    """What a reader has to know to read table and sentences right."""
    cells = found.cells
    if not cells.ended:
        return conclusion.notes(cells)
    levels_held = held(found.records, found.factors)
    lines = [f"At {levels_held}."] if levels_held else []
    stated = [*found.config.get("at", {}).values(), *(one.levels for one in found.design.factors.values())]
    lines += [entry["told"] for levels in stated for entry in levels.values() if "told" in entry]
    lines += conclusion.missing(cells)
    lines += [f"Each number is the mean of {conclusion.plain(found.metric)} over the runs that learned."]
    summary = cells.summary()
    lost = int(summary[["diverged", "failed", "stuck"]].to_numpy().sum())
    if lost:
        lines.append(
            f"n/N: {lost} of {int(summary['n'].sum())} runs diverged, failed or are stuck at chance; "
            "a contrast that needs a run without a value has none in that replicate, and stays unresolved; "
            "stuck runs enter contrasts with the value they ended at. Where no run learned, the number is of "
            "where the stuck ones ended."
        )
    lines.append(
        "Verdicts: paired by replicate, Holm over the initializers and levels of each factor, 5 % together."
    )
    lines += _detectable(found)
    lines += _no_room(found)
    return [*lines, *conclusion.origins(cells)]


def _detectable(found: Contrasted) -> list[str]:
    """What effects and interactions had a chance to be found, where something is unresolved."""
    lines = []
    for name in found.factors:
        try:
            frames = {"effects": found.effects(name)}
            if len(found.labels) > 1:
                frames["interactions with the initializer"] = found.interactions(INITIALIZER, name)
        except InputError:
            continue
        parts, least = [], []
        for kind, frame in frames.items():
            open_ = frame[frame["verdict"] == "unresolved"]
            if len(open_):
                parts.append(f"{len(open_)} of {len(frame)} {kind}")
                least += [f"{value:.2g}" for value in [open_["detectable"].median()] if math.isfinite(value)]
        if parts:
            logs = ", of logarithms" if frames["effects"]["scale"].iloc[0] == "log" else ""
            reach = f"; with an 80 % chance these runs find {' and '.join(least)} (median{logs})"
            lines.append(f"{name}: unresolved are {' and '.join(parts)}{reach if least else ''}.")
    return lines


def _no_room(found: Contrasted) -> list[str]:
    """Cells at the references that stand at 0 or 1, where a remedy has nothing to add."""
    cells = found.values()
    if cells.scale != "linear" or not _is_share(cells.values):
        return []
    full = []
    for row, key in enumerate(cells.keys):
        own = cells.values[row][np.isfinite(cells.values[row])]
        if key[1:] != found.design.cells[0] or len(own) < 2:
            continue
        sample = stats.estimate(own)
        if sample.high >= 1 if cells.sign > 0 else sample.low <= 0:
            full.append(short(key[0]))
    if not full:
        return []
    best, names = int(cells.sign > 0), ", ".join(full[:3])
    return [f"At the reference {names} stands within its interval of {best}: no room for an effect."]


def _is_share(values: np.ndarray) -> bool:
    have = values[np.isfinite(values)]
    return bool(len(have) and have.min() >= 0 and have.max() <= 1)


def table(found: Contrasted, width: int | None = None) -> tuple[list[str], list[list[str]]]:
    """Headings and rows: initializers x cells while they fit into `width` letters, else the best cells below
    each other."""
    metric, summary = found.metric, found.cells.summary()
    columns, told = found.design.cells, found.cell_names()
    digits = 4 if len(columns) <= _FEW else 3
    texts = {
        str(label): _cell(line, metric, digits)
        for label, line in zip(summary.index, summary.to_dict("records"), strict=True)
    }
    ordered = order(found)
    headings = list(short_labels([", ".join(cell) for cell in columns], 40).values())
    rows = [[texts.get(told[label, *cell], "") for cell in columns] for label in ordered]
    room = math.inf
    if width is not None:
        needed = [max(map(len, column)) + 1 for column in zip(headings, *rows, strict=True)]
        room = width - sum(needed) - 2
    if room >= _LABEL:
        names = short_labels(ordered, int(min(room, 60)))
        head = short(", ".join(found.factors), int(min(room, 60)))
        return [head, *headings], [[names[label], *row] for label, row in zip(ordered, rows, strict=True)]
    names = short_labels(list(texts), 60)
    best = [[names[name], text] for name, text in list(texts.items())[:_LONGEST]]
    if len(texts) > _LONGEST:
        best.append([f"… and {len(texts) - _LONGEST} more, see summary()", ""])
    return ["best first", metric], best


def order(found: Contrasted) -> list[str]:
    """The initializers, best first: by the share of lost runs, then by the mean over cells."""
    summary = found.cells.summary()
    told = found.cell_names()
    sign = found.cells.sign(found.metric)

    def place(label: str) -> tuple[float, float]:
        own = [name for (one, *_), name in told.items() if one == label and name in summary.index]
        if not own:
            return (2.0, 0.0)
        lines = summary.loc[own]
        lost = lines[["diverged", "failed", "stuck"]].sum().sum() / lines["n"].sum()
        mean = lines[f"{found.metric}_mean"].mean()
        return (float(lost), math.inf if math.isnan(mean) else -sign * float(mean))

    return sorted(found.labels, key=place)


def _cell(line: Mapping[Hashable, Any], metric: str, digits: int) -> str:
    lost = int(line["diverged"] + line["failed"] + line["stuck"])
    value = line[f"{metric}_mean"]
    mean = f"{value:#.{digits}g}".rstrip(".") if math.isfinite(value) else "–"
    return f"{mean} {int(line['n']) - lost}/{int(line['n'])}" if lost else mean


def render(found: Contrasted) -> "Group":
    """The table, the sentences and the notes, for a rich console."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    lines = [*(Text(line, style="bold") for line in sentences(found)), *map(Text, notes(found))]
    below = [Padding(line, (0, 1)) for line in lines]
    if not found.cells.ended:
        return Group(*below)
    headings, rows = table(found, WIDTH)
    drawn = Table(box=SIMPLE_HEAD, padding=0)
    for place, heading in enumerate(headings):
        drawn.add_column(
            Text(short(heading, 30)),
            justify="right" if place else "left",
            overflow="ellipsis",
            no_wrap=not place,
        )
    for row in rows:
        drawn.add_row(*map(Text, row))
    return Group(drawn, *below)


def as_text(found: Contrasted) -> str:
    """The rendering without colour, 80 columns wide."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(render(found))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def html_table(found: Contrasted) -> str:
    """The table alone; empty without runs."""
    if not found.cells.ended:
        return ""
    headings, rows = table(found)

    def line(tag: str, cells: Sequence[str]) -> str:
        return "".join(
            f'<{tag} style="text-align:{"right" if place else "left"}">{html.escape(cell)}</{tag}>'
            for place, cell in enumerate(cells)
        )

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{line('th', headings)}</tr></thead><tbody>{body}</tbody></table>"


def as_html(found: Contrasted) -> str:
    """The rendering as an HTML fragment that takes its colours from the page it is in."""
    head = "".join(f"<p><strong>{html.escape(line)}</strong></p>" for line in sentences(found))
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in notes(found))
    return f"<div>{head}{html_table(found)}{lines}</div>"
