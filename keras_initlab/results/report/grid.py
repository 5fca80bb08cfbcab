"""A grid as one self-contained page."""

import html
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from string import Template
from typing import Any

import pandas as pd

from keras_initlab.core.errors import InputError
from keras_initlab.core.optional import need
from keras_initlab.results import grid_words, report
from keras_initlab.results.contrasted import Contrasted
from keras_initlab.results.factors import INITIALIZER
from keras_initlab.results.report.parts import file, html_table, picture

_CURVES = 40  # cells up to which their curves are readable together
_SHOWN = (
    *("n", "n_values", "difference", "low", "high", "p_adjusted", "p_sign_flip", "detectable"),
    *("completed", "completed_reference", "n_runs", "p_completed", "scale", "verdict"),
)


@dataclass(frozen=True)
class Drawing:
    """A picture of the page: what draws into `ax`, its size in inches, and its caption."""

    draw: Callable[..., Any]
    width: float
    height: float
    title: str


def page(found: Contrasted, drawings: Iterable[Drawing]) -> str:
    """The page as text."""
    plotly = need("plotly.offline", "to_html", "keras-initlab[report]")
    cells = found.cells
    curves = cells.records and len(cells.labels) <= _CURVES
    fields = {
        "sentence": "<br>".join(map(html.escape, grid_words.sentences(found))),
        "notes": "".join(f"<p>{html.escape(line)}</p>" for line in grid_words.notes(found)),
        "table": grid_words.html_table(found),
        "figures": "".join(picture(one.draw, one.width, one.height, one.title) for one in drawings),
        "foreseen": _contrasts(found),
        "runs": report.runs_table(cells),
        "repeat": html.escape(report.repeat(found.config)),
        "config": html.escape(json.dumps(found.config, indent=1, ensure_ascii=False)),
        "style": file("page.css"),
        "data": report.script_data(report.views(cells)) if curves else "null",
        "plotly": plotly.get_plotlyjs(),
        "script": file("page.js"),
    }
    return Template(file("page.html")).substitute(fields)


def _contrasts(found: Contrasted) -> str:
    """Every effect and every interaction with the initializer, folded in."""
    parts = []
    for name in found.factors:
        try:
            frames = {f"Effects of {name}": found.effects(name)}
            if len(found.labels) > 1:
                frames[f"Interactions of the initializer with {name}"] = found.interactions(INITIALIZER, name)
        except InputError as error:
            parts.append(f"<p>{html.escape(str(error))}</p>")
            continue
        parts += [_folded(title, frame) for title, frame in frames.items() if len(frame)]
    return f'<section id="contrasts"><h2>Contrasts</h2>{"".join(parts)}</section>' if parts else ""


def _folded(title: str, frame: pd.DataFrame) -> str:
    flat = frame.reset_index()
    names = [*map(str, frame.index.names), "reference", *_SHOWN]
    rows = [[report.shown(value) for value in row] for row in flat[names].itertuples(index=False)]
    told = f"{title} on {html.escape(str(frame['scale'].iloc[0]))} scale, {len(frame)} in one family (Holm)"
    table = html_table(names, rows)
    return f'<details><summary>{html.escape(told)}</summary><div class="wide">{table}</div></details>'
