"""Layers that graph remedies put in. A strength of 0 is the identity to the bit."""

from typing import Any

import keras
from keras import ops

from keras_initlab.network.insertion import Inserted

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
        drawn = keras.random.uniform(ops.shape(inputs), dtype="float32", seed=self.generator)
        rest = ops.cast(1 - self.strength, inputs.dtype)
        return ops.where(drawn >= self.strength, inputs / rest, ops.zeros_like(inputs))


@keras.saving.register_keras_serializable(PACKAGE)
class InsertedNoise(_Random):
    """`x + s z` with `z ~ N(0, 1)`, fresh in each step."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        drawn = keras.random.normal(ops.shape(inputs), dtype="float32", seed=self.generator)
        return inputs + ops.cast(self.strength * drawn, inputs.dtype)
