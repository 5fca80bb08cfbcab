"""A comparison and a grid as their user holds them: evidence that draws, writes and prints itself."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from keras_initlab.core.errors import InputError
from keras_initlab.results import export, grid_words, plots, report, stopped, tables, terminal
from keras_initlab.results.contrasted import Contrasted
from keras_initlab.results.evidence import Evidence
from keras_initlab.results.factors import INITIALIZER, released
from keras_initlab.results.report import grid as grid_page
from keras_initlab.results.stopping import Rule
from keras_initlab.trials import folder as files
from keras_initlab.trials.record import Record

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

    def stopped(
        self, rule: Rule | Sequence[Rule] | Mapping[str, Rule], metric: str = "val_loss"
    ) -> "Comparison | Grid":
        """The runs as if a rule had stopped them: prefixes of those that were trained.

        A run that the rule ends before it diverged has completed; one that it never ends stays as it is.

        Args:
            rule: One of `results.stopping`, for a comparison of the prefixes; a list or a dict of labels, for
                a grid with the factor `stopping`, whose reference is `none`.
            metric: The epoch series that rules read, which is no longer a fair measure of what they leave.

        Raises:
            InputError: If these runs did not record what the rule reads, or it cannot read the metric.
        """
        if isinstance(rule, Rule):
            return Comparison(*stopped.stopped(self.records, self.config, rule, metric, self._steps))
        return Grid(*stopped.crossed(self.records, self.config, rule, metric, self._steps))

    def _steps(self, record: Record) -> int:
        return self.steps_per_epoch(record.label)

    def save(self, folder: str | Path) -> None:
        """Write the comparison into `folder`, new or its own; runs that stand there already are left alone.

        Raises:
            InputError: If the folder holds another comparison, or cannot be written.
            NotSavedError: If the disk is full.
        """
        if "steps_of" in self.config:
            raise InputError("These are the cells of a grid, with steps of their own: save the grid.")
        files.save(folder, Grid(self.records, released(self.config)) if "at" in self.config else self)

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


class Grid(Contrasted):
    """The runs of a comparison with factors: initializers x levels of what stands beside the start.

    What is said of initializers is said at levels: `at` gives an ordinary comparison at fixed ones, `cells`
    one whose labels are the cells. What is said of levels are contrasts: `effects`, `interactions`, `rescue`.

    Args:
        records: One per run, in any order; each (label, levels, replicate) once.
        config: The configuration that `compare` wrote, with its factors: pure JSON data.

    Raises:
        InputError: If the configuration has no factors, two records describe the same trial, or a record's
            label or levels are not in the configuration.
    """

    @cached_property
    def cells(self) -> Comparison:
        """The same runs as a comparison with each cell as a label, as in `zeros, batch_norm on`."""
        return Comparison(*self._as_cells())

    def at(self, **levels: object) -> "Comparison | Grid":
        """What was trained at these levels: a comparison where each factor is named, else a smaller grid.

        Args:
            levels: Factor -> its level, by label or value: 1e-3 or `"0.001"`, True for `on`, None for `off`.

        Raises:
            InputError: If a name is unknown, or nothing was trained there.
        """
        named = {name: self.design.factor(name).find(given) for name, given in levels.items()}
        config = self.design.fixed(self.config, named)
        records = [
            run for run in self.records if all(run.levels[name] == level for name, level in named.items())
        ]
        return Grid(records, config) if "factors" in config else Comparison(records, config)

    def stopped(self, rule: Rule | Sequence[Rule] | Mapping[str, Rule], metric: str = "val_loss") -> "Grid":
        """The runs as if a rule had stopped them, as `Comparison.stopped`; of several, one more factor."""
        if isinstance(rule, Rule):
            return Grid(*stopped.stopped(self.records, self.config, rule, metric, self._steps))
        return Grid(*stopped.crossed(self.records, self.config, rule, metric, self._steps))

    def _steps(self, record: Record) -> int:
        cell = self.design.cell_of(record.levels)
        return self.design.steps_per_epoch(cell, self.config["steps_per_epoch"])

    @property
    def notes(self) -> list[str]:
        """What a reader has to know to read the table right."""
        return grid_words.notes(self)

    def plot_grid(self, one: str, other: str, metric: str | None = None, ax: "Axes | None" = None) -> "Axes":
        """Heat map of `means`: rows `one`, best on top, columns `other`. Grey where no run learned."""
        name = metric or self.metric
        return plots.plot_grid(self.means(one, other, name), name, self.cells.sign(name), ax)

    def plot_sensitivity(self, factor: str, metric: str | None = None, ax: "Axes | None" = None) -> "Axes":
        """How a metric depends on a factor, for each initializer: mean of the runs that learned with its
        pointwise 95 % interval (from three on), a dot for each run and crosses, at the worse edge, for those
        that were lost. The axis is logarithmic where all levels are positive numbers. Beyond the ten
        best ranked, initializers are grey lines."""
        name = metric or self.metric
        return plots.plot_sensitivity(
            self.runs,
            self._factor(factor),
            plots.places(self.design.factor(factor).numbers()),
            self.labels,
            grid_words.order(self),
            tables.column(self.runs, name),
            self.cells.sign(name),
            ax,
        )

    def plot_interaction(
        self, factor: str, metric: str | None = None, scale: str | None = None, ax: "Axes | None" = None
    ) -> "Axes":
        """Slopes from the reference level to the others, one for each initializer, with the interval of the
        paired difference; lines that are not parallel are an interaction, if `interactions` shows it."""
        name = metric or self.metric
        frame = self.effects(factor, name, scale)
        starts = self.at_reference(factor, name, scale)
        return plots.plot_interaction(starts, frame, factor, self.factors[factor], self.labels, name, ax)

    def to_html(self, path: str | Path) -> None:
        """Write one page that holds everything and needs no network: what is shown of each factor, the table,
        pictures, contrasts, curves (up to 40 cells), every run, the configuration, and how to repeat it.

        Raises:
            ImportError: If plotly is not installed.
        """
        Path(path).write_text(grid_page.page(self, self._drawings()), encoding="utf-8")

    def _drawings(self) -> Iterator[grid_page.Drawing]:
        if not self.cells.ended:
            return
        height = 1.6 + (0.42 if len(self.labels) <= 10 else 0.24) * len(self.labels)
        for name, factor in self.design.factors.items():
            wide = 3.4 + 0.95 * len(factor.levels)
            heat = partial(self.plot_grid, INITIALIZER, name)
            yield grid_page.Drawing(heat, wide, height, f"{self.metric}: initializers by {name}")
            if not factor.compares(self.metric):
                continue
            if len(factor.values) == len(factor.levels):
                sensitivity = partial(self.plot_sensitivity, name)
                yield grid_page.Drawing(sensitivity, 10, 4.8, f"{self.metric} over {name}, every run")
            if len(factor.levels) > 1:
                slopes = partial(self.plot_interaction, name)
                yield grid_page.Drawing(slopes, 11, 4.8, f"Effects of {name} on {self.metric}")

    def to_csv(self, folder: str | Path) -> None:
        """Write `summary.csv`, `runs.csv`, `curves.csv` and `effects.csv` into `folder`."""
        export.grid_to_csv(self, folder)

    def to_json(self, path: str | Path | None = None) -> str:
        """Summary, effects, runs, notes and configuration as strict JSON (null for what has no value), also
        written to `path` if one is given."""
        text = export.grid_to_json(self)
        if path is not None:
            Path(path).write_text(text + "\n", encoding="utf-8")
        return text

    def save(self, folder: str | Path) -> None:
        """Write the grid into `folder`, as `Comparison.save` does."""
        files.save(folder, Grid(self.records, released(self.config)) if "at" in self.config else self)

    def __repr__(self) -> str:
        return grid_words.as_text(self)

    def _repr_html_(self) -> str:
        return grid_words.as_html(self)


def load(folder: str | Path) -> Comparison | Grid:
    """Read what `save`, or `compare(run_dir=...)`, wrote: a grid where something was varied beside the start.

    Needs no Keras and no backend.

    Raises:
        InputError: If `folder` holds no result, or one of a newer version.
    """
    records, config = files.read(folder)
    if not config.get("factors"):
        return Comparison(records, config)
    grid = Grid(records, config)
    single = {name: levels[0] for name, levels in grid.factors.items() if len(levels) == 1}
    return grid.at(**single) if single else grid
