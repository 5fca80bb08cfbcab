"""What a comparison is made of: the live objects that every engine is given."""

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError, RunDirWarning
from keras_initlab.core.rng import Generators
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.sources import Source
from keras_initlab.network.drawing import draw
from keras_initlab.network.roles import KERNEL_ROLES
from keras_initlab.network.selection import Layers
from keras_initlab.network.slots import Slot, all_slots, own_initializer
from keras_initlab.network.snapshot import Snapshot, carried_states
from keras_initlab.recipes.recipe import Recipe
from keras_initlab.trials.checkpoint import Checkpoint
from keras_initlab.trials.plan import Levels, Name, Trial


@dataclass(frozen=True)
class Preparation:
    """What the start of a trial took beside drawing.

    Attributes:
        seconds: Wall time of its recipe.
        rows: Training examples that the recipe looked at.
    """

    seconds: float
    rows: int


@dataclass(frozen=True, eq=False)
class Setup:
    """The live objects of a comparison; the plan beside it is pure data.

    Attributes:
        model: Built and compiled. An engine leaves its weights and compiled state as they were.
        schemes: The initializer or the recipe of each label.
        tested: Slots whose weights the initializers draw.
        restarted: The other slots that start anew in each replicate, with their layer's own initializer.
        training: Where the training batches come from.
        validation: Where the validation batches come from, if any.
        callbacks: Trial -> list of Keras callbacks, if any.
        fans: Which fans the initializers under test are told, one of `drawing.FANS`.
        epochs: How often the training data are gone through.
        layers: Which layers were asked for, for recipes, which may write more than kernels.
        roles: Which kinds of weights were.
        numbers: By levels, the numbers in which trials of one program differ: of the optimizer, see
            `hyperparameters.NUMBERS`, and those of `strengths`. All levels name the same ones.
        strengths: The variables of the model that hold such a number, by its name.
        trained_with: The optimizer where it is not that of the model.
        weight_changes: Whether the largest change of a weight over each epoch is recorded.
        prepared: By name of the trial, what the recipes took that have run.
    """

    model: keras.Model
    schemes: dict[str, Any]
    tested: Sequence[Slot]
    restarted: Mapping[Slot, Callable]
    training: Source
    validation: Source | None = None
    callbacks: Callable[[Trial], Sequence[keras.callbacks.Callback]] | None = None
    fans: str = "keras"
    epochs: int = 1
    layers: Layers = None
    roles: Any = None
    numbers: Mapping[Levels, Mapping[str, float]] = field(default_factory=dict)
    strengths: Mapping[str, Sequence[keras.Variable]] = field(default_factory=dict)
    trained_with: keras.optimizers.Optimizer | None = None
    weight_changes: bool = False
    prepared: dict[Name, Preparation] = field(default_factory=dict)

    @property
    def optimizer(self) -> keras.optimizers.Optimizer:
        """Whose class and configuration each trial begins with."""
        return self.trained_with or self.model.optimizer

    @cached_property
    def held(self) -> tuple[str, ...]:
        """The numbers that the optimizer holds in variables."""
        return tuple(name for name in next(iter(self.numbers.values()), {}) if name not in self.strengths)

    @cached_property
    def penalized(self) -> list[bool]:
        """Of each trainable variable, whether it is a kernel, which L1 and L2 pull at."""
        kernels = {id(slot.variable) for slot in self._every if slot.role in KERNEL_ROLES}
        return [id(variable) in kernels for variable in self.model.trainable_variables]

    def strengths_of(self, trial: Trial) -> Iterator[tuple[keras.Variable, float]]:
        """The variables of the model that hold a number of the trial's, with that number."""
        for name, variables in self.strengths.items():
            for variable in variables:
                yield variable, self.numbers[trial.levels][name]

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
        """The part of the start that the trial's initializer draws, or that its recipe changes."""
        scheme = self.schemes[trial.label]
        if isinstance(scheme, Recipe):
            yield from self._made(scheme, trial, generators)
            return
        for slot in self.tested:
            yield slot, draw(scheme, slot, trial.seeds.draw(*slot.seed_path), generators, self.fans)

    def _made(self, recipe: Recipe, trial: Trial, generators: Generators) -> list[tuple[Slot, Any]]:
        """What a recipe makes of the model: it works on the model itself, which is then put back.

        It begins where every weight has what its own layer draws in this replicate.
        """
        began, seeds = time.perf_counter(), trial.seeds
        data = self.training.rows(seeds, recipe.rows) if recipe.rows else ()
        before = Snapshot([*self.model.variables, *carried_states(self.model)])
        try:
            for slot, value in self.restarted_values(seeds, generators):
                slot.variable.assign(value)
            for slot in self.tested:
                own = own_initializer(slot)
                if own is not None:
                    slot.variable.assign(draw(own, slot, seeds.draw(*slot.seed_path), generators))
            chosen = recipe.writable(self.model, self.layers, self.roles)
            account = recipe.work(self.model, chosen, seeds, generators, data, self._every)
            if changed := before.retrained():
                raise InputError(
                    f"{trial.label} freezes {changed[0][0].path}, and all that are compared train the same "
                    "weights: set trainable = False on it before, for all, or leave this one out."
                )
            written = {slot.index for slot in (*chosen, *self.tested)}
            found = [
                (slot, np.array(keras.ops.convert_to_numpy(slot.variable)))
                for slot in self._every
                if slot.index in written
            ]
        finally:
            before.restore()
        self.prepared[trial.name] = Preparation(time.perf_counter() - began, account.probe)
        return found

    @cached_property
    def _every(self) -> list[Slot]:
        return all_slots(self.model)


Setups = Mapping[Levels, Setup]
"""The setup for each combination of levels; where nothing but numbers differs, it is the same one."""
