"""Small comparisons, as an engine gets them."""

import keras
import numpy as np

from keras_initlab.core.rng import isolated
from keras_initlab.engines import ENGINES
from keras_initlab.engines.contract import Observer
from keras_initlab.experiment.intake import take_in
from keras_initlab.testing import check_engine

BACKEND = keras.backend.backend()
LAYERS = keras.layers
RNG = np.random.default_rng(0)
N = 64  # four full batches; where the last is smaller, a test says so
X = RNG.normal(size=(N, 6)).astype("float32")
Y = RNG.integers(0, 3, N)
IMAGES = RNG.normal(size=(N, 8, 8, 2)).astype("float32")
WORDS = RNG.integers(0, 20, (N, 5)).astype("int32")
LABELS = ["initlab_he_normal", "glorot_uniform"]


def crossentropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def compiled(*layers, shape=(6,), optimizer="adam", metrics=("accuracy",), **arguments):
    model = keras.Sequential([keras.Input(shape), *layers])
    model.compile(optimizer, crossentropy(), metrics=list(metrics), **arguments)
    return model


def setup_and_trials(model, x=X, y=Y, initializers=LABELS, **arguments):
    given = {
        "validation_data": None,
        "validation_split": 0.0,
        "batch_size": 16,
        "epochs": 4,
        "steps_per_epoch": None,
        "shuffle": True,
        "class_weight": None,
        "sample_weight": None,
        "callbacks": None,
        "replicates": 2,
        "seed": 5,
        "layers": None,
        "roles": None,
        "fans": "keras",
        "baseline": None,
        "target_loss": None,
    }
    with isolated() as generators:
        plan, setup, _ = take_in(model, initializers, x, y, **given | arguments, generators=generators)
    return setup, plan.trials


def check(model, *data, **arguments):
    check_engine(ENGINES["stacked"], *setup_and_trials(model, *data, **arguments))


def records(engine, setup, trials):
    return {(r.label, r.replicate): r for r in engine.run(setup, trials, Observer())}
