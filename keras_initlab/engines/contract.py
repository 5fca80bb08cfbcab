"""What an engine must do, and who may watch it."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from keras_initlab.engines.setup import Setup
from keras_initlab.trials.plan import Trial
from keras_initlab.trials.record import Record


class Observer:
    """Is told how a comparison gets on, and does nothing; the progress bar is one that does."""

    def started(self, trial: Trial) -> None:
        """A trial begins."""

    def stepped(self, trial: Trial) -> None:
        """A step of a trial was made."""

    def finished(self, record: Record) -> None:
        """A trial ended, in whatever way."""


class Engine(Protocol):
    """Trains trials. Engines differ in speed, never in meaning."""

    name: str

    def why_not(self, setup: Setup, trials: Sequence[Trial]) -> str | None:
        """The reason why this engine cannot train the trials; None if it can."""

    def run(self, setup: Setup, trials: Sequence[Trial], observer: Observer) -> Iterator[Record]:
        """Train the trials and yield the record of each as it ends.

        An exception inside one trial is recorded as `failed`; `KeyboardInterrupt` passes through,
        after the model was put back.
        """
