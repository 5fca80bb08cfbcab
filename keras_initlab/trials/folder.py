"""The folder of a comparison: who may write there, what it is of, and which runs it holds.

A run that was reported finished is a line in a journal, flushed to the disk. `config.json` says what the
comparison is; it is put in place whole. Nothing else that is there is changed, whatever happens.
"""

import contextlib
import json
import os
import time
import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from keras_initlab.core.errors import InputError, NotSavedError, RunDirWarning
from keras_initlab.trials import journal, place
from keras_initlab.trials.checkpoint import Checkpoints, SavedCheckpoints, group_name
from keras_initlab.trials.claims import Claims
from keras_initlab.trials.config import Config
from keras_initlab.trials.config_file import CONFIG_FILE, read_config
from keras_initlab.trials.journal import Damage, Journal, Line
from keras_initlab.trials.plan import Cell, Group, Name, cell_of
from keras_initlab.trials.record import Record

REJECTED_FILE = "rejected.jsonl"

_PLAN = "plan"
_PATIENCE = 0.2  # seconds until it is asked again whether another has made its plan
_SILENCE = 10.0  # seconds of that after which the user is told
_PASSING = (
    "MemoryError",
    "OSError",
    "ResourceExhausted",
    "OutOfMemory",
    "RESOURCE_EXHAUSTED",
    "No space left",
    "CUDA error",
    "UNAVAILABLE",
    "device lost",
)


class RunFolder:
    """The right to write in a comparison's folder, until `close`.

    Args:
        path: Where it is, or shall be.
        share: Whether other processes may write there at the same time; each claims what it trains.

    Raises:
        InputError: If the folder cannot be written, or another process writes there and does not share.
    """

    def __init__(self, path: str | os.PathLike[str], share: bool = False):
        self._new = not os.path.lexists(path) if isinstance(path, str | os.PathLike) else False
        self.path = place.usable(path)
        self._lock = place.locked(self.path, share)
        self._shared, self._claims = share, None
        try:
            self._claims = Claims(self.path) if share else None
        except OSError as error:
            self.close()
            raise place.unusable(path, error) from error
        self._journal = Journal(self.path)
        self._warned = False

    @contextlib.contextmanager
    def planning(self) -> Iterator[None]:
        """Alone among those who share, to find out and write down what is to be done."""
        waited = 0.0
        while self._claims and not self._claims.take(_PLAN):
            time.sleep(_PATIENCE)
            if waited < _SILENCE <= waited + _PATIENCE:
                warnings.warn(
                    f"Another process plans the comparison in {str(self.path)!r}. If it has died, this one "
                    f"goes on in at most {self._claims.lease / 60:.0f} minutes.",
                    RunDirWarning,
                    stacklevel=3,
                )
            waited += _PATIENCE
        try:
            yield
        finally:
            if self._claims:
                self._claims.release(_PLAN)

    def admit(self, config: Config) -> tuple[Config, list[Record]]:
        """The comparison asked for, joined with what the folder knows of it already, and the runs there are.

        What is damaged is copied to `rejected.jsonl` and named in one warning.

        Raises:
            InputError: If the folder holds another comparison, or records of which nothing says which.
        """
        lines, damages = journal.read(self.path)
        before, fault = read_config(self.path)
        if before is not None:
            difference = before.differs_from(config)
            if difference:
                raise InputError(
                    f"run_dir {str(self.path)!r} holds {difference}. Give another folder or label, or the "
                    "arguments of then."
                )
            identities = before.identities()
            own = [line for line in lines if line.identity and cell_of(line.record.name) in identities]
            if any(line.identity != identities[cell_of(line.record.name)] for line in own):
                raise InputError(
                    f"run_dir {str(self.path)!r} holds records of another comparison than its {CONFIG_FILE} "
                    "describes. Give another folder, or put the right file back."
                )
            otherwise = before.made_otherwise(config)
            if otherwise and lines:
                warnings.warn(
                    f"run_dir {str(self.path)!r} goes on with another make: {otherwise}. The last digits may "
                    "differ; each record says what it was made with.",
                    RunDirWarning,
                    stacklevel=3,
                )
            config = before.joined_with(config)
        elif lines or damages:
            _require_ours(self.path, fault, lines, config)
        _set_aside(self.path, damages)
        return config, _of(config.identities(), lines)

    def begin(self, config: Config) -> bool:
        """Write down what the comparison is, before any run.

        Returns:
            Whether it was written: not by who slept so long that another took over the planning.

        Raises:
            InputError: If there is no room for it.
        """
        if self._claims and not self._claims.holds(_PLAN):
            return False
        self._identities = config.identities()
        self._made_by = config.made_with, config.versions.get("keras_initlab")
        try:
            text = json.dumps(config.to_json(), allow_nan=False)
            journal.replace(self.path / CONFIG_FILE, f"{text}\n".encode())
        except OSError as error:
            raise place.unusable(self.path, error) from error
        self._new = False
        return True

    def checkpoints(self, engine: str, stopping: Callable[[], bool]) -> Checkpoints:
        """Where groups in the middle of their training are kept."""
        return SavedCheckpoints(self.path, self._identities, f"{engine}, {self._made_by}", stopping)

    def take(self, group: Group, engine: str) -> bool:
        """Whether this process is to train the group: among those who share, who claims it first."""
        try:
            return self._claims is None or self._claims.take(self._name(group, engine))
        except OSError as error:
            self._warn(error)
            return False

    def finish(self, group: Group, engine: str) -> None:
        """All of the group is on the disk."""
        if self._claims and not self._journal.waiting:
            try:
                self._claims.finish(self._name(group, engine))
            except OSError as error:
                self._warn(error)

    def reopen(self, groups: Sequence[Group], engine: str) -> None:
        """Let those be taken again that are said to be finished, although runs of theirs are missing."""
        claims = self._claims
        said = [group for group in groups if claims and claims.is_finished(self._name(group, engine))]
        there = {record.name for record in self.found() if not is_passing(record)} if said else set()
        for group in said:
            if claims and any(trial.name not in there for trial in group):
                claims.reopen(self._name(group, engine))

    def found(self) -> list[Record]:
        """The runs that all who share have written so far."""
        lines, _ = journal.read(self.path)
        return _of(self._identities, lines)

    def _name(self, group: Group, engine: str) -> str:
        return group_name(group, self._identities, engine)

    def add(self, records: Sequence[Record]) -> None:
        """Write runs that finished together. What finds no room is kept, and tried again with the next."""
        self._journal.append([Line(record, self._identities[cell_of(record.name)]) for record in records])
        if self._journal.error:
            self._warn(self._journal.error)

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"{str(self.path)!r} cannot be written ({error}): free room. Finished runs stay in memory "
                "and are written when there is some.",
                RunDirWarning,
                stacklevel=3,
            )

    def settle(self, result: Any) -> None:
        """Write what still waits.

        Raises:
            NotSavedError: If there is still no room; it carries `result` as `comparison`.
        """
        self._journal.flush()
        if self._journal.waiting:
            raise NotSavedError(
                f"{self._journal.waiting} finished runs are not in {str(self.path)!r}: {self._journal.error}."
                " Free room, take the result from this error's `comparison` and save it.",
                result,
            )

    def close(self) -> None:
        """Give up the right to write, and a folder that was made for nothing."""
        if self._claims:
            self._claims.close()
        if self._new and not self._shared:  # others may have come
            with contextlib.suppress(OSError):
                (self.path / place.LOCK_FILE).unlink(missing_ok=True)
                (self.path / journal.FOLDER).rmdir()
                self.path.rmdir()
        if self._lock is not None:
            place.unlock(self._lock)
            self._lock = None


@contextlib.contextmanager
def writing(path: str | os.PathLike[str] | None, share: bool = False) -> Iterator[RunFolder | None]:
    """The folder at `path` while this process writes there; None for no folder."""
    folder = None if path is None else RunFolder(path, share)
    try:
        yield folder
    finally:
        if folder is not None:
            folder.close()


def read(path: str | os.PathLike[str]) -> tuple[list[Record], dict[str, Any]]:
    """What a folder holds: its records, and its config as JSON data.

    Raises:
        InputError: If it holds no comparison, or one of a newer version.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"folder is {path!r}: give the name of a folder.")
    folder = Path(path)
    config, fault = read_config(folder)
    if config is None:
        raise InputError(f"No result in {str(path)!r}: {fault}. Give the folder of `save` or of run_dir.")
    lines, damages = journal.read(folder)
    _warn(folder, damages)
    return _of(config.identities(), lines), config.to_json()


def save(path: str | os.PathLike[str], result: Any) -> None:
    """Add a whole comparison, its `config` and `records`, to a folder, new or its own.

    What stands there already is left alone.

    Raises:
        InputError: If the folder holds another comparison, or cannot be written.
        NotSavedError: If the disk is full.
    """
    with writing(path) as folder:
        assert folder is not None
        config, found = folder.admit(Config.from_json(result.config))
        folder.begin(config)
        there = {record.name: _weight(record) for record in found}
        new = [
            one
            for one in result.records
            if one.status != "interrupted" and _weight(one) > there.get(one.name, (-1, False))
        ]
        if new:
            folder.add(new)
        folder.settle(result)


def is_passing(record: Record) -> bool:
    """Whether a run failed for a reason that may be gone: memory, a full disk, a lost device.

    >>> is_passing(Record("he", 0, "failed", "MemoryError: "))
    True
    >>> is_passing(Record("he", 0, "failed", "ValueError: no such shape"))
    False
    """
    return record.status == "failed" and any(reason in record.message for reason in _PASSING)


def united(lines: Iterable[Line]) -> list[Record]:
    """One record for each trial, in the order in which they were found.

    The same run twice, as two writers leave it, is one. A failure gives way to a run that came through, one
    for a passing reason to any other, and a run without a diagnosis to the same with one.
    """
    found: dict[Name, Record] = {}
    for record in (line.record for line in lines):
        if record.name not in found or _weight(record) > _weight(found[record.name]):
            found[record.name] = record
    return list(found.values())


def _of(cells: Container[Cell], lines: Iterable[Line]) -> list[Record]:
    """The records of these cells."""
    return [record for record in united(lines) if cell_of(record.name) in cells]


def _weight(record: Record) -> tuple[int, bool]:
    return 0 if is_passing(record) else 1 if record.status == "failed" else 2, bool(record.foreseen)


def _require_ours(folder: Path, fault: str, lines: Sequence[Line], config: Config) -> None:
    """Records without a readable config are this comparison's only if each of them says so."""
    identities = config.identities()
    known = [line for line in lines if cell_of(line.record.name) in identities]
    if not known or any(line.identity != identities[cell_of(line.record.name)] for line in known):
        raise InputError(
            f"run_dir {str(folder)!r} holds {len(lines)} records, but {fault}, and they do not say that they "
            "are of this comparison. Give another folder, or put the file back."
        )


def _set_aside(folder: Path, damages: Sequence[Damage]) -> None:
    """Copy what is no record to `rejected.jsonl`, once, and say so."""
    path = folder / REJECTED_FILE
    there = path.read_bytes().split(b"\n") if path.is_file() else []
    new = [damage for damage in damages if damage.content not in there]
    if new:
        with contextlib.suppress(OSError), path.open("ab") as file:
            file.write(b"".join(damage.content + b"\n" for damage in new))
    _warn(folder, new)


def _warn(folder: Path, damages: Sequence[Damage]) -> None:
    if damages:
        places = ", ".join(map(str, damages[:5])) + (", ..." if len(damages) > 5 else "")
        warnings.warn(
            f"{len(damages)} lines in {str(folder)!r} hold no record: {places}. The others are kept; what is "
            "missing is trained again when the comparison goes on.",
            RunDirWarning,
            stacklevel=4,
        )
