"""The runs of a grid: initializers x levels of what stands beside the start, as frames and cells."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.results import contrasts, outcomes, stats, tables
from keras_initlab.results.contrasts import Cells
from keras_initlab.results.evidence import Evidence, baseline
from keras_initlab.results.factors import INITIALIZER, Design
from keras_initlab.trials.plan import told
from keras_initlab.trials.record import Record

SCALES = ("linear", "log", "rank")


class Factorial:
    """The runs of a grid.

    Args:
        records: One per run, in any order; each (label, levels, replicate) once.
        config: The configuration that `compare` wrote, with its factors: pure JSON data.

    Raises:
        InputError: If the configuration has no factors, two records describe the same trial, or a record's
            label or levels are not in the configuration.
    """

    def __init__(self, records: Iterable[Record], config: Mapping[str, Any]):
        self.config = dict(config)
        self.design = Design.of(config)
        self.labels = list(self.config["labels"])
        keys = [(label, *cell) for label in self.labels for cell in self.design.cells]
        place = {key: index for index, key in enumerate(keys)}
        found = list(records)
        for record in found:
            if self._key(record) not in place:
                raise InputError(
                    f"A record is of {told(record.label, record.levels.items())}, which is not in config. "
                    "Give the records and the config of one comparison."
                )
        self.records = sorted(found, key=lambda run: (place[self._key(run)], run.replicate))

    def _key(self, record: Record) -> tuple[str, ...]:
        return record.label, *self.design.cell_of(record.levels)

    def _told(self, key: Sequence[str]) -> str:
        return told(key[0], zip(self.design.factors, key[1:], strict=True))

    @property
    def factors(self) -> dict[str, tuple[str, ...]]:
        """Each factor with the labels of its levels, the reference first."""
        return {name: factor.labels for name, factor in self.design.factors.items()}

    @cached_property
    def cells(self) -> Evidence:
        """The same runs with each cell as a label."""
        return Evidence(*self._as_cells())

    def _as_cells(self) -> tuple[list[Record], dict[str, Any]]:
        """Records and configuration of a comparison whose labels are cells."""
        left = {key: value for key, value in self.config.items() if key not in ("factors", "cells", "groups")}
        usual, labels, steps = self.config["steps_per_epoch"], {}, {}
        for label in self.labels:
            for cell in self.design.cells:
                name = self._told((label, *cell))
                labels[name] = self.config["labels"][label]
                steps[name] = self.design.steps_per_epoch(cell, usual)
        reference = self._told((self.baseline, *self.design.cells[0]))
        changed = {**left, "labels": labels, "baseline": reference}
        if set(steps.values()) != {usual}:
            changed["steps_of"] = steps
        records = [
            dataclasses.replace(
                run,
                label=self._told(self._key(run)),
                levels={name: level for name, level in run.levels.items() if name not in self.design.factors},
            )
            for run in self.records
        ]
        return records, changed

    @property
    def baseline(self) -> str:
        """The initializer that others are held against, as in `Comparison.baseline`."""
        return baseline(self.config)

    @property
    def metric(self) -> str:
        """What cells are ranked and contrasts are made of by default, as in `Comparison.metric`."""
        return self.cells.metric

    def cell_names(self) -> dict[tuple[str, ...], str]:
        """Each full cell -> its label in `cells`."""
        return {key: name for name, key in self._cell_of.items()}

    @cached_property
    def _cell_of(self) -> dict[str, tuple[str, ...]]:
        """By the label of a cell in `cells`: the initializer, then its levels."""
        return {
            self._told((label, *cell)): (label, *cell) for label in self.labels for cell in self.design.cells
        }

    def _spread(self, frame: pd.DataFrame) -> pd.DataFrame:
        """`frame` with the column of cells as columns of initializer and factors."""
        cells = [self._cell_of[str(name)] for name in frame[INITIALIZER]]
        at = list(frame.columns).index(INITIALIZER)
        left = frame.drop(columns=INITIALIZER)
        for place, name in enumerate((INITIALIZER, *self.design.factors)):
            left.insert(at + place, name, pd.Series([cell[place] for cell in cells], left.index, dtype="str"))
        return left

    @cached_property
    def runs(self) -> pd.DataFrame:
        """As `Comparison.runs`, with a column for each factor after `initializer`."""
        return self._spread(self.cells.runs)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """As `Comparison.curves`, with a column for each factor after `initializer`."""
        return self._spread(self.cells.curves)

    def summary(self, metric: str | None = None, confidence: float = 0.95) -> pd.DataFrame:
        """One row per cell, best first: as `Comparison.summary`, indexed by initializer and levels."""
        table = self.cells.summary(metric, confidence).reset_index()
        if table.empty:
            return table
        return self._spread(table).set_index([INITIALIZER, *self.design.factors])

    def means(self, one: str, other: str, metric: str | None = None) -> pd.DataFrame:
        """Means over the runs that learned, for each level of `one` and `other`.

        Each replicate is first averaged over what is named by neither; it counts where all of that has
        learned.

        Args:
            one, other: `initializer` or a factor's name.
            metric: As in `values`.

        Returns:
            A frame indexed by `one` and `other`: `n` (runs), `n_values` (replicates in the mean), `mean`,
            `low`, `high` (Student-t, each for itself), and `fate`: what became of the others, as `3 of 8
            diverged`.

        Raises:
            InputError: If a name is unknown or both are the same.
        """
        if one == other:
            raise InputError(f"one and other are both {one!r}: name two, of which one may be 'initializer'.")
        axes = self.design.axis(one), self.design.axis(other)
        cells = self.values(metric, "linear")
        learned = np.where(cells.learned, cells.values, np.nan)
        status = self.runs[self.runs["status"] != "interrupted"].groupby([one, other])["status"]
        fates = {key: _fate(own) for key, own in status}
        places: dict[tuple[str, str], list[int]] = {}
        for row, key in enumerate(cells.keys):
            places.setdefault((key[axes[0]], key[axes[1]]), []).append(row)
        lines = []
        for key, rows in places.items():
            sample = stats.estimate(learned[rows].mean(axis=0))
            lines.append(
                {
                    one: key[0],
                    other: key[1],
                    "n": int(cells.ran[rows].sum()),
                    "n_values": sample.n,
                    "mean": sample.mean,
                    "low": sample.low,
                    "high": sample.high,
                    "fate": fates.get(key, ""),
                }
            )
        return pd.DataFrame(lines).set_index([one, other])

    def to_frame(self) -> pd.DataFrame:
        """Every run in long form, for a mixed model or an analysis of variance elsewhere.

        `replicate` is the block. With `d` the frame, `m` the metric and one factor `batch_norm`:

        * R, afex: `aov_ez("replicate", "m", d, within = c("initializer", "batch_norm"))`
        * R, lme4: `lmer(m ~ initializer * batch_norm + (1 | replicate), d)`
        * statsmodels: `smf.mixedlm("m ~ initializer * batch_norm", d, groups="replicate")`

        These take one spread for all cells, which starts that never learn do not have: see
        `docs/statistics.md`. Levels that are numbers have a column `<factor>_value` beside the label.
        """
        frame = self.runs.drop(columns=["message"]).copy()
        for name, factor in self.design.factors.items():
            values = factor.values
            if len(values) == len(factor.levels):
                frame[f"{name}_value"] = [values[label] for label in frame[name]]
        return frame.rename(columns=lambda name: name.removeprefix("final_"))

    def values(
        self, metric: str | None = None, scale: str | None = None, across: Iterable[str] = ()
    ) -> Cells:
        """One metric of all runs that ended, ready for contrasts.

        A run that got stuck enters with the value that it ended at; one that diverged or failed has none.

        Args:
            metric: An epoch metric (its final value) or a column of `runs`; None for `metric`.
            scale: `linear`, `log`, or `rank` within each replicate (1 the best, runs without a value tied
                last); None for the logarithm of losses, where all are positive, and else linear.
            across: The factors whose levels are to be compared.

        Raises:
            InputError: If the metric does not compare across a factor, or the scale does not fit.
        """
        name = metric or self.metric
        runs = self.runs[self.runs["status"] != "interrupted"]
        column = tables.column(runs, name)
        sign = outcomes.orientation(name, self.config.get("directions", {}))
        for factor in across:
            self._require_comparable(name, factor)
        keys = tuple(self._cell_of.values())
        place = {key: row for row, key in enumerate(keys)}
        replicates = tuple(sorted(set(runs["replicate"])))
        at = {replicate: column for column, replicate in enumerate(replicates)}
        shape = len(keys), len(replicates)
        values, ran, learned = np.full(shape, np.nan), np.zeros(shape, bool), np.zeros(shape, bool)
        names = [INITIALIZER, *self.design.factors, "replicate", "status", column]
        for *key, replicate, status, value in runs[names].itertuples(index=False):
            spot = place[tuple(key)], at[replicate]
            values[spot], ran[spot], learned[spot] = value, True, status == "completed"
        scaled, scale = _scaled(values, ran, name, sign, scale)
        return Cells(keys, replicates, scaled, ran, learned, -1 if scale == "rank" else sign, scale)

    def _require_comparable(self, metric: str, factor: str) -> None:
        if self.design.factor(factor).compares(metric):
            return
        known = tables.epoch_metrics(self.records)
        directions = self.config.get("directions", {})
        good = [
            name
            for name in known
            if tables.direction(name, directions)
            and all(each.compares(name) for each in self.design.factors.values())
        ]
        advice = (
            f"Take metric={tables.primary_metric(good, directions)!r}."
            if good
            else "Train with validation_data, and take a metric of those."
        )
        raise InputError(
            f"metric={metric!r} does not mean the same at each level of {factor}, so it cannot be compared "
            f"across them. {advice}"
        )


def _fate(status: pd.Series) -> str:
    """`3 of 8 diverged, 1 failed`; empty where all learned."""
    counts = [(int((status == fate).sum()), fate) for fate in tables.LOST]
    (first, *others) = [one for one in counts if one[0]] or [(0, "")]
    if not first[0]:
        return ""
    return f"{first[0]} of {len(status)} {first[1]}" + "".join(f", {count} {fate}" for count, fate in others)


def _scaled(
    values: np.ndarray, ran: np.ndarray, metric: str, sign: int, scale: str | None
) -> tuple[np.ndarray, str]:
    """Values on a scale, and its name."""
    if scale is not None and scale not in SCALES:
        raise UnknownNameError("scale", scale, SCALES, f"There are: {', '.join(SCALES)}.")
    have = values[np.isfinite(values)]
    positive = bool((have > 0).all())
    if scale is None:
        loss = metric.endswith("loss") or metric == "first_100"
        scale = "log" if loss and positive else "linear"
    if scale == "log" and not positive:
        raise InputError(f"scale='log' takes positive values; {metric} has {have.min():g}. Take 'linear'.")
    if scale == "rank":
        return contrasts.ranks(values, ran, sign), scale
    return (np.log(values) if scale == "log" else values), scale
