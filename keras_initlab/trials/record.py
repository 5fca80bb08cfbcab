"""One record per trial, as JSON lines, beside one configuration file."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from keras_initlab.core.errors import InputError

SCHEMA = 1
CONFIG_FILE = "config.json"
RECORDS_FILE = "records.jsonl"

Status = Literal["completed", "diverged", "failed"]


@dataclass(frozen=True)
class Record:
    """What one trial left behind.

    Attributes:
        label: The initializer's label.
        replicate: 0-based replicate.
        status: `completed`, `diverged` (a loss became NaN or infinite) or `failed` (an exception). Whether a
            completed run got stuck is for the reader of records to say, see `results.learning`.
        message: What happened and what to do about it; empty for a completed run.
        step_losses: Training loss of each step, before that step's update. A diverged run ends with
            the non-finite loss.
        epochs: One value per finished epoch for each metric, named as Keras names them: `loss`,
            `val_loss`, `accuracy`, `val_accuracy`, ...
        seconds: Wall time of the trial. Engines that train many at once divide it evenly.
        seeds: The seeds the trial was run with, by purpose.
        engine: Name of the engine that ran it.
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

    def to_json(self) -> str:
        """One line of strict JSON; NaN and infinities are written as strings."""
        return json.dumps(_encode(dataclasses.asdict(self)), allow_nan=False, ensure_ascii=True)

    @classmethod
    def from_json(cls, line: str) -> "Record":
        raw = json.loads(line)
        return cls(
            label=raw["label"],
            replicate=raw["replicate"],
            status=raw["status"],
            message=raw["message"],
            step_losses=tuple(map(float, raw["step_losses"])),
            epochs={name: tuple(map(float, values)) for name, values in raw["epochs"].items()},
            seconds=raw["seconds"],
            seeds=raw["seeds"],
            engine=raw["engine"],
        )


def _encode(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # float("nan") and float("inf") read it back
    if isinstance(value, Mapping):
        return {key: _encode(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(inner) for inner in value]
    return value


def write_config(folder: str | Path, config: Mapping[str, Any]) -> None:
    """Write `config` (pure JSON data) as the folder's configuration."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"schema": SCHEMA, **config}, indent=1, allow_nan=False)
    (path / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def read_config(folder: str | Path) -> dict[str, Any]:
    """The folder's configuration.

    Raises:
        InputError: If the folder holds no result, or one written by a newer version.
    """
    path = Path(folder) / CONFIG_FILE
    if not path.is_file():
        raise InputError(
            f"No result in {str(folder)!r}: {CONFIG_FILE} is missing. Give the folder of `save`."
        )
    config = json.loads(path.read_text(encoding="utf-8"))
    if config["schema"] > SCHEMA:
        raise InputError(
            f"{str(path)!r} has schema {config['schema']}, this version reads up to {SCHEMA}. "
            "Update keras_initlab."
        )
    return config


def append_record(folder: str | Path, record: Record) -> None:
    """Add one finished trial; what was written before stays whatever happens next."""
    with (Path(folder) / RECORDS_FILE).open("a", encoding="utf-8") as file:
        file.write(record.to_json() + "\n")


def write_records(folder: str | Path, records: Iterable[Record]) -> None:
    """Write all records, replacing those that are there."""
    text = "".join(record.to_json() + "\n" for record in records)
    (Path(folder) / RECORDS_FILE).write_text(text, encoding="utf-8")


def read_records(folder: str | Path) -> list[Record]:
    """The folder's records; a last line cut short by a crash is left out."""
    path = Path(folder) / RECORDS_FILE
    if not path.is_file():
        return []
    complete = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [Record.from_json(line) for line in complete if line]
