"""What diagnoses said before training, beside what then happened."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from keras_initlab.core.errors import InputError
from keras_initlab.results import tables
from keras_initlab.trials.record import Record

WORDS = ("fine", "doubtful", "severe")
"""What a diagnosis may call a start, the best first."""

SCHEMA = 1
LEARNED = 0.9
"""Share of a constant answer's loss that the end of a run must be below, or it has failed."""

END = 20
"""Steps whose mean loss is the end of a run."""

_DRAWS = 1000
_FIELDS = ("word", "risk", "severity", "verdicts", "layer")


class Interval(NamedTuple):
    """A number with its interval; NaN where there is nothing to compute it from."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]" if math.isfinite(self.value) else "-"


@dataclass(frozen=True, eq=False)
class Foresight:
    """Forecasts and outcomes of the runs that were diagnosed.

    Attributes:
        trials: A row for each run, by `initializer` and `replicate`. What was foreseen: `word`, `risk`,
            `severity` of the worst verdict, `verdicts`, the `layer` of the worst. What happened: `status`,
            `failed`, `first_100`. And `foreseen_rank` by risk, `rank` by outcome, 1 for the best: failed runs
            last, the others by their mean loss of the first 100 steps.
        correlation: Spearman's, of these two ranks.
        auc: The chance that a run that failed had the greater risk than one that did not, ties one half.
        calibration: A row for each word: `failed` of `n`, and their `share` with its exact 95 % interval
            (`low`, `high`), as if runs were independent.

    Intervals of `correlation` and `auc` are 95 %, by resampling initializers: replicates of one are not
    independent. A run has failed if it is lost (see `runs`) or the mean of its last 20 losses is not below
    nine tenths of that of the best constant answer, where that is known.
    """

    trials: pd.DataFrame
    correlation: Interval
    auc: Interval
    calibration: pd.DataFrame

    @property
    def precision(self) -> float:
        """Share of the starts called severe that failed; NaN without any."""
        return _ratio(self.calibration["failed"]["severe"], self.calibration["n"]["severe"])

    @property
    def recall(self) -> float:
        """Share of the runs that failed whose start was called severe; NaN without any."""
        return _ratio(self.calibration["failed"]["severe"], self.calibration["failed"].sum())

    def sentences(self) -> list[str]:
        """What may be said, in words."""
        counts = [
            f"of {int(row['n'])} called {word} {int(row['failed'])} failed"
            for word, row in self.calibration.iterrows()
            if row["n"]
        ]
        found = [
            f"Foreseen before training: {', '.join(counts)}. Failed here means lost, or a mean "
            f"of the last {END} losses that is not below nine tenths of a constant answer's."
        ]
        if math.isfinite(self.correlation.value):
            found.append(f"Rank correlation of risk and outcome {self.correlation} (95 %).")
        if math.isfinite(self.auc.value):
            found.append(f"A failed run had the greater risk than one that learned: {self.auc} (95 %).")
        return found

    def __repr__(self) -> str:
        with pd.option_context("display.float_format", "{:.3g}".format, "display.width", 80):
            return "\n".join([*self.sentences(), "", str(self.calibration)])

    def _repr_html_(self) -> str:
        return "".join(f"<p>{line}</p>" for line in self.sentences()) + self.calibration.to_html()


def foresight(records: Sequence[Record], runs: pd.DataFrame, levels: Mapping[str, float]) -> Foresight:
    """Forecasts beside outcomes.

    Args:
        records: Those of a comparison.
        runs: `Comparison.runs`, a row for each of them.
        levels: What a constant answer scores, by metric.

    Raises:
        InputError: If no run was diagnosed, or a later version did it.
    """
    rows = []
    for record, (_, run) in zip(records, runs.iterrows(), strict=True):
        if not record.foreseen or run["status"] == "interrupted":
            continue
        if record.foreseen.get("schema") != SCHEMA:
            raise InputError(
                f"{record.label!r} was diagnosed by another version, in form "
                f"{record.foreseen.get('schema')!r}; this one reads {SCHEMA}. Update keras_initlab."
            )
        rows.append(
            {
                "initializer": record.label,
                "replicate": record.replicate,
                **{name: record.foreseen.get(name) for name in _FIELDS},
                "status": run["status"],
                "failed": run["status"] in tables.LOST or _stays_above(record, levels),
                "first_100": run["first_100"],
            }
        )
    if not rows:
        raise InputError("No run was diagnosed before training: call compare(..., diagnose=True).")
    trials = pd.DataFrame(rows).set_index(["initializer", "replicate"])
    outcome = trials["first_100"].where(~trials["failed"], math.inf).fillna(math.inf)
    trials["foreseen_rank"], trials["rank"] = trials["risk"].rank(), outcome.rank()
    groups = [np.asarray(at) for at in trials.groupby("initializer", sort=False).indices.values()]
    risk, ranks, failed = (trials[name].to_numpy() for name in ("risk", "rank", "failed"))
    return Foresight(
        trials,
        _resampled(groups, lambda at: _spearman(risk[at], ranks[at])),
        _resampled(groups, lambda at: area(risk[at], failed[at])),
        _calibration(trials),
    )


def _stays_above(record: Record, levels: Mapping[str, float]) -> bool:
    """Whether its last losses are hardly better than a constant answer's."""
    level = levels.get("loss", math.nan)
    return not np.mean(record.step_losses[-END:]) < LEARNED * level if math.isfinite(level) else False


def area(risk: np.ndarray, failed: np.ndarray) -> float:
    """Area under the curve of true over false alarms; NaN where all failed, or none.

    >>> area(np.array([0.0, 1.0, 2.0, 1.0]), np.array([False, False, True, True]))
    0.875
    """
    from scipy.stats import rankdata

    bad = int(failed.sum())
    good = len(failed) - bad
    if not bad or not good:
        return math.nan
    return float((rankdata(risk)[failed].sum() - bad * (bad + 1) / 2) / (bad * good))


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    from scipy.stats import spearmanr

    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return math.nan
    return float(spearmanr(one, other).statistic)


def _resampled(groups: Sequence[np.ndarray], measure: Callable[[np.ndarray], float]) -> Interval:
    """A measure of all runs, and the middle 95 % of it over samples of groups with replacement."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(_DRAWS):
        drawn = rng.integers(len(groups), size=len(groups))
        found.append(measure(np.concatenate([groups[at] for at in drawn])))
    known = np.array(found)[np.isfinite(found)]
    low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (math.nan, math.nan)
    return Interval(measure(np.concatenate(groups)), float(low), float(high))


def _calibration(trials: pd.DataFrame) -> pd.DataFrame:
    from scipy.stats import binomtest

    rows: list[dict[str, Any]] = []
    for word in WORDS:
        own = trials[trials["word"] == word]
        failed, n = int(own["failed"].sum()), len(own)
        low, high = binomtest(failed, n).proportion_ci() if n else (math.nan, math.nan)
        rows.append(
            {"word": word, "failed": failed, "n": n, "share": _ratio(failed, n), "low": low, "high": high}
        )
    return pd.DataFrame(rows).set_index("word")


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else math.nan
