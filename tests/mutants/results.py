"""Mistakes in what a result says: intervals, verdicts, ranks, pages and exports."""

from mutant import Mutant


def mistake(name: str, file: str, before: str, after: str, test: str) -> Mutant:
    return Mutant(
        name, f"keras_initlab/results/{file}", before, after, (f"tests/unit/results/test_{test}.py",)
    )


STATS, OUTCOMES, TABLES = "stats.py", "outcomes.py", "tables.py"
JUDGING, LEARNING = "judging.py", "learning.py"

MUTANTS = [
    mistake("no family", JUDGING, "level = alpha / family / np", "level = alpha / np", "judging"),
    mistake("two questions at full level", JUDGING, "np.where(mine + yours > 0, 2, 1)", "1", "judging"),
    mistake("t without the root of n", JUDGING, "sd / np.sqrt(np.maximum(n, 1))", "sd + 0 * n", "judging"),
    mistake("intervals of lost runs", JUDGING, "silent = decided | forbidden", "silent = decided", "judging"),
    mistake(
        "means speak for who fails more",
        JUDGING,
        "forbidden = (low > 0)",
        "forbidden = (low > 1e9)",
        "judging",
    ),
    mistake("a clean record is no luck", JUDGING, "return rare[..., None] |", "return True |", "landscapes"),
    mistake("lost runs win", JUDGING, "decided & (mine < yours)", "decided & (mine > yours)", "judging"),
    mistake("a hopeless one beats another", JUDGING, "& (mine < n) & trusted", "& trusted", "judging"),
    mistake("population sd", STATS, "float(sample.std(ddof=1))", "float(sample.std(ddof=0))", "stats"),
    mistake("normal interval", STATS, "special.stdtrit(degrees, p", "special.ndtri(p", "stats"),
    mistake("ties lose", STATS, "won + lost + tied, won + tied / 2", "won + lost + tied, won", "stats"),
    mistake("diverged runs win", STATS, "-np.inf, ours)", "np.inf, ours)", "stats"),
    mistake("NaN in a mean", STATS, "sample = sample[np.isfinite(sample)]", "sample = +sample", "stats"),
    mistake("two-sided room for failures", STATS, "ALPHA ** (1 / n)", "(ALPHA / 2) ** (1 / n)", "stats"),
    mistake(
        "power without family",
        OUTCOMES,
        "held, family = labels.index(baseline), max(1, len(labels) - 1)",
        "held, family = labels.index(baseline), 1",
        "outcomes",
    ),
    mistake("smaller losses are worse", OUTCOMES, "= self.sign * value, True", "= value, True", "evidence"),
    mistake(
        "an interval upside down", OUTCOMES, "if found.sign > 0 else (-edges[1], -edges[0])", "", "evidence"
    ),
    mistake("best leaves out whoever differs", OUTCOMES, "better[:, place])]", "better[place])]", "evidence"),
    mistake("stuck runs are not lost", OUTCOMES, "or replicate in stuck", "", "learning"),
    mistake(
        "stuck runs in the mean", TABLES, "np.where(stuck, np.nan, values)", "values + 0 * stuck", "learning"
    ),
    mistake("diverged not last", TABLES, '.sum(axis=1) / table["n"]', ".sum(axis=1) * 0", "evidence"),
    mistake(
        "chance is the best there is",
        LEARNING,
        "return value < (1 - _MARGIN)",
        "return value > (1 - _MARGIN)",
        "learning",
    ),
    mistake(
        "a fall upside down",
        LEARNING,
        "before.mean() - after.mean() >",
        "after.mean() - before.mean() >",
        "learning",
    ),
    mistake(
        "every straggler leads", "conclusion.py", "tuple(ranked[:first])", "found.best.labels", "conclusion"
    ),
    mistake(
        "the verdict's opponent",
        "conclusion.py",
        "against = _texts(found)[found.baseline]\n        looks",
        "against = _texts(found)[table.index[0]]\n        looks",
        "conclusion",
    ),
    mistake(
        "a diverged run has a final metric",
        TABLES,
        'values[-1] if row["status"] in ("completed", "stuck") and values else',
        "values[-1] if values else",
        "evidence",
    ),
    mistake("censored not in the mean", TABLES, "np.where(reached, steps, horizon)", "steps", "evidence"),
    mistake(
        "censored not in the median",
        TABLES,
        "np.where(reached, steps, np.inf)",
        "steps[reached]",
        "evidence",
    ),
    mistake("target one step early", TABLES, "reached[0] + WINDOW", "reached[0] + WINDOW - 1", "evidence"),
    mistake(
        "the order of records matters",
        "evidence.py",
        "(place[run.label], run.replicate))",
        "place[run.label])",
        "evidence",
    ),
    mistake(
        "half the critical difference",
        "overview.py",
        "<= self.critical_difference",
        "<= 0.5 * self.critical_difference",
        "overview",
    ),
    mistake("a label leaves its script", "report/__init__.py", '.replace("<", "\\\\u003c")', "", "report"),
    mistake("labels obeyed as HTML", "terminal.py", "html.escape(cells[name])", "cells[name]", "terminal"),
    mistake("steps of epochs", "export.py", "epoch * steps_per_epoch, value", "epoch, value", "export"),
    mistake(
        "diverged runs in the mean curve",
        "plots/curves.py",
        "completed = [curve for curve in curves if curve.completed]",
        "completed = list(curves)",
        "plots",
    ),
    mistake(
        "values after the last epoch overlooked",
        TABLES,
        "not all(map(math.isfinite, ends)):",
        "False:",
        "evidence",
    ),
    mistake(
        "running means keep the rounding of old losses",
        TABLES,
        "return np.lib.stride_tricks.sliding_window_view(finite, WINDOW).mean(axis=-1)",
        "return (np.cumsum(finite)[WINDOW - 1 :] - np.cumsum([0, *finite])[:-WINDOW]) / WINDOW",
        "evidence",
    ),
    mistake("the widest row sets the axis", "plots/differences.py", "ax.set_xlim(*limits)", "pass", "plots"),
    mistake(
        "labels numbered in another order",
        "conclusion.py",
        "dict.fromkeys([*map(str, found.summary().index), *found.labels])",
        "found.labels",
        "conclusion",
    ),
]
