"""Layers that graph remedies put in. A strength of 0 is the identity to the bit."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.special import ndtri

from keras_initlab.network.insertion import Inserted
from keras_initlab.remedies.draws import normal, uniform

PACKAGE = "keras_initlab"


@keras.saving.register_keras_serializable(PACKAGE)
class InsertedBatchNormalization(Inserted, keras.layers.BatchNormalization):
    """Batch normalization between a layer's sums and its activation."""


@keras.saving.register_keras_serializable(PACKAGE)
class InsertedActivation(Inserted, keras.layers.Activation):
    """The activation of a layer from which it was split off."""


class Graded(Inserted):
    """Mixed in before a layer whose effect has a strength, which is held in a variable that is not trained.

    So members of one program can differ in it.

    Args:
        strength: Where the variable starts.
    """

    strength: Any

    def __init__(self, *args: Any, strength: float = 0.0, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.initial_strength = strength

    def build(self, input_shape: Any) -> None:
        self.strength = self.add_weight(  # type: ignore[attr-defined]
            shape=(),
            initializer=keras.initializers.Constant(self.initial_strength),
            dtype="float32",
            trainable=False,
            autocast=False,
            name=self.remedy,
        )
        super().build(input_shape)  # type: ignore[misc]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "strength": self.initial_strength}


class _Random(Graded, keras.layers.Layer):
    """A layer with a strength and random numbers of its own, which are drawn at any strength alike."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.generator = keras.random.SeedGenerator(self.place)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


@keras.saving.register_keras_serializable(PACKAGE)
class InsertedDropout(_Random):
    """`m / (1 - q) * x` with `m ~ Bernoulli(1 - q)`; a greater q drops what a smaller does."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        drawn = uniform(ops.shape(inputs), self.generator)
        rest = ops.cast(1 - self.strength, inputs.dtype)
        return ops.where(drawn >= self.strength, inputs / rest, ops.zeros_like(inputs))


@keras.saving.register_keras_serializable(PACKAGE)
class InsertedMask(_Random):
    """The mask of a layer that drops its weights: `m ~ Bernoulli(1 - q)` for each example."""

    def draw(self, rows: Any, shape: Sequence[int]) -> Any:
        return uniform((rows, *shape), self.generator) >= self.strength


@keras.saving.register_keras_serializable(PACKAGE)
class DropConnectDense(keras.layers.Dense):
    """A Dense layer that drops weights and biases by chance: `a((m * W) x)`, a mask for each example.

    Measured, it puts out the mean of a(u), u being normal with the mean and variance that the sums have over
    masks (Wan et al. 2013): not by sampling but at the quantiles of `NODES` equal shares, so that measuring
    draws nothing. Weights and seeds are those of the Dense layer whose place it takes; the mask has its own.

    Args:
        strength: Where the variable with q starts.
        remedy: The remedy's name.
        place: Which of its layers this is, from 0.
    """

    NODES = 64

    def __init__(self, *args: Any, strength: float, remedy: str, place: int, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.masks = InsertedMask(strength=strength, remedy=remedy, place=place, name="mask", dtype="float32")

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.masks.build(input_shape)

    def get_config(self) -> dict[str, Any]:
        own = self.masks.get_config()
        return super().get_config() | {name: own[name] for name in ("strength", "remedy", "place")}

    @property
    def held_per_example(self) -> int:
        """Numbers that a step keeps for an example beside the outputs: draws, mask, masked kernel."""
        return 3 * math.prod(self.kernel.shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        kept = ops.cast(1 - self.masks.strength, self.compute_dtype)
        dropping = self._masked(inputs) if training else self._mean(inputs, kept)
        return ops.where(kept < 1, dropping, super().call(inputs))

    def _masked(self, inputs: Any) -> Any:
        kernel = ops.convert_to_tensor(self.kernel)
        rows, between = ops.shape(inputs)[0], (1,) * (len(inputs.shape) - 2)
        masked = ops.cast(self.masks.draw(rows, kernel.shape), kernel.dtype) * kernel
        if between:
            sums = ops.matmul(inputs, ops.reshape(masked, (-1, *between[1:], *kernel.shape)))
        else:
            sums = ops.squeeze(ops.matmul(ops.expand_dims(inputs, 1), masked), 1)
        if self.use_bias:
            bias = ops.cast(self.masks.draw(rows, (self.units,)), kernel.dtype) * self.bias
            sums = sums + ops.reshape(bias, (-1, *between, self.units))
        return self.activation(sums)

    def _mean(self, inputs: Any, kept: Any) -> Any:
        kernel = ops.convert_to_tensor(self.kernel)
        mean, square = ops.matmul(inputs, kernel), ops.matmul(ops.square(inputs), ops.square(kernel))
        if self.use_bias:
            mean, square = mean + self.bias, square + ops.square(self.bias)
        spread = ops.sqrt(ops.maximum(kept * (1 - kept) * square, keras.config.epsilon() ** 2))
        nodes = ops.cast(_quantiles(self.NODES), self.compute_dtype)
        spread_out = ops.expand_dims(kept * mean, -1) + ops.expand_dims(spread, -1) * nodes
        return ops.mean(self.activation(spread_out), -1)


def _quantiles(count: int) -> np.ndarray:
    """The standard normal distribution as so many points of equal weight, with variance 1."""
    points = ndtri((np.arange(count) + 0.5) / count)
    return points / points.std()


@keras.saving.register_keras_serializable(PACKAGE)
class InsertedAugmentation(Inserted, keras.layers.Layer):
    """Layers that change pictures by chance, one after another, in training alone.

    Args:
        steps: The layers.
    """

    def __init__(self, steps: Sequence[Any], **kwargs: Any):
        super().__init__(**kwargs)
        made = keras.saving.deserialize_keras_object
        self.steps = [made(one) if isinstance(one, dict) else one for one in steps]

    def build(self, input_shape: Any) -> None:
        for step in self.steps:
            if not step.built:
                step.build(input_shape)
        super().build(input_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        found = inputs
        for step in self.steps:
            found = step(found, training=True)
        return ops.cast(found, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        steps = [keras.saving.serialize_keras_object(one) for one in self.steps]
        return {**super().get_config(), "steps": steps}


@keras.saving.register_keras_serializable(PACKAGE)
class InsertedNoise(_Random):
    """`x + s z` with `z ~ N(0, 1)`, fresh in each step."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        drawn = normal(ops.shape(inputs), self.generator)
        return inputs + ops.cast(self.strength * drawn, inputs.dtype)
