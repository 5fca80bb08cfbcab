"""What may be asked of a grid: effects, interactions, rescue, tolerance, and starts at their best level."""

import pandas as pd

from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.results import families, stats, tuning
from keras_initlab.results.evidence import check_confidence
from keras_initlab.results.factorial import Factorial
from keras_initlab.results.factors import INITIALIZER


class Contrasted(Factorial):
    """The runs of a grid and every contrast of them; see `Factorial` for the arguments."""

    def effects(
        self,
        factor: str,
        metric: str | None = None,
        scale: str | None = None,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """What each level does, against the reference: in the mean over all cells, and for each initializer.

        One number for each replicate, the level minus the reference, averaged over the levels of the other
        factors; the rows `(all)` are averaged over the initializers too. A run without a value leaves its
        replicate without a number, and its row `unresolved`; beside it stands how many completed.

        Args:
            factor: A factor's name.
            metric, scale: As in `values`. On the logarithmic scale a difference of .1 is 10 % more.
            confidence: Of each interval, and of all verdicts of the frame together.

        Returns:
            A frame indexed by `initializer` and `level`: `reference`; `n` (replicates in which all cells of
            the row ran), `n_values` (those with a number), `difference` (its mean), `sd`, `low`, `high`
            (Student-t interval, each for itself), `p` (paired t), `p_adjusted` (Holm over the `family` rows),
            `p_sign_flip` (exact, not adjusted, supposes symmetry only), `detectable` (the smallest true
            difference that was found with a chance of 80 %, at the level of Holm's first step); `completed`
            and `completed_reference` (of `n_runs` each) with Boschloo's `p_completed`, not adjusted; `scale`,
            `family`, and `verdict`: `better`, `worse`, `no change in any replicate` or `unresolved`.

        Raises:
            InputError: If a name is unknown, or the metric does not compare across the factor.
        """
        check_confidence(confidence)
        axis, cells = self.design.axis(self._factor(factor)), self.values(metric, scale, [factor])
        reference = self.design.factor(factor).reference
        starts = [families.ALL, *self.labels] if len(self.labels) > 1 else self.labels
        rows = [
            families.Row(
                {INITIALIZER: label, "level": level, "reference": reference},
                {axis: (level, reference)},
                {} if label == families.ALL else {0: label},
            )
            for level in self.factors[factor][1:]
            for label in starts
        ]
        return families.frame(cells, rows, 1 - confidence).set_index([INITIALIZER, "level"])

    def interactions(
        self,
        one: str,
        other: str,
        metric: str | None = None,
        scale: str | None = None,
        baseline: str | None = None,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """Whether what one does depends on the other: differences of differences.

        For each level of both but the references: the effect of `other` there, minus its effect at the
        reference of `one`; averaged over the levels of what is named by neither.

        Args:
            one, other: `initializer` or a factor's name.
            metric, scale, confidence: As in `effects`. An interaction may vanish on another scale.
            baseline: The reference among the initializers; None for `baseline`.

        Returns:
            A frame indexed by `one` and `other` with the columns of `effects`; the counts of completed runs
            are of all corners together.

        Raises:
            InputError: If a name is unknown, both are the same, or the metric does not compare.
        """
        check_confidence(confidence)
        if one == other:
            raise InputError(f"one and other are both {one!r}: name two, of which one may be 'initializer'.")
        axes = self.design.axis(one), self.design.axis(other)
        cells = self.values(metric, scale, [name for name in (one, other) if name != INITIALIZER])
        levels = [self._levels(name, baseline) for name in (one, other)]
        rows = [
            families.Row(
                {one: first, other: second, "reference": f"{levels[0][0]}, {levels[1][0]}"},
                {axes[0]: (first, levels[0][0]), axes[1]: (second, levels[1][0])},
                {},
            )
            for first in levels[0][1:]
            for second in levels[1][1:]
        ]
        return families.frame(cells, rows, 1 - confidence).set_index([one, other])

    def _levels(self, name: str, baseline: str | None) -> list[str]:
        """The levels of a factor or the initializers, the reference first."""
        if name != INITIALIZER:
            return list(self.factors[name])
        first = self._label("baseline", self.baseline if baseline is None else baseline)
        return [first, *(label for label in self.labels if label != first)]

    def _label(self, argument: str, given: str) -> str:
        if given not in self.labels:
            raise UnknownNameError(argument, given, self.labels, f"There are: {', '.join(self.labels)}.")
        return given

    def _factor(self, name: str) -> str:
        return self.design.factor(name).name

    def rescue(
        self,
        factor: str,
        bad: str,
        good: str,
        margin: float | None = None,
        metric: str | None = None,
        scale: str | None = None,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """Whether a remedy makes up for a bad start, for each level against the reference.

        Three paired intervals: the effect on the bad start, the effect on the good one, and the gap that
        is left, the bad start with the remedy minus the good one without.

        Args:
            factor: The remedy, a factor's name.
            bad, good: Labels of initializers.
            margin: How far behind is near enough, on the scale of the metric (for losses, .01 is 1 %);
                without one nothing is called rescued.
            metric, scale: As in `effects`.
            confidence: Of all intervals of the same kind together (Bonferroni over the levels).

        Returns:
            A frame indexed by `level`: `verdict`, read off the intervals: `rescued` (the bad start gains, and
            the gap's interval lies above -margin), `helped` (it gains), `hurt` (it loses), `no change in any
            replicate`, `not shown`; `good_verdict` for the good start; for each of `bad`, `good`, `gap` the
            mean, `_low`, `_high` and `_n_values`; `completed` and `completed_reference` of the bad start, of
            `n_runs` each, with Boschloo's `p_completed`. Where larger is worse, signs are turned so that a
            gain is positive.

        Raises:
            InputError: If a name is unknown, `margin` not positive, or the metric does not compare.
        """
        check_confidence(confidence)
        if margin is not None and not margin > 0:
            raise InputError(f"margin must be positive, got {margin!r}.")
        axis, cells = self.design.axis(self._factor(factor)), self.values(metric, scale, [factor])
        self._label("bad", bad), self._label("good", good)
        if bad == good:
            raise InputError(f"bad and good are both {bad!r}: name two initializers.")
        return families.rescue(
            cells, axis, self.factors[factor], bad, good, margin, 1 - confidence
        ).set_index("level")

    def at_reference(self, factor: str, metric: str | None, scale: str | None) -> dict[str, float]:
        """The mean of each initializer at a factor's reference, on the scale of its effects."""
        axis, cells = self.design.axis(self._factor(factor)), self.values(metric, scale, [factor])
        level = self.factors[factor][0]
        found = {}
        for label in self.labels:
            rows = [row for row, key in enumerate(cells.keys) if key[0] == label and key[axis] == level]
            found[label] = stats.estimate(cells.values[rows].mean(axis=0)).mean
        return found

    def power(self, difference: float, frame: pd.DataFrame, power: float = 0.8) -> pd.DataFrame:
        """How many replicates would show a true difference, judged by the spread of each contrast here.

        An interaction of two independent effects spreads √2 times as much as one effect: up to twice the
        replicates.

        Args:
            difference: The true value of the contrast, on the frame's scale; positive.
            frame: Of `effects` or `interactions`.
            power: The chance that it is found, between 0 and 1.

        Returns:
            The frame's rows with `n_values`, `sd`, `replicates` (the number needed) and `detectable`.

        Raises:
            InputError: If a number is out of range.
        """
        if not difference > 0:
            raise InputError(f"difference must be positive, got {difference!r}.")
        if not 0 < power < 1:
            raise InputError(f"power must lie between 0 and 1, got {power!r}.")
        return families.power(frame, difference, power)

    def tolerance(
        self,
        factor: str,
        within: float = 0.01,
        metric: str | None = None,
        scale: str | None = None,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """How wide a range of a factor each initializer tolerates, in powers of ten.

        In each replicate, the part of the logarithmic axis on which the value is at most `within` behind the
        best of that replicate over all cells, straight lines drawn between the levels; beyond a run without a
        value, and beyond the ends of the grid, nothing counts. Averaged over the levels of other factors.

        Args:
            factor: A factor whose levels are positive numbers.
            within: How far behind the best is still good, on the scale of the metric (for losses .01 is 1 %).
            metric, scale: As in `effects`, without `rank`.
            confidence: Of each interval.

        Returns:
            A frame indexed by `initializer`, widest first: `n` (replicates), `decades` (the mean width) with
            `sd`, `low`, `high` (Student-t, each for itself), `of` (the width of the grid), `at_least`
            (replicates in which an end of the grid was good enough, so that the true width is larger),
            `completed` (levels at which a run completed, in the mean) and `n_levels`.

        Raises:
            InputError: If a name is unknown, a level no positive number, or the metric does not compare.
        """
        check_confidence(confidence)
        return tuning.table(self._widths(factor, within, metric, scale), confidence)

    def tolerance_pairs(
        self,
        factor: str,
        within: float = 0.01,
        metric: str | None = None,
        scale: str | None = None,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """Every two initializers by the range that they tolerate, paired by replicate.

        Args:
            factor, within, metric, scale: As in `tolerance`.
            confidence: Of each interval, and of all verdicts together (Holm).

        Returns:
            A frame indexed by `initializer` and `other`: `n`, `difference` in decades with `sd`, `low`,
            `high`, `p`, `p_adjusted`, `p_sign_flip`; `at_least`, the replicates in which either reached an
            end of the grid, so that the difference is one within it; `family`, and `verdict`: `wider`,
            `narrower`, `no change in any replicate` or `unresolved`.

        Raises:
            InputError: As `tolerance`.
        """
        check_confidence(confidence)
        return tuning.pairs(self._widths(factor, within, metric, scale), 1 - confidence)

    def _widths(self, factor: str, within: float, metric: str | None, scale: str | None) -> tuning.Widths:
        if not within > 0:
            raise InputError(f"within must be positive, got {within!r}.")
        if scale == "rank":
            raise InputError("scale='rank' has no distance that `within` could mean. Take 'linear' or 'log'.")
        axis, levels = self.design.axis(factor), self.design.factor(factor).numbers()
        for label, value in levels.items():
            if not value > 0:
                raise InputError(
                    f"factor={factor!r} has the level {label!r}, which has no place on a logarithmic axis. "
                    "Leave it out of the grid, or ask for effects."
                )
        cells = self.values(metric, scale, self.factors)
        return tuning.widths(cells, axis, self.labels, levels, within)

    def tuned(
        self,
        factor: str,
        metric: str | None = None,
        scale: str | None = None,
        baseline: str | None = None,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """Each initializer at its own best level, without the flattery of choosing and judging on the same.

        The means: for each replicate the level is the one that the *other* replicates found best (fewest runs
        without a value, then the mean), and is judged on this one; averaged over the levels of other factors.
        Intervals and verdicts choose no level at all, see `contrasts.best_against_best`: a t-test of those
        means calls two starts different up to four times too often where levels tie.

        Args:
            factor: A factor's name.
            metric, scale: As in `effects`, without `rank`.
            baseline: What the others are held against; None for `baseline`.
            confidence: Of each interval, and of all verdicts together (Holm).

        Returns:
            A frame indexed by `initializer`, best first: `chosen` (the level chosen most often) and
            `chosen_in` (of the `n` replicates), `n_values`, `mean`, `sd`, `flattery` (how much better the
            mean looks if chosen and judged on the same runs); against the baseline, paired: `difference` of
            the means, interval `low`, `high` of the difference of the true best means, over the levels at
            which no run of either was lost; `p`, `p_adjusted`, `verdict`; `scale` and `family`.

        Raises:
            InputError: If a name is unknown, the metric does not compare, or there are fewer than three
                replicates.
        """
        check_confidence(confidence)
        if scale == "rank":
            raise InputError(
                "scale='rank' ranks within a replicate, over all levels. Take 'linear' or 'log'."
            )
        axis, cells = self.design.axis(self._factor(factor)), self.values(metric, scale, [factor])
        if len(cells.replicates) < 3:
            raise InputError(
                "tuned takes at least 3 replicates, so that the others can choose; there are "
                f"{len(cells.replicates)}."
            )
        ordered = self._levels(INITIALIZER, baseline)
        return tuning.tuned(cells, axis, ordered, self.factors[factor], 1 - confidence)
