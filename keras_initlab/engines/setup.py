"""What an engine is given, and what it must do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras

from keras_initlab.engines.sources import Source
from keras_initlab.network.drawing import draw
from keras_initlab.network.slots import Slot
from keras_initlab.trials.plan import Plan, Trial
from keras_initlab.trials.record import Record


@dataclass(frozen=True, eq=False)
class Setup:
    """The live objects of a comparison; the plan beside it is pure data.

    Attributes:
        model: Built and compiled. An engine leaves its weights and compiled state as they were.
        schemes: The initializer of each label.
        tested: Slots whose weights the initializers draw.
        restarted: The other slots that start anew in each replicate, with their layer's own initializer.
        training: Where the training batches come from.
        validation: Where the validation batches come from, if any.
        callbacks: `(label, replicate) -> list of Keras callbacks`, if any.
        fans: Which fans the initializers under test are told, one of `models.FANS`.
    """

    model: keras.Model
    schemes: dict[str, Callable]
    tested: Sequence[Slot]
    restarted: Mapping[Slot, Callable]
    training: Source
    validation: Source | None = None
    callbacks: Callable[[str, int], Sequence[keras.callbacks.Callback]] | None = None
    fans: str = "keras"

    def initial_values(self, trial: Trial) -> Iterator[tuple[Slot, Any]]:
        """The start of a trial: each drawn slot with its value, from the trial's derived seeds.

        Slots that are not listed (frozen layers, adapted statistics) keep the value they have in
        the model. Only inside `rng.isolated()`.
        """
        yield from self.restarted_values(trial)
        yield from self.tested_values(trial)

    def restarted_values(self, trial: Trial) -> Iterator[tuple[Slot, Any]]:
        """The part of the start that all trials of a replicate have in common."""
        for slot, own in self.restarted.items():
            yield slot, draw(own, slot, trial.seeds.draw(*slot.seed_path))

    def tested_values(self, trial: Trial) -> Iterator[tuple[Slot, Any]]:
        """The part of the start that the trial's initializer draws."""
        for slot in self.tested:
            yield slot, draw(self.schemes[trial.label], slot, trial.seeds.draw(*slot.seed_path), self.fans)


class Observer(Protocol):
    """Is told how a comparison gets on; the progress bar is one."""

    def started(self, trial: Trial) -> None: ...

    def stepped(self, trial: Trial) -> None: ...

    def finished(self, record: Record) -> None: ...


class Engine(Protocol):
    """Trains trials. Engines differ in speed, never in meaning."""

    name: str

    def why_not(self, plan: Plan, setup: Setup) -> str | None:
        """The reason why this engine cannot run the plan; None if it can."""

    def run(self, trials: Sequence[Trial], plan: Plan, setup: Setup, observer: Observer) -> Iterator[Record]:
        """Train the trials and yield the record of each as it ends.

        An exception inside one trial is recorded as `failed`; `KeyboardInterrupt` passes through,
        after the model was put back.
        """
