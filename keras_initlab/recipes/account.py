"""What was changed in a model, weight by weight."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keras_initlab.initializers.fans import Fans

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Redrawn:
    """One weight that was given new values, as numbers.

    Attributes:
        path: The variable's path in the model.
        role: What the weight is for.
        shape: Its shape.
        fans: Its true fans.
        scheme: Label of the scheme that drew it; what it was set to where nothing was drawn.
        std: Standard deviation of the values that it has now.
        guessed: Whether the role follows from name and shape alone; `roles` and `layers` settle it.
        before: Standard deviation of the values that it had; None where nobody looked.
        factor: What the draw was multiplied by; None where it was not, or not by one number.
        block: The residual branch that it belongs to, from 1; empty outside.
        note: What else is to be known.
    """

    path: str
    role: str
    shape: tuple[int, ...]
    fans: Fans
    scheme: str
    std: float
    guessed: bool = False
    before: float | None = None
    factor: float | None = None
    block: str = ""
    note: str = ""


@dataclass(frozen=True)
class Beside:
    """What is to be said of a recipe beside the rows.

    Attributes:
        skipped: Path of each weight that was left as it was -> why.
        structure: What was recognized, line by line.
        probe: Rows of data that were looked at; 0 without data.
        notes: Anything else.
    """

    skipped: Mapping[str, str] = field(default_factory=dict)
    structure: tuple[str, ...] = ()
    probe: int = 0
    notes: tuple[str, ...] = ()


class Account(tuple[Redrawn, ...]):
    """What `reinitialize` drew or a recipe changed, weight by weight; prints as a table.

    Attributes:
        skipped: Path of each weight that a recipe left as it was -> why.
        structure: What a recipe recognized in the model, line by line.
        probe: Rows of data that it looked at; 0 without data.
        notes: Anything else that is to be said.
    """

    def __new__(cls, rows: Iterable[Redrawn] = (), beside: Beside | None = None) -> "Account":
        return super().__new__(cls, rows)

    def __init__(self, rows: Iterable[Redrawn] = (), beside: Beside | None = None):
        self._beside = beside or Beside()

    @property
    def skipped(self) -> Mapping[str, str]:
        return self._beside.skipped

    @property
    def structure(self) -> tuple[str, ...]:
        return self._beside.structure

    @property
    def probe(self) -> int:
        return self._beside.probe

    @property
    def notes(self) -> tuple[str, ...]:
        return self._beside.notes

    @property
    def frame(self) -> "pd.DataFrame":
        """The rows as a pandas frame, indexed by path; `before`, `factor`, `block` and `note` where any row
        has them."""
        import pandas as pd

        rows = [
            {
                "weight": row.path,
                "role": f"{row.role} (guessed)" if row.guessed else row.role,
                "shape": row.shape,
                "fan_in": row.fans.fan_in,
                "fan_out": row.fans.fan_out,
                "scheme": row.scheme,
                "std": row.std,
                "before": row.before,
                "factor": row.factor,
                "block": row.block,
                "note": row.note,
            }
            for row in self
        ]
        empty = [
            name
            for name, nothing in (("before", None), ("factor", None), ("block", ""), ("note", ""))
            if all(row[name] == nothing for row in rows)
        ]
        columns = list(rows[0]) if rows else ["weight"]
        return pd.DataFrame(rows, columns=columns).drop(columns=empty, errors="ignore").set_index("weight")

    @property
    def _lines(self) -> list[str]:
        left = [f"left as it was: {path} ({why})" for path, why in self.skipped.items()]
        data = [f"{self.probe} rows of data were looked at"] if self.probe else []
        return [*self.structure, *data, *self.notes, *left]

    def __str__(self) -> str:
        table = self.frame.to_string(float_format="{:.4g}".format, na_rep="") if self else "nothing changed"
        return "\n".join([table, *self._lines])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        import html

        table = self.frame.to_html(float_format="{:.4g}".format, na_rep="") if self else ""
        return table + "".join(f"<p>{html.escape(line)}</p>" for line in self._lines)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self), self._beside
