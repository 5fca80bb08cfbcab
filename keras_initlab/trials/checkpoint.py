"""Training that is not finished, as it was at the end of an epoch: kept aside so that a kill costs a minute.

A checkpoint is one `.npz` file of arrays, sealed by a hash, put in place whole and never unpickled. Those who
write it decide what is in it; here stands when it is worth the time, and how it gets to the disk and back.
"""

import hashlib
import io
import json
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_initlab.core.errors import RunDirWarning
from keras_initlab.trials import journal
from keras_initlab.trials.plan import Cell, Group, cell_of

FOLDER = "checkpoints"

EVERY = 60.0
"""Seconds of training that a kill may cost, at the least."""

SHARE = 0.01
"""The most that writing may take of the time."""

_SEAL_BYTES = 16


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What is needed to go on: arrays in the order of who wrote them, and notes as JSON data."""

    arrays: list[np.ndarray]
    notes: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """The content of a file."""
        dtypes = [str(array.dtype) for array in self.arrays]
        notes = json.dumps({"dtypes": dtypes, **self.notes})
        file = io.BytesIO()
        np.savez(file, np.array(notes), *map(_plain, self.arrays))
        file.write(_seal(file.getbuffer()))
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Checkpoint":
        """What `to_bytes` wrote.

        Raises:
            ValueError: If it is damaged.
        """
        content, seal = content[:-_SEAL_BYTES], content[-_SEAL_BYTES:]
        if seal != _seal(content):
            raise ValueError("it is damaged")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            notes = json.loads(str(file["arr_0"]))
            dtypes = notes.pop("dtypes")
            arrays = [file[f"arr_{n}"].view(np.dtype(name)) for n, name in enumerate(dtypes, 1)]
        return cls(arrays, notes)


def _seal(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=_SEAL_BYTES).digest()


def _plain(array: np.ndarray) -> np.ndarray:
    """The same bytes in a type that NumPy's files know; bfloat16 is none."""
    return array if array.dtype.kind in "biufc" else array.view(f"u{array.dtype.itemsize}")


def group_name(group: Group, identities: Mapping[Cell, str], engine: str) -> str:
    """What a group is called in files: another comparison, engine, member or order makes another name."""
    trials = [[identities[cell_of(trial.name)], *trial.name] for trial in group]
    return hashlib.blake2b(json.dumps([engine, trials]).encode(), digest_size=12).hexdigest()


class Checkpoints:
    """Where a group in the middle of its training is kept, and whether it is to stop there.

    This one keeps nothing: a comparison without a folder.

    Args:
        stopping: Whether somebody asked the comparison to stop.
    """

    keeps = False
    """Whether anything is kept."""

    def __init__(self, stopping: Callable[[], bool] = bool):
        self._stopping = stopping

    @property
    def stopping(self) -> bool:
        """Whether training is to stop after this block of steps."""
        return self._stopping()

    def load(self, group: Group) -> Checkpoint | None:
        """Where the group's training stood; None if it has not begun."""
        return None

    def save(self, group: Group, make: Callable[[], Checkpoint]) -> None:
        """Keep what `make` gives, if it is worth the time now."""

    def drop(self, group: Group) -> None:
        """The group is finished."""


class SavedCheckpoints(Checkpoints):
    """Checkpoints in a run folder.

    They are at least `EVERY` seconds apart and take at most `SHARE` of the time; who stops is kept at once.

    Args:
        folder: The run folder.
        identities: What each cell's records say of the comparison that they belong to.
        engine: Whose arrays they are.
    """

    keeps = True

    def __init__(
        self,
        folder: Path,
        identities: Mapping[Cell, str],
        engine: str,
        stopping: Callable[[], bool] = bool,
    ):
        super().__init__(stopping)
        self._folder, self._identities, self._engine = folder / FOLDER, identities, engine
        self._next = time.monotonic() + EVERY
        self._warned = False

    def load(self, group: Group) -> Checkpoint | None:
        self._next = time.monotonic() + EVERY
        path = self._path(group)
        try:
            return Checkpoint.from_bytes(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self._warn(f"{str(path)!r} cannot be read ({error}): these runs begin anew.")
            return None

    def save(self, group: Group, make: Callable[[], Checkpoint]) -> None:
        began = time.monotonic()
        if began < self._next and not self.stopping:
            return
        try:
            self._folder.mkdir(exist_ok=True)
            journal.replace(self._path(group), make().to_bytes())
        except (OSError, MemoryError) as error:
            self._warn(
                f"No checkpoint in {str(self._folder)!r} ({error!r}): a kill costs the runs under way."
            )
        ended = time.monotonic()
        self._next = ended + max(EVERY, (ended - began) / SHARE)

    def drop(self, group: Group) -> None:
        try:
            self._path(group).unlink(missing_ok=True)
        except OSError as error:
            self._warn(f"A checkpoint that is done with cannot be removed: {error}.")

    def _path(self, group: Group) -> Path:
        return self._folder / f"{group_name(group, self._identities, self._engine)}.npz"

    def _warn(self, message: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(message, RunDirWarning, stacklevel=3)
