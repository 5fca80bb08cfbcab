"""What a diagnosis found, in numbers, words and a picture."""

import html
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from keras_initlab.diagnosis.tangents import Jacobian, Tangents
from keras_initlab.diagnosis.verdicts import Facts, Verdict, judge

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 80
_BARS = "▁▂▃▄▅▆▇█"
_SHOWN = 60  # characters of a profile
SCHEMA = 1


class Step(NamedTuple):
    """The optimizer's first step from here, which was not taken.

    Attributes:
        before: The loss.
        after: The loss after the step, on the same examples.
        promised: The fall that the gradient promises for this step.
        moved: Root mean square change of the outputs.
        others: The loss before and after on examples that the step did not see; None if there are none.
    """

    before: float
    after: float
    promised: float
    moved: float
    others: tuple[float, float] | None = None

    @property
    def ratio(self) -> float:
        """Actual fall over promised: 1 if the step is short, negative if the loss grows."""
        return (self.before - self.after) / self.promised if self.promised > 0 else math.nan

    @property
    def afterwards(self) -> float:
        """The loss after the step, on examples that it did not see where there are any."""
        return self.others[1] if self.others else self.after

    @property
    def steps(self) -> float:
        """Steps of this kind that would bring the loss to 0: a time scale, not a forecast."""
        return self.before / self.promised if self.promised > 0 else math.inf


@dataclass(frozen=True)
class Diagnosis:
    """What was seen of one model from one start.

    Attributes:
        label: The initializer, or empty for the model as it is.
        facts: All that verdicts are made of.
        loss: The loss from here; NaN without labels.
        expected_loss: That of the best constant answer: the entropy of the labels, the variance.
        step: The optimizer's first step; None without a loss.
        jacobian: Singular values of outputs by inputs; None where there are more outputs than examples.
        tangents: The tangent kernel; None for nets that are not dense.
        coherence: How much the examples' gradients agree, 1/N if not at all; NaN for nets that are not dense.
        cures: Verdict -> the line that was run and helps.
        notes: What could not be looked at, and why.
    """

    label: str
    facts: Facts
    loss: float
    expected_loss: float
    step: Step | None = None
    jacobian: Jacobian | None = None
    tangents: Tangents | None = None
    coherence: float = math.nan
    cures: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What is wrong, worst first; empty if nothing was found."""
        return tuple(
            verdict if verdict.instead else _with(verdict, self.cures.get(verdict.kind, ""))
            for verdict in judge(self.facts)
        )

    @property
    def severity(self) -> float:
        """That of the worst verdict."""
        return max((verdict.severity for verdict in self.verdicts), default=0.0)

    @property
    def risk(self) -> float:
        """Sum over the verdicts: what starts are ranked by, the lower the better."""
        return sum(verdict.severity for verdict in self.verdicts)

    @property
    def word(self) -> str:
        """`fine`, `doubtful` or `severe`."""
        return "severe" if self.severity >= 1 else "doubtful" if self.verdicts else "fine"

    @property
    def layers(self) -> "pd.DataFrame":
        """A row for each tensor between two layers (see `Row`), indexed by tap."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.facts.rows]).set_index("tap")

    def assert_healthy(self, severity: float = 1.0) -> None:
        """Refuse a start that is worse, as a test in continuous integration.

        Raises:
            AssertionError: If a verdict is as severe as that or more.
        """
        bad = [verdict for verdict in self.verdicts if verdict.severity >= severity]
        if bad:
            raise AssertionError("\n".join(line for verdict in bad for line in told(verdict)))

    def plot(self, ax: Any = None) -> Any:
        """Second moment, cosine and gradient by depth, what theory expects as a thin line."""
        return Diagnoses({self.label or "as it is": self}).plot(ax)

    def to_json(self) -> str:
        """All numbers as strict JSON: NaN and infinity as null."""
        return json.dumps(
            _plain(self.flat() | {"layers": [asdict(row) for row in self.facts.rows]}), indent=1
        )

    def flat(self) -> dict[str, Any]:
        """The headline numbers and verdicts, as one row."""
        return {
            "schema": SCHEMA,
            "label": self.label,
            "word": self.word,
            "severity": self.severity,
            "risk": self.risk,
            "verdicts": [asdict(verdict) | {"word": verdict.word} for verdict in self.verdicts],
            "loss": self.loss,
            "expected_loss": self.expected_loss,
            "step": self.step and self.step._asdict() | {"ratio": self.step.ratio, "steps": self.step.steps},
            "gradient_decades": self.facts.decades,
            "jacobian": self.jacobian and self.jacobian._asdict(),
            "tangents": self.tangents and self.tangents._asdict(),
            "coherence": self.coherence,
            "examples": self.facts.examples,
            "notes": list(self.notes),
        }

    def row(self) -> dict[str, Any]:
        """What a record keeps: verdicts and headline numbers, flat; None for what is no finite number."""
        worst = next(iter(self.verdicts), None)
        return _plain(
            {
                "schema": SCHEMA,
                "word": self.word,
                "risk": self.risk,
                "severity": self.severity,
                "verdicts": ", ".join(verdict.kind for verdict in self.verdicts),
                "layer": worst.layer if worst else "",
                "loss": self.loss,
                "expected_loss": self.expected_loss,
                "after_step": self.step.afterwards if self.step else math.nan,
                "step_ratio": self.step.ratio if self.step else math.nan,
                "gradient_decades": self.facts.decades,
                "examples": self.facts.examples,
            }
        )

    def __str__(self) -> str:
        return "\n".join(lines(self))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


class Diagnoses(Mapping[str, Diagnosis]):
    """Diagnoses of one model from several starts, by label."""

    def __init__(self, found: Mapping[str, Diagnosis]):
        self._found = dict(found)

    def __getitem__(self, label: str) -> Diagnosis:
        return self._found[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def summary(self) -> "pd.DataFrame":
        """A row for each start, the least risky first."""
        import pandas as pd

        rows = [
            {
                "initializer": label,
                "word": one.word,
                "risk": one.risk,
                "verdicts": ", ".join(verdict.kind for verdict in one.verdicts),
                "loss": one.loss,
                "after_step": one.step.afterwards if one.step else math.nan,
                "gradient_decades": one.facts.decades,
            }
            for label, one in self.items()
        ]
        return pd.DataFrame(rows).set_index("initializer").sort_values("risk", kind="stable")

    def plot(self, ax: Any = None) -> Any:
        """Second moment, cosine and gradient by depth; a colour for each start, theory as a thin line."""
        from keras_initlab.results.plots import plot_depth

        profiles = {
            label: [asdict(row) for row in one.facts.rows if row.kind == "sums" and not row.side]
            for label, one in self.items()
        }
        return plot_depth(profiles, ax)

    def to_json(self) -> str:
        """All numbers as strict JSON, by label."""
        return json.dumps({label: json.loads(one.to_json()) for label, one in self.items()}, indent=1)

    def __str__(self) -> str:
        from keras_initlab.results.labels import short_labels

        names = short_labels(self, 34)
        width = max(map(len, names.values()), default=0)
        found = [f"{'initializer':<{width}}  {'start':<8} {'risk':>5}  verdicts"]
        for label, row in self.summary.iterrows():
            line = f"{names[str(label)]:<{width}}  {row['word']:<8} {row['risk']:>5.2f}  "
            line += row["verdicts"] or "-"
            found.append(line if len(line) <= WIDTH else line[: WIDTH - 1] + "…")
        return "\n".join(found)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def lines(found: Diagnosis) -> list[str]:
    """A diagnosis in words, at most 80 columns wide: verdict, profile by depth, what to write."""
    import textwrap

    text = [*textwrap.wrap(_head(found), WIDTH)]
    for number, verdict in enumerate(found.verdicts, 1):
        first, *more = told(verdict)
        text += textwrap.wrap(f"{number}. {first}", WIDTH, subsequent_indent="   ")
        for line in more:
            text += textwrap.wrap(
                line, WIDTH, initial_indent="   ", subsequent_indent="      ", break_on_hyphens=False
            )
    rows = [row for row in found.facts.rows if row.kind == "sums" and not row.side]
    if len(rows) > 1:
        for name, sizes in (("signal", [row.q for row in rows]), ("gradient", [row.G for row in rows])):
            logs = [math.log10(size) if size > 0 else -math.inf for size in sizes]
            known = [one for one in logs if math.isfinite(one)]
            ends = f"10^{known[0]:.1f} to 10^{known[-1]:.1f}" if known else "0"
            text.append(f"{name:<9}{profile(logs)} {ends}"[:WIDTH])
    for note in found.notes:
        text += textwrap.wrap(f"({note})", WIDTH)
    return text


def _head(found: Diagnosis) -> str:
    name = f"{found.label}: " if found.label else ""
    step = ""
    if found.step is not None:
        before, after = found.step.others or (found.step.before, found.step.after)
        step = f" Loss {before:.4g}, after one step {after:.4g}"
        if math.isfinite(found.expected_loss):
            step += f"; a constant answer has {found.expected_loss:.4g}"
        step += "."
    if not found.verdicts:
        return f"{name}fine: nothing found that keeps this start from learning.{step}"
    return f"{name}{found.word} start: {', '.join(one.kind for one in found.verdicts)}.{step}"


def told(verdict: Verdict) -> list[str]:
    """A verdict in two lines or one: what is wrong, and what to write."""
    where = f" at {verdict.layer}" if verdict.layer else ""
    said = f"{verdict.kind} ({verdict.word}){where}: {verdict.why}."
    return [said, f"-> {verdict.instead}"] if verdict.instead else [said]


def profile(values: list[float]) -> str:
    """Numbers as a line of bars, neighbours averaged where there are too many.

    >>> profile([0.0, 1.0, 2.0])
    '▁▅█'
    """
    if len(values) > _SHOWN // 2:
        size = _SHOWN // 2
        cuts = [round(at * len(values) / size) for at in range(size + 1)]
        values = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(cuts)]
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return " " * len(values)
    low, high = min(known), max(known)
    spread = max(high - low, 1.0)  # a decade at least: flat is to look flat
    return "".join(
        _BARS[round((value - low) / spread * (len(_BARS) - 1))] if math.isfinite(value) else " "
        for value in values
    )


def _with(verdict: Verdict, instead: str) -> Verdict:
    return replace(verdict, instead=instead)


def _plain(value: Any) -> Any:
    """What JSON has a word for."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
