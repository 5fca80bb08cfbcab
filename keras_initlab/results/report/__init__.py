"""A comparison as one self-contained page."""

import html
import json
import math
from collections.abc import Sequence
from functools import partial
from string import Template
from typing import Any

import numpy as np

from keras_initlab.core.optional import need
from keras_initlab.results import conclusion, plots, terminal
from keras_initlab.results.evidence import Evidence
from keras_initlab.results.plots import curves as curve_plots
from keras_initlab.results.plots import style
from keras_initlab.results.report.parts import file, html_table, picture
from keras_initlab.results.tables import EARLY, epoch_metrics

POINTS = 100  # of a curve in the page; the saved result keeps all
_DIGITS = 3


def page(found: Evidence) -> str:
    """The page as text."""
    plotly = need("plotly.offline", "to_html", "keras-initlab[report]")
    fields = {
        "sentence": html.escape(conclusion.sentence(found)),
        "notes": "".join(f"<p>{html.escape(line)}</p>" for line in conclusion.notes(found)),
        "table": terminal.html_table(found),
        "figures": _figures(found),
        "foreseen": _foreseen(found) if found.diagnosed else "",
        "runs": runs_table(found),
        "repeat": html.escape(repeat(found.config)),
        "config": html.escape(json.dumps(found.config, indent=1, ensure_ascii=False)),
        "style": file("page.css"),
        "data": script_data(views(found)) if found.records else "null",
        "plotly": plotly.get_plotlyjs(),
        "script": file("page.js"),
    }
    return Template(file("page.html")).substitute(fields)


def script_data(data: Any) -> str:
    """JSON that no label can break out of."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def repeat(config: dict[str, Any]) -> str:
    """How to run the comparison again: the command that ran it, else the call."""
    if "command" in config:
        return config["command"]
    keys = (
        "batch_size",
        "epochs",
        "steps_per_epoch",
        "replicates",
        "seed",
        "fans",
        "baseline",
        "target_loss",
    )
    arguments = [f"    {key}={config[key]!r}," for key in keys if config.get(key) is not None]
    if "at" in config:
        told = ", ".join(f"{name} {label}" for name, levels in config["at"].items() for label in levels)
        arguments.append(f"    # of which: {told}")
    if "factors" in config:
        arguments.append(f"    factors={_written(config)!r},")
    schemes = json.dumps(config["labels"], ensure_ascii=False)
    return "\n".join(
        [
            "import json, keras_initlab as initlab",
            "",
            f"initializers = json.loads({schemes!r})",
            "initlab.compare(",
            "    model, initializers, x, y, validation_data=(x_val, y_val),",
            *arguments,
            ")",
        ]
    )


def _written(config: dict[str, Any]) -> Any:
    """Factors as they are given to `compare`; what is neither a number nor off or on, by its label."""
    switch = {"off": False, "on": True}

    def level(label: str, entry: dict[str, Any]) -> Any:
        return switch[label] if label in switch else entry.get("value", label)

    factors = config["factors"]
    if config.get("cells"):
        return [
            {name: [level(label, factors[name][label])] for name, label in cell.items()}
            for cell in config["cells"]
        ]
    return {name: [level(*item) for item in levels.items()] for name, levels in factors.items()}


def _figures(found: Evidence) -> str:
    """Static pictures: the curves for readers without JavaScript, the rest for all."""
    if not found.records:
        return ""
    view = plots.loss_view(found.curves, found.runs, found.ranked, EARLY)
    draw = partial(plots.plot_curves, view, found.runs, found.labels)
    losses = picture(draw, 9.6, 4.8, f"Training loss of the first {EARLY} batches")
    parts = [f"<noscript>{losses}</noscript>"]
    ranked = list(found.summary().index)
    count = len(ranked)
    if not count:
        return parts[0]
    height = 1.4 + 0.27 * count
    if count > 1:
        title = f"Difference from {found.baseline} in {found.metric}"
        forest = partial(plots.plot_pairs, found.pairs(), ranked, found.metric)
        parts.append(picture(forest, 7.2, height, title))
    values = found.outcomes_of(found.metric).values
    strip = partial(plots.plot_replicates, values, ranked, found.labels, found.metric)
    parts.append(picture(strip, 7.2, height, f"Every replicate: {found.metric}"))
    return "".join(parts)


def _foreseen(found: Evidence) -> str:
    """What diagnoses said before training, and what then happened."""
    seen = found.foreseen()
    said = "".join(f"<p>{html.escape(line)}</p>" for line in seen.sentences())
    drawn = picture(
        partial(plots.plot_foreseen, seen.trials), 7.2, 4.2, "Risk before training and first losses"
    )
    table = seen.trials.reset_index()
    names = ["initializer", "replicate", "word", "risk", "verdicts", "layer", "status", "failed", "first_100"]
    rows = [[shown(value) for value in row] for row in table[names].itertuples(index=False)]
    return (
        f'<section id="foreseen"><h2>Foreseen and happened</h2>{said}{drawn}<details><summary>Every run'
        f'</summary><div class="wide">{html_table(names, rows)}</div></details></section>'
    )


def runs_table(found: Evidence) -> str:
    """Status, values and seeds of every run."""
    frame = found.runs
    value = f"final_{found.metric}"
    columns = [
        "initializer",
        "replicate",
        "status",
        "message",
        "first_100",
        "steps_to_target",
        "steps",
        "seconds",
    ]
    if value in frame:
        columns.insert(4, value)
    names = [*columns, "engine", "seeds"]
    rows = []
    for cells, run in zip(frame[columns].itertuples(index=False), found.records, strict=True):
        seeds = ", ".join(f"{name} {seed}" for name, seed in run.seeds.items())
        rows.append([*map(shown, cells), run.engine, seeds])
    return html_table(names, rows)


def shown(value: Any) -> str:
    """A value as text."""
    return terminal.number(value) if isinstance(value, float) else str(value)


def views(found: Evidence) -> dict[str, Any]:
    """Everything the script draws."""
    ranked = found.ranked
    frames = found.curves, found.runs, ranked
    steps = max((len(run.step_losses) for run in found.records), default=0)
    drawn = [(f"Loss, first {EARLY} batches", plots.loss_view(*frames, EARLY))] if steps else []
    if steps > EARLY:
        drawn.append(("Loss, all batches", plots.loss_view(*frames, None)))
    drawn += [(name, plots.metric_view(*frames, name)) for name in epoch_metrics(found.records)]
    looks = [style.style(found.labels.index(label)) for label in ranked]
    names = curve_plots.legend_names(found.runs, ranked)
    return {
        "initializers": [
            {
                "name": names[label],
                "colour": look.colour,
                "dash": ",".join(f"{part * 2}px" for part in look.dashes),
            }
            for label, look in zip(ranked, looks, strict=True)
        ],
        "views": [{"title": title, **_view(view)} for title, view in drawn],
    }


def _view(view: curve_plots.View) -> dict[str, Any]:
    together = [curve.steps for curves in view.curves.values() for curve in curves]
    longest = max(together, key=len, default=np.empty(0))
    kept = np.unique(np.linspace(0, max(len(longest) - 1, 0), min(POINTS, max(len(longest), 1))).astype(int))
    return {
        "x": view.x,
        "y": view.y,
        "log": view.log,
        "steps": longest[kept[kept < len(longest)]].tolist(),
        "curves": [_initializer(curves, kept, view.log) for curves in view.curves.values()],
    }


def _initializer(curves: Sequence[curve_plots.Curve], kept: np.ndarray, log: bool) -> dict[str, Any]:
    completed = [curve for curve in curves if curve.completed]
    _, mean, low, high = curve_plots.mean_and_interval(completed, log)
    band = len(completed) >= curve_plots.BAND_FROM
    return {
        "mean": _thin(mean, kept),
        "low": _thin(low, kept) if band else [],
        "high": _thin(high, kept) if band else [],
        "runs": [_thin(curve.values, kept) for curve in curves],
    }


def _thin(values: np.ndarray, kept: np.ndarray) -> list[float]:
    return [_rounded(value) for value in values[kept[kept < len(values)]]]


def _rounded(value: float) -> float:
    digits = _DIGITS - 1 - math.floor(math.log10(abs(value))) if value else 0
    return round(float(value), digits)
