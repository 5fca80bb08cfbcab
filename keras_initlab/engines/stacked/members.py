"""Many models of one architecture as one: their state with a leading member axis."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_initlab.core.keras_private import compute_loss, loss_tracker, parts, takes_training
from keras_initlab.core.rng import Generators, generator_start
from keras_initlab.engines.lending import Snapshot, assign, seed_generators
from keras_initlab.engines.setup import Setup
from keras_initlab.engines.sources import Batch
from keras_initlab.engines.stacked.convolution import is_product
from keras_initlab.engines.stacked.packing import Packing
from keras_initlab.trials.plan import Trial


class NotStackableError(Exception):
    """Seen only while tracing: a model that cannot be stacked, and why."""


class Template:
    """The step of one member as a pure function of that member's state.

    The model lends its structure, compiled loss and metrics; no variable of it is written.

    Attributes:
        trainable: The variables that are trained.
        packing: How a member's values of these are held.
        state: The others that a step may change: statistics, random generators, metrics.
        metrics: Those of the state that belong to metrics, at its end.
        convolves: Whether it computes convolutions as products of patches.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self.trainable = list(model.trainable_variables)
        self.packing = Packing(self.trainable, model.optimizer)
        self.metrics = list(model.metrics_variables)
        self.state = [*model.non_trainable_variables, *self.metrics]
        self.convolves = any(map(is_product, parts(model)))
        self._restarted: dict[int, list] = {}  # of the last replicate

    def step(self, packed: list, state: list, batch: Batch, training: bool) -> tuple[Any, list]:
        """The loss before an update, and the state after the step."""
        model = self.model
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        trainable = self.packing.unpack(packed)
        mapping = [*zip(self.trainable, trainable, strict=True), *zip(self.state, state, strict=True)]
        with keras.StatelessScope(mapping, collect_losses=True) as scope:
            # What the trainers of Keras's backends do in a step, in their order.
            predicted = model(x, training=training) if takes_training(model) else model(x)
            loss = compute_loss(model, x, y, predicted, sample_weight, training)
            examples = keras.ops.shape(keras.tree.flatten(x)[0])[0]
            loss_tracker(model).update_state(loss, sample_weight=examples)
            model.compute_metrics(x, y, predicted, sample_weight)
        if len(scope.state_mapping) > len(mapping):
            raise NotStackableError("a layer changes a variable that the model does not track")
        return loss, [scope.get_current_value(variable) for variable in self.state]

    def results(self, metrics: list) -> dict[str, Any]:
        """The metrics so far, from the values of their variables."""
        with keras.StatelessScope(zip(self.metrics, metrics, strict=True)):
            return self.model.get_metrics_result()

    def start(self, setup: Setup, trial: Trial, generators: Generators) -> "Values":
        """The values that a trial starts from."""
        if trial.replicate not in self._restarted:
            self._restarted = {trial.replicate: list(setup.restarted_values(trial.seeds, generators))}
        values = [*self._restarted[trial.replicate], *setup.tested_values(trial, generators)]
        drawn = {id(slot.variable): value for slot, value in values}
        seeds = {id(v): trial.seeds.noise(i) for i, v in enumerate(seed_generators(self.model))}

        def value(variable):
            if id(variable) in seeds:
                return generator_start(variable, seeds[id(variable)])
            return keras.ops.convert_to_numpy(drawn.get(id(variable), variable))

        trainable = self.packing.pack([value(v) for v in self.trainable])
        return Values(trainable, [value(v) for v in self.state])


@dataclass(frozen=True, eq=False)
class Values:
    """Values of a template's variables on the host, of one member or stacked for many."""

    trainable: list[np.ndarray]
    """As the template packs them."""
    state: list[np.ndarray]
    optimizer: list[np.ndarray] | None = None
    """Those of the optimizer; None at the start."""


def stack(starts: Sequence[Values]) -> Values:
    """Members side by side."""
    return Values(
        [np.stack(values) for values in zip(*(start.trainable for start in starts), strict=True)],
        [np.stack(values) for values in zip(*(start.state for start in starts), strict=True)],
    )


class Members:
    """Trials that train side by side.

    Attributes:
        size: How many.
        trainable: The template's trainable variables, packed and stacked.
        state: The template's state, stacked.
        metrics: Those of the state that belong to metrics.
        optimizer: Built for the stacked variables; it must act element by element.
    """

    def __init__(self, template: Template, optimizer: keras.optimizers.Optimizer, size: int):
        self.template = template
        self.size = size
        self.trainable = [self._stacked_pack(pack) for pack in template.packing.packs]
        self.state = [
            keras.Variable("zeros", (size, *one.shape), dtype=one.dtype, trainable=False, name=one.name)
            for one in template.state
        ]
        self.metrics = self.state[len(self.state) - len(template.metrics) :]
        self.optimizer = optimizer
        optimizer.build(self.trainable)
        self._fresh_optimizer = Snapshot(optimizer.variables)

    def _stacked_pack(self, pack: Sequence[int]) -> keras.Variable:
        ones = [self.template.trainable[position] for position in pack]
        first = ones[0]
        shape = first.shape if len(ones) == 1 else (sum(math.prod(one.shape) for one in ones),)
        variable = keras.Variable("zeros", (self.size, *shape), dtype=first.dtype, name=first.name)
        variable.constraint = first.constraint and _each(first.constraint)
        return variable

    def load(self, values: Values) -> None:
        """Go on from these values, with a fresh optimizer where they have none of it."""
        assign(self.trainable, values.trainable)
        assign(self.state, values.state)
        if values.optimizer is None:
            self._fresh_optimizer.restore()
        else:
            assign(self.optimizer.variables, values.optimizer)

    def values(self, kept: Sequence[int]) -> Values:
        """What the members at these positions are now."""

        def slot(variable):
            # An optimizer's slots have their variable's shape; its counters are common to all.
            value = keras.ops.convert_to_numpy(variable)
            return value[kept] if value.ndim else value

        return Values(*([slot(v) for v in g] for g in (self.trainable, self.state, self.optimizer.variables)))

    def step(self, trainable: list, state: list, batch: Batch, shared: bool, training: bool) -> tuple:
        """Losses of shape `(members,)` and the state after the step, from the values before it.

        Where the batch is not `shared`, it has a leading member axis too. One that is shared is copied for
        each member: products of stacked matrices are faster than those of one matrix with a stack (on the
        MNIST net by a quarter). But patches for convolutions are cut once for all.
        """
        if shared and self.template.convolves:
            return keras.ops.vectorized_map(
                lambda member: self.template.step(member[0], member[1], batch, training), (trainable, state)
            )
        if shared:
            batch = keras.tree.map_structure(
                lambda leaf: keras.ops.broadcast_to(leaf, (self.size, *keras.ops.shape(leaf))), batch
            )
        return keras.ops.vectorized_map(
            lambda member: self.template.step(member[0], member[1], member[2], training),
            (trainable, state, batch),
        )

    def results(self, metrics: list) -> dict[str, Any]:
        """The metrics so far, each of shape `(members,)`, from the values of their variables."""
        return keras.ops.vectorized_map(self.template.results, metrics)

    def reset_metrics(self) -> None:
        for variable, fresh in zip(self.metrics, self.template.metrics, strict=True):
            value = keras.ops.convert_to_numpy(fresh)
            variable.assign(np.broadcast_to(value, variable.shape))


def _each(constraint: Callable) -> Callable:
    """A constraint on one member's weights, put on the weights of all."""
    return lambda stacked: keras.ops.vectorized_map(constraint, keras.ops.convert_to_tensor(stacked))
