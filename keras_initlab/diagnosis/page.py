"""A diagnosis as one self-contained page."""

import html
import math
from dataclasses import fields
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

from keras_initlab.diagnosis import words
from keras_initlab.diagnosis.rows import Row
from keras_initlab.results.report.parts import file, html_table, picture

if TYPE_CHECKING:
    from keras_initlab.diagnosis.report import Diagnoses, Diagnosis

_PANELS = 3


def of_one(found: "Diagnosis") -> str:
    """The page of one start."""
    return _page(_body(found) + _picture(found.plot))


def of_several(found: "Diagnoses") -> str:
    """The page of several starts: how they rank, all in one picture, and each for itself."""
    summary = found.summary
    names = ["initializer", "start", "risk", "verdicts", "loss", "after one step"]
    rows = [
        [str(label), row["word"], f"{row['risk']:.2f}", row["verdicts"] or "-"]
        + [_number(row[name]) for name in ("loss", "after_step")]
        for label, row in summary.iterrows()
    ]
    each = "".join(
        f"<details><summary>{html.escape(str(label))}</summary>{_body(found[str(label)])}</details>"
        for label in summary.index
    )
    return _page(
        f'<div class="wide">{html_table(names, rows)}</div>{_picture(found.plot)}<h2>Each</h2>{each}'
    )


def _page(body: str) -> str:
    frame = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    return Template(frame).substitute(style=file("page.css"), body=body)


def _picture(draw: Any) -> str:
    return picture(draw, 12.0, 3.8, "Signals and gradients by depth; thin: what theory expects", _PANELS)


def _body(found: "Diagnosis") -> str:
    said = [words.headline(found), words.calibrated(found), *(f"({note})" for note in found.notes)]
    verdicts = [
        [one.kind, one.word, one.layer, f"{one.measured:.4g}", f"{one.limit:.4g}", one.why, one.instead]
        for one in found.verdicts
    ]
    told = "".join(f"<p>{html.escape(line)}</p>" for line in said if line)
    if verdicts:
        names = ["what", "how bad", "where", "measured", "limit", "why", "write instead"]
        told += f'<div class="wide">{html_table(names, verdicts)}</div>'
    return told + _layers(found)


def _layers(found: "Diagnosis") -> str:
    """Every tensor, with the columns that say anything."""
    rows = found.facts.rows
    names = [one.name for one in fields(Row) if any(_text(getattr(row, one.name)) for row in rows)]
    cells = [[_text(getattr(row, name)) or "-" for name in names] for row in rows]
    table = html_table(names, cells)
    return f'<details><summary>All layers</summary><div class="wide">{table}</div></details>'


def _text(value: Any) -> str:
    """A cell; empty where there is nothing to say."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.3g}" if math.isfinite(value) else ""
    return str(value)


def _number(value: float) -> str:
    return _text(float(value)) or "-"
