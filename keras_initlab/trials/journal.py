"""Records on disk: a file per writer, one append per run, and nothing that is there is ever rewritten.

A journal is a folder `records/` of JSON-lines files. Each writer has a file of its own, so that no line of
one is ever glued to a line of another; each line ends with a checksum, so that a torn or mangled one is known
to be bad. The single `records.jsonl` of the first form, without checksums, is read beside them.
"""

import datetime
import json
import os
import secrets
import socket
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_initlab.trials.record import Record

FOLDER = "records"
FIRST_FORM = "records.jsonl"
_SEAL = b', "crc": "'


@dataclass(frozen=True)
class Line:
    """A record as it stands in a journal: with the identity of the comparison that it belongs to.

    Attributes:
        record: The record.
        identity: What `Config.identity` gave for its label; None in journals of the first form.
    """

    record: Record
    identity: str | None = None


@dataclass(frozen=True)
class Damage:
    """A line that holds no record."""

    file: str
    number: int
    reason: str
    content: bytes

    def __str__(self) -> str:
        return f"{self.file}:{self.number} ({self.reason})"


def sealed(fields: Mapping[str, Any]) -> bytes:
    """One line of JSON whose last entry is the checksum of what stands before it.

    >>> sealed({"a": 1})
    b'{"a": 1, "crc": "7aa88204"}\\n'
    """
    body = json.dumps(fields, allow_nan=False, ensure_ascii=True).encode("ascii")[:-1]
    return body + _SEAL + f'{zlib.crc32(body):08x}"}}\n'.encode("ascii")


def opened(line: bytes, checked: bool) -> dict[str, Any]:
    """The entries of a line.

    Raises:
        ValueError: If it is no JSON object, or its checksum is missing (where `checked`) or wrong.
    """
    body, seal, rest = line.rpartition(_SEAL)
    if seal and rest != f'{zlib.crc32(body):08x}"}}'.encode("ascii"):
        raise ValueError("wrong checksum")
    if checked and not seal:
        raise ValueError("no checksum")
    try:
        fields = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError("no UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ValueError("no JSON") from error
    if not isinstance(fields, dict):
        raise ValueError("no JSON object")
    return fields


class Journal:
    """The file of one writer: whole lines, each flushed to the disk before anything else happens.

    What cannot be written, because the disk is full, waits in memory and is tried again with each later
    append.
    """

    def __init__(self, folder: Path):
        self._folder = folder / FOLDER
        begun = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S%f")
        self._name = f"{begun}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}.jsonl"
        self._waiting: list[bytes] = []
        self._torn = False  # whether half a line of an earlier append may stand at the end
        self.error: OSError | None = None

    @property
    def waiting(self) -> int:
        """Appends that are not on the disk yet."""
        return len(self._waiting)

    def append(self, lines: Sequence[Line]) -> None:
        """Add lines that belong together, in one write: all of them are there or none.

        An `OSError` is kept in `error` and the lines in memory.
        """
        self._waiting.append(b"".join(sealed(_fields(line)) for line in lines))
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        try:
            while self._waiting:
                self._write(self._waiting[0])
                del self._waiting[0]
            self.error = None
        except OSError as error:
            self.error = error

    def _write(self, content: bytes) -> None:
        self._folder.mkdir(exist_ok=True)
        new = not (self._folder / self._name).exists()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)  # Windows
        file = os.open(self._folder / self._name, flags, 0o666)
        try:
            before = os.fstat(file).st_size
            try:
                content = (b"\n" if self._torn else b"") + content  # readers pass over empty lines
                if os.write(file, content) < len(content):
                    raise OSError(28, "No space left on device", str(self._folder / self._name))
                os.fsync(file)
                self._torn = False
            except BaseException:
                self._torn = True  # should the next line fail
                os.ftruncate(file, before)  # half a line of ours; what others wrote stands in their files
                raise
        finally:
            os.close(file)
        if new:
            sync_folder(self._folder)


def _fields(line: Line) -> dict[str, Any]:
    identity = {} if line.identity is None else {"identity": line.identity}
    return line.record.to_fields() | identity


def read(folder: Path) -> tuple[list[Line], list[Damage]]:
    """All lines of a folder's journals, and what is no record.

    A last line without its end is a write that a crash cut short: it was never reported, so it is no damage.
    """
    lines: list[Line] = []
    damages: list[Damage] = []
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        try:
            written = path.read_bytes()
        except OSError as error:
            damages.append(Damage(name, 0, error.strerror or "cannot be read", b""))
            continue
        for number, content in enumerate(written.split(b"\n")[:-1], 1):
            if not content.strip():
                continue
            try:
                fields = opened(content, checked=name != FIRST_FORM)
                lines.append(Line(Record.from_fields(fields), fields.get("identity")))
            except ValueError as error:
                damages.append(Damage(name, number, str(error), content))
    return lines, damages


def _files(folder: Path) -> Iterable[Path]:
    first = folder / FIRST_FORM
    own = sorted((folder / FOLDER).glob("*.jsonl")) if (folder / FOLDER).is_dir() else []
    return [first, *own] if first.is_file() else own


def replace(path: Path, content: bytes) -> None:
    """Put `content` in a file's place: after a crash at any moment the old or the new one is there, whole."""
    aside = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, where the system can."""
    try:
        file = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folder
        return
    try:
        os.fsync(file)
    finally:
        os.close(file)
