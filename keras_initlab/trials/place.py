"""A place on the disk that can be written, and by one process, or by those that share it."""

import datetime
import errno
import os
import secrets
import socket
from pathlib import Path
from typing import Any

from keras_initlab.core.errors import InputError
from keras_initlab.trials import journal

try:
    import fcntl
except ImportError:  # Windows has no such lock
    fcntl = None  # type: ignore[assignment]

LOCK_FILE = "lock"

_PROBE = bytes(1 << 16)


def usable(path: Any) -> Path:
    """A folder that can be written, found out by writing."""
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise InputError(f"run_dir (--out) is {path!r}: give the name of a folder.")
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / journal.FOLDER).mkdir(exist_ok=True)
        probe = folder / journal.FOLDER / f".probe-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            with probe.open("wb") as file:
                file.write(_PROBE)
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise unusable(path, error) from error
    return folder


def unusable(path: Any, error: Exception) -> InputError:
    """The error that says why a folder cannot be written."""
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(
        f"run_dir (--out) is {str(path)!r}, which cannot be written: {reason}. Give another folder."
    )


def locked(folder: Path, share: bool) -> int | None:
    """An open file that nobody else holds, or only who shares; the lock dies with the process.

    None where there are no locks.
    """
    if fcntl is None:
        return None
    try:
        file = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise unusable(folder, error) from error
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if share else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(file, 4096).decode("utf-8", "replace").strip()
        os.close(file)
        if error.errno in (errno.EAGAIN, errno.EACCES):
            raise InputError(
                f"run_dir {str(folder)!r} is in use by {holder or 'another process'}. Wait for it, give "
                "another folder, or let all of them share it (share=True, --share)."
            ) from error
        return None  # a file system without locks
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    os.ftruncate(file, 0)
    os.write(file, f"process {os.getpid()} on {socket.gethostname()} since {now}\n".encode())
    return file


def unlock(file: int) -> None:
    """Give up what `locked` gave, also where a forked child still holds the file open."""
    fcntl.flock(file, fcntl.LOCK_UN)
    os.close(file)
