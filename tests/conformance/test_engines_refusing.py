"""What an engine cannot train it refuses with a reason."""

import keras
import numpy as np
import pytest

from keras_initlab.core.errors import InputError
from keras_initlab.engines import ENGINES, choose
from keras_initlab.engines.sequential import Sequential
from keras_initlab.engines.stacked.engine import Stacked
from keras_initlab.testing import check_engine
from tests.engines import (
    BACKEND,
    IMAGES,
    LABELS,
    LAYERS,
    WORDS,
    X,
    check,
    compiled,
    crossentropy,
    plan_and_setup,
    records,
    setup_and_trials,
)


class OwnStep(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = LAYERS.Dense(3)

    def call(self, x):
        return self.dense(x)

    def train_step(self, *arguments):
        return super().train_step(*arguments)


class Hidden(LAYERS.Layer):
    """Changes a variable that Keras does not know of."""

    def __init__(self):
        super().__init__()
        seen = keras.Variable(0.0, trainable=False)
        self.note = lambda: seen.assign_add(1.0)

    def call(self, x):
        self.note()
        return x


def excluded_one_by_one():
    model = compiled(LAYERS.Dense(3), optimizer=keras.optimizers.AdamW(weight_decay=0.1))
    model.optimizer.exclude_from_weight_decay(var_list=[model.trainable_variables[1]])
    return model


def own_step():
    model = OwnStep()
    model.compile("adam", crossentropy())
    model(X[:1])
    return model


class Scale(LAYERS.Layer):
    """A custom layer; with `remember` each call leaves a trace in it."""

    def __init__(self, remember=None):
        super().__init__()
        self.remember, self.calls, self.seen = remember, 0, []

    def call(self, x):
        if self.remember == "count":
            self.calls += 1
        if self.remember == "append":
            self.seen.append(self.calls)
        return 2 * x


def test_a_custom_layer_without_side_effects_is_stacked():
    check(compiled(LAYERS.Dense(4, "tanh"), Scale(), LAYERS.Dense(3)), replicates=1, epochs=2)


REFUSED = {
    "a call of Scale changes its attribute 'calls'": lambda: compiled(LAYERS.Dense(3), Scale("count")),
    "a call of Scale changes its attribute 'seen'": lambda: compiled(LAYERS.Dense(3), Scale("append")),
    "LossScaleOptimizer|Lamb": lambda: compiled(LAYERS.Dense(3), optimizer=keras.optimizers.Lamb()),
    "excluded from the weight decay": excluded_one_by_one,
    "a variable that the model does not track": lambda: compiled(LAYERS.Dense(3), Hidden()),
    "use_ema": lambda: compiled(LAYERS.Dense(3), optimizer=keras.optimizers.Adam(use_ema=True)),
    "run_eagerly": lambda: compiled(LAYERS.Dense(3), run_eagerly=True),
    "train_step of its own": own_step,
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_stacked_is_refused_with_a_reason_and_auto_takes_another(reason):
    setup, trials = setup_and_trials(REFUSED[reason]())
    with pytest.raises(InputError, match=rf"(?i)'stacked' cannot run this comparison: .*({reason})"):
        choose("stacked", [(setup, trials)])
    engine, why = choose("auto", [(setup, trials)])
    assert engine.name == "sequential"
    assert "cannot be stacked" in why


def test_callbacks_are_refused():
    setup, trials = setup_and_trials(compiled(LAYERS.Dense(3)), callbacks=lambda label, replicate: [])
    assert "callbacks" in Stacked().why_not(setup, trials)


class InPlace(LAYERS.Layer):
    """Adds to a tensor where it stands, as code written for PyTorch often does."""

    def call(self, x):
        total = keras.ops.zeros(keras.ops.shape(x))
        total += x
        return total


@pytest.mark.skipif(BACKEND != "torch", reason="others can")
@pytest.mark.parametrize(
    ("layers", "x", "name"),
    [
        ([LAYERS.Dropout(0.1)], X, "Dropout"),
        ([LAYERS.DepthwiseConv2D(3), LAYERS.Flatten()], IMAGES, "DepthwiseConv2D"),
        ([LAYERS.ConvLSTM2D(2, 3), LAYERS.Flatten()], IMAGES.reshape(-1, 2, 4, 8, 2), "ConvLSTM"),
        ([LAYERS.Dense(4), InPlace()], X, "InPlace"),
    ],
    ids=["random", "convolution", "ConvLSTM", "in place"],
)
def test_pytorch_refuses_what_a_step_of_two_members_cannot_run(layers, x, name):
    model = compiled(*layers, LAYERS.Dense(3), shape=x.shape[1:])
    before = [np.array(variable) for variable in model.variables]
    setup, trials = setup_and_trials(model, x)
    with pytest.raises(InputError, match=f"PyTorch's vmap cannot run it: .*{name}"):
        choose("stacked", [(setup, trials)])
    engine, why = choose("auto", [(setup, trials)])
    assert (engine.name, "cannot be stacked" in why) == ("sequential", True)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(np.array(variable), value)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="others have dense gradients")
def test_tensorflow_refuses_recurrent_layers_beside_an_embedding_where_the_optimizer_minds():
    def reason(optimizer):
        layers = [LAYERS.Embedding(20, 4), LAYERS.LSTM(4), LAYERS.Dense(3)]
        return Stacked().why_not(*setup_and_trials(compiled(*layers, shape=(5,), optimizer=optimizer), WORDS))

    assert "Adam treats the rows of an embedding one by one" in reason("adam")
    assert reason("sgd") is None


@pytest.mark.skipif(BACKEND == "torch", reason="Keras cannot train them there")
def test_stateful_layers_start_each_run_with_nothing_and_are_not_stacked():
    model = keras.Sequential(
        [keras.Input((3, 6), batch_size=16), LAYERS.GRU(4, stateful=True), LAYERS.Dense(3)]
    )
    model.compile("sgd", crossentropy())
    x = np.repeat(X[:, None], 3, axis=1)
    model.predict(x[:16], verbose=0)
    before = np.array(model.layers[0].states[0])
    setup, trials = setup_and_trials(
        model, x, initializers={"one": "he_normal", "twin": "he_normal"}, epochs=1
    )
    assert "stateful" in Stacked().why_not(setup, trials)
    found = records(Sequential(), setup, trials)
    assert found["one", 0].status == "completed"
    assert found["one", 0].step_losses == found["twin", 0].step_losses
    np.testing.assert_array_equal(np.array(model.layers[0].states[0]), before)


def test_names_excluded_from_weight_decay_stay_excluded():
    def loss(exclude):
        optimizer = keras.optimizers.AdamW(0.05, weight_decay=2.0)
        model = compiled(LAYERS.Dense(8, "tanh"), LAYERS.Dense(3), optimizer=optimizer)
        if exclude:
            optimizer.exclude_from_weight_decay(var_names=["kernel"])
        plan, setup = plan_and_setup(model, replicates=1, initializers=LABELS[:1])
        check_engine(ENGINES["stacked"], plan, setup)
        return records(Sequential(), setup, plan.trials)[LABELS[0], 0].step_losses

    assert loss(exclude=True)[0] == loss(exclude=False)[0]
    assert loss(exclude=True)[-1] != pytest.approx(loss(exclude=False)[-1], rel=0.01)
