"""Small comparisons, as an engine gets them."""

import keras
import numpy as np

from keras_initlab.core.rng import isolated
from keras_initlab.engines import ENGINES
from keras_initlab.engines.contract import Observer
from keras_initlab.experiment.intake import Given, Length, take_in
from keras_initlab.testing import check_engine
from keras_initlab.trials.checkpoint import Checkpoints

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


def plan_and_setup(model, x=X, y=Y, initializers=LABELS, validation_data=None, **arguments):
    asked = {"replicates": 2, "epochs": 4, "seed": 5, "batch_size": 16, "steps_per_epoch": None}
    data = {"validation_split": 0.0, "shuffle": True, "class_weight": None, "sample_weight": None}
    rest = {"layers": None, "roles": None, "fans": "keras", "callbacks": None}
    for given in (asked, data, rest):
        given.update({name: arguments.pop(name) for name in list(arguments) if name in given})
    assert not arguments
    with isolated() as generators:
        given = Given(x, y, validation_data, **data)
        plan, setups = take_in(model, initializers, given, Length(**asked), generators, **rest)
        return plan, setups[()]


def setup_and_trials(model, *data, **arguments):
    plan, setup = plan_and_setup(model, *data, **arguments)
    return setup, plan.trials


def check(model, *data, **arguments):
    check_engine(ENGINES["stacked"], *plan_and_setup(model, *data, **arguments))


def records(engine, setup, trials):
    ended = engine.run(setup, engine.cut(setup, trials), Observer(), Checkpoints())
    return {record.name: record for group in ended for record in group}
