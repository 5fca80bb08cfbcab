"""The models and initializers of the command line's ready-made experiments."""

import math

import keras

from keras_initlab.core.errors import UnknownNameError

MODELS = ("mlp", "deep_tanh", "cnn")

CLASSIC = {
    "zeros": "initlab_zeros",
    "ones": "initlab_ones",
    "uniform [0, 1)": ("initlab_random_uniform", {"minval": 0.0, "maxval": 1.0}),
    "uniform ±1": ("initlab_random_uniform", {"minval": -1.0, "maxval": 1.0}),
    "uniform ±0.1": ("initlab_random_uniform", {"minval": -0.1, "maxval": 0.1}),
    "uniform ±0.01": ("initlab_random_uniform", {"minval": -0.01, "maxval": 0.01}),
    "uniform ±0.001": ("initlab_random_uniform", {"minval": -0.001, "maxval": 0.001}),
    "uniform ±1/√n": "initlab_uniform_sqrt_n",
    "normal 0.1": ("initlab_random_normal", {"stddev": 0.1}),
    "truncated normal 0.1": ("initlab_truncated_normal", {"stddev": 0.1}),
}
"""The initializers of the published MNIST experiment, by the labels of its tables."""

CLASSIC_BASELINE = "uniform ±1/√n"
"""The general rule, which the published experiment sets the others against."""


def classic() -> dict[str, keras.initializers.Initializer]:
    """The initializers of the published experiment, label -> instance."""
    return {
        label: keras.initializers.get(
            entry if isinstance(entry, str) else {"class_name": entry[0], "config": entry[1]}
        )
        for label, entry in CLASSIC.items()
    }


def build(name: str, input_shape: tuple[int, ...], classes: int) -> keras.Model:
    """A compiled preset classifier: Adam at 1e-3, cross-entropy on logits, accuracy.

    `mlp` is 784-256-128-10 with ReLU on 28x28 images (the published experiment) and 64-64-32-10 on
    inputs of at most 256 values; `deep_tanh` has ten layers of 64 tanh units; `cnn` two convolutions
    of 8 and 16 channels.

    Raises:
        UnknownNameError: If there is no such preset.
    """
    if name not in MODELS:
        raise UnknownNameError("model", name, MODELS, f"Give one of {', '.join(MODELS)}.")
    layers = keras.layers
    inputs = keras.Input(input_shape)
    if name == "cnn":
        h = inputs if len(input_shape) == 3 else layers.Reshape((*input_shape, 1))(inputs)
        for channels in (8, 16):
            h = layers.Conv2D(channels, 3, padding="same", activation="relu")(h)
            h = layers.MaxPooling2D(2)(h)
        h = layers.Flatten()(h)
    else:
        h = layers.Flatten()(inputs)
        wide = (256, 128) if math.prod(input_shape) > 256 else (64, 32)
        units, activation = ((64,) * 10, "tanh") if name == "deep_tanh" else (wide, "relu")
        for width in units:
            h = layers.Dense(width, activation=activation)(h)
    model = keras.Model(inputs, layers.Dense(classes)(h), name=name)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model
