"""The stacked step on each backend: a block of steps in one call."""

import operator
from typing import Any, Protocol

import keras
import numpy as np

from keras_initlab.engines.stacked.blocks import Blocks
from keras_initlab.engines.stacked.members import Members
from keras_initlab.engines.stacked.rows import differentiate
from keras_initlab.engines.stacked.vectorize import vectorize_metrics
from keras_initlab.network.snapshot import assign


class Program(Protocol):
    """Runs blocks of steps of some members."""

    def train(self, block: Any) -> np.ndarray:
        """Losses of shape `(steps, members)`, each before its step's update."""

    def test(self, block: Any) -> None:
        """Adds the block to the metrics."""

    def results(self) -> dict[str, np.ndarray]:
        """The metrics since they were last reset, each of shape `(members,)`."""


def program(members: Members, training: Blocks, validation: Blocks) -> Program:
    """The program of Keras's backend."""
    kinds: dict[str, type] = {"tensorflow": TensorFlow, "jax": Jax, "torch": Torch}
    return kinds[keras.backend.backend()](members, training, validation)


class TensorFlow:
    """A graph that loops over the steps of a block.

    On CPUs, XLA makes plain loops of stacked matrix products; so it compiles the update of the weights
    alone, element-wise work that it fuses to one pass over the memory.
    """

    def __init__(self, members: Members, training: Blocks, validation: Blocks):
        import tensorflow as tf

        vectorize_metrics()
        by_rows = bool(members.template.tables)
        # Rows of tables are as many as the batch has words: XLA would compile for each size of a batch. And
        # it draws other random numbers from a seed.
        compiled = not by_rows and "gradient_noise" not in members.template.held
        update = tf.function(lambda g: members.optimizer.apply(g, members.trainable), jit_compile=compiled)

        def train_step(item):
            weights = members.weights()
            if by_rows:
                state, batch = fed(training, item)
                losses, state, gradients = differentiate(members, weights, state, batch, training.shared)
                assign(members.state, state)
            else:
                with tf.GradientTape() as tape:
                    losses = step(training, weights, item, training=True)
                    total = members.optimizer.scale_loss(tf.reduce_sum(losses))
                gradients = tape.gradient(total, weights)
            update(gradients)
            return tf.cast(losses, keras.config.floatx())

        def fed(blocks, item):
            state = [variable.value for variable in members.state]
            return state, blocks.batch(blocks.data, item)

        def step(blocks, weights, item, training):
            state, batch = fed(blocks, item)
            losses, state = members.step(weights, state, batch, blocks.shared, training)
            assign(members.state, state)
            return tf.cast(losses, keras.config.floatx())

        def test_step(item):
            return step(validation, members.weights(), item, training=False)

        self._train = self._over_steps(train_step, training)
        self._test = self._over_steps(test_step, validation)
        self._results = tf.function(lambda: members.results([v.value for v in members.metrics]))

    @staticmethod
    def _over_steps(step, blocks):
        """`step` for each item of a block, traced once for blocks and batches of any length."""
        import tensorflow as tf

        @tf.function
        def over_steps(block):
            return tf.map_fn(step, block, parallel_iterations=1, fn_output_signature=keras.config.floatx())

        def call(block):
            block = keras.tree.map_structure(tf.convert_to_tensor, block)
            free = (0, 1) if blocks.shared else (0, 2)  # axes of steps and of examples
            specs = keras.tree.map_structure(
                lambda t: tf.TensorSpec(
                    [None if axis in free else n for axis, n in enumerate(t.shape)], t.dtype
                ),
                block,
            )
            return over_steps.get_concrete_function(specs)(block)

        return call

    def train(self, block):
        return self._train(block).numpy()

    def test(self, block):
        self._test(block)

    def results(self):
        return {name: value.numpy() for name, value in self._results().items()}


class Jax:
    """One compiled step, called for each item; XLA on CPUs runs a compiled loop over steps slower."""

    def __init__(self, members: Members, training: Blocks, validation: Blocks):
        import jax

        self._members, self._training, self._validation = members, training, validation

        def train_step(values, data, item):
            weights, state, slots = values

            def total(weights):
                batch = training.batch(data, item)
                losses, after = members.step(weights, state, batch, training.shared, training=True)
                return members.optimizer.scale_loss(losses.sum()), (losses, after)

            (_, (losses, state)), gradients = jax.value_and_grad(total, has_aux=True)(weights)
            weights, slots = members.optimizer.stateless_apply(slots, gradients, weights)
            return losses, (weights, state, slots)

        def test_step(weights, state, data, item):
            batch = validation.batch(data, item)
            return members.step(weights, state, batch, validation.shared, training=False)[1]

        self._train = jax.jit(train_step, donate_argnums=0)
        self._test = jax.jit(test_step, donate_argnums=1)
        self._results = jax.jit(members.results)

    def train(self, block):
        groups = (self._members.trainable, self._members.state, self._members.optimizer.variables)
        values = tuple(_values(group) for group in groups)
        losses = []
        for item in _items(block):
            loss, values = self._train(values, self._training.data, item)
            losses.append(loss)
        for group, after in zip(groups, values, strict=True):
            assign(group, after)
        return np.stack(losses)

    def test(self, block):
        weights, state = _values(self._members.trainable), _values(self._members.state)
        for item in _items(block):
            state = self._test(weights, state, self._validation.data, item)
        assign(self._members.state, state)

    def results(self):
        return {name: np.asarray(v) for name, v in self._results(_values(self._members.metrics)).items()}


class Torch:
    """Runs as written, one step after another."""

    def __init__(self, members: Members, training: Blocks, validation: Blocks):
        self._members, self._training, self._validation = members, training, validation

    def train(self, block):
        import torch

        members = self._members
        losses = []
        for item in _items(block):
            weights = _values(members.trainable)
            loss = self._step(self._training, weights, item, training=True)
            total = members.optimizer.scale_loss(loss.sum())
            gradients = torch.autograd.grad(total, weights, allow_unused=True)
            with torch.no_grad():
                members.optimizer.apply(gradients, members.trainable)
            losses.append(loss.detach())
        return torch.stack(losses).cpu().numpy()

    def test(self, block):
        import torch

        with torch.no_grad():
            for item in _items(block):
                self._step(self._validation, _values(self._members.trainable), item, training=False)

    def _step(self, blocks, weights, item, training):
        item = keras.tree.map_structure(keras.ops.convert_to_tensor, item)
        batch = blocks.batch(blocks.data, item)
        state = _values(self._members.state)
        losses, state = self._members.step(weights, state, batch, blocks.shared, training)
        assign(self._members.state, [value.detach() for value in state])
        return losses

    def results(self):
        results = self._members.results(_values(self._members.metrics))
        return {name: value.detach().cpu().numpy() for name, value in results.items()}


def _items(block):
    """The items of a block, one per step."""
    for step in range(len(keras.tree.flatten(block)[0])):
        yield keras.tree.map_structure(operator.itemgetter(step), block)


def _values(variables):
    return [variable.value for variable in variables]
