"""The reference engine: plain `model.fit`, compiled once and reset for each trial."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import keras
import numpy as np

from keras_initlab.core.rng import isolated, seed_globals, set_generator
from keras_initlab.engines.lending import (
    Snapshot,
    carried_states,
    fresh_optimizer,
    has_own,
    optimizers,
    seed_generators,
)
from keras_initlab.engines.setup import Observer, Setup
from keras_initlab.engines.sources import Arrays, Feed, Source
from keras_initlab.trials.plan import Plan, Trial
from keras_initlab.trials.record import Record, outcome

if TYPE_CHECKING:
    from keras_initlab.engines.graph_feed import GraphFeed

STEP_LOSS = "step_losses"
STEPS_AT_ONCE = 16
"""Steps that TensorFlow runs per call where nobody looks in between: less overhead, same results."""


class Sequential:
    """Trains one trial after another with the model that was given."""

    name = "sequential"

    def why_not(self, plan: Plan, setup: Setup) -> str | None:
        return None

    def run(self, trials: Sequence[Trial], plan: Plan, setup: Setup, observer: Observer) -> Iterator[Record]:
        looked_at = setup.callbacks is not None or has_own(setup.model, "train_step")
        looked_at = looked_at or keras.backend.backend() != "tensorflow"
        at_once = 1 if looked_at else min(STEPS_AT_ONCE, plan.steps_per_epoch)
        feeds = _Feeds(setup)
        with isolated(), _workbench(setup.model, at_once) as reset:
            for trial in trials:
                observer.started(trial)
                record = _train(trial, plan, setup, feeds, reset, observer)
                observer.finished(record)
                yield record


def _feed(source: Source) -> "Feed | GraphFeed":
    if keras.backend.backend() == "tensorflow" and isinstance(source, Arrays):
        from keras_initlab.engines.graph_feed import GraphFeed

        return GraphFeed(source)
    return Feed(source)


def _train(
    trial: Trial, plan: Plan, setup: Setup, feeds: "_Feeds", reset: "_Reset", observer: Observer
) -> Record:
    started = time.perf_counter()
    watch = _Watch(trial, plan, observer)
    failure = None
    try:
        _fit(trial, plan, setup, feeds, reset, watch)
    except Exception as error:
        # One refused shape or broken callback must not cost the runs that can finish.
        failure = error
    seconds = time.perf_counter() - started
    return outcome(trial, Sequential.name, watch.step_losses, watch.epochs, seconds, failure)


def _fit(trial: Trial, plan: Plan, setup: Setup, feeds: "_Feeds", reset: "_Reset", watch: "_Watch") -> None:
    feeds.begin(trial, 0)
    extra = setup.callbacks(trial.label, trial.replicate) if setup.callbacks else ()
    begin = keras.callbacks.LambdaCallback(
        # Not before `fit`: its symbolic build of the model may advance the random generators.
        on_train_begin=lambda logs: reset(trial, setup),
        on_epoch_begin=lambda epoch, logs: feeds.begin(trial, epoch),
    )
    setup.model.fit(
        feeds.training.fit_input,
        validation_data=feeds.validation.fit_input if feeds.validation else None,
        epochs=plan.epochs,
        callbacks=[begin, watch, *extra],
        shuffle=False,  # the feed is in order; Keras would shuffle its batches
        verbose=0,
    )


class _Feeds:
    """Training and validation data as `fit` takes them, made once for all trials."""

    def __init__(self, setup: Setup):
        self.training = _feed(setup.training)
        self.validation = _feed(setup.validation) if setup.validation is not None else None

    def begin(self, trial: Trial, epoch: int) -> None:
        """Say whose batches come next."""
        self.training.begin(trial, epoch)
        if self.validation is not None:
            self.validation.begin(trial, epoch)


class _Watch(keras.callbacks.Callback):
    """Notes the loss of each step and the metrics of each epoch, and ends a run that diverges."""

    def __init__(self, trial: Trial, plan: Plan, observer: Observer):
        super().__init__()
        self._trial, self._plan, self._observer = trial, plan, observer
        self._seen = 0  # steps of this epoch
        self.step_losses: list[float] = []
        self.epochs: dict[str, list[float]] = {}
        self.diverged = False

    def on_epoch_begin(self, epoch, logs=None):
        self._seen = 0

    def on_train_batch_end(self, batch, logs=None):
        taken = min(batch + 1, self._plan.steps_per_epoch) - self._seen
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
            if name not in (STEP_LOSS, f"val_{STEP_LOSS}"):
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

    def __init__(self, model: keras.Model):
        self._generators = seed_generators(model)
        self._weights = Snapshot(model.variables)
        held = optimizers(model).values()
        self._optimizer = Snapshot([variable for one in held for variable in one.variables])
        self._states = carried_states(model)

    def __call__(self, trial: Trial, setup: Setup) -> None:
        self._weights.restore()
        self._optimizer.restore()
        for state in self._states:
            state.assign(np.zeros(state.shape))
        for index, generator in enumerate(self._generators):
            set_generator(generator, trial.noise_seed(index))
        for slot, value in setup.initial_values(trial):
            slot.variable.assign(value)
        seed_globals(trial.global_seed())


@contextmanager
def _workbench(model: keras.Model, at_once: int) -> Iterator[_Reset]:
    """Lend the model for training with a fresh optimizer; give everything back as it was."""
    weights = Snapshot([*model.variables, *carried_states(model)])
    names = (*optimizers(model), "stop_training", "steps_per_execution", "train_function", "test_function")
    kept = {name: getattr(model, name) for name in (*names, "_loss_tracker")}
    kept_history = getattr(model, "history", None)
    for name, optimizer in optimizers(model).items():
        setattr(model, name, fresh_optimizer(optimizer))
        # One of several optimizers may train a part only: what it keeps for the rest stays unused.
        getattr(model, name).build(model.trainable_variables)
    model.steps_per_execution = at_once
    model.train_function = model.test_function = None  # they hold the other optimizer
    # Set past Keras's attribute tracking, as `compile` does.
    object.__setattr__(model, "_loss_tracker", StepLoss(at_once))
    try:
        yield _Reset(model)
    finally:
        for name, value in kept.items():
            object.__setattr__(model, name, value)
        model.history = kept_history
        weights.restore()
        model.reset_metrics()
