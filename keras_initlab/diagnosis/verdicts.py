"""What the numbers mean: verdicts in words, with the limits in one table.

Each limit was set where runs began to suffer or to fail in the experiment of docs/diagnosis.md.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keras_initlab.diagnosis.rows import Row

WORST = 5.0  # severity beyond which a number says no more


@dataclass(frozen=True)
class Limits:
    """Where a number is worth a word, and where runs failed."""

    vanishing: tuple[float, float] = (2.0, 8.0)  # decades of the squared gradient over depth
    exploding: tuple[float, float] = (2.0, 4.0)
    forward: tuple[float, float] = (2.0, 8.0)  # decades of the second moment over depth
    symmetric: tuple[float, float] = (0.9, 0.5)  # different units over units, below
    collapsed: tuple[float, float] = (2.0, 1.5)  # directions of the last hidden layer, below
    saturated: tuple[float, float] = (0.25, 0.6)  # share of entries
    dead: tuple[float, float] = (0.5, 0.9)  # share of units
    loss: tuple[float, float] = (2.0, 6.0)  # loss after one step over that of a uniform answer
    steps: tuple[float, float] = (1e3, 3e3)  # of SGD, to bring the loss to 0 at the rate of the first
    step: tuple[float, float] = (0.5, 0.0)  # actual fall of the loss over the linear one, below


ADAM = Limits()
# Steps of SGD are small where gradients are.
SGD = Limits(vanishing=(1.0, 2.5))
_FEWEST = 32  # examples below which the number of directions says nothing
_AGREES = 4.0  # standard deviations of a second moment that chance may bring


@dataclass(frozen=True)
class Verdict:
    """One thing that is wrong.

    Attributes:
        kind: What it is, in a word.
        severity: 1 where runs failed, less where they were slow; at most 5.
        layer: Where it starts, or is worst; empty if it is the whole model.
        measured: The number.
        limit: Where it begins to count.
        why: What the number means.
        instead: The line to write.
    """

    kind: str
    severity: float
    layer: str
    measured: float
    limit: float
    why: str
    instead: str = ""

    @property
    def word(self) -> str:
        """`severe` or `doubtful`."""
        return "severe" if self.severity >= 1 else "doubtful"


@dataclass(frozen=True)
class Facts:
    """All that verdicts are made of.

    Attributes:
        rows: One for each tensor.
        examples: How many were looked at.
        rank: Directions in which the inputs differ.
        uniform: The loss of an answer that gives all classes alike; NaN for other tasks.
        after: The loss after one step, on examples that the step did not see where there are any.
        ratio: Actual fall of the loss over the one that the gradient promises.
        steps: Steps that would bring the loss to 0 if each promised what the first does.
        sgd: Whether the optimizer's steps are as long as the gradient.
        activations: Names of those of the hidden layers, the most frequent first.
    """

    rows: Sequence[Row]
    examples: int
    rank: float = math.nan
    uniform: float = math.nan
    after: float = math.nan
    ratio: float = math.nan
    steps: float = math.nan
    sgd: bool = False
    activations: tuple[str, ...] = ()

    @property
    def limits(self) -> Limits:
        return SGD if self.sgd else ADAM

    @property
    def head(self) -> str:
        """Name of the last layer; empty where it is not seen."""
        heads = [row.tap for row in self.rows if row.head]
        return heads[-1].removesuffix(":pre").split("/")[-1] if heads else ""

    @property
    def hidden(self) -> list[Row]:
        """The sums of the hidden layers, first to last."""
        return [row for row in self.rows if row.hidden]

    @property
    def decades(self) -> float:
        """log10 of the first hidden layer's squared gradient over the last one's; NaN for one layer."""
        sizes = [row.G for row in self.hidden if row.G > 0]
        return _log_ratio(sizes[0], sizes[-1]) if len(sizes) > 1 else math.nan


def judge(facts: Facts) -> tuple[Verdict, ...]:
    """The verdicts, worst first; none if all is fine."""
    symmetric = list(_symmetric(facts))
    depth = list(_gradients(facts)) + list(_forward(facts))
    found = [*symmetric, *_collapsed(facts, bool(symmetric)), *depth, *_units(facts), *_loss(facts)]
    if not symmetric and not any(one.kind == "vanishing" for one in found):
        found += _step(facts)
    found += [*_theory(facts), *([] if symmetric else _slow(facts))]
    return tuple(sorted(found, key=lambda one: -one.severity))


def _symmetric(facts: Facts) -> Iterator[Verdict]:
    warn, severe = facts.limits.symmetric
    # A head of zeros passes nothing back: units behind it are told apart by their weights.
    equal = [row for row in facts.hidden if row.classes < warn]
    if equal:
        worst = min(equal, key=lambda row: row.classes)
        first = next(row for row in equal if row.classes <= max(worst.classes, severe))
        severity = 2.0 if worst.classes < severe else 0.5
        yield Verdict(
            "symmetric",
            severity,
            first.tap,
            first.classes,
            warn,
            f"only {first.classes:.0%} of its units differ in weights, values and gradients; equal units "
            "stay equal under any optimizer that acts on single weights",
        )


def _collapsed(facts: Facts, symmetric: bool) -> Iterator[Verdict]:
    warn, severe = facts.limits.collapsed
    outs = _last_values(facts)
    if symmetric or outs is None or facts.examples < _FEWEST:
        return
    if outs.rank < warn and outs.rank < facts.rank / 2:
        severity = min(2.0, severe / max(outs.rank, 1e-3))
        yield Verdict(
            "collapsed",
            severity,
            outs.tap,
            outs.rank,
            warn,
            f"{facts.examples} inputs that differ in {facts.rank:.3g} directions differ here in "
            f"{outs.rank:.2g}",
        )


def _last_values(facts: Facts) -> Row | None:
    """What the last hidden layer puts out."""
    hidden = [at for at, row in enumerate(facts.rows) if row.hidden]
    if not hidden:
        return None
    behind = [row for row in facts.rows[hidden[-1] + 1 :] if row.kind == "out"]
    own = facts.rows[hidden[-1]].tap.removesuffix(":pre")
    return next((row for row in behind if row.tap == own), facts.rows[hidden[-1]])


def _gradients(facts: Facts) -> Iterator[Verdict]:
    decades = facts.decades
    for kind, sign in (("vanishing", -1), ("exploding", 1)):
        warn, severe = getattr(facts.limits, kind)
        if sign * decades > warn:
            rows = [row for row in facts.hidden if row.G > 0]
            last = rows[-1].G
            start = next(row for row in reversed(rows) if sign * _log_ratio(row.G, last) > warn)
            verb = "loses" if sign < 0 else "gains"
            yield Verdict(
                kind,
                min(WORST, sign * decades / severe),
                start.tap,
                decades,
                sign * warn,
                f"the gradient {verb} {abs(decades) / 2:.2g} decades of its length from the last of "
                f"{len(rows)} hidden layers to the first",
            )


def _forward(facts: Facts) -> Iterator[Verdict]:
    warn, severe = facts.limits.forward
    rows = [row for row in facts.hidden if row.q > 0]
    if len(rows) < 2:
        return
    decades = _log_ratio(rows[-1].q, rows[0].q)
    if abs(decades) > warn:
        start = next(row for row in rows if abs(_log_ratio(row.q, rows[0].q)) > warn)
        verb = "grow" if decades > 0 else "shrink"
        yield Verdict(
            "forward scale",
            min(WORST, abs(decades) / severe),
            start.tap,
            decades,
            math.copysign(warn, decades),
            f"signals {verb} by {abs(decades) / 2:.2g} decades over {len(rows)} hidden layers",
        )


def _units(facts: Facts) -> Iterator[Verdict]:
    texts = {
        "saturated": "{:.0%} of its entries lie where the activation is flat and passes no gradient",
        "dead": "{:.0%} of its units pass no gradient for any example",
    }
    for kind, text in texts.items():
        warn, severe = getattr(facts.limits, kind)
        hidden = [row for row in facts.hidden if getattr(row, kind) > warn]
        if hidden:
            worst = max(hidden, key=lambda row: getattr(row, kind))
            share = getattr(worst, kind)
            yield Verdict(kind, share / severe, worst.tap, share, warn, text.format(share))


def _loss(facts: Facts) -> Iterator[Verdict]:
    warn, severe = facts.limits.loss
    times = facts.after / facts.uniform if facts.uniform > 0 else math.nan
    if times > warn or (facts.uniform > 0 and math.isinf(facts.after)):
        severity = min(WORST, math.log(times) / math.log(severe)) if math.isfinite(times) else WORST
        yield Verdict(
            "loss too high",
            severity,
            facts.head,
            facts.after,
            warn * facts.uniform,
            f"after one step the loss is {times:.3g} times that of an answer that gives all classes alike; "
            "this costs time before anything is learned",
        )


def _step(facts: Facts) -> Iterator[Verdict]:
    warn, severe = facts.limits.step
    if facts.ratio < warn:
        yield Verdict(
            "step too long",
            min(WORST, (warn - facts.ratio) / (warn - severe)),
            "",
            facts.ratio,
            warn,
            f"the first step brings {facts.ratio:.2g} of the fall that the gradient promises",
            "a learning rate half as large, or less",
        )


def _slow(facts: Facts) -> Iterator[Verdict]:
    """Small weights in few layers: no ratio over depth is bad, but the whole gradient is small."""
    warn, severe = facts.limits.steps
    if facts.sgd and facts.steps > warn:
        yield Verdict(
            "slow",
            min(WORST, 0.5 + 0.5 * math.log(facts.steps / warn) / math.log(severe / warn)),
            "",
            facts.steps,
            warn,
            f"the gradient is so small that {facts.steps:.0e} steps like the first would bring the loss to 0",
        )


def _theory(facts: Facts) -> Iterator[Verdict]:
    off = [row for row in facts.rows if row.kind == "sums" and row.off > _AGREES]
    if off:
        yield Verdict(
            "disagrees with theory",
            0.25,
            off[0].tap,
            off[0].q,
            off[0].q_step,
            f"its sums have second moment {off[0].q:.3g} where independent weights would give "
            f"{off[0].q_step:.3g}",
            "initlab.lint(model)",
        )


def _log_ratio(a: float, b: float) -> float:
    return math.log10(a) - math.log10(b) if a > 0 and b > 0 else math.nan
