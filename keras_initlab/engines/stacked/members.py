"""Many models of one architecture as one: their state with a leading member axis."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from keras_initlab.core.keras_private import compute_loss, loss_tracker, parts, takes_training
from keras_initlab.core.rng import Generators, generator_start
from keras_initlab.engines.lending import seed_generators
from keras_initlab.engines.setup import Setup
from keras_initlab.engines.sources import Batch
from keras_initlab.engines.stacked.convolution import as_usual, is_product
from keras_initlab.engines.stacked.packing import Packing
from keras_initlab.network.snapshot import Snapshot, assign
from keras_initlab.trials.plan import Trial


class NotStackableError(Exception):
    """Seen only while tracing: a model that cannot be stacked, and why."""


class Template:
    """The step of one member as a pure function of that member's state.

    The model lends its structure, compiled loss and metrics; no variable of it is written.

    Attributes:
        trainable: The variables that are trained.
        tables: Positions of those whose gradients come as rows.
        held: The numbers that the members' optimizer holds in variables.
        packing: How a member's values of these are held.
        state: The others that a step may change: statistics, random generators, metrics.
        metrics: Those of the state that belong to metrics, at its end.
        convolves: Whether it computes convolutions as products of patches.
    """

    def __init__(self, setup: Setup, tables: Collection[int] = (), held: Collection[str] = ()):
        self.model = model = setup.model
        self.tables = tables
        self.held = held
        self.trainable = list(model.trainable_variables)
        self.packing = Packing(self.trainable, setup.optimizer, alone=tables, held=held)
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
        with as_usual(self.model):  # what a recipe measures must not depend on the engine
            values = [*self._restarted[trial.replicate], *setup.tested_values(trial, generators)]
        changed = {id(slot.variable): value for slot, value in values}
        for place, generator in seed_generators(self.model).items():
            changed[id(generator)] = generator_start(generator, trial.seeds.noise(*place))
        for variable, strength in setup.strengths_of(trial):
            changed[id(variable)] = np.asarray(strength, variable.dtype)
        return self.values(changed)

    def values(self, changed: Mapping[int, Any] = MappingProxyType({})) -> "Values":
        """Those of the model itself, but for variables that are changed, by their identity."""

        def value(variable):
            return keras.ops.convert_to_numpy(changed.get(id(variable), variable))

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
        trainable: The template's trainable variables, packed and stacked; tables one below another.
        state: The template's state, stacked.
        metrics: Those of the state that belong to metrics.
        optimizer: Built for the stacked variables; it must act element by element.
    """

    def __init__(self, template: Template, optimizer: keras.optimizers.Optimizer, size: int):
        self.template = template
        self.size = size
        self._shapes: list[tuple[int, ...]] = []
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
        stacked = (self.size, *shape)
        held = (self.size * shape[0], *shape[1:]) if pack[0] in self.template.tables else stacked
        variable = keras.Variable("zeros", held, dtype=first.dtype, name=first.name)
        variable.constraint = first.constraint and _each(first.constraint, stacked)
        self._shapes.append(stacked)
        return variable

    def weights(self) -> list:
        """The values of the trainable variables with a leading member axis, tables included."""
        return [
            variable.value if tuple(variable.shape) == shape else keras.ops.reshape(variable.value, shape)
            for variable, shape in zip(self.trainable, self._shapes, strict=True)
        ]

    def load(self, values: Values) -> None:
        """Go on from these values, with a fresh optimizer where they have none of it."""
        for variable, value in zip(self.trainable, values.trainable, strict=True):
            variable.assign(np.reshape(value, variable.shape))
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
            if not value.ndim:
                return value
            by_member = value.reshape(self.size, -1, *value.shape[1:])
            return by_member[kept].reshape(-1, *value.shape[1:])

        return Values(*([slot(v) for v in g] for g in (self.trainable, self.state, self.optimizer.variables)))

    def held(self) -> list[np.ndarray]:
        """The trainable variables' values on the host."""
        return [np.array(keras.ops.convert_to_numpy(variable)) for variable in self.trainable]

    def largest_changes(self, before: Sequence[np.ndarray]) -> np.ndarray:
        """Of each member, how far the number that moved most is from where it was when they were `held`."""
        moved = [
            np.abs(now - then).reshape(self.size, -1).max(1)
            for now, then in zip(self.held(), before, strict=True)
        ]
        return np.max(moved, axis=0)

    def step(self, trainable: list, state: list, batch: Batch, shared: bool, training: bool) -> tuple:
        """Losses of shape `(members,)` and the state after the step, from the values before it."""
        return self.each(
            lambda trainable, state, batch: self.template.step(trainable, state, batch, training),
            trainable,
            state,
            batch,
            shared,
        )

    def each(self, function: Callable, trainable: list, state: list, batch: Batch, shared: bool) -> Any:
        """What a function of one member's weights, state and batch gives for all of them, stacked.

        Where the batch is not `shared`, it has a leading member axis too. One that is shared is copied for
        each member: products of stacked matrices are faster than those of one matrix with a stack (on the
        MNIST net by a quarter). But patches for convolutions are cut once for all.
        """
        if shared and self.template.convolves:
            return keras.ops.vectorized_map(lambda member: function(*member, batch), (trainable, state))
        if shared:
            batch = keras.tree.map_structure(
                lambda leaf: keras.ops.broadcast_to(leaf, (self.size, *keras.ops.shape(leaf))), batch
            )
        return keras.ops.vectorized_map(lambda member: function(*member), (trainable, state, batch))

    def results(self, metrics: list) -> dict[str, Any]:
        """The metrics so far, each of shape `(members,)`, from the values of their variables."""
        return keras.ops.vectorized_map(self.template.results, metrics)

    def reset_metrics(self) -> None:
        for variable, fresh in zip(self.metrics, self.template.metrics, strict=True):
            value = keras.ops.convert_to_numpy(fresh)
            variable.assign(np.broadcast_to(value, variable.shape))


def _each(constraint: Callable, shape: tuple[int, ...]) -> Callable:
    """A constraint on one member's weights, put on the weights of all, which have this shape stacked."""

    def constrain(held):
        stacked = keras.ops.reshape(keras.ops.convert_to_tensor(held), shape)
        return keras.ops.reshape(keras.ops.vectorized_map(constraint, stacked), held.shape)

    return constrain
