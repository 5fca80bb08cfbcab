"""What a trial leaves behind, in the same words whichever engine ran it; one line of JSON."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from keras_initlab.trials.plan import Name, Trial, name_of

VALIDATION = "val_"
"""How the name of a metric begins that is of the validation data, as in Keras."""

WEIGHT_CHANGE = "weight_change"
"""Name among the metrics of the largest change of a weight over an epoch, where it was asked for."""

Status = Literal["completed", "diverged", "failed", "interrupted"]


@dataclass(frozen=True)
class Record:
    """What one trial left behind.

    Attributes:
        label: The initializer's label.
        replicate: 0-based replicate.
        status: `completed`, `diverged` (a loss became NaN or infinite), `failed` (an exception) or
            `interrupted` (asked to stop; such a record is shown, and never written). Whether a completed run
            got stuck is for the reader of records to say, see `results.learning`.
        message: What happened and what to do about it; empty for a completed run.
        step_losses: Training loss of each step, before that step's update. A diverged run ends with
            the non-finite loss.
        epochs: One value per finished epoch for each metric, named as Keras names them: `loss`,
            `val_loss`, `accuracy`, `val_accuracy`, ...
        seconds: Wall time of the trial. Engines that train many at once divide it evenly.
        seeds: The seeds the trial was run with, by purpose.
        engine: Name of the engine that ran it.
        batches: Fingerprints of the epochs of data that its replicate met, where another process might read
            others; empty for arrays.
        made_with: Versions of Keras and its backend, and the processor; empty where nobody noted them.
        foreseen: What a diagnosis said of its start before it was trained, see `Diagnosis.row`; empty where
            there was none.
        init_seconds: Wall time that the recipe took which made the start; 0 where a scheme drew it.
        init_rows: Training examples that it looked at before the first step.
        levels: The label of each factor's level; empty where nothing but the start was varied.
    """

    label: str
    replicate: int
    status: Status
    message: str = ""
    step_losses: tuple[float, ...] = ()
    epochs: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    seconds: float = 0.0
    seeds: Mapping[str, int] = field(default_factory=dict)
    engine: str = "sequential"
    batches: tuple[str, ...] = ()
    made_with: Mapping[str, str] = field(default_factory=dict)
    foreseen: Mapping[str, Any] = field(default_factory=dict)
    init_seconds: float = 0.0
    init_rows: int = 0
    levels: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> Name:
        """Label, replicate and levels: whose record it is."""
        return name_of(self.label, self.replicate, self.levels.items())

    def to_fields(self) -> dict[str, Any]:
        """Strict JSON data; NaN and infinities as strings. Without what nobody noted."""
        fields = dataclasses.asdict(self)
        if not self.foreseen:
            del fields["foreseen"]
        if not self.levels:
            del fields["levels"]
        if not self.init_seconds:
            del fields["init_seconds"], fields["init_rows"]
        return _encode(fields)

    @classmethod
    def from_fields(cls, raw: Mapping[str, Any]) -> "Record":
        """The record that `to_fields` described; fields of later versions are passed over.

        Raises:
            ValueError: If it describes none.
        """
        try:
            record = cls(
                label=raw["label"],
                replicate=raw["replicate"],
                status=raw["status"],
                message=raw["message"],
                step_losses=tuple(map(float, raw["step_losses"])),
                epochs={name: tuple(map(float, values)) for name, values in raw["epochs"].items()},
                seconds=float(raw["seconds"]),
                seeds=raw["seeds"],
                engine=raw["engine"],
                batches=tuple(raw.get("batches", ())),
                made_with={str(name): str(text) for name, text in raw.get("made_with", {}).items()},
                foreseen=dict(raw.get("foreseen", {})),
                init_seconds=float(raw.get("init_seconds", 0.0)),
                init_rows=int(raw.get("init_rows", 0)),
                levels={str(name): str(level) for name, level in raw.get("levels", {}).items()},
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"no record: {error}") from error
        if not (
            isinstance(record.label, str)
            and isinstance(record.replicate, int)
            and record.status in get_args(Status)
            and isinstance(record.message, str)
            and isinstance(record.seeds, Mapping)
        ):
            raise ValueError("no record: a field of another kind")
        return record


def _encode(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # float("nan") and float("inf") read it back
    if isinstance(value, Mapping):
        return {key: _encode(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(inner) for inner in value]
    return value


def outcome(
    trial: Trial,
    engine: str,
    losses: Sequence[float],
    epochs: Mapping[str, Sequence[float]],
    seconds: float,
    error: Exception | None = None,
    interrupted: bool = False,
) -> Record:
    """The record of a trial that ended: with an `error`, with its last loss, or because it was to stop."""
    seeds = trial.seeds
    status: Status
    if error is not None:
        status, message = "failed", f"{type(error).__name__}: {error}"
    elif losses and not math.isfinite(losses[-1]):
        status, message = (
            "diverged",
            (
                f"The loss became {losses[-1]} at step {len(losses)}: "
                "try smaller initial weights, a lower learning rate or gradient clipping."
            ),
        )
    elif interrupted:
        status, message = "interrupted", f"Stopped after {len(losses)} steps."
    else:
        status, message = "completed", ""
    return Record(
        label=trial.label,
        replicate=trial.replicate,
        status=status,
        message=message,
        step_losses=tuple(losses),
        epochs={name: tuple(values) for name, values in epochs.items()},
        seconds=seconds,
        levels=dict(trial.levels),
        seeds={"root": seeds.root, "global": seeds.everywhere, "order": seeds.order(0)},
        engine=engine,
    )
