"""The reference engine: plain `model.fit`, compiled once and reset for each trial."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from keras_initlab.core.keras_private import LOSS_TRACKER, set_untracked
from keras_initlab.core.rng import Generators, isolated, set_generator
from keras_initlab.engines.contract import Observer
from keras_initlab.engines.fit_feed import Feeds
from keras_initlab.engines.lending import (
    Snapshot,
    carried_states,
    fresh_optimizer,
    has_own,
    optimizers,
    seed_generators,
)
from keras_initlab.engines.setup import Setup
from keras_initlab.trials.plan import Trial
from keras_initlab.trials.record import VALIDATION, Record, outcome

STEP_LOSS = "step_losses"
STEPS_AT_ONCE = 16
"""Steps that TensorFlow runs per call where nobody looks in between: less overhead, same results."""


class Sequential:
    """Trains one trial after another with the model that was given."""

    name = "sequential"

    def why_not(self, setup: Setup, trials: Sequence[Trial]) -> str | None:
        return None

    def run(self, setup: Setup, trials: Sequence[Trial], observer: Observer) -> Iterator[Record]:
        looked_at = setup.callbacks is not None or has_own(setup.model, "train_step")
        looked_at = looked_at or keras.backend.backend() != "tensorflow"
        at_once = 1 if looked_at else min(STEPS_AT_ONCE, setup.training.steps)
        feeds = Feeds(setup.training, setup.validation)
        with isolated() as generators, _workbench(setup.model, at_once, generators) as reset:
            for trial in trials:
                observer.started(trial)
                record = _train(setup, trial, feeds, reset, observer)
                observer.finished(record)
                yield record


def _train(setup: Setup, trial: Trial, feeds: Feeds, reset: "_Reset", observer: Observer) -> Record:
    started = time.perf_counter()
    watch = _Watch(trial, setup.training.steps, observer)
    failure = None
    try:
        _fit(setup, trial, feeds, reset, watch)
    except Exception as error:
        # One refused shape or broken callback must not cost the runs that can finish.
        failure = error
    seconds = time.perf_counter() - started
    return outcome(trial, Sequential.name, watch.step_losses, watch.epochs, seconds, failure)


def _fit(setup: Setup, trial: Trial, feeds: Feeds, reset: "_Reset", watch: "_Watch") -> None:
    feeds.begin(trial.seeds, 0)
    extra = setup.callbacks(trial.label, trial.replicate) if setup.callbacks else ()
    begin = keras.callbacks.LambdaCallback(
        # Not before `fit`: its symbolic build of the model may advance the random generators.
        on_train_begin=lambda logs: reset(setup, trial),
        on_epoch_begin=lambda epoch, logs: feeds.begin(trial.seeds, epoch),
    )
    setup.model.fit(
        feeds.training.fit_input,
        validation_data=feeds.validation.fit_input if feeds.validation else None,
        epochs=setup.epochs,
        callbacks=[begin, watch, *extra],
        shuffle=False,  # the feed is in order; Keras would shuffle its batches
        verbose=0,
    )


class _Watch(keras.callbacks.Callback):
    """Notes the loss of each step and the metrics of each epoch, and ends a run that diverges."""

    def __init__(self, trial: Trial, steps: int, observer: Observer):
        super().__init__()
        self._trial, self._steps, self._observer = trial, steps, observer
        self._seen = 0  # steps of this epoch
        self.step_losses: list[float] = []
        self.epochs: dict[str, list[float]] = {}
        self.diverged = False

    def on_epoch_begin(self, epoch, logs=None):
        self._seen = 0

    def on_train_batch_end(self, batch, logs=None):
        taken = min(batch + 1, self._steps) - self._seen
        self._seen += taken
        for loss in np.atleast_1d(keras.ops.convert_to_numpy(_step_losses(logs)))[:taken]:
            self.step_losses.append(float(loss))
            self._observer.stepped(self._trial)
            if not math.isfinite(loss):
                self.diverged = True
                self.model.stop_training = True
                break

    def on_epoch_end(self, epoch, logs=None):
        if self.diverged:
            return  # an epoch cut short has no metrics worth the name
        for name, value in logs.items():
            if name not in (STEP_LOSS, VALIDATION + STEP_LOSS):
                self.epochs.setdefault(name, []).append(float(value))


def _step_losses(logs):
    """The losses of the last steps; what a `train_step` of its own reports as `loss`, or else first."""
    return next(logs[name] for name in (STEP_LOSS, "loss", *logs) if name in logs)


class StepLoss(keras.metrics.Mean):
    """Keras's running mean of the loss that reports the losses of the last call's steps as well."""

    def __init__(self, at_once: int):
        super().__init__(name="loss")
        self._at_once = at_once
        self._steps = self.add_variable(shape=(), initializer="zeros", dtype="int32", name="steps")
        self._losses = self.add_variable(shape=(at_once,), initializer="zeros", name="losses")

    def update_state(self, values, sample_weight=None):
        super().update_state(values, sample_weight=sample_weight)
        loss = keras.ops.reshape(keras.ops.mean(keras.ops.cast(values, self.dtype)), (1,))
        if self._at_once > 1:
            place = self._steps % self._at_once
            loss = keras.ops.slice_update(self._losses, [place], loss)
            self._steps.assign_add(1)
        self._losses.assign(loss)

    def reset_state(self):
        super().reset_state()
        self._steps.assign(0)

    def result(self):
        return {self.name: super().result(), STEP_LOSS: keras.ops.convert_to_tensor(self._losses)}


class _Reset:
    """Puts the model to the start of a trial: weights, optimizer and random generators."""

    def __init__(self, model: keras.Model, generators: Generators):
        self._everywhere = generators
        self._generators = seed_generators(model)
        self._weights = Snapshot(model.variables)
        held = optimizers(model).values()
        self._optimizer = Snapshot([variable for one in held for variable in one.variables])
        self._states = carried_states(model)

    def __call__(self, setup: Setup, trial: Trial) -> None:
        self._weights.restore()
        self._optimizer.restore()
        for state in self._states:
            state.assign(np.zeros(state.shape))
        for index, generator in enumerate(self._generators):
            set_generator(generator, trial.seeds.noise(index))
        for slot, value in setup.initial_values(trial, self._everywhere):
            slot.variable.assign(value)
        self._everywhere.seed(trial.seeds.everywhere)


@contextmanager
def _workbench(model: keras.Model, at_once: int, generators: Generators) -> Iterator[_Reset]:
    """Lend the model for training with a fresh optimizer; give everything back as it was."""
    weights = Snapshot([*model.variables, *carried_states(model)])
    names = (*optimizers(model), "stop_training", "steps_per_execution", "train_function", "test_function")
    kept = {name: getattr(model, name) for name in (*names, LOSS_TRACKER)}
    kept_history = getattr(model, "history", None)
    fresh = {name: fresh_optimizer(optimizer) for name, optimizer in optimizers(model).items()}
    for name, optimizer in fresh.items():  # all could be made before anything is changed
        setattr(model, name, optimizer)
        # One of several optimizers may train a part only: what it keeps for the rest stays unused.
        getattr(model, name).build(model.trainable_variables)
    model.steps_per_execution = at_once
    model.train_function = model.test_function = None  # they hold the other optimizer
    set_untracked(model, LOSS_TRACKER, StepLoss(at_once))
    try:
        yield _Reset(model, generators)
    finally:
        for name, value in kept.items():
            set_untracked(model, name, value)
        model.history = kept_history
        weights.restore()
        model.reset_metrics()
