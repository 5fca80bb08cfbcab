"""Small models and data for remedies."""

import keras
import numpy as np

from keras_initlab.engines.sources import Arrays
from keras_initlab.remedies import Subject

FEATURES, CLASSES = 8, 3


def sequential():
    """Its activation inside one layer and behind another, and a random generator of its own."""
    layers = keras.layers
    hidden = [layers.Dense(6, "relu"), layers.Dropout(0.3), layers.Dense(5), layers.ReLU()]
    return compiled(keras.Sequential([keras.Input((FEATURES,)), *hidden, layers.Dense(CLASSES, "softmax")]))


def residual():
    """A residual sum, a shared layer, and a second way to the output."""
    dense = keras.layers.Dense
    x = keras.Input((FEATURES,))
    h = dense(8, "relu", name="a")(x)
    h = h + dense(8, "relu", name="c")(dense(8, name="b")(h))
    shared = dense(8, "tanh", name="shared")
    out = dense(CLASSES, name="out")(shared(shared(h)))
    out = keras.layers.Add()([out, dense(CLASSES, name="side")(x)])
    return compiled(keras.Model(x, keras.layers.Softmax()(out)))


def nested():
    """A model inside another, whose last layer is hidden."""
    inner = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(6, "relu"), keras.layers.Dense(8)])
    x = keras.Input((FEATURES,))
    return compiled(keras.Model(x, keras.layers.Dense(CLASSES, "softmax")(inner(x))))


def pictures():
    """Convolutions, behind which the depths of two branches change when layers are put in."""
    layers = keras.layers
    x = keras.Input((6, 6, 1))
    h = layers.Conv2D(4, 3, padding="same", activation="relu", name="c1")(x)
    left = layers.Conv2D(4, 3, padding="same", activation="relu", name="c2")(h)
    right = layers.AveragePooling2D(1)(layers.Conv2D(4, 1, name="c3")(h))
    h = layers.GlobalAveragePooling2D()(layers.Add()([left, right]))
    return compiled(keras.Model(x, layers.Dense(CLASSES, "softmax")(h)))


def compiled(model):
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    return model


MODELS = {"sequential": sequential, "residual": residual, "nested": nested, "pictures": pictures}


def data(model, rows=24):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, *model.input_shape[1:])).astype("float32")
    return x, np.arange(rows) % CLASSES


def subject(model, rows=24, **changed):
    training = Arrays(data(model, rows), 8, shuffle=True)
    return Subject(model, training, Arrays(data(model, rows), 8, shuffle=False), **changed)


class Own(keras.Model):
    """A model class of its own."""

    def __init__(self):
        super().__init__()
        self.hidden, self.head = keras.layers.Dense(4, "relu"), keras.layers.Dense(CLASSES, "softmax")

    def call(self, x):
        return self.head(self.hidden(x))


class NoConfig(keras.layers.Dense):
    """A layer that Keras cannot make anew."""

    def __init__(self, units):
        super().__init__(units)

    def get_config(self):
        raise NotImplementedError
