"""One metric of all runs, and how initializers compare on it."""

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from keras_initlab.core.errors import InputError
from keras_initlab.results import judging, settling, stats
from keras_initlab.results.tables import column, direction, judged_values
from keras_initlab.trials.settling import Settling


@dataclass(frozen=True, eq=False)
class Outcomes:
    """One metric of all runs.

    Attributes:
        values: By label, the value of each replicate that ran; NaN for a run that ended without one.
        sign: 1 if larger is better, -1 if smaller is.
        stuck: By label, the replicates that finished without having learned. They are lost, whatever
            value they have.
        rule: By which one the comparison went on until it was settled; None for as many replicates as
            were asked for.
        resolution: The step in which values come; 0 where that is unknown.
    """

    values: Mapping[str, Mapping[int, float]]
    sign: int
    stuck: Mapping[str, AbstractSet[int]] = field(default_factory=dict)
    rule: Settling | None = None
    resolution: float = 0.0
    _judged: dict[float, judging.Judged] = field(default_factory=dict, repr=False)

    def paired(self, label: str, other: str) -> tuple[np.ndarray, np.ndarray]:
        """Values of two initializers in the replicates that both ran."""
        ours, theirs = self.values[label], self.values[other]
        common = [replicate for replicate in ours if replicate in theirs]
        return np.array([ours[r] for r in common]), np.array([theirs[r] for r in common])

    def judged(self, alpha: float = stats.ALPHA) -> judging.Judged:
        """Every initializer against every other, in the order of `values`."""
        if alpha not in self._judged:
            self._judged[alpha] = self._judge(alpha)
        return self._judged[alpha]

    def unsettled(self, baseline: str) -> list[tuple[str, str]]:
        """The pairs that would have to be looked at again, see `settling.unsettled`; without a rule none."""
        labels = list(self.values)
        if self.rule is None or baseline not in labels:
            return []
        open_ = settling.unsettled(self.judged(), labels.index(baseline), self.rule.margin)
        return [(labels[row], labels[column]) for row, column in np.argwhere(np.triu(open_)).tolist()]

    def _judge(self, alpha: float) -> judging.Judged:
        replicates = 1 + max((replicate for own in self.values.values() for replicate in own), default=-1)
        shape = len(self.values), replicates
        values, lost, ran = np.full(shape, np.nan), np.zeros(shape, bool), np.zeros(shape, bool)
        for row, (label, own) in enumerate(self.values.items()):
            stuck = self.stuck.get(label, ())
            for replicate, value in own.items():
                at = row, replicate
                values[at], ran[at] = self.sign * value, True
                lost[at] = not math.isfinite(value) or replicate in stuck
        if self.rule is None:
            return judging.judge(values, lost, ran, alpha)
        stages = self._stages(self.rule, ran)
        return settling.judged(values, lost, ran, stages, self.rule.margin, self.resolution, alpha)

    def _stages(self, rule: Settling, ran: np.ndarray) -> list[settling.Stage]:
        """The looks for which all runs are there."""
        found = []
        for look, labels in rule.begun:
            part = np.array([label in labels for label in self.values])
            if not ran[part, : look.n].all() or ran.shape[1] < look.n:
                break
            found.append(settling.Stage(look.n, look.share, part))
        return found


def outcomes(
    frame: pd.DataFrame,
    metric: str,
    directions: Mapping[str, str | None],
    rule: Settling | None = None,
) -> Outcomes:
    """One column of `runs`, ready to be judged.

    Raises:
        InputError: If the metric is unknown, or nobody said whether larger is better.
    """
    name = column(frame, metric)
    sign = orientation(metric, directions)
    values: dict[str, dict[int, float]] = {}
    stuck: dict[str, set[int]] = {}
    for label, own in frame.groupby("initializer", sort=False):
        found, ended = judged_values(own, name)
        values[str(label)] = dict(zip(own["replicate"], found, strict=True))
        stuck[str(label)] = set(own["replicate"][ended])
    resolution = rule.resolution.get(metric, 0.0) if rule else 0.0
    return Outcomes(values, sign, stuck, rule, resolution)


def orientation(metric: str, directions: Mapping[str, str | None]) -> int:
    """1 if larger values of a metric are better, -1 if smaller ones are.

    Raises:
        InputError: If nobody said.
    """
    better = direction(metric, directions)
    if better is None:
        raise InputError(
            f"metric={metric!r} has no best direction: Keras does not say whether larger is better. "
            "Choose another metric, or set config['directions']."
        )
    return 1 if better == "up" else -1


def pairs(found: Outcomes, baseline: str, margin: float | None, confidence: float) -> pd.DataFrame:
    """Every initializer against `baseline`, replicate by replicate."""
    labels = list(found.values)
    others = [label for label in labels if label != baseline]
    if not others or baseline not in found.values:
        return pd.DataFrame()
    judged = found.judged(1 - confidence)
    held = labels.index(baseline)
    rows = []
    for label in others:
        at = labels.index(label), held
        ours, theirs = (values[: int(judged.n[at])] for values in found.paired(label, baseline))
        share = float(judged.alpha[at])
        scale = (1 - confidence) / share
        edges = (float(judged.low[at]), float(judged.high[at]))
        low, high = edges if found.sign > 0 else (-edges[1], -edges[0])
        whole = int(judged.n_values[at]) == len(ours)
        win, win_low, win_high = stats.win_probability(found.sign * ours, found.sign * theirs, 1 - share)
        verdict = "unresolved"
        if judged.better[at]:
            verdict = "better"
        elif judged.better[held, at[0]]:
            verdict = "worse"
        if margin is not None and whole and -margin < low and high < margin:
            verdict = "equivalent"
        rows.append(
            {
                "initializer": label,
                "baseline": baseline,
                "n": len(ours),
                "n_values": int(judged.n_values[at]),
                "difference": found.sign * float(judged.difference[at]),
                "sd": float(judged.sd[at]),
                "low": low,
                "high": high,
                "win": win,
                "win_low": win_low,
                "win_high": win_high,
                "p_adjusted": min(1.0, scale * float(judged.p[at])),
                "p_sign_flip": min(1.0, scale * stats.sign_flip_p(ours - theirs)) if whole else math.nan,
                "by": "failures" if judged.by_failures[at] else "mean",
                "verdict": verdict,
            }
        )
    return pd.DataFrame(rows).set_index("initializer")


def beaten_by(found: Outcomes) -> dict[str, list[str]]:
    """For each initializer, those that were shown to be better than it."""
    labels = list(found.values)
    better = found.judged().better
    return {
        label: [labels[row] for row in np.flatnonzero(better[:, place])] for place, label in enumerate(labels)
    }


def detectable(found: Outcomes, baseline: str, power: float = stats.POWER) -> dict[str, float]:
    """For every other initializer the smallest true difference from `baseline` that these runs had the given
    chance to find; NaN where they show no spread.

    The level is that of the simultaneous intervals, alpha (of the look, if there are several) over the number
    of initializers compared.
    """
    result = {}
    for label, n, sd, alpha in _spreads(found, baseline):
        least = stats.detectable_effect(n, power, alpha) if n > 1 else math.nan
        result[label] = sd * least if sd > 0 else math.nan
    return result


def power_table(found: Outcomes, baseline: str, difference: float, power: float) -> pd.DataFrame:
    """For every other initializer: the paired sd, the replicates that `difference` needs, and what was
    detectable."""
    least = detectable(found, baseline, power)
    rows = []
    for label, n, sd, alpha in _spreads(found, baseline):
        needed = stats.replicates_needed(difference / sd, power, alpha) if sd > 0 else None
        rows.append((label, n, sd, needed, least[label]))
    frame = pd.DataFrame(rows, columns=["initializer", "n", "sd", "replicates", "detectable"])
    return frame.astype({"replicates": "Int64"}).set_index("initializer")


def _spreads(found: Outcomes, baseline: str) -> list[tuple[str, int, float, float]]:
    """Of each other initializer the pairs with values, the sd of their differences, and the level."""
    if baseline not in found.values:
        return []
    labels, judged = list(found.values), found.judged()
    held, family = labels.index(baseline), max(1, len(labels) - 1)
    return [
        (
            label,
            int(judged.n_values[row, held]),
            float(judged.sd[row, held]),
            judged.alpha[row, held] / family,
        )
        for row, label in enumerate(labels)
        if row != held
    ]


def wins(found: Outcomes) -> pd.DataFrame:
    """Probability that the row beats the column in a replicate, ties one half; NaN on the diagonal."""

    def probability(label: str, other: str) -> float:
        ours, theirs = found.paired(label, other)
        won, lost, tied = stats.count_wins(found.sign * ours, found.sign * theirs)
        n = won + lost + tied
        return (won + tied / 2) / n if n and label != other else math.nan

    labels = list(found.values)
    return pd.DataFrame(
        {other: [probability(label, other) for label in labels] for other in labels}, index=labels
    )
