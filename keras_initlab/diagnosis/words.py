"""A diagnosis in words, at most 80 columns wide."""

import itertools
import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_initlab.diagnosis import calibration
from keras_initlab.diagnosis.rows import Row
from keras_initlab.diagnosis.verdicts import Verdict
from keras_initlab.results.labels import short, short_labels

if TYPE_CHECKING:
    import pandas as pd

    from keras_initlab.diagnosis.report import Diagnosis

WIDTH = 80
_BARS = "▁▂▃▄▅▆▇█"
_NONE = "·"  # where a size is 0, infinite or not known
_SHOWN = 40  # characters of a profile
_NAME = 20  # characters of a layer's name
_WORST = 3  # layers whose numbers are shown
_COLUMNS = ("q", "cosine", "G", "dead", "saturated", "classes")


def lines(found: "Diagnosis") -> list[str]:
    """Verdict, profile by depth, what is wrong where, the worst layers, what to write."""
    text = [*textwrap.wrap(headline(found), WIDTH)]
    if experience := calibrated(found):
        text += textwrap.wrap(experience, WIDTH)
    text += _profiles(found.profile)
    for number, verdict in enumerate(found.verdicts, 1):
        text += textwrap.wrap(f"{number}. {told(verdict)[0]}", WIDTH, subsequent_indent="   ")
    text += _worst(found)
    for line, numbers in _cures(found.verdicts).items():
        which = "" if len(found.verdicts) == 1 else f"{', '.join(map(str, numbers))}: "
        indent = " " * len(f"-> {which}")
        text += textwrap.wrap(
            line, WIDTH, initial_indent=f"-> {which}", subsequent_indent=indent, break_on_hyphens=False
        )
    for note in found.notes:
        text += textwrap.wrap(f"({note})", WIDTH)
    return text


def headline(found: "Diagnosis") -> str:
    """The word, what is wrong, and the loss now and after a step."""
    name = f"{found.label}: " if found.label else ""
    step = ""
    if found.step is not None:
        before, after = found.step.others or (found.step.before, found.step.after)
        step = f" Loss {before:.4g}, after one step {after:.4g}"
        if math.isfinite(found.expected_loss):
            step += f"; a constant answer has {found.expected_loss:.4g}"
        step += "."
    if not found.verdicts:
        return f"{name}fine: nothing found that keeps this start from learning.{step}"
    return f"{name}{found.word} start: {', '.join(one.kind for one in found.verdicts)}.{step}"


def calibrated(found: "Diagnosis") -> str:
    """What became of such starts; empty without labels, and of doubtful ones, whose share carries over to no
    other net."""
    return "" if found.step is None or found.word == "doubtful" else calibration.said(found.word)


def told(verdict: Verdict) -> list[str]:
    """A verdict in two lines or one: what is wrong, and what to write."""
    where = f" at {verdict.layer}" if verdict.layer else ""
    said = f"{verdict.kind} ({verdict.word}){where}: {verdict.why}."
    return [said, f"-> {verdict.instead}"] if verdict.instead else [said]


def _cures(verdicts: Sequence[Verdict]) -> dict[str, list[int]]:
    """Each line to write, with the numbers of the verdicts that it is for."""
    found: dict[str, list[int]] = {}
    for number, verdict in enumerate(verdicts, 1):
        if verdict.instead:
            found.setdefault(verdict.instead, []).append(number)
    return found


def _profiles(rows: Sequence[Row]) -> Iterator[str]:
    """Sizes of signals and gradients by depth, as root mean squares."""
    if len(rows) < 2:
        return
    for name, sizes in (("signal", [row.q for row in rows]), ("gradient", [row.G for row in rows])):
        logs = [math.log10(size) / 2 if size > 0 else -math.inf for size in sizes]
        known = [f"10^{round(one, 1) + 0.0:.1f}" for one in logs if math.isfinite(one)]
        ends = f"{known[0]} to {known[-1]}" if known else "0"
        yield f"{name:<9}{profile(logs)} {ends}, {len(rows)} layers"


def _worst(found: "Diagnosis") -> Iterator[str]:
    """The numbers of the layers that verdicts name."""
    named = list(dict.fromkeys(one.layer for one in found.verdicts if one.layer))[:_WORST]
    rows = {row.tap: row for row in found.facts.rows}
    worst = [rows[name] for name in named if name in rows]
    if not worst:
        return
    yield f"{'worst layers':<{_NAME}}" + "".join(f"{column:>10}" for column in _COLUMNS)
    for row in worst:
        cells = "".join(f"{_number(getattr(row, column)):>10}" for column in _COLUMNS)
        yield f"{short(row.tap, _NAME):<{_NAME}}{cells}"


def _number(value: float) -> str:
    return f"{value:.2g}" if math.isfinite(value) else "-"


def profile(values: Sequence[float]) -> str:
    """Numbers as a line of bars, neighbours averaged where there are too many.

    >>> profile([0.0, 1.0, 2.0])
    '▁▅█'
    """
    if len(values) > _SHOWN:
        cuts = [round(at * len(values) / _SHOWN) for at in range(_SHOWN + 1)]
        values = [float(np.mean(values[a:b])) for a, b in itertools.pairwise(cuts)]
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return _NONE * len(values)
    low, high = min(known), max(known)
    spread = max(high - low, 1.0)  # a decade at least: flat is to look flat
    return "".join(
        _BARS[round((value - low) / spread * (len(_BARS) - 1))] if math.isfinite(value) else _NONE
        for value in values
    )


def ranking(summary: "pd.DataFrame") -> list[str]:
    """Several starts, a line for each."""
    names = short_labels(map(str, summary.index))
    width = max(map(len, names.values()), default=0)
    found = [f"{'initializer':<{width}}  {'start':<8} {'risk':>5}  verdicts"]
    for label, row in summary.iterrows():
        line = f"{names[str(label)]:<{width}}  {row['word']:<8} {row['risk']:>5.2f}  "
        line += row["verdicts"] or "-"
        found.append(line if len(line) <= WIDTH else line[: WIDTH - 1] + "…")
    return found
