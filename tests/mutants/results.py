"""Mistakes in what a result says: intervals, verdicts, ranks, pages and exports."""

from mutant import Mutant


def mistake(name: str, file: str, before: str, after: str, test: str) -> Mutant:
    return Mutant(
        name, f"keras_initlab/results/{file}", before, after, (f"tests/unit/results/test_{test}.py",)
    )


STATS, OUTCOMES, TABLES = "stats.py", "outcomes.py", "tables.py"

MUTANTS = [
    mistake("no Holm", STATS, "(len(p_values) - place) * p_values[index]", "p_values[index]", "stats"),
    mistake("t without the root of n", STATS, "(sd / math.sqrt(n))", "sd", "stats"),
    mistake("population sd", STATS, "float(sample.std(ddof=1))", "float(sample.std(ddof=0))", "stats"),
    mistake("normal interval", STATS, "special.stdtrit(degrees, p", "special.ndtri(p", "stats"),
    mistake("ties lose", STATS, "won + lost + tied, won + tied / 2", "won + lost + tied, won", "stats"),
    mistake("two tests for the price of one", STATS, "2 * min(by_sign, by_count)", "by_sign", "stats"),
    mistake("diverged runs win", STATS, "-np.inf, ours)", "np.inf, ours)", "stats"),
    mistake("NaN in a mean", STATS, "sample = sample[np.isfinite(sample)]", "sample = +sample", "stats"),
    mistake("detectable without family", OUTCOMES, "ALPHA / len(others)", "ALPHA", "outcomes"),
    mistake("power without family", OUTCOMES, "ALPHA / len(least)", "ALPHA", "outcomes"),
    mistake(
        "smaller losses are worse",
        OUTCOMES,
        "stats.paired_p(self.sign * ours, self.sign * theirs)",
        "stats.paired_p(ours, theirs)",
        "comparison",
    ),
    mistake("best leaves out whoever differs", OUTCOMES, "if better > 0 and p", "if p", "outcomes"),
    mistake(
        "diverged not last",
        TABLES,
        '(table["diverged"] + table["failed"]) / table',
        "0 / table",
        "comparison",
    ),
    mistake(
        "a diverged run has a final metric",
        TABLES,
        'if run.status == "completed" and values else',
        "if values else",
        "comparison",
    ),
    mistake("censored not in the mean", TABLES, "np.where(reached, steps, horizon)", "steps", "comparison"),
    mistake(
        "censored not in the median",
        TABLES,
        "np.where(reached, steps, np.inf)",
        "steps[reached]",
        "comparison",
    ),
    mistake("target one step early", TABLES, "reached[0] + WINDOW", "reached[0] + WINDOW - 1", "comparison"),
    mistake(
        "the order of records matters",
        "evidence.py",
        "(place[run.label], run.replicate))",
        "place[run.label])",
        "comparison",
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
]
