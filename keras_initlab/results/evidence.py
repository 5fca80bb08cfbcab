"""What the records of a comparison say: frames, verdicts, and who may be best."""

import math
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import pandas as pd

from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.results import outcomes, tables
from keras_initlab.results.foresight import Foresight, foresight
from keras_initlab.trials.record import Record
from keras_initlab.trials.settling import Settling


@dataclass(frozen=True, eq=False)
class Best(Set[str]):
    """A set of labels, and why the others are not in it.

    Attributes:
        labels: The members, best rank first.
        beaten_by: For every other label, the initializers that were shown to be better than it.
    """

    labels: tuple[str, ...]
    beaten_by: Mapping[str, tuple[str, ...]]

    def __contains__(self, label: object) -> bool:
        return label in self.labels

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"Best({', '.join(self.labels)})"

    @classmethod
    def _from_iterable(cls, labels: Iterable[Any]) -> frozenset[Any]:
        return frozenset(labels)  # of an intersection or union nobody knows who beat whom


class Evidence:
    """The runs of a comparison and everything that they say.

    Args:
        records: One per run, in any order; each (label, replicate) once.
        config: The configuration that `compare` wrote: pure JSON data.

    Raises:
        InputError: If two records describe the same trial, or a record's label is not in the configuration.
    """

    def __init__(self, records: Iterable[Record], config: Mapping[str, Any]):
        self.config = dict(config)
        self.labels = list(self.config["labels"])
        place = {label: index for index, label in enumerate(self.labels)}
        found = list(records)
        for record in found:
            if record.label not in place:
                raise InputError(
                    f"A record has the label {record.label!r}, which is not in config['labels']: "
                    f"{', '.join(map(repr, place))}. Give the records and the config of one comparison."
                )
        self.records = sorted(found, key=lambda run: (place[run.label], run.replicate))
        keys = [(run.label, run.replicate) for run in self.records]
        for one, other in pairwise(keys):
            if one == other:
                raise InputError(f"Two records describe replicate {one[1]} of {one[0]!r}. Keep one of them.")
        self._outcomes: dict[str, outcomes.Outcomes] = {}
        self._summaries: dict[tuple[str, float], pd.DataFrame] = {}
        self._directions: Mapping[str, str | None] = self.config.get("directions", {})
        raw = self.config.get("settling")
        self.settling = Settling.from_json(raw) if raw else None

    @cached_property
    def ended(self) -> list[Record]:
        """The records of runs that were not interrupted: on these alone rests what is judged."""
        return [run for run in self.records if run.status != "interrupted"]

    @cached_property
    def ranked(self) -> list[str]:
        """The labels that ran, best first; those of which every run was interrupted come last."""
        judged = map(str, self.summary().index)
        return list(dict.fromkeys([*judged, *(run.label for run in self.records)]))

    @cached_property
    def metric(self) -> str:
        """The metric that ranks: a validation metric if there is one, else a training metric, else the
        mean loss of the first 100 steps. Always the value after the last epoch, never of the last batch."""
        return tables.primary_metric(tables.epoch_metrics(self.ended or self.records), self._directions)

    @property
    def baseline(self) -> str:
        """What the others are held against: the configured baseline, else the first Glorot uniform that
        takes part (Keras's own default for a kernel), else the first initializer that was given."""
        return baseline(self.config)

    @cached_property
    def target(self) -> float:
        """The loss that `steps_to_target` waits for: the configured `target_loss`, else half-way
        (geometrically) between the median first loss and the lowest 10-step mean of any run."""
        given = self.config.get("target_loss")
        return tables.default_target(self.ended or self.records) if given is None else float(given)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per run; those that were interrupted are shown and never ranked.

        Columns: `initializer`, `replicate`, `status` (that of the record, or `stuck`: it finished no better
        than chance, see `learning.stuck`), `message`; for each metric `final_…`
        (after the last epoch; NaN unless it got there) and `best_…` (over the epochs: chosen on the set
        it is measured on, so optimistic); `first_100` (mean loss of the first 100 steps), `steps_to_target`
        (first step at which the mean of the last 10 losses is at most `target`; NaN if never), `steps`,
        `seconds`.
        """
        return tables.runs(self.records, self.target, self._directions, self.config.get("chance", {}))

    @property
    def _judged_runs(self) -> pd.DataFrame:
        return self.runs[self.runs["status"] != "interrupted"]

    @cached_property
    def curves(self) -> pd.DataFrame:
        """All values over time, one per row.

        Columns: `initializer`, `replicate`, `step` (from 1), `epoch` (from 1), `split`, `metric`,
        `value`. Split `batch` is the loss of every step before its update; `train` and `validation` are
        what Keras reports after each epoch.
        """
        return tables.curves(self.records, self.steps_per_epoch)

    def steps_per_epoch(self, label: str) -> int:
        """Batches per epoch of an initializer: one number, unless the labels are cells of a grid."""
        return self.config.get("steps_of", {}).get(label, self.config["steps_per_epoch"])

    @property
    def histories(self) -> dict[tuple[str, int], dict[str, list[float]]]:
        """By (label, replicate), a dict shaped like `History.history` of Keras."""
        return {
            (run.label, run.replicate): {name: list(values) for name, values in run.epochs.items()}
            for run in self.records
        }

    def summary(self, metric: str | None = None, confidence: float = 0.95) -> pd.DataFrame:
        """One row per initializer, best first.

        Ranked by the share of lost runs (diverged, failed or stuck), then by the mean of `metric` over the
        runs that learned. Where none did, the mean is of where they got stuck.

        Args:
            metric: What to rank by; None for `Comparison.metric`.
            confidence: Of the Student-t intervals, between 0 and 1.

        Returns:
            A frame indexed by `initializer`: `rank`, `n` (runs), `diverged`, `failed`, `stuck` (of n); for
            the metric and for `first_100` the `_mean`, `_sd`, `_low`, `_high`, `_median` and, from 10
            replicates on, `_iqm` (interquartile mean) of the runs that have a value; `reached_target` (of
            the n) and `steps_to_target_…`, where a run that never got there counts with all its planned
            steps in the mean, and as later than every other in the median; `detectable`, the smallest
            true difference from the baseline in the metric that these runs had an 80 % chance to find; and
            where recipes take part `init_rows`, the training examples that one looked at before the first
            step, and `init_seconds`, what that took on average.

        Raises:
            InputError: If the metric is unknown, or nobody said whether larger is better.
        """
        check_confidence(confidence)
        name = metric or self.metric
        if (name, confidence) not in self._summaries:
            self._summaries[name, confidence] = self._summary(name, confidence)
        return self._summaries[name, confidence].copy()

    def _summary(self, name: str, confidence: float) -> pd.DataFrame:
        found = self.outcomes_of(name)
        horizons = {label: self.config["epochs"] * self.steps_per_epoch(label) for label in self.labels}
        table = tables.summary(
            self._judged_runs, horizons, name, self._directions, self._confidences(confidence)
        )
        least = outcomes.detectable(found, self.baseline)
        table = table.assign(detectable=[least.get(label, math.nan) for label in table.index])
        starts = tables.starts(self.ended)
        if not starts:
            return table
        return table.assign(
            init_rows=[starts.get(label, (0, 0.0))[0] for label in table.index],
            init_seconds=[starts.get(label, (0, 0.0))[1] for label in table.index],
        )

    def _confidences(self, confidence: float) -> dict[str, float]:
        """By label, that of the interval of one mean, which allows for having looked before."""
        found = dict.fromkeys(self.labels, confidence)
        for look, labels in self.settling.begun if self.settling else ():
            found.update(dict.fromkeys(labels, 1 - look.share * (1 - confidence)))
        return found

    def pairs(
        self,
        baseline: str | None = None,
        metric: str | None = None,
        margin: float | None = None,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """Every other initializer against `baseline`, paired by replicate.

        All intervals hold together with the given confidence (Bonferroni over the rows), and the verdict is
        read off them: `better` or `worse` is an interval that excludes zero. Where runs were lost, the
        shares of lost runs are compared first (Boschloo's test), the means of those that learned
        second, each at half the level. `judging.judge` says which intervals, why, and what was
        simulated; `docs/statistics.md` where they do not hold. Of a comparison that went on until it was
        settled, each row is what the look said that decided it, and all numbers allow for having looked
        before: see `docs/settling.md`.

        Args:
            baseline: A label; None for `Comparison.baseline`.
            metric: An epoch metric (its final value) or a column of `runs`; None for `Comparison.metric`.
            margin: Differences smaller than this do not matter, in the metric's unit; positive. A comparison
                that went on until it was settled has its own.
            confidence: Of all intervals together and so of the verdicts, between 0 and 1.

        Returns:
            A frame indexed by `initializer`: `baseline`, `n` (pairs), `n_values` (pairs in which both have
            a value), `difference` (initializer minus baseline, mean over these) with its `sd` and
            simultaneous interval `low`, `high`; `win` (probability of beating the baseline, ties one half)
            with its own interval `win_low`, `win_high`; `p_adjusted` (below 1 - confidence exactly where
            there is a verdict), `p_sign_flip` (exact, not adjusted, supposes symmetry only); `by`:
            `failures` where the counts of lost runs decide, or forbid the means to (then there is no
            interval), else `mean`; `verdict`: `equivalent` if the interval lies inside the margin, else
            `better`, `worse` or `unresolved`.

        Raises:
            InputError: If a name is unknown or a number out of range.
        """
        check_confidence(confidence)
        if margin is not None and not margin > 0:
            raise InputError(f"margin must be positive, got {margin!r}.")
        if margin is None and self.settling and metric in (None, self.metric):
            margin = self.settling.margin
        found = self.outcomes_of(metric or self.metric)
        return outcomes.pairs(found, self._baseline(baseline), margin, confidence)

    def power(
        self, difference: float, baseline: str | None = None, metric: str | None = None, power: float = 0.8
    ) -> pd.DataFrame:
        """How many replicates would show a true difference, judged by the paired spread observed here.

        Args:
            difference: The true difference to be found, in the metric's unit; positive.
            baseline, metric: As in `pairs`.
            power: The chance that it is found, between 0 and 1.

        Returns:
            A frame indexed by `initializer`: `n` (pairs with values), `sd` (of their differences),
            `replicates` (the number needed), and `detectable` (the smallest true difference that this
            comparison had the given chance to find). Missing where the runs give no spread. The level is
            .05 over the number of initializers compared, that of the simultaneous intervals.

        Raises:
            InputError: If a name is unknown or a number out of range.
        """
        if not difference > 0:
            raise InputError(f"difference must be positive, got {difference!r}.")
        if not 0 < power < 1:
            raise InputError(f"power must lie between 0 and 1, got {power!r}.")
        found = self.outcomes_of(metric or self.metric)
        return outcomes.power_table(found, self._baseline(baseline), difference, power)

    def wins(self, metric: str | None = None) -> pd.DataFrame:
        """Initializers x initializers: the probability that the row beats the column in a replicate.

        A tie counts one half; a run without a value loses to any with one.
        """
        return outcomes.wins(self.outcomes_of(metric or self.metric))

    @property
    def diagnosed(self) -> bool:
        """Whether any run that ended was diagnosed before its training."""
        return any(run.foreseen for run in self.ended)

    def foreseen(self) -> Foresight:
        """What diagnoses said before training beside what then happened: a frame with a row for each run,
        rank correlation, area under the curve for failure, and how many of the starts called fine, doubtful
        and severe failed.

        Raises:
            InputError: If no run was diagnosed: that takes `compare(..., diagnose=True)`.
        """
        return self._foresight

    @cached_property
    def _foresight(self) -> Foresight:
        return foresight(self.records, self.runs, self.config.get("chance", {}))

    def sign(self, metric: str) -> int:
        """1 if larger values of `metric` are better, -1 if smaller ones are."""
        return self.outcomes_of(metric).sign

    def _baseline(self, given: str | None) -> str:
        chosen = self.baseline if given is None else given
        if chosen not in self.labels:
            raise UnknownNameError("baseline", chosen, self.labels, f"There are: {', '.join(self.labels)}.")
        return chosen

    def outcomes_of(self, metric: str) -> outcomes.Outcomes:
        """One metric of all runs, ready to be judged."""
        if metric not in self._outcomes:
            self._outcomes[metric] = outcomes.outcomes(
                self._judged_runs, metric, self._directions, self.settling
            )
        return self._outcomes[metric]

    @cached_property
    def unsettled(self) -> list[tuple[str, str]]:
        """Of a comparison that goes on until it is settled, the pairs that are open: an initializer and the
        baseline, or one that may be best and the first of these."""
        return self.outcomes_of(self.metric).unsettled(self.baseline)

    @cached_property
    def best(self) -> Best:
        """The initializers that no other was shown to beat on `Comparison.metric`, best rank first.

        An initializer is left out if some other is `better` in `pairs` with it as the baseline. If
        differences are roughly normal and no run is lost, the truly best one is therefore left out in at
        most 5 % of comparisons. Else, and above all where runs are lost rarely and replicates are few, this
        is no promise: see `docs/statistics.md`.
        """
        beaten = outcomes.beaten_by(self.outcomes_of(self.metric))
        ranked = list(self.summary().index)
        return Best(
            tuple(label for label in ranked if not beaten[label]),
            {label: tuple(sorted(beaten[label], key=ranked.index)) for label in ranked if beaten[label]},
        )


def baseline(config: Mapping[str, Any]) -> str:
    """The label that others are held against, see `Evidence.baseline`."""
    chosen = config.get("baseline")
    if chosen is not None:
        return chosen
    usual = (label for label, scheme in config["labels"].items() if _is_usual(label, scheme))
    return next(usual, next(iter(config["labels"])))


def _is_usual(label: str, scheme: Any) -> bool:
    named = scheme.get("class_name") if isinstance(scheme, Mapping) else None
    return named == "GlorotUniform" or label in ("glorot_uniform", "initlab_glorot_uniform")


def check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1 or math.isnan(confidence):
        raise InputError(f"confidence must lie between 0 and 1, got {confidence!r}.")
