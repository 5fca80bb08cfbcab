"""Initializers over the levels of one factor: the range that each tolerates, and each at its best level."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from keras_initlab.results import contrasts, stats
from keras_initlab.results.contrasts import UNCHANGED, Cells
from keras_initlab.results.judging import Flags, Floats

_WORDS = {1: "wider", -1: "narrower", 0: "unresolved"}


@dataclass(frozen=True, eq=False)
class Widths:
    """The ranges that initializers tolerate.

    Attributes:
        labels: Of each row.
        values: (initializers, replicates), in decades; NaN where a run did not take place.
        at_least: Where an end of the grid was good enough.
        completed: Of each row, the levels at which a run completed, in the mean.
        levels: How many there are.
        of: The width of the grid, in decades.
    """

    labels: Sequence[str]
    values: Floats
    at_least: Flags
    completed: Sequence[float]
    levels: int
    of: float


def widths(
    cells: Cells, axis: int, labels: Sequence[str], levels: Mapping[str, float], within: float
) -> Widths:
    """The part of the logarithmic axis on which each initializer is at most `within` behind the best.

    Args:
        cells: Values on a scale.
        axis: The factor's place in a key.
        labels: The initializers.
        levels: Label -> positive number.
        within: On the scale.
    """
    order = sorted(levels, key=lambda label: levels[label])
    positions = np.log10([levels[label] for label in order])
    oriented = cells.sign * cells.values
    least = np.where(np.isnan(oriented), -np.inf, oriented).max(axis=0) - within
    shape = len(labels), len(cells.replicates)
    found, ends, completed = np.full(shape, np.nan), np.zeros(shape, bool), []
    for row, label in enumerate(labels):
        lines = _lines(cells, axis, label, order)
        completed.append(
            float(np.mean([cells.learned[line].sum(axis=0).mean() for line in lines])) if lines else 0.0
        )
        for column in range(shape[1]):
            if not lines or not all(cells.ran[line, column].all() for line in lines):
                continue
            own = [contrasts.width(positions, oriented[line, column], least[column]) for line in lines]
            found[row, column] = np.mean([decades for decades, _ in own])
            ends[row, column] = any(end for _, end in own)
    return Widths(labels, found, ends, completed, len(order), float(positions[-1] - positions[0]))


def _lines(cells: Cells, axis: int, label: str, levels: Sequence[str]) -> list[list[int]]:
    """For each combination of what else was varied, the rows of `levels`; where all were trained."""
    place = {key: row for row, key in enumerate(cells.keys)}
    found = []
    for key in cells.keys:
        if key[0] == label and key[axis] == levels[0]:
            line = [place.get((*key[:axis], level, *key[axis + 1 :])) for level in levels]
            if None not in line:
                found.append([row for row in line if row is not None])
    return found


def table(found: Widths, confidence: float) -> pd.DataFrame:
    """One row per initializer, widest first."""
    rows = []
    for place, label in enumerate(found.labels):
        sample = stats.estimate(found.values[place], confidence)
        rows.append(
            {
                "initializer": label,
                "n": sample.n,
                "decades": sample.mean,
                "sd": sample.sd,
                "low": sample.low,
                "high": sample.high,
                "of": found.of,
                "at_least": int(found.at_least[place].sum()),
                "completed": found.completed[place],
                "n_levels": found.levels,
            }
        )
    frame = pd.DataFrame(rows).sort_values("decades", ascending=False, kind="stable")
    return frame.set_index("initializer")


def pairs(found: Widths, alpha: float) -> pd.DataFrame:
    """Every two initializers, one family."""
    places = list(itertools.combinations(range(len(found.labels)), 2))
    if not places:
        return pd.DataFrame()
    judged = contrasts.judge(np.stack([found.values[a] - found.values[b] for a, b in places]), alpha=alpha)
    rows = []
    for row, (a, b) in enumerate(places):
        own = found.values[a] - found.values[b]
        rows.append(
            {
                "initializer": found.labels[a],
                "other": found.labels[b],
                "n": int(judged.n_values[row]),
                "difference": float(judged.mean[row]),
                "sd": float(judged.sd[row]),
                "low": float(judged.low[row]),
                "high": float(judged.high[row]),
                "p": float(judged.p[row]),
                "p_adjusted": float(judged.p_adjusted[row]),
                "p_sign_flip": stats.sign_flip_p(own[np.isfinite(own)]),
                "at_least": int((found.at_least[a] | found.at_least[b]).sum()),
                "family": len(places),
                "verdict": UNCHANGED if judged.unchanged[row] else _WORDS[int(judged.sign[row])],
            }
        )
    return pd.DataFrame(rows).set_index(["initializer", "other"])


@dataclass(frozen=True, eq=False)
class _Line:
    """An initializer over the levels at which it was trained: their labels, (levels, replicates) of its
    oriented values, and the replicates in which all of them ran."""

    levels: Sequence[str]
    values: Floats
    ran: Flags


def tuned(
    cells: Cells, axis: int, labels: Sequence[str], levels: Sequence[str], alpha: float
) -> pd.DataFrame:
    """Each initializer at the level that the other replicates chose; the first label is the baseline."""
    lines = [_line(cells, axis, label, levels) for label in labels]
    rows: list[dict[str, Any]] = []
    for label, line in zip(labels, lines, strict=True):
        own = line.values[:, line.ran]
        here, chosen = contrasts.tuned(own)
        level, count = Counter(line.levels[place] for place in chosen).most_common(1)[0]
        sample = stats.estimate(here)
        mean = cells.sign * sample.mean
        rows.append(
            {
                "initializer": label,
                "chosen": level,
                "chosen_in": count,
                "n": own.shape[1],
                "n_values": sample.n,
                "mean": mean,
                "sd": sample.sd,
                "flattery": _best_of_all(own) - sample.mean,
                "difference": mean - rows[0]["mean"] if rows else np.nan,
            }
        )
    frame = pd.DataFrame(rows).assign(**_judged(cells.sign, lines, alpha))
    frame = frame.assign(scale=cells.scale, family=max(1, len(labels) - 1))
    order = np.argsort(-cells.sign * frame["mean"].to_numpy(float), kind="stable")
    return frame.iloc[order].set_index("initializer")


def _judged(sign: int, lines: Sequence[_Line], alpha: float) -> dict[str, list[Any]]:
    """Columns that hold each line against the first, over the levels at which neither lost a run."""
    first, *others = lines
    found = []
    for line in others:
        both = line.ran & first.ran
        mine, yours = (one.values[:, both] for one in (line, first))
        mine, yours = (own[np.isfinite(own).all(axis=1)] for own in (mine, yours))
        known = len(mine) and len(yours)
        found.append(contrasts.best_against_best(mine, yours, alpha) if known else (-np.inf, np.inf, 1.0))
    p = np.array([float(one[2]) for one in found])
    adjusted = stats.holm(p) if found else p
    edges = [(low, high) if sign > 0 else (-high, -low) for low, high, _ in found]
    words = [
        contrasts.word((1 if low > 0 else -1) if one < alpha else 0, False)
        for (low, _, _), one in zip(found, adjusted, strict=True)
    ]
    return {
        "low": [np.nan, *(float(low) for low, _ in edges)],
        "high": [np.nan, *(float(high) for _, high in edges)],
        "p": [np.nan, *p],
        "p_adjusted": [np.nan, *adjusted],
        "verdict": ["baseline", *words],
    }


def _line(cells: Cells, axis: int, label: str, levels: Sequence[str]) -> _Line:
    weight = np.stack([_mean_weight(cells, axis, label, level) for level in levels])
    trained = (weight != 0).any(-1)
    return _Line(
        [level for level, yes in zip(levels, trained, strict=True) if yes],
        cells.sign * contrasts.numbers(weight[trained], cells.values),
        np.logical_and.reduce(contrasts.ran_together(weight[trained], cells.ran)),
    )


def _mean_weight(cells: Cells, axis: int, label: str, level: str) -> Floats:
    """The mean over all cells of an initializer at a level; all 0 where there is none."""
    takes_part = np.array([key[0] == label and key[axis] == level for key in cells.keys])
    return takes_part / max(1, takes_part.sum())


def _best_of_all(values: Floats) -> float:
    """The mean at the level that is best in the mean of the same runs: fewest lost first."""
    lost = np.isnan(values).sum(axis=1)
    have = np.maximum(values.shape[1] - lost, 1)
    means = np.where(lost < values.shape[1], np.nan_to_num(values).sum(axis=1) / have, -np.inf)
    return float(means[np.lexsort((-means, lost))[0]])
