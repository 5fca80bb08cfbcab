"""A folder with one configuration and one record per finished trial."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from keras_initlab.core.errors import InputError
from keras_initlab.trials.config import SCHEMA, Config
from keras_initlab.trials.record import Record

CONFIG_FILE = "config.json"
RECORDS_FILE = "records.jsonl"


class RunFolder:
    """Where the records of one comparison are written as they come.

    Attributes:
        config: The comparison asked for, joined with what the folder held already.
        found: The records that it held already.
    """

    def __init__(self, path: str | Path, config: Config, found: list[Record]):
        self.path, self.config, self.found = Path(path), config, found

    @classmethod
    def open(cls, path: str | Path, config: Config) -> "RunFolder":
        """The folder, new or with the records of an earlier start of the same comparison.

        Raises:
            InputError: If it holds another comparison, or cannot be written to.
        """
        try:
            there = Path(path)
            there.mkdir(parents=True, exist_ok=True)
        except (TypeError, OSError) as error:
            raise InputError(
                f"run_dir (--out) is {str(path)!r}, where no folder can be made: {error}."
            ) from error
        found: list[Record] = []
        if (there / CONFIG_FILE).is_file():
            before = Config.from_json(read_config(there))
            difference = before.differs_from(config)
            if difference:
                raise InputError(
                    f"run_dir {str(path)!r} holds {difference}. Give another folder or label, or the "
                    "arguments of then."
                )
            found = read_records(there)
            config = before.joined_with(config)
        try:
            write_config(there, config.to_json())
            write_records(there, found)  # drops a line that a crash cut short
        except OSError as error:
            raise InputError(
                f"run_dir (--out) is {str(path)!r}, which cannot be written to: {error}."
            ) from error
        return cls(there, config, found)

    def append(self, record: Record) -> None:
        """Add one finished trial; what was written before stays whatever happens next."""
        append_record(self.path, record)


def write_config(folder: str | Path, config: Mapping[str, Any]) -> None:
    """Write `config` (pure JSON data) as the folder's configuration."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"schema": SCHEMA, **config}, indent=1, allow_nan=False)
    (path / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def read_config(folder: str | Path) -> dict[str, Any]:
    """The folder's configuration.

    Raises:
        InputError: If the folder holds no result, a damaged one, or one written by a newer version.
    """
    path = Path(folder) / CONFIG_FILE
    if not path.is_file():
        raise InputError(
            f"No result in {str(folder)!r}: {CONFIG_FILE} is missing. Give the folder of `save`."
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        schema = config["schema"]
    except (ValueError, TypeError, LookupError) as error:
        raise InputError(f"{str(path)!r} is damaged: it holds no configuration ({error}).") from error
    if schema > SCHEMA:
        raise InputError(
            f"{str(path)!r} has schema {schema}, this version reads up to {SCHEMA}. Update keras_initlab."
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
