"""What a comparison found: records in, frames, figures and files out."""

import math
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.results import outcomes, tables
from keras_initlab.trials import folder as files
from keras_initlab.trials.record import Record

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


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


class Comparison:
    """The runs of a comparison and everything that follows from them.

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
        self._directions: Mapping[str, str | None] = self.config.get("directions", {})

    @cached_property
    def metric(self) -> str:
        """The metric that ranks: a validation metric if there is one, else a training metric, else the
        mean loss of the first 100 steps. Always the value after the last epoch, never of the last batch."""
        return tables.primary_metric(tables.epoch_metrics(self.records), self._directions)

    @property
    def baseline(self) -> str:
        """What the others are held against: the configured baseline, else the first Glorot uniform that
        takes part (Keras's own default for a kernel), else the first initializer that was given."""
        chosen = self.config.get("baseline")
        if chosen is not None:
            return chosen
        usual = (label for label, scheme in self.config["labels"].items() if _is_usual(label, scheme))
        return next(usual, self.labels[0])

    @cached_property
    def target(self) -> float:
        """The loss that `steps_to_target` waits for: the configured `target_loss`, else half-way
        (geometrically) between the median first loss and the lowest 10-step mean of any run."""
        given = self.config.get("target_loss")
        return tables.default_target(self.records) if given is None else float(given)

    @cached_property
    def runs(self) -> "pd.DataFrame":
        """One row per run.

        Columns: `initializer`, `replicate`, `status`, `message`; for each metric `final_…` (after the
        last epoch; NaN unless completed) and `best_…` (over the epochs: chosen on the set it is measured
        on, so optimistic); `first_100` (mean loss of the first 100 steps), `steps_to_target` (first step
        at which the mean of the last 10 losses is at most `target`; NaN if never), `steps`, `seconds`.
        """
        return tables.runs(self.records, self.target, self._directions)

    @cached_property
    def curves(self) -> "pd.DataFrame":
        """All values over time, one per row.

        Columns: `initializer`, `replicate`, `step` (from 1), `epoch` (from 1), `split`, `metric`,
        `value`. Split `batch` is the loss of every step before its update; `train` and `validation` are
        what Keras reports after each epoch.
        """
        return tables.curves(self.records, self.config["steps_per_epoch"])

    @property
    def histories(self) -> dict[tuple[str, int], dict[str, list[float]]]:
        """By (label, replicate), a dict shaped like `History.history` of Keras."""
        return {
            (run.label, run.replicate): {name: list(values) for name, values in run.epochs.items()}
            for run in self.records
        }

    def summary(self, metric: str | None = None, confidence: float = 0.95) -> "pd.DataFrame":
        """One row per initializer, best first.

        Ranked by the mean of `metric`; initializers with diverged or failed runs come after those
        without, by their share of such runs.

        Args:
            metric: What to rank by; None for `Comparison.metric`.
            confidence: Of the Student-t intervals, between 0 and 1.

        Returns:
            A frame indexed by `initializer`: `rank`, `n` (runs), `diverged`, `failed` (of the n); for the
            metric and for `first_100` the `_mean`, `_sd`, `_low`, `_high`, `_median` and, from 10
            replicates on, `_iqm` (interquartile mean) of the runs that have a value; `reached_target` (of
            the n) and `steps_to_target_…`, where a run that never got there counts with all its planned
            steps in the mean, and as later than every other in the median; `detectable`, the smallest
            true difference from the baseline in the metric that these runs had an 80 % chance to find.

        Raises:
            InputError: If the metric is unknown, or nobody said whether larger is better.
        """
        _check_confidence(confidence)
        name = metric or self.metric
        found = self._outcomes(name)
        horizon = self.config["epochs"] * self.config["steps_per_epoch"]
        table = tables.summary(self.runs, self.labels, name, self._directions, confidence, horizon)
        least = outcomes.detectable(found, self.baseline)
        return table.assign(detectable=[least.get(label, math.nan) for label in table.index])

    def pairs(
        self,
        baseline: str | None = None,
        metric: str | None = None,
        margin: float | None = None,
        confidence: float = 0.95,
    ) -> "pd.DataFrame":
        """Every other initializer against `baseline`, paired by replicate.

        Args:
            baseline: A label; None for `Comparison.baseline`.
            metric: An epoch metric (its final value) or a column of `runs`; None for `Comparison.metric`.
            margin: Differences smaller than this do not matter, in the metric's unit; positive.
            confidence: Of the intervals, between 0 and 1.

        Returns:
            A frame indexed by `initializer`: `baseline`, `n` (pairs), `n_values` (pairs in which both have
            a value), `difference` (initializer minus baseline, mean over these) with its `sd` and
            Student-t interval `low`, `high`; `win` (probability of beating the baseline, ties one half)
            with `win_low`, `win_high`; `p_holm` (Holm-adjusted over the rows), `p_sign_flip` (exact, not
            adjusted, no assumption of normality), and `verdict`: `better` or `worse` at `p_holm` < .05,
            `equivalent` if the interval lies inside the margin, else `unresolved`.

        Raises:
            InputError: If a name is unknown or a number out of range.
        """
        _check_confidence(confidence)
        if margin is not None and not margin > 0:
            raise InputError(f"margin must be positive, got {margin!r}.")
        found = self._outcomes(metric or self.metric)
        return outcomes.pairs(found, self._baseline(baseline), margin, confidence)

    def power(
        self, difference: float, baseline: str | None = None, metric: str | None = None, power: float = 0.8
    ) -> "pd.DataFrame":
        """How many replicates would show a true difference, judged by the paired spread observed here.

        Args:
            difference: The true difference to be found, in the metric's unit; positive.
            baseline, metric: As in `pairs`.
            power: The chance that it is found, between 0 and 1.

        Returns:
            A frame indexed by `initializer`: `n` (pairs with values), `sd` (of their differences),
            `replicates` (the number needed), and `detectable` (the smallest true difference that this
            comparison had the given chance to find). Missing where the runs give no spread. The level is
            .05 over the number of initializers, as the strictest step of Holm's test.

        Raises:
            InputError: If a name is unknown or a number out of range.
        """
        if not difference > 0:
            raise InputError(f"difference must be positive, got {difference!r}.")
        if not 0 < power < 1:
            raise InputError(f"power must lie between 0 and 1, got {power!r}.")
        found = self._outcomes(metric or self.metric)
        return outcomes.power_table(found, self._baseline(baseline), difference, power)

    def wins(self, metric: str | None = None) -> "pd.DataFrame":
        """Initializers x initializers: the probability that the row beats the column in a replicate.

        A tie counts one half; a run without a value loses to any with one.
        """
        return outcomes.wins(self._outcomes(metric or self.metric))

    def sign(self, metric: str) -> int:
        """1 if larger values of `metric` are better, -1 if smaller ones are."""
        return self._outcomes(metric).sign

    def _baseline(self, given: str | None) -> str:
        chosen = self.baseline if given is None else given
        if chosen not in self.labels:
            raise UnknownNameError("baseline", chosen, self.labels, f"There are: {', '.join(self.labels)}.")
        return chosen

    def _outcomes(self, metric: str) -> outcomes.Outcomes:
        return outcomes.outcomes(self.runs, metric, self._directions)

    @cached_property
    def best(self) -> "Best":
        """The initializers that no other was shown to beat on `Comparison.metric`, best rank first.

        An initializer is left out if some other is `better` in `pairs` with it as the baseline. The
        truly best one is therefore in the set with a chance of at least 95 %.
        """
        beaten = outcomes.beaten_by(self._outcomes(self.metric))
        ranked = list(self.summary().index)
        return Best(
            tuple(label for label in ranked if not beaten[label]),
            {label: tuple(sorted(beaten[label], key=ranked.index)) for label in ranked if beaten[label]},
        )

    def plot(self, batches: int | None = 100, metric: str | None = None, ax: "Axes | None" = None) -> "Axes":
        """Loss of the first `batches` batches (None: all), or `metric` after each epoch.

        Every replicate is a thin line under the mean of the completed ones, with the pointwise 95 %
        interval as a band; a cross marks where a run diverged. The axis is logarithmic when the values
        span more than a factor of 30; mean and interval are then those of the logarithms.

        Raises:
            InputError: If `batches` is not positive or the metric unknown.
        """
        from keras_initlab.results import plots

        if batches is not None and batches < 1:
            raise InputError(f"batches must be positive or None for all, got {batches!r}.")
        ranked = list(self.summary().index)
        if metric is None:
            view = plots.loss_view(self.curves, self.runs, ranked, batches)
        else:
            view = plots.metric_view(self.curves, self.runs, ranked, metric)
        return plots.draw(view, self.runs, self.labels, ax)

    def plot_pairs(
        self, baseline: str | None = None, metric: str | None = None, ax: "Axes | None" = None
    ) -> "Axes":
        """Forest plot of `pairs`: paired differences with their 95 % intervals, coloured by verdict."""
        from keras_initlab.results import plots

        name = metric or self.metric
        return plots.plot_pairs(self.pairs(baseline, name), list(self.summary(name).index), name, ax)

    def plot_replicates(self, metric: str | None = None, ax: "Axes | None" = None) -> "Axes":
        """Every run as a dot, one row per initializer, with the mean of those that have a value."""
        from keras_initlab.results import plots

        name = metric or self.metric
        values = self._outcomes(name).values
        return plots.plot_replicates(values, list(self.summary(name).index), self.labels, name, ax)

    def plot_wins(self, metric: str | None = None, ax: "Axes | None" = None) -> "Axes":
        """Heat map of `wins`, best rank first."""
        from keras_initlab.results import plots

        return plots.plot_wins(self.wins(metric), list(self.summary(metric).index), ax)

    def save(self, folder: str | Path) -> None:
        """Write `config.json` and `records.jsonl` into `folder`, replacing what is there."""
        files.write_config(folder, self.config)
        files.write_records(folder, self.records)

    def to_html(self, path: str | Path) -> None:
        """Write one page that holds everything and needs no network: the conclusion, the table,
        interactive curves, differences, every run, the configuration, and how to repeat it.

        Raises:
            ImportError: If plotly is not installed.
        """
        from keras_initlab.results import report

        Path(path).write_text(report.page(self), encoding="utf-8")

    def to_csv(self, folder: str | Path) -> None:
        """Write `summary.csv`, `runs.csv` and `curves.csv` into `folder`."""
        from keras_initlab.results import export

        export.to_csv(self, folder)

    def to_parquet(self, folder: str | Path) -> None:
        """Write `summary.parquet`, `runs.parquet` and `curves.parquet` into `folder`.

        Raises:
            ImportError: If pyarrow is not installed.
        """
        from keras_initlab.results import export

        export.to_parquet(self, folder)

    def to_json(self, path: str | Path | None = None) -> str:
        """Summary, pairs, runs and configuration as strict JSON (null for what has no value), also
        written to `path` if one is given."""
        from keras_initlab.results import export

        text = export.to_json(self)
        if path is not None:
            Path(path).write_text(text + "\n", encoding="utf-8")
        return text

    def to_tensorboard(self, folder: str | Path) -> None:
        """Write one TensorBoard run per replicate, `folder/initializer/replicate N`.

        Tags are `batch/loss`, `train/…` and `validation/…` over steps; in the HParams tab the
        replicates of an initializer are one session group.

        Raises:
            ImportError: If tensorboard is not installed.
        """
        from keras_initlab.results import export

        export.to_tensorboard(self, folder)

    def to_mlflow(self, experiment: str = "initializers") -> None:
        """Log to MLflow's current tracking server: one run per initializer, and nested in it one run per
        replicate with its metrics, seeds and status.

        Raises:
            ImportError: If mlflow is not installed.
        """
        from keras_initlab.results import export

        export.to_mlflow(self, experiment)

    def __repr__(self) -> str:
        from keras_initlab.results import terminal

        return terminal.as_text(self)

    def _repr_html_(self) -> str:
        from keras_initlab.results import terminal

        return terminal.as_html(self)


def load(folder: str | Path) -> Comparison:
    """Read what `Comparison.save`, or `compare(run_dir=...)`, wrote. Needs no Keras and no backend.

    Raises:
        InputError: If `folder` holds no result, or one of a newer version.
    """
    return Comparison(files.read_records(folder), files.read_config(folder))


def _is_usual(label: str, scheme: Any) -> bool:
    named = scheme.get("class_name") if isinstance(scheme, Mapping) else None
    return named == "GlorotUniform" or label in ("glorot_uniform", "initlab_glorot_uniform")


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1 or math.isnan(confidence):
        raise InputError(f"confidence must lie between 0 and 1, got {confidence!r}.")
