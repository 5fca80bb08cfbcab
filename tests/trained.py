"""A small net, and comparisons that train it, for tests of what `compare` promises."""

import keras
import numpy as np

import keras_initlab as initlab

SEED = 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 6)).astype("float32")
Y = RNG.integers(0, 3, 70)


def dense_net(dropout=0.3, optimizer="adam", **compile_arguments):
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, "relu", name="hidden"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(3, name="head"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"], **compile_arguments)
    return model


def run(model=None, initializers=None, x=X, y=Y, **arguments):
    defaults = {"batch_size": 16, "epochs": 2, "replicates": 2, "seed": SEED, "verbose": False}
    arguments = defaults | {"engine": "sequential"} | arguments
    schemes = initializers or {"one": "initlab_he_normal", "twin": "initlab_he_normal"}
    return initlab.compare(model or dense_net(), schemes, x, y, **arguments)


def losses(result, label, replicate=0):
    return next(
        record.step_losses
        for record in result.records
        if (record.label, record.replicate) == (label, replicate)
    )


def statuses(result):
    found = {}
    for record in result.records:
        found.setdefault(record.label, set()).add(record.status)
    return found


class Starts:
    """Notes the weights with which each run starts."""

    def __init__(self):
        self.weights = {}

    def __call__(self, label, replicate):
        def note(logs=None):
            model = callback.model
            self.weights[label, replicate] = [np.array(value) for value in model.get_weights()]

        callback = keras.callbacks.LambdaCallback(on_train_begin=note)
        return [callback]
