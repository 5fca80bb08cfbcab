"""One metric of all runs, and how initializers compare on it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from keras_initlab.core.errors import InputError
from keras_initlab.results import stats
from keras_initlab.results.tables import column, direction


@dataclass(frozen=True)
class Outcomes:
    """One metric of all runs.

    Attributes:
        values: By label, the value of each replicate that ran; NaN for a run that ended without one.
        sign: 1 if larger is better, -1 if smaller is.
    """

    values: Mapping[str, Mapping[int, float]]
    sign: int

    def paired(self, label: str, other: str) -> tuple[np.ndarray, np.ndarray]:
        """Values of two initializers in the replicates that both ran."""
        ours, theirs = self.values[label], self.values[other]
        common = [replicate for replicate in ours if replicate in theirs]
        return np.array([ours[r] for r in common]), np.array([theirs[r] for r in common])

    def differences(self, label: str, other: str, confidence: float = 0.95) -> stats.Estimate:
        """The first minus the second, in the metric's own direction, where both have a value."""
        ours, theirs = self.paired(label, other)
        return stats.estimate(ours - theirs, confidence)

    def test(self, label: str, other: str) -> tuple[float, int]:
        """p-value and sign of `stats.paired_p`."""
        ours, theirs = self.paired(label, other)
        return stats.paired_p(self.sign * ours, self.sign * theirs)


def outcomes(frame: pd.DataFrame, metric: str, directions: Mapping[str, str | None]) -> Outcomes:
    """One column of `runs`, ready to be judged.

    Raises:
        InputError: If the metric is unknown, or nobody said whether larger is better.
    """
    name = column(frame, metric)
    better = direction(metric, directions)
    if better is None:
        raise InputError(
            f"metric={metric!r} has no best direction: Keras does not say whether larger is better. "
            "Choose another metric, or set config['directions']."
        )
    values: dict[str, dict[int, float]] = {}
    for label, replicate, value in zip(frame["initializer"], frame["replicate"], frame[name], strict=True):
        values.setdefault(label, {})[replicate] = value
    return Outcomes(values, 1 if better == "up" else -1)


def pairs(found: Outcomes, baseline: str, margin: float | None, confidence: float) -> pd.DataFrame:
    """Every initializer against `baseline`, replicate by replicate."""
    others = [label for label in found.values if label != baseline]
    if not others or baseline not in found.values:
        return pd.DataFrame()
    tests = [found.test(label, baseline) for label in others]
    adjusted = stats.holm([p for p, _ in tests])
    rows = []
    for label, (_, better), p_holm in zip(others, tests, adjusted, strict=True):
        ours, theirs = found.paired(label, baseline)
        difference = found.differences(label, baseline, confidence)
        complete = difference.n == len(ours)
        win, win_low, win_high = stats.win_probability(found.sign * ours, found.sign * theirs, confidence)
        interval = (difference.low, difference.high)
        rows.append(
            {
                "initializer": label,
                "baseline": baseline,
                "n": len(ours),
                "n_values": difference.n,
                "difference": difference.mean,
                "sd": difference.sd,
                "low": difference.low,
                "high": difference.high,
                "win": win,
                "win_low": win_low,
                "win_high": win_high,
                "p_holm": p_holm,
                "p_sign_flip": stats.sign_flip_p(ours - theirs) if complete else math.nan,
                "verdict": stats.verdict(better, p_holm, interval, margin if complete else None),
            }
        )
    return pd.DataFrame(rows).set_index("initializer")


def beaten_by(found: Outcomes) -> dict[str, list[str]]:
    """For each initializer, those that are better than it, Holm-adjusted over all the others."""
    result = {}
    for label in found.values:
        others = [other for other in found.values if other != label]
        tests = [found.test(other, label) for other in others]
        adjusted = stats.holm([p for p, _ in tests])
        result[label] = [
            other
            for other, p, (_, better) in zip(others, adjusted, tests, strict=True)
            if better > 0 and p < stats.ALPHA
        ]
    return result


def detectable(found: Outcomes, baseline: str, power: float = stats.POWER) -> dict[str, float]:
    """For every other initializer the smallest true difference from `baseline` that these runs had the given
    chance to find; NaN where they show no spread.

    The level is that of Holm's strictest step, alpha over the number of initializers compared.
    """
    others = [label for label in found.values if label != baseline]
    result = {}
    for label in others:
        sample = found.differences(label, baseline)
        least = (
            stats.detectable_effect(sample.n, power, stats.ALPHA / len(others)) if sample.n > 1 else math.nan
        )
        result[label] = sample.sd * least if sample.sd > 0 else math.nan
    return result


def power_table(found: Outcomes, baseline: str, difference: float, power: float) -> pd.DataFrame:
    """For every other initializer: the paired sd, the replicates that `difference` needs, and what was
    detectable."""
    least = detectable(found, baseline, power)
    rows = []
    for label in least:
        sample = found.differences(label, baseline)
        alpha = stats.ALPHA / len(least)
        needed = stats.replicates_needed(difference / sample.sd, power, alpha) if sample.sd > 0 else None
        rows.append((label, sample.n, sample.sd, needed, least[label]))
    frame = pd.DataFrame(rows, columns=["initializer", "n", "sd", "replicates", "detectable"])
    return frame.astype({"replicates": "Int64"}).set_index("initializer")


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
