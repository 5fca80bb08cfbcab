"""What a comparison is made of: the live objects that every engine is given."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_initlab.core.errors import RunDirWarning
from keras_initlab.core.rng import Generators
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.sources import Source
from keras_initlab.network.drawing import draw
from keras_initlab.network.slots import Slot
from keras_initlab.trials.checkpoint import Checkpoint
from keras_initlab.trials.plan import Trial


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
        fans: Which fans the initializers under test are told, one of `drawing.FANS`.
        epochs: How often the training data are gone through.
    """

    model: keras.Model
    schemes: dict[str, Callable]
    tested: Sequence[Slot]
    restarted: Mapping[Slot, Callable]
    training: Source
    validation: Source | None = None
    callbacks: Callable[[str, int], Sequence[keras.callbacks.Callback]] | None = None
    fans: str = "keras"
    epochs: int = 1

    def goes_on(self, checkpoint: Checkpoint, seeds: Seeds) -> bool:
        """Whether the data are still those that the checkpoint was trained on; warns where they are not."""
        before = checkpoint.notes["batches"]
        if before == self.training.marks(seeds, len(before)):
            return True
        warnings.warn(
            f"The data set gives other batches than before the interruption: runs of replicate "
            f"{seeds.replicate} begin anew.",
            RunDirWarning,
            stacklevel=2,
        )
        return False

    def initial_values(self, trial: Trial, generators: Generators) -> Iterator[tuple[Slot, Any]]:
        """The start of a trial: each drawn slot with its value, from the trial's derived seeds.

        Slots that are not listed (frozen layers, adapted statistics) keep the value they have in
        the model.
        """
        yield from self.restarted_values(trial.seeds, generators)
        yield from self.tested_values(trial, generators)

    def restarted_values(self, seeds: Seeds, generators: Generators) -> Iterator[tuple[Slot, Any]]:
        """The part of the start that all trials of a replicate have in common."""
        for slot, own in self.restarted.items():
            yield slot, draw(own, slot, seeds.draw(*slot.seed_path), generators)

    def tested_values(self, trial: Trial, generators: Generators) -> Iterator[tuple[Slot, Any]]:
        """The part of the start that the trial's initializer draws."""
        for slot in self.tested:
            seed = trial.seeds.draw(*slot.seed_path)
            yield slot, draw(self.schemes[trial.label], slot, seed, generators, self.fans)
