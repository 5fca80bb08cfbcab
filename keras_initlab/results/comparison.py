"""A comparison as its user holds it: evidence that draws, writes and prints itself."""

from pathlib import Path
from typing import TYPE_CHECKING

from keras_initlab.core.errors import InputError
from keras_initlab.results import export, plots, report, terminal
from keras_initlab.results.evidence import Evidence
from keras_initlab.trials import folder as files

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Comparison(Evidence):
    """The runs of a comparison and everything that follows from them.

    Args:
        records: One per run, in any order; each (label, replicate) once.
        config: The configuration that `compare` wrote: pure JSON data.

    Raises:
        InputError: If two records describe the same trial, or a record's label is not in the configuration.
    """

    def plot(self, batches: int | None = 100, metric: str | None = None, ax: "Axes | None" = None) -> "Axes":
        """Loss of the first `batches` batches (None: all), or `metric` after each epoch.

        Every replicate is a thin line under the mean of the completed ones, with the pointwise 95 %
        interval as a band (from three on); a cross marks the end of a lost run. The axis is logarithmic
        when the values span more than a factor of 30; mean and interval are then those of the logarithms.

        Raises:
            InputError: If `batches` is not positive or the metric unknown.
        """
        if batches is not None and batches < 1:
            raise InputError(f"batches must be positive or None for all, got {batches!r}.")
        if metric is None:
            view = plots.loss_view(self.curves, self.runs, self.ranked, batches)
        else:
            view = plots.metric_view(self.curves, self.runs, self.ranked, metric)
        return plots.plot_curves(view, self.runs, self.labels, ax)

    def plot_pairs(
        self, baseline: str | None = None, metric: str | None = None, ax: "Axes | None" = None
    ) -> "Axes":
        """Forest plot of `pairs`: paired differences, coloured by verdict, with the simultaneous 95 %
        intervals that the verdicts are read off: better or worse is an interval that excludes zero."""
        name = metric or self.metric
        return plots.plot_pairs(self.pairs(baseline, name), list(self.summary(name).index), name, ax)

    def plot_replicates(self, metric: str | None = None, ax: "Axes | None" = None) -> "Axes":
        """Every run as a dot, one row per initializer, with the mean of those that have a value."""
        name = metric or self.metric
        values = self.outcomes_of(name).values
        return plots.plot_replicates(values, list(self.summary(name).index), self.labels, name, ax)

    def plot_wins(self, metric: str | None = None, ax: "Axes | None" = None) -> "Axes":
        """Heat map of `wins`, best rank first."""
        return plots.plot_wins(self.wins(metric), list(self.summary(metric).index), ax)

    def plot_foreseen(self, ax: "Axes | None" = None) -> "Axes":
        """The risk that diagnoses saw against the mean loss of the first 100 steps, a dot for each run; a
        cross is one that failed.

        Raises:
            InputError: If no run was diagnosed.
        """
        return plots.plot_foreseen(self.foreseen().trials, ax)

    def save(self, folder: str | Path) -> None:
        """Write the comparison into `folder`, new or its own; runs that stand there already are left alone.

        Raises:
            InputError: If the folder holds another comparison, or cannot be written.
            NotSavedError: If the disk is full.
        """
        files.save(folder, self)

    def to_html(self, path: str | Path) -> None:
        """Write one page that holds everything and needs no network: the conclusion, the table,
        interactive curves, differences, every run, the configuration, and how to repeat it.

        Raises:
            ImportError: If plotly is not installed.
        """
        Path(path).write_text(report.page(self), encoding="utf-8")

    def to_csv(self, folder: str | Path) -> None:
        """Write `summary.csv`, `runs.csv` and `curves.csv` into `folder`, and `foreseen.csv` if runs were
        diagnosed."""
        export.to_csv(self, folder)

    def to_parquet(self, folder: str | Path) -> None:
        """Write the same tables as `to_csv` into `folder`, as `.parquet`.

        Raises:
            ImportError: If pyarrow is not installed.
        """
        export.to_parquet(self, folder)

    def to_json(self, path: str | Path | None = None) -> str:
        """Summary, pairs, runs, notes and configuration, and what was foreseen if runs were diagnosed, as
        strict JSON (null for what has no value), also written to `path` if one is given."""
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
        export.to_tensorboard(self, folder)

    def to_mlflow(self, experiment: str = "initializers") -> None:
        """Log to MLflow's current tracking server: one run per initializer, and nested in it one run per
        replicate with its metrics, seeds and status.

        Raises:
            ImportError: If mlflow is not installed.
        """
        export.to_mlflow(self, experiment)

    def __repr__(self) -> str:
        return terminal.as_text(self)

    def _repr_html_(self) -> str:
        return terminal.as_html(self)


def load(folder: str | Path) -> Comparison:
    """Read what `Comparison.save`, or `compare(run_dir=...)`, wrote. Needs no Keras and no backend.

    Raises:
        InputError: If `folder` holds no result, or one of a newer version.
    """
    return Comparison(*files.read(folder))
