"""Ctrl-C, and the signals of a scheduler that wants its machine back: stop in good order."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

TERMINATED = 143
"""Exit code of who was told to end: 128 and the number of SIGTERM."""

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)]


class Interruption:
    """Whether somebody asked to stop, and how."""

    def __init__(self) -> None:
        self._signal: int | None = None
        self._patient = False

    def asked(self) -> bool:
        """Whether to stop after the block of steps under way."""
        return self._signal is not None

    @contextmanager
    def patience(self) -> Iterator[None]:
        """While it is trained: the first signal is noted, and not obeyed at once as before and after."""
        self._patient = True
        try:
            yield
        finally:
            self._patient = False

    def leave(self) -> None:
        """End the process, if a scheduler asked for it.

        Raises:
            SystemExit: With code 143 after SIGTERM or SIGUSR1.
        """
        if self._signal not in (None, signal.SIGINT):
            raise SystemExit(TERMINATED)

    def note(self, number: int, frame: Any) -> None:
        """A signal came; outside of training, and the second time, it ends at once."""
        if self.asked() or not self._patient:
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(TERMINATED)
        self._signal = number
        if number == signal.SIGINT and sys.stderr.isatty():
            print("\nStopping after this block of steps; Ctrl-C again leaves at once.", file=sys.stderr)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Handle signals; the handlers of before come back afterwards.

    Python gives signals to the main thread; elsewhere nothing is noted. A signal that the process ignores, as
    under `nohup`, stays ignored.
    """
    interruption = Interruption()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if handler not in (signal.SIG_IGN, None):  # None: not installed by Python
                before[number] = signal.signal(number, interruption.note)
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
