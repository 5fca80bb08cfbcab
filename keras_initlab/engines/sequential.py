"""The reference engine: plain `model.fit`, compiled once and reset for each trial."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras

from keras_initlab.engines.feed import Feed
from keras_initlab.engines.outcome import outcome
from keras_initlab.engines.setup import Observer, Setup
from keras_initlab.models import Snapshot, seed_generators
from keras_initlab.plan import Plan, Trial
from keras_initlab.records import Record
from keras_initlab.rng import isolated, seed_globals, set_generator

STEP_LOSS = "step_loss"


class Sequential:
    """Trains one trial after another with the model that was given."""

    name = "sequential"

    def why_not(self, plan: Plan, setup: Setup) -> str | None:
        return None

    def run(self, trials: Sequence[Trial], plan: Plan, setup: Setup, observer: Observer) -> Iterator[Record]:
        with isolated(), _workbench(setup.model) as reset:
            for trial in trials:
                observer.started(trial)
                record = _train(trial, plan, setup, reset, observer)
                observer.finished(record)
                yield record


def _train(trial: Trial, plan: Plan, setup: Setup, reset: "_Reset", observer: Observer) -> Record:
    started = time.perf_counter()
    watch = _Watch(trial, observer)
    failure = None
    try:
        _fit(trial, plan, setup, reset, watch)
    except Exception as error:
        # One refused shape or broken callback must not cost the runs that can finish.
        failure = error
    seconds = time.perf_counter() - started
    return outcome(trial, Sequential.name, watch.step_losses, watch.epochs, seconds, failure)


def _fit(trial: Trial, plan: Plan, setup: Setup, reset: "_Reset", watch: "_Watch") -> None:
    training = Feed(setup.training)
    training.begin(trial, 0)
    validation = None
    if setup.validation is not None:
        validation = Feed(setup.validation)
        validation.begin(trial, 0)
    extra = setup.callbacks(trial.label, trial.replicate) if setup.callbacks else ()
    begin = keras.callbacks.LambdaCallback(
        # Not before `fit`: its symbolic build of the model may advance the random generators.
        on_train_begin=lambda logs: reset(trial, setup),
        on_epoch_begin=lambda epoch, logs: training.begin(trial, epoch),
    )
    setup.model.fit(
        training,
        validation_data=validation,
        epochs=plan.epochs,
        callbacks=[begin, watch, *extra],
        shuffle=False,  # the feed is in order; Keras would shuffle its batches
        verbose=0,
    )


class _Watch(keras.callbacks.Callback):
    """Notes the loss of each step and the metrics of each epoch, and ends a run that diverges."""

    def __init__(self, trial: Trial, observer: Observer):
        super().__init__()
        self._trial, self._observer = trial, observer
        self.step_losses: list[float] = []
        self.epochs: dict[str, list[float]] = {}
        self.diverged = False

    def on_train_batch_end(self, batch, logs=None):
        loss = float(logs[STEP_LOSS])
        self.step_losses.append(loss)
        self._observer.stepped(self._trial)
        if not math.isfinite(loss):
            self.diverged = True
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if self.diverged:
            return  # an epoch cut short has no metrics worth the name
        for name, value in logs.items():
            if name not in (STEP_LOSS, f"val_{STEP_LOSS}"):
                self.epochs.setdefault(name, []).append(float(value))


class StepLoss(keras.metrics.Mean):
    """Keras's running mean of the loss that reports the loss of the last step as well."""

    def __init__(self):
        super().__init__(name="loss")
        self.last = self.add_variable(shape=(), initializer="zeros", name="last")

    def update_state(self, values, sample_weight=None):
        super().update_state(values, sample_weight=sample_weight)
        self.last.assign(keras.ops.mean(keras.ops.cast(values, self.dtype)))

    def result(self):
        return {self.name: super().result(), STEP_LOSS: keras.ops.convert_to_tensor(self.last)}


class _Reset:
    """Puts the model to the start of a trial: weights, optimizer and random generators."""

    def __init__(self, model: keras.Model):
        self._generators = seed_generators(model)
        self._weights = Snapshot(model.variables)
        self._optimizer = Snapshot(model.optimizer.variables)

    def __call__(self, trial: Trial, setup: Setup) -> None:
        self._weights.restore()
        self._optimizer.restore()
        for index, generator in enumerate(self._generators):
            set_generator(generator, trial.noise_seed(index))
        for slot, value in setup.initial_values(trial):
            slot.variable.assign(value)
        seed_globals(trial.global_seed())


@contextmanager
def _workbench(model: keras.Model) -> Iterator[_Reset]:
    """Lend the model for training with a fresh optimizer; give everything back as it was."""
    weights = Snapshot(model.variables)
    names = ("optimizer", "stop_training", "steps_per_execution", "train_function", "test_function")
    kept = {name: getattr(model, name) for name in (*names, "_loss_tracker")}
    kept_history = getattr(model, "history", None)
    model.optimizer = fresh_optimizer(model.optimizer)
    model.optimizer.build(model.trainable_variables)
    model.steps_per_execution = 1  # every step's loss is wanted
    model.train_function = model.test_function = None  # they hold the other optimizer
    # Set past Keras's attribute tracking, as `compile` does.
    object.__setattr__(model, "_loss_tracker", StepLoss())
    try:
        yield _Reset(model)
    finally:
        for name, value in kept.items():
            object.__setattr__(model, name, value)
        model.history = kept_history
        weights.restore()
        model.reset_metrics()


def fresh_optimizer(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """A new optimizer with the same configuration and none of the state."""
    config = optimizer.get_config()
    schedule = getattr(optimizer, "_learning_rate", None)
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        config["learning_rate"] = schedule  # stateless, and perhaps of a class Keras cannot look up
    return type(optimizer).from_config(config)
