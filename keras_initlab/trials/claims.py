"""Who of any number of processes on one file system does what; without locks, which not every one has.

The first claim on a name is a file that is made only if it is not there, which file systems do in one step,
NFS included. Its owner touches it again and again. If it has not done so for the length of the lease, by the
clock of the file server, the claim is forfeit, and the claim of the next number may be made in the same way:
so of all who want it one gets it. No claim is ever renamed or removed. An owner who was only asleep goes on
and is not told that somebody else did its work too: what is done twice must do no harm.
"""

import contextlib
import datetime
import hashlib
import json
import os
import secrets
import socket
import threading
from pathlib import Path

FOLDER = "claims"

_GIVEN_UP = (0, 0)  # the times of a claim that is older than any lease


class Claims:
    """The claims of this process in a folder that it shares with others.

    Args:
        folder: The folder that is shared; claims stand in `claims/`.
        lease: Seconds after which a claim that was not touched is forfeit.
        heartbeat: Seconds between two touches; far less than the lease.

    Raises:
        OSError: If the folder cannot be written.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp())
    >>> mine, yours = Claims(place), Claims(place)
    >>> mine.take("a"), yours.take("a"), yours.take("b")
    (True, False, True)
    >>> mine.finish("a")
    >>> yours.close()
    >>> mine.take("b"), mine.take("a")
    (True, False)
    >>> mine.close()
    """

    def __init__(self, folder: Path, lease: float = 600.0, heartbeat: float = 30.0):
        self._folder = folder / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self.lease = lease
        self._held: dict[str, Path] = {}
        self._owner = {"host": socket.gethostname(), "pid": os.getpid(), "nonce": secrets.token_hex(8)}
        self._clock = self._folder / f"{self._owner['nonce']}.clock"
        self._clock.touch()
        self._touching = threading.Lock()
        self._closed = threading.Event()
        self._heart = threading.Thread(target=self._beat, args=(heartbeat,), daemon=True)
        self._heart.start()

    def take(self, name: str) -> bool:
        """Claim a name: whether this process may do what it stands for.

        Not if somebody has finished it, or has claimed it and still touches the claim.

        Raises:
            OSError: If the folder cannot be written.
        """
        if name in self._held:
            return True
        if self.is_finished(name):
            return False
        number = 0
        while True:
            path = self._folder / f"{_key(name)}.{number}"
            try:
                file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                if not self._is_forfeit(path):
                    return False
                number += 1
                continue
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            said = {"name": name, "since": now, **self._owner}
            with contextlib.suppress(OSError), open(file, "w", encoding="utf-8") as claim:
                json.dump(said, claim)  # for people; a full disk forbids nothing
            self._held[name] = path
            if self.is_finished(name):  # by an owner whose last touch is long ago
                self.release(name)
                return False
            return True

    def holds(self, name: str) -> bool:
        """Whether it is still claimed by this process: nobody took it for dead meanwhile."""
        path = self._held.get(name)
        return path is not None and not path.with_suffix(f".{int(path.suffix[1:]) + 1}").exists()

    def finish(self, name: str) -> None:
        """Say that it is done, once its results are safe on the disk; nobody will take it again."""
        with contextlib.suppress(FileExistsError):  # a late owner
            os.close(os.open(self._done(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        self.release(name)

    def release(self, name: str) -> None:
        """Give it up, so that others can take at once what was not finished."""
        with self._touching, contextlib.suppress(KeyError, OSError):
            os.utime(self._held.pop(name), _GIVEN_UP)

    def is_finished(self, name: str) -> bool:
        """Whether somebody said that it is done."""
        return self._done(name).exists()

    def reopen(self, name: str) -> None:
        """Take back that it is done: its results are not there."""
        with contextlib.suppress(FileNotFoundError):
            self._done(name).unlink()

    def close(self) -> None:
        """Give up everything that was not finished."""
        self._closed.set()
        self._heart.join()
        for name in list(self._held):
            self.release(name)
        with contextlib.suppress(OSError):
            self._clock.unlink()

    def _beat(self, heartbeat: float) -> None:
        while not self._closed.wait(heartbeat):
            for name in list(self._held):
                # The server may be back next time; without a time it takes its own.
                with self._touching, contextlib.suppress(KeyError, OSError):
                    os.utime(self._held[name])

    def _is_forfeit(self, claim: Path) -> bool:
        try:
            with claim.open("rb") as file:  # asks the server, where a mere question may be answered here
                touched = os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return True
        self._clock.touch()
        with self._clock.open("rb") as file:
            return os.fstat(file.fileno()).st_mtime - touched > self.lease

    def _done(self, name: str) -> Path:
        return self._folder / f"{_key(name)}.done"


def _key(name: str) -> str:
    """A file name for any name, whatever the file system thinks of letters."""
    return hashlib.blake2b(name.encode(), digest_size=12).hexdigest()
