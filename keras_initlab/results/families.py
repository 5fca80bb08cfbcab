"""Families of contrasts as frames: what belongs to one call is adjusted together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from keras_initlab.results import contrasts, judging, stats
from keras_initlab.results.contrasts import Cells

ALL = "(all)"


@dataclass(frozen=True)
class Row:
    """A contrast that is asked for.

    Attributes:
        names: What it is called, by column.
        steps: Axis -> (level, reference), see `contrasts.weights`.
        at: Axis -> the level at which the others stand.
    """

    names: Mapping[str, str]
    steps: Mapping[int, tuple[str, str]]
    at: Mapping[int, str]


def frame(cells: Cells, rows: Sequence[Row], alpha: float) -> pd.DataFrame:
    """The rows judged as one family."""
    if not rows:
        return pd.DataFrame(columns=["reference", *_COLUMNS])
    weight = np.stack([contrasts.weights(cells.keys, row.steps, row.at) for row in rows])
    found = contrasts.numbers(weight, cells.values)
    judged = contrasts.judge(found, contrasts.ran_together(weight, cells.ran), alpha)
    family = len(rows)
    lines = []
    for place, row in enumerate(rows):
        own = found[place][np.isfinite(found[place])]
        n_values, sd = int(judged.n_values[place]), float(judged.sd[place])
        lines.append(
            {
                **row.names,
                "n": int(judged.n[place]),
                "n_values": n_values,
                "difference": float(judged.mean[place]),
                "sd": sd,
                "low": float(judged.low[place]),
                "high": float(judged.high[place]),
                "p": float(judged.p[place]),
                "p_adjusted": float(judged.p_adjusted[place]),
                "p_sign_flip": stats.sign_flip_p(own) if len(own) else math.nan,
                "detectable": _detectable(n_values, sd, family, alpha=alpha),
                **_completed(cells, weight[place], row),
                "scale": cells.scale,
                "family": family,
                "verdict": contrasts.word(
                    int(cells.sign * judged.sign[place]), bool(judged.unchanged[place])
                ),
            }
        )
    return pd.DataFrame(lines)


_COLUMNS = (
    *("n", "n_values", "difference", "sd", "low", "high", "p", "p_adjusted", "p_sign_flip", "detectable"),
    *("completed", "completed_reference", "n_runs", "p_completed", "scale", "family", "verdict"),
)


def _detectable(
    n: int, sd: float, family: int, power: float = stats.POWER, alpha: float = stats.ALPHA
) -> float:
    return sd * stats.detectable_effect(n, power, alpha / family) if n > 1 and sd > 0 else math.nan


def _completed(cells: Cells, weight: np.ndarray, row: Row) -> dict[str, Any]:
    """How many runs completed at the level and at the reference, over all replicates that ran both.

    Of a difference of differences there is no test of the counts; the level's are then those of all corners.
    """
    axis, (level, reference) = next(iter(row.steps.items()))
    takes_part = weight != 0
    both = cells.ran[takes_part].all(axis=0)
    if len(row.steps) > 1:
        runs = cells.learned[takes_part][:, both]
        return {
            "completed": int(runs.sum()),
            "completed_reference": pd.NA,
            "n_runs": runs.size,
            "p_completed": math.nan,
        }
    at = np.array([key[axis] for key in cells.keys])
    mine, yours = (
        int(cells.learned[takes_part & (at == label)][:, both].sum()) for label in (level, reference)
    )
    n = int((takes_part & (at == level)).sum() * both.sum())
    return {
        "completed": mine,
        "completed_reference": yours,
        "n_runs": n,
        "p_completed": share_p(mine, yours, n),
    }


def share_p(mine: int, yours: int, n: int) -> float:
    """Boschloo's p-value of two counts of n runs each; NaN without runs."""
    return float(judging.shares(*np.array([[mine], [yours], [n]]))[0]) if n else math.nan


def rescue(
    cells: Cells,
    axis: int,
    levels: Sequence[str],
    bad: str,
    good: str,
    margin: float | None,
    alpha: float,
) -> pd.DataFrame:
    """Three intervals for each level but the reference, and the words that they allow."""
    reference, *others = levels
    lines = []
    for level in others:
        weight = np.stack(
            [
                contrasts.weights(cells.keys, {axis: (level, reference)}, {0: bad}),
                contrasts.weights(cells.keys, {axis: (level, reference)}, {0: good}),
                _gap(cells, axis, (level, reference), bad, good),
            ]
        )
        found = cells.sign * contrasts.numbers(weight, cells.values)
        ran = contrasts.ran_together(weight, cells.ran)
        judged = contrasts.judge(found, ran, alpha / len(others), family=False)
        line: dict[str, Any] = {
            "level": level,
            "reference": reference,
            "verdict": contrasts.rescue_word(
                int(judged.sign[0]), bool(judged.unchanged[0]), _edge(judged), margin
            ),
            "good_verdict": contrasts.word(int(judged.sign[1]), bool(judged.unchanged[1])),
            "n": int(judged.n[0]),
        }
        for place, name in enumerate(("bad", "good", "gap")):
            line |= {
                name: float(judged.mean[place]),
                f"{name}_low": float(judged.low[place]),
                f"{name}_high": float(judged.high[place]),
                f"{name}_n_values": int(judged.n_values[place]),
            }
        line |= _completed(cells, weight[0], Row({}, {axis: (level, reference)}, {0: bad}))
        lines.append({**line, "margin": math.nan if margin is None else margin, "scale": cells.scale})
    return pd.DataFrame(lines, columns=None if lines else ["level"])


def _gap(cells: Cells, axis: int, step: tuple[str, str], bad: str, good: str) -> np.ndarray:
    """Weights of the bad start at the level minus the good one at the reference, over common other cells."""
    level, reference = step
    place = {key: row for row, key in enumerate(cells.keys)}
    pairs = []
    for key, row in place.items():
        other = [*key]
        other[0], other[axis] = good, reference
        if key[0] == bad and key[axis] == level and tuple(other) in place:
            pairs.append((row, place[tuple(other)]))
    weight = np.zeros(len(place))
    for mine, yours in pairs:
        weight[mine] += 1 / len(pairs)
        weight[yours] -= 1 / len(pairs)
    return weight


def _edge(judged: contrasts.Judged) -> float:
    """The lower end of the gap; none where a run was lost, since what has no value may be anything."""
    whole = judged.n_values[2] == judged.n[2] > 0
    return float(judged.low[2]) if whole else -math.inf


def power(found: pd.DataFrame, difference: float, power: float) -> pd.DataFrame:
    """Replicates that a difference needs, and what was detectable, by the spread of each row."""
    rows = [
        (
            stats.replicates_needed(difference / sd, power, stats.ALPHA / family) if sd > 0 else None,
            _detectable(int(n), sd, family, power),
        )
        for n, sd, family in zip(found["n_values"], found["sd"], found["family"], strict=True)
    ]
    needed = pd.DataFrame(rows, columns=["replicates", "detectable"], index=found.index)
    return found[["n_values", "sd"]].join(needed.astype({"replicates": "Int64"}))
