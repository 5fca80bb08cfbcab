"""Finished runs read as if a rule had stopped them."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.results import outcomes, tables
from keras_initlab.results.stopping import WEIGHT_CHANGE, Rule
from keras_initlab.trials.record import Record

FACTOR = "stopping"
NONE = "none"

Steps = Callable[[Record], int]
"""Batches per epoch of a run."""


def stopped(
    records: Sequence[Record], config: Mapping[str, Any], rule: Rule, metric: str, steps: Steps
) -> tuple[list[Record], dict[str, Any]]:
    """Records and configuration of the prefixes that a rule leaves."""
    label = repr(rule)
    cut, told = _cut(records, config, rule, label, metric, steps)
    at = {**config.get("at", {}), FACTOR: {label: _entry(rule, told)}}
    return cut, {**{key: value for key, value in config.items() if key != "groups"}, "at": at}


def crossed(
    records: Sequence[Record],
    config: Mapping[str, Any],
    rules: Sequence[Rule] | Mapping[str, Rule],
    metric: str,
    steps: Steps,
) -> tuple[list[Record], dict[str, Any]]:
    """The same for several rules, as one more factor whose reference is to stop nowhere."""
    named = dict(rules) if isinstance(rules, Mapping) else {repr(rule): rule for rule in rules}
    if not named or len(named) < len(rules) or NONE in named:
        raise InputError(
            f"rules are {rules!r}: give rules that differ; {NONE!r}, the reference, is among them."
        )
    if config.get("settling"):
        raise InputError(
            f"rules are {rules!r}, which make a grid, but these runs went on until they were settled, and "
            "contrasts suppose a fixed number of replicates: give one rule."
        )
    found = [_at(record, NONE) for record in records]
    levels: dict[str, Any] = {NONE: {"kind": FACTOR}}
    for label, rule in named.items():
        cut, told = _cut(records, config, rule, label, metric, steps)
        found += cut
        levels[label] = _entry(rule, told)
    factors = {**config.get("factors", {}), FACTOR: levels}
    changed = {**{key: value for key, value in config.items() if key != "groups"}, "factors": factors}
    if config.get("cells"):
        changed["cells"] = [
            {**cell, FACTOR: level} for cell, level in itertools.product(config["cells"], levels)
        ]
    return found, changed


def _entry(rule: Rule, told: str) -> dict[str, Any]:
    """What a configuration says of a rule as a level."""
    fields = dataclasses.asdict(rule)  # type: ignore[call-overload]
    return {
        "kind": FACTOR,
        "rule": {"class_name": type(rule).__name__, "config": fields},
        "told": told,
    }


def _at(record: Record, label: str) -> Record:
    return dataclasses.replace(record, levels={**record.levels, FACTOR: label})


def _cut(
    records: Sequence[Record],
    config: Mapping[str, Any],
    rule: Rule,
    label: str,
    metric: str,
    steps: Steps,
) -> tuple[list[Record], str]:
    """The runs up to where the rule ends them, and that in words."""
    if not isinstance(rule, Rule):
        raise InputError(
            f"rule is {rule!r}: give one of results.stopping, such as Window(10, 0.001), or a list."
        )
    if FACTOR in {**config.get("factors", {}), **config.get("at", {})}:
        raise InputError(f"These runs are read by a rule already ({FACTOR}): read the ones that are not.")
    sign = _sign(records, config, rule, metric)
    found, ends = [], []
    for record in records:
        epoch = _end(record, rule, metric, sign)
        found.append(_at(record if epoch is None else _prefix(record, epoch, steps(record), label), label))
        if epoch is not None:
            ends.append(epoch)
    return found, _told(label, metric if metric in rule.reads(metric) else WEIGHT_CHANGE, ends, len(found))


def _sign(records: Sequence[Record], config: Mapping[str, Any], rule: Rule, metric: str) -> int:
    """1 where larger values are better."""
    known = tables.epoch_metrics(records)
    for name in rule.reads(metric):
        if name in known:
            continue
        if name == WEIGHT_CHANGE:
            raise InputError(
                f"{rule!r} reads the epoch series {WEIGHT_CHANGE!r}, the largest change of a weight over an "
                "epoch, which these runs did not record. Take a rule that reads errors."
            )
        raise UnknownNameError("metric", name, known, f"There are: {', '.join(known)}.")
    if rule.reads(metric) == (WEIGHT_CHANGE,):
        return -1
    sign = outcomes.orientation(metric, config.get("directions", {}))
    if rule.ratios and sign > 0:
        losses = [name for name in known if name.endswith("loss")]
        raise InputError(
            f"{rule!r} takes ratios of errors, and of {metric} larger is better. Take a loss: "
            f"{', '.join(losses)}."
        )
    return sign


def _end(record: Record, rule: Rule, metric: str, sign: int) -> int | None:
    """The epoch after which a run ends; None where it goes on."""
    series = [record.epochs.get(name, ()) for name in rule.reads(metric)]
    length = min(map(len, series))
    if not length:
        return None
    return rule.stops(*(-sign * np.asarray(values[:length], dtype=float) for values in series))


def _prefix(record: Record, epoch: int, steps: int, label: str) -> Record:
    """A run up to the end of an epoch: it completed, whatever came after."""
    length = epoch * steps
    share = min(1.0, length / len(record.step_losses)) if record.step_losses else 1.0
    return dataclasses.replace(
        record,
        status="completed",
        message=f"Read as stopped after epoch {epoch} by {label}.",
        step_losses=record.step_losses[:length],
        epochs={name: values[:epoch] for name, values in record.epochs.items()},
        seconds=record.seconds * share,
    )


def _told(label: str, metric: str, ends: Sequence[int], count: int) -> str:
    if not ends:
        return f"{label} on {metric} stops none of {count} runs."
    span = f"epoch {ends[0]}" if min(ends) == max(ends) else f"epochs {min(ends)} to {max(ends)}"
    return (
        f"{label} on {metric} stops {len(ends)} of {count} runs, after {span} (median {np.median(ends):g}): "
        "prefixes of the runs that were trained."
    )
