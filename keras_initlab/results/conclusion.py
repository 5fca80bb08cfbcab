"""What may be said about a comparison, in words: no more than the evidence."""

import math
from collections.abc import Sequence

from keras_initlab.results import stats
from keras_initlab.results.evidence import Evidence
from keras_initlab.results.labels import short

_NAMED = 3


def sentence(found: Evidence) -> str:
    """The conclusion in one sentence."""
    if not found.records:
        return "No run has finished, so there is nothing to compare."
    completed = found.runs["status"] == "completed"
    if not completed.any():
        return f"None of the {len(completed)} runs completed; see `runs` for what happened to each."
    table = found.summary()
    metric = _plain(found.metric)
    if len(table) == 1:
        return f"{short(table.index[0])} was the only initializer, so there is nothing to hold it against."
    replicates = int(table["n"].min())
    if replicates < 2:
        return (
            f"{short(table.index[0])} came first on {metric}, but one replicate is no evidence: "
            "a second one may order them otherwise."
        )
    best = found.best
    if len(best) == len(table):
        return f"{replicates} replicates cannot say which initializer is best on {metric}: none is ruled out."
    if len(best) == 1 and all(best.labels[0] in others for others in best.beaten_by.values()):
        return f"{short(best.labels[0])} is better on {metric} than each other one ({replicates} replicates)."
    others = len(table) - len(best)
    return (
        f"After {replicates} replicates {_names(best.labels)} may be best on {metric}; "
        f"{'the other one was' if others == 1 else f'each of the other {others} was'} beaten."
    )


def notes(found: Evidence) -> list[str]:
    """What a reader has to know to read the table right."""
    if not found.records:
        return []
    table = found.summary()
    replicates = int(table["n"].min())
    lines = []
    if len(table) > 1 and 1 < replicates < stats.SMALLEST:
        smallest = 2.0 ** (1 - replicates)
        lines.append(
            f"With {replicates} replicates no distribution-free test can reach p < .05 (its smallest p is "
            f"{smallest:.3g}): verdicts rest on Student's t, that is on roughly normal differences."
        )
    least = table["detectable"].median()
    if math.isfinite(least):
        lines.append(
            f"The smallest difference from {short(found.baseline)} that these runs had an 80 % chance "
            f"to find is {least:.2g} (median over the initializers)."
        )
    if math.isfinite(found.target):
        lines.append(
            "early: mean loss of the first 100 steps. target: median steps until the mean of 10 losses is "
            f"{found.target:.3g}."
        )
    lost = int((table["diverged"] + table["failed"]).sum())
    if lost:
        lines.append(
            f"{lost} of {int(table['n'].sum())} runs did not complete: they count as worse than every value, "
            "enter no mean, and put their initializer last."
        )
    engine = found.config.get("engine")
    if engine and engine["reason"] != "asked for":
        lines.append(f"Engine: {engine['name']}; {engine['reason']}.")
    return lines


def _plain(metric: str) -> str:
    if metric == "first_100":
        return "the mean loss of the first 100 steps"
    return f"final {metric}"


def _names(labels: Sequence[str]) -> str:
    named = [short(label) for label in labels[:_NAMED]]
    if len(labels) > _NAMED:
        return f"{', '.join(named)} or {len(labels) - _NAMED} more"
    return " or ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
