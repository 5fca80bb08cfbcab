"""What an engine must do, and who may watch it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from keras_initlab.engines.setup import Setup
from keras_initlab.trials.checkpoint import Checkpoints
from keras_initlab.trials.plan import Group, Trial
from keras_initlab.trials.record import Record


class Observer:
    """Is told how a comparison gets on, and does nothing; the progress bar is one that does."""

    def started(self, trial: Trial) -> None:
        """A trial begins."""

    def stepped(self, trial: Trial) -> None:
        """A step of a trial was made."""

    def finished(self, record: Record) -> None:
        """A trial ended, in whatever way."""


class StoppedError(Exception):
    """Inside an engine: somebody asked the comparison to stop."""


class Engine(Protocol):
    """Trains trials. Engines differ in speed, never in meaning."""

    name: str

    def why_not(self, setup: Setup, trials: Sequence[Trial]) -> str | None:
        """The reason why this engine cannot train the trials; None if it can."""

    def cut(self, setup: Setup, trials: Sequence[Trial]) -> list[Group]:
        """The trials in the groups that train together: one of it is trained whole or not at all."""

    def run(
        self, setup: Setup, groups: Iterable[Group], observer: Observer, checkpoints: Checkpoints
    ) -> Iterator[list[Record]]:
        """Train the groups and yield the records of each as it ends; the next group is asked for only then.

        The same group leaves the same numbers to the bit, whatever was trained before it, and whether or not
        it goes on from a checkpoint. Asked to stop by `checkpoints`, an engine yields the group under way
        with `interrupted` records for the trials that have not ended, and no other group.
        An exception inside one trial is recorded as `failed`; `KeyboardInterrupt` passes through,
        after the model was put back.
        """
