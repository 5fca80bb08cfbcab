"""What may be said about a comparison, in words: no more than the evidence."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from keras_initlab.results import stats
from keras_initlab.results.evidence import Evidence
from keras_initlab.results.factors import held
from keras_initlab.results.labels import short_labels
from keras_initlab.results.tables import EARLY, LOST, WINDOW, starts

_NAMED = 3
_LONG = 40  # letters of a label in a note
_ENDED = {"max_replicates": " after all replicates", "budget": " when the budget was spent"}
_NOISY = 3.0  # times the spread of the first from which noise is why one is not ruled out


@dataclass(frozen=True)
class Conclusion:
    """Every initializer in one of three places.

    Attributes:
        leaders: Not beaten, and ranked before everyone who was.
        open: The others that were not beaten -> why they could not be ruled out.
        beaten: Those whom some other was shown to beat.
    """

    leaders: tuple[str, ...]
    open: Mapping[str, str]
    beaten: tuple[str, ...]


def conclude(found: Evidence) -> Conclusion:
    """Who leads, who is merely not ruled out, and who was beaten."""
    table = found.summary()
    ranked = [str(label) for label in table.index]
    beaten = tuple(label for label in ranked if label in found.best.beaten_by)
    first = ranked.index(beaten[0]) if beaten else len(ranked)
    leaders = tuple(ranked[:first]) or found.best.labels[:1]
    behind = [label for label in found.best.labels if label not in leaders]
    return Conclusion(leaders, {label: _why(found, table, label, leaders[0]) for label in behind}, beaten)


def _why(found: Evidence, table: pd.DataFrame, label: str, first: str) -> str:
    if table.loc[label, list(LOST)].sum():
        return _fates(table.loc[[label]])
    outcomes = found.outcomes_of(found.metric)
    places = [list(outcomes.values).index(name) for name in (first, label)]
    if outcomes.judged().by_failures[tuple(places)]:
        return "failing may be luck here"
    spread = table[f"{found.metric}_sd"].to_dict()
    if spread[label] > _NOISY * spread[first]:
        return "too noisy"
    return "too few replicates"


def sentence(found: Evidence) -> str:
    """The conclusion in one sentence."""
    if not found.ended:
        return "No run has finished, so there is nothing to compare."
    statuses = found.runs["status"][found.runs["status"] != "interrupted"]
    if not statuses.isin(["completed", "stuck"]).any():
        return f"None of the {len(statuses)} runs completed; see `runs` for what happened to each."
    if not (statuses == "completed").any():
        return (
            f"None of the {len(statuses)} runs learned: at their end they are no better than chance. Train "
            "longer, or change the learning rate."
        )
    table, texts = found.summary(), _texts(found)
    metric = plain(found.metric)
    if len(table) == 1:
        return f"{texts[table.index[0]]} was the only initializer, so there is nothing to hold it against."
    replicates = _replicates(table, texts)
    if int(table["n"].max()) < 2:
        return (
            f"{texts[table.index[0]]} came first on {metric}, but one replicate is no evidence: "
            "a second one may order them otherwise."
        )
    said = conclude(found)
    if not said.beaten:
        return f"{replicates} cannot say which initializer is best on {metric}: none is ruled out."
    beaters = [found.best.beaten_by[label] for label in said.beaten]
    if len(said.leaders) == 1 and not said.open and all(said.leaders[0] in others for others in beaters):
        return f"{texts[said.leaders[0]]} is better on {metric} than each other one ({replicates})."
    count = len(said.beaten)
    leaders = _names([texts[label] for label in said.leaders], "or")
    parts = [f"After {replicates} {leaders} may be best on {metric}"]
    if said.open:
        behind = [f"{texts[label]} ({why})" for label, why in said.open.items()]
        parts.append(f"behind, but not ruled out: {_names(behind, 'and')}")
    rest = f"each of the other {count}" if count > 1 else "the other one"
    parts.append(f"{rest} was beaten")
    return "; ".join(parts) + "."


def outlook(found: Evidence) -> str:
    """How many replicates would settle what is open against the baseline; empty where nobody can guess.

    Each difference is taken for what it was seen to be, and is to be found with a chance of 80 %.
    """
    if len({record.replicate for record in found.records}) < 2:
        return ""
    pairs = found.pairs()
    if pairs.empty:
        return ""
    open_ = pairs[(pairs["verdict"] == "unresolved") & (pairs["by"] == "mean")]["difference"].dropna()
    needed = {
        str(label): found.power(abs(seen))["replicates"].get(label) for label, seen in open_.items() if seen
    }
    known = {label: int(count) for label, count in needed.items() if not pd.isna(count)}
    if not known:
        return ""
    least, most = min(known.values()), max(known.values())
    which = f"{most}" if least == most else f"{least} to {most}"
    against = _texts(found)[found.baseline]
    return f"By what is there, {which} replicates would settle what is open against {against}."


def _texts(found: Evidence) -> dict[str, str]:
    """Each label as it stands in a sentence; where two look alike they are numbered as in the table."""
    return short_labels(dict.fromkeys([*map(str, found.summary().index), *found.labels]))


def _replicates(table: pd.DataFrame, texts: Mapping[str, str]) -> str:
    """How many there are, and of whom there are fewer."""
    counts = table["n"]
    most = int(counts.max())
    fewer = [f"{texts[str(label)]} {n}" for label, n in counts.items() if n < most]
    said = f"{most} replicate{'s' if most > 1 else ''}"
    return f"{said} (fewer: {_names(fewer, 'and')})" if fewer else said


def notes(found: Evidence) -> list[str]:
    """What a reader has to know to read the table right: the columns first, then the limits."""
    if not found.ended:
        return missing(found)
    table = found.summary()
    pairs = found.pairs() if len(table) > 1 else pd.DataFrame()
    return [
        *_held(found),
        *missing(found),
        *_looks(found),
        *_columns(found, table, pairs),
        *_limits(found, table, pairs),
        *(found.foreseen().sentences()[:1] if found.diagnosed else ()),
        *_starts(found),
        *origins(found),
    ]


def _held(found: Evidence) -> list[str]:
    """At which levels of a grid, and up to where, these runs are seen."""
    levels = held(found.records)
    lines = [f"At {levels}."] if levels else []
    entries = [entry for level in found.config.get("at", {}).values() for entry in level.values()]
    return [*lines, *(entry["told"] for entry in entries if "told" in entry)]


def missing(found: Evidence) -> list[str]:
    """Which runs have not ended, and why."""
    elsewhere = found.config.get("elsewhere")
    if elsewhere:
        return [
            f"{elsewhere} runs are left to other processes: load the folder when they end, or call again."
        ]
    steps = [len(run.step_losses) for run in found.records if run.status == "interrupted"]
    if not steps:
        return []
    runs = f"{len(steps)} runs were" if len(steps) > 1 else "1 run was"
    after = f"{min(steps)}" if min(steps) == max(steps) else f"{min(steps)} to {max(steps)}"
    return [f"{runs} interrupted after {after} steps: drawn as far as it went, counted nowhere."]


def _looks(found: Evidence) -> list[str]:
    """Whether a comparison that goes on until it is settled is, what is open, and that its verdicts hold."""
    rule = found.settling
    if rule is None:
        return []
    texts, baseline = _texts(found), found.baseline
    against, rivals = [], []
    for one, other in found.unsettled:
        if baseline in (one, other):
            against.append(texts[one if other == baseline else other])
        else:
            rivals.append(f"{texts[one]} or {texts[other]}")
    open_ = [f"{_names(against, 'and')} against {texts[baseline]}"] if against else []
    open_ += [f"which is best, {_names(rivals, 'and')}"] if rivals else []
    state = f"Open{_ENDED.get(rule.ended, '')}: {'; '.join(open_)};" if open_ else "Settled"
    looks = ", ".join(f"{look.n}" for look, _ in rule.begun)
    return [
        f"{state} within a margin of {rule.margin:g}.",
        f"Looked at {looks} replicates: intervals and verdicts share their 5 % among all looks, so they hold "
        "wherever one stops. Each is of the look that decided it.",
    ]


def _columns(found: Evidence, table: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    lines = []
    if table[f"{found.metric}_high"].notna().any():
        looks = ", at every look" if found.settling else ""
        lines.append(f"±: 95 % interval of the mean, each for itself{looks}.")
    lines.append(f"early: mean loss of the first {EARLY} steps.")
    if math.isfinite(found.target):
        given = found.config.get("target_loss") is not None
        origin = "" if given else " (half-way to the best)"
        lines.append(f"target: median steps until {WINDOW} losses average {found.target:.3g}{origin}.")
    if len(pairs):
        together = f", {len(pairs)} at once" if len(pairs) > 1 else ""
        against = _texts(found)[found.baseline]
        looks = ", at every look" if found.settling else ""
        lines.append(
            f"verdict: against {against}, by 95 % intervals of the paired difference{together}{looks}."
        )
    if table[list(LOST)].to_numpy().any():
        heading = lost_heading(table)
        counts = _fates(table).replace(f" {heading}", " runs")
        text = f"{heading}: {counts}; worse than every value, not in the mean, ranked last."
        if table["stuck"].any():
            text += " Stuck is no better than chance at the end, for want of learning or of time."
        if ((table["stuck"] > 0) & (table[list(LOST)].sum(axis=1) == table["n"])).any():
            text += " Where no run learned, the mean is of where the stuck ones ended."
        lines.append(text)
    return lines


def lost_heading(table: pd.DataFrame) -> str:
    """What the column of lost runs is called: by their fate if they share one."""
    fates = [fate for fate in LOST if table[fate].any()]
    return fates[0] if len(fates) == 1 else "lost"


def _limits(found: Evidence, table: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    lines = []
    texts = _texts(found)
    replicates = int(table["n"].min())
    if len(pairs) and int(table["n"].max()) > 1:
        lines.append(
            f"Verdicts suppose roughly normal differences; {replicates} run{'s' if replicates > 1 else ''} "
            f"without a failure leave{'' if replicates > 1 else 's'} room for a failure rate of up to "
            f"{100 * stats.unseen_failures(replicates):.0f} %."
        )
        uneven = [texts[label] for label in _uneven(found, table, pairs)]
        if uneven:
            lines.append(
                f"Less sure than it looks, for very unequal spread or one replicate that stands out: "
                f"{_names(uneven, 'and')} against {texts[found.baseline]}."
            )
    least = table["detectable"].median()
    if math.isfinite(least):
        lines.append(
            f"The smallest difference from {texts[found.baseline]} that these runs had an 80 % chance "
            f"to find is {least:.2g} (median over the initializers)."
        )
    return lines


def _uneven(found: Evidence, table: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    outcomes = found.outcomes_of(found.metric)
    learned = table[list(LOST)].sum(axis=1) < table["n"]
    judged = map(str, pairs.index[(pairs["by"] == "mean") & learned[pairs.index]])
    return [label for label in judged if stats.is_uneven(*outcomes.paired(label, found.baseline))]


def _starts(found: Evidence) -> list[str]:
    """Who saw training data before the first step, and how long that took."""
    texts = short_labels(found.labels, _LONG)
    return [
        f"{texts[label]} saw {rows} rows before step 0; its start took {seconds:.2g} s."
        for label, (rows, seconds) in starts(found.ended).items()
        if rows
    ]


def origins(found: Evidence) -> list[str]:
    """Which engine trained the runs, if it was chosen, and of which makes they are, if of several."""
    return [*_engine(found), *_makes(found)]


def _engine(found: Evidence) -> list[str]:
    engine = found.config.get("engine") or {"reason": "asked for"}
    return [] if engine["reason"] == "asked for" else [f"Engine: {engine['name']}; {engine['reason']}."]


def _makes(found: Evidence) -> list[str]:
    """Where runs were made with different versions or processors: how many with which."""
    known = [record.made_with for record in found.records if record.made_with]
    names = sorted({name for made in known for name in made})
    mixed = [name for name in names if len({made.get(name) for made in known}) > 1]
    if not mixed:
        return []
    counts = Counter(", ".join(f"{name} {made.get(name, 'unknown')}" for name in mixed) for made in known)
    parts = [f"{count} with {what}" for what, count in counts.most_common()]
    return [f"Runs of different makes, whose last digits may differ: {'; '.join(parts)}."]


def _fates(table: pd.DataFrame) -> str:
    """`2 of 5 stuck`, or `2 of 50 diverged, 1 failed`."""
    counts = table[list(LOST)].sum()
    (fate, count), *others = [(fate, int(count)) for fate, count in counts.items() if count]
    rest = "".join(f", {more} {name}" for name, more in others)
    return f"{count} of {int(table['n'].sum())} {fate}{rest}"


def plain(metric: str) -> str:
    """A metric in words."""
    if metric == "first_100":
        return f"the mean loss of the first {EARLY} steps"
    return f"final {metric}"


def _names(texts: Sequence[str], joint: str) -> str:
    named = texts[:_NAMED]
    if len(texts) > _NAMED:
        return f"{', '.join(named)} {joint} {len(texts) - _NAMED} more"
    return f" {joint} ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
