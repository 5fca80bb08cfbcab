"""What a diagnosis found, in numbers, words and a picture."""

import html
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from keras_initlab.diagnosis import page, words
from keras_initlab.diagnosis.rows import Row, averaged
from keras_initlab.diagnosis.tangents import Jacobian, Tangents
from keras_initlab.diagnosis.verdicts import Facts, Verdict, judge

if TYPE_CHECKING:
    import pandas as pd

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
    def profile(self) -> list[Row]:
        """The sums of the layers with a kernel, first to last: what is drawn by depth."""
        return [row for row in self.facts.rows if row.kind == "sums" and not row.side]

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
            raise AssertionError("\n".join(line for verdict in bad for line in words.told(verdict)))

    def plot(self, ax: Any = None) -> Any:
        """Second moment, cosine and gradient by depth, what theory expects as a thin line."""
        return Diagnoses({self.label or "as it is": self}).plot(ax)

    def to_html(self, path: str | Path) -> None:
        """Write one page that needs no network: verdicts, what to write, pictures by depth, all numbers."""
        Path(path).write_text(page.of_one(self), encoding="utf-8")

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
        return "\n".join(words.lines(self))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


class Diagnoses(Mapping[str, Diagnosis]):
    """Diagnoses of one model from several starts, by label; of several draws `[label]` is the first.

    Attributes:
        draws: All draws of each label.
    """

    def __init__(self, found: Mapping[str, Diagnosis | Sequence[Diagnosis]]):
        self.draws = {
            label: (one,) if isinstance(one, Diagnosis) else tuple(one) for label, one in found.items()
        }

    def __getitem__(self, label: str) -> Diagnosis:
        return self.draws[label][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self.draws)

    def __len__(self) -> int:
        return len(self.draws)

    @property
    def summary(self) -> "pd.DataFrame":
        """A row for each start, the least risky first: the mean over its draws, `word` that of the worst."""
        import pandas as pd

        rows = [
            {
                "initializer": label,
                "word": max(draws, key=lambda one: one.severity).word,
                "risk": float(np.mean([one.risk for one in draws])),
                "verdicts": ", ".join(_kinds(draws)),
                "loss": float(np.mean([one.loss for one in draws])),
                "after_step": float(
                    np.mean([one.step.afterwards if one.step else math.nan for one in draws])
                ),
                "gradient_decades": float(np.mean([one.facts.decades for one in draws])),
            }
            for label, draws in self.draws.items()
        ]
        return pd.DataFrame(rows).set_index("initializer").sort_values("risk", kind="stable")

    @property
    def layers(self) -> "pd.DataFrame":
        """A row for each start and tensor (see `Row`), averaged over the draws; sizes geometrically."""
        import pandas as pd

        rows = [
            {"initializer": label} | asdict(row)
            for label, draws in self.draws.items()
            for row in averaged([one.facts.rows for one in draws])
        ]
        return pd.DataFrame(rows).set_index(["initializer", "tap"])

    def plot(self, ax: Any = None) -> Any:
        """Second moment, cosine and gradient by depth, averaged over the draws: a colour for each start.

        What theory expects is a thin line.
        """
        from keras_initlab.results.plots import plot_depth

        profiles = {
            label: [asdict(row) for row in averaged([one.profile for one in draws])]
            for label, draws in self.draws.items()
        }
        return plot_depth(profiles, ax)

    def to_html(self, path: str | Path) -> None:
        """Write one page that needs no network: the ranking, one picture of all, and each in detail."""
        Path(path).write_text(page.of_several(self), encoding="utf-8")

    def to_json(self) -> str:
        """All numbers as strict JSON, by label."""
        return json.dumps({label: json.loads(one.to_json()) for label, one in self.items()}, indent=1)

    def __str__(self) -> str:
        return "\n".join(words.ranking(self.summary))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _kinds(draws: Sequence[Diagnosis]) -> list[str]:
    """What is wrong with any of the draws, the worst on average first."""
    total: dict[str, float] = {}
    for verdict in (verdict for one in draws for verdict in one.verdicts):
        total[verdict.kind] = total.get(verdict.kind, 0.0) + verdict.severity
    return sorted(total, key=lambda kind: -total[kind])


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
