"""Records and their configuration -> pandas frames."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from keras_initlab.core.errors import UnknownNameError
from keras_initlab.results import learning, stats
from keras_initlab.trials.record import Record

EARLY = 100  # steps that `first_100` averages
WINDOW = 10  # steps whose mean loss has to be at or below the target
VALIDATION = "val_"
SPEED = ("first_100", "steps_to_target")
LOST = ("diverged", "failed", "stuck")  # what may become of a run that has not learned


def running_loss(losses: Sequence[float]) -> np.ndarray:
    """Mean of the last `WINDOW` finite losses, from the first full window on."""
    finite = np.asarray(losses, dtype=float)
    finite = finite[: _finite_steps(losses)]
    if len(finite) < WINDOW:
        return np.empty(0)
    return np.lib.stride_tricks.sliding_window_view(finite, WINDOW).mean(axis=-1)


def _finite_steps(losses: Sequence[float]) -> int:
    lost = ~np.isfinite(np.asarray(losses, dtype=float))
    return int(lost.argmax()) if lost.any() else len(lost)


def default_target(records: Sequence[Record]) -> float:
    """The loss half-way between where training starts and the best it gets to.

    Start is the median loss of the first step over all runs, the best is the lowest 10-step mean that any
    run reaches. Half-way is their geometric mean (the arithmetic one if the best is not positive). NaN if
    no run has 10 steps.

    >>> default_target([Record("a", 0, "completed", step_losses=(4.0,) * 10 + (1.0,) * 10)])
    2.0
    """
    starts = [run.step_losses[0] for run in records if _finite_steps(run.step_losses)]
    bests = [float(window.min()) for run in records if len(window := running_loss(run.step_losses))]
    if not bests:
        return math.nan
    start, best = float(np.median(starts)), min(bests)
    if start <= best:
        return best
    return math.sqrt(start * best) if best > 0 else (start + best) / 2


def steps_to_target(losses: Sequence[float], target: float) -> float:
    """First step at which the mean of the last 10 losses is at most `target`; NaN if there is none."""
    reached = np.flatnonzero(running_loss(losses) <= target)
    return float(reached[0] + WINDOW) if len(reached) else math.nan


def early_loss(run: Record) -> float:
    """Mean loss of the first 100 steps (of all, if a completed run is shorter); NaN without them."""
    steps = _finite_steps(run.step_losses)
    if steps < EARLY and (run.status != "completed" or not steps):
        return math.nan
    return float(np.mean(run.step_losses[: min(EARLY, steps)]))


def epoch_metrics(records: Sequence[Record]) -> list[str]:
    """Names of the metrics measured per epoch, in the order they first appear."""
    return list(dict.fromkeys(name for run in records for name in run.epochs))


def direction(metric: str, directions: Mapping[str, str | None]) -> str | None:
    """`up` if larger is better, `down` if smaller is, None if nobody said."""
    bare = metric.removeprefix("final_").removeprefix("best_")
    if bare in (*SPEED, "seconds"):
        return "down"
    for name in (bare, bare.removeprefix(VALIDATION)):
        if directions.get(name):
            return directions[name]
    return "down" if bare.endswith("loss") else None


def primary_metric(metrics: Sequence[str], directions: Mapping[str, str | None]) -> str:
    """What initializers are ranked by: a validation metric before a training metric, and one that was
    asked for before the loss."""
    judged = [name for name in metrics if direction(name, directions)]
    if not judged:
        return "first_100"
    return min(judged, key=lambda name: (not name.startswith(VALIDATION), name.endswith("loss")))


_BLOWN_UP = "A value after the last epoch is not finite: try a lower learning rate or gradient clipping."
_STUCK = (
    "Its end is no better than chance. If it was given too little time, train longer; else its initializer, "
    "or the learning rate, keeps it from learning."
)
_RUN = ("initializer", "replicate", "status", "message")


def runs(
    records: Sequence[Record],
    target: float,
    directions: Mapping[str, str | None],
    levels: Mapping[str, float],
) -> pd.DataFrame:
    """One row per run; `levels` are those of chance."""
    metrics = epoch_metrics(records)
    rows = []
    for run in records:
        row: dict[str, Any] = {
            "initializer": run.label,
            "replicate": run.replicate,
            "status": run.status,
            "message": run.message,
        }
        ends = [values[-1] for values in run.epochs.values() if values]
        if run.status == "completed" and not all(map(math.isfinite, ends)):
            row |= {"status": "diverged", "message": _BLOWN_UP}
        elif run.status == "completed" and learning.stuck(run, levels):
            row |= {"status": "stuck", "message": _STUCK}
        for name in metrics:
            values = run.epochs.get(name, ())
            row[f"final_{name}"] = (
                values[-1] if row["status"] in ("completed", "stuck") and values else math.nan
            )
            row[f"best_{name}"] = _best(values, direction(name, directions))
        row["first_100"] = early_loss(run)
        row["steps_to_target"] = steps_to_target(run.step_losses, target)
        row["steps"] = len(run.step_losses)
        row["seconds"] = run.seconds
        rows.append(row)
    measured = [f"{kind}_{name}" for name in metrics for kind in ("final", "best")]
    columns = [*_RUN, *measured, *SPEED, "steps", "seconds"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.replace([math.inf, -math.inf], math.nan)


def _best(values: Sequence[float], better: str | None) -> float:
    finite = [value for value in values if math.isfinite(value)]
    if not finite or better is None:
        return math.nan
    return max(finite) if better == "up" else min(finite)


def curves(records: Sequence[Record], steps_per_epoch: Callable[[str], int]) -> pd.DataFrame:
    """All values over time, one per row; `steps_per_epoch` by label."""
    series = [
        (run.label, run.replicate, split, metric, np.asarray(values, dtype=float))
        for run in records
        for split, metric, values in _series(run)
    ]
    lengths = [len(values) for *_, values in series]
    columns: dict[str, Any] = {}
    for place, name in enumerate(("initializer", "replicate", "split", "metric")):
        kind = "int64" if name == "replicate" else object
        columns[name] = np.repeat(np.array([one[place] for one in series], dtype=kind), lengths)
    columns["value"] = np.concatenate([np.empty(0), *(values for *_, values in series)])
    count = np.concatenate([np.empty(0, int), *(np.arange(1, length + 1) for length in lengths)])
    batch = columns["split"] == "batch"
    epoch = np.repeat(np.array([steps_per_epoch(one[0]) for one in series], dtype=int), lengths)
    columns["step"] = np.where(batch, count, count * epoch)
    columns["epoch"] = np.where(batch, (count - 1) // epoch + 1, count)
    return pd.DataFrame(columns)[list(_CURVES)].astype(_CURVES)


_CURVES = {
    "initializer": "str",
    "replicate": "int64",
    "step": "int64",
    "epoch": "int64",
    "split": "str",
    "metric": "str",
    "value": "float64",
}


def _series(run: Record) -> Iterator[tuple[str, str, Sequence[float]]]:
    """Split, metric and values of everything that a run measured."""
    yield "batch", "loss", run.step_losses
    for name, values in run.epochs.items():
        split = "validation" if name.startswith(VALIDATION) else "train"
        yield split, name.removeprefix(VALIDATION), values


def column(frame: pd.DataFrame, metric: str) -> str:
    """The column of `runs` that holds `metric`: an epoch metric means its final value."""
    for name in (f"final_{metric}", metric):
        if name in frame.columns and name not in _NOT_METRICS:
            return name
    known = [name.removeprefix("final_") for name in frame.columns if name not in _NOT_METRICS]
    raise UnknownNameError("metric", metric, known, f"There are: {', '.join(known)}.")


_NOT_METRICS = (*_RUN, "steps")


def judged_values(own: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """A column of one initializer's runs, and which of them count as lost though they have a value.

    Of runs that got stuck the final metric enters no mean, unless no run of the initializer has learned:
    then where they ended is all there is to say.
    """
    values = own[column].to_numpy(float)
    if not column.startswith("final_"):
        return values, np.zeros(len(values), dtype=bool)
    stuck = own["status"].to_numpy(object) == "stuck"
    return (values if np.isnan(values[~stuck]).all() else np.where(stuck, np.nan, values)), stuck


def summary(
    frame: pd.DataFrame,
    horizons: Mapping[str, int],
    metric: str,
    directions: Mapping[str, str | None],
    confidences: Mapping[str, float],
) -> pd.DataFrame:
    """One row per initializer, best first; those with lost runs come after those without.

    `horizons` are the steps that a run of each was to take, `confidences` those of its intervals.
    """
    rows = []
    runs_of = dict(iter(frame.groupby("initializer", sort=False)))
    for label, horizon in horizons.items():
        if label not in runs_of:
            continue
        own, confidence = runs_of[label], confidences[label]
        status = own["status"].to_numpy(object)
        row: dict[str, Any] = {
            "initializer": label,
            "n": len(own),
            **{fate: int((status == fate).sum()) for fate in LOST},
        }
        for name in dict.fromkeys((metric, "first_100")):
            sample = stats.estimate(judged_values(own, column(frame, name))[0], confidence)
            row |= {f"{name}_{key}": value for key, value in asdict(sample).items() if key != "n"}
        row |= _speed(own["steps_to_target"].to_numpy(float), horizon, confidence)
        rows.append(row)
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    sign = -1 if direction(metric, directions) == "up" else 1
    lost = table[list(LOST)].sum(axis=1) / table["n"]
    order = np.lexsort((sign * table[f"{metric}_mean"], lost))
    table = table.iloc[order].reset_index(drop=True)
    table.insert(0, "rank", range(1, len(table) + 1))
    return table.set_index("initializer")


def starts(records: Sequence[Record]) -> dict[str, tuple[int, float]]:
    """By label, of those that a recipe has prepared: the rows that it looked at, and its mean seconds."""
    found: dict[str, list[Record]] = {}
    for run in records:
        if run.init_seconds:
            found.setdefault(run.label, []).append(run)
    return {
        label: (max(run.init_rows for run in runs), float(np.mean([run.init_seconds for run in runs])))
        for label, runs in found.items()
    }


def _speed(steps: np.ndarray, horizon: int, confidence: float) -> dict[str, Any]:
    """Steps to the target, where a run that never reached it is known only to need more than it had.

    Mean and interval are of the restricted time: such a run enters with all the steps there were. Median
    and interquartile mean are exact, and NaN where they would need to know when it got there.
    """
    reached = np.isfinite(steps)
    restricted = stats.estimate(np.where(reached, steps, horizon), confidence)
    late = np.where(reached, steps, np.inf)
    values = {
        "mean": restricted.mean,
        "sd": restricted.sd,
        "low": restricted.low,
        "high": restricted.high,
        "median": float(np.median(late)),
        "iqm": stats.interquartile_mean(late) if len(late) >= stats.MANY else math.nan,
    }
    named = {f"steps_to_target_{name}": value for name, value in values.items()}
    return {"reached_target": int(reached.sum())} | {
        name: value if math.isfinite(value) else math.nan for name, value in named.items()
    }
