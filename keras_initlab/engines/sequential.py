"""The reference engine: plain `model.fit`, compiled once and reset for each trial."""

import itertools
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from keras_initlab.core.keras_private import LOSS_TRACKER, set_untracked
from keras_initlab.core.rng import Generators, isolated, set_generator
from keras_initlab.engines.contract import Observer, StoppedError
from keras_initlab.engines.fit_feed import Feeds
from keras_initlab.engines.hyperparameters import holding, set_numbers
from keras_initlab.engines.lending import fresh_optimizer, has_own, optimizers, seed_generators
from keras_initlab.engines.setup import Setup
from keras_initlab.network.snapshot import Snapshot, assign, carried_states
from keras_initlab.trials.checkpoint import Checkpoint, Checkpoints
from keras_initlab.trials.plan import Group, Trial
from keras_initlab.trials.record import VALIDATION, WEIGHT_CHANGE, Record, outcome

STEP_LOSS = "step_losses"
GRACE = 3.0
"""Seconds in which an epoch is finished for its checkpoint, when training is to stop in the middle of it."""

STEPS_AT_ONCE = 16
"""Steps that TensorFlow runs per call where nobody looks in between: less overhead, same results."""


class Sequential:
    """Trains one trial after another with the model that was given."""

    name = "sequential"

    def why_not(self, setup: Setup, trials: Sequence[Trial]) -> str | None:
        return None

    def cut(self, setup: Setup, trials: Sequence[Trial]) -> list[Group]:
        return [(trial,) for trial in trials]

    def run(
        self, setup: Setup, groups: Iterable[Group], observer: Observer, checkpoints: Checkpoints
    ) -> Iterator[list[Record]]:
        looked_at = setup.callbacks is not None or has_own(setup.model, "train_step")
        looked_at = looked_at or keras.backend.backend() != "tensorflow"
        at_once = 1 if looked_at else min(STEPS_AT_ONCE, setup.training.steps)
        feeds = Feeds(setup.training, setup.validation)
        with isolated() as generators, _workbench(setup, at_once, generators) as bench:
            for trial in itertools.chain.from_iterable(groups):
                if checkpoints.stopping:
                    return
                observer.started(trial)
                record = _train(
                    setup, trial, feeds, bench, _Watch(trial, setup, bench, observer, checkpoints)
                )
                if record.status != "interrupted":
                    observer.finished(record)
                yield [record]


def _train(setup: Setup, trial: Trial, feeds: Feeds, bench: "_Bench", watch: "_Watch") -> Record:
    started = time.perf_counter()
    failure, stopped = None, False
    try:
        _fit(setup, trial, feeds, bench, watch)
    except StoppedError:
        stopped = True
    except Exception as error:
        # One refused shape or broken callback must not cost the runs that can finish.
        failure = error
    seconds = watch.seconds_before + time.perf_counter() - started
    return outcome(trial, Sequential.name, watch.step_losses, watch.epochs, seconds, failure, stopped)


def _fit(setup: Setup, trial: Trial, feeds: Feeds, bench: "_Bench", watch: "_Watch") -> None:
    first_epoch, arrays = watch.resumed()
    feeds.begin(trial.seeds, first_epoch)
    extra = setup.callbacks(trial) if setup.callbacks else ()

    def start(logs):
        bench.reset(setup, trial)
        if arrays is not None:
            bench.load(arrays)

    begin = keras.callbacks.LambdaCallback(
        # Not before `fit`: its symbolic build of the model may advance the random generators.
        on_train_begin=start,
        on_epoch_begin=lambda epoch, logs: feeds.begin(trial.seeds, epoch),
    )
    setup.model.fit(
        feeds.training.fit_input,
        validation_data=feeds.validation.fit_input if feeds.validation else None,
        epochs=setup.epochs,
        initial_epoch=first_epoch,
        callbacks=[begin, watch, *extra],
        shuffle=False,  # the feed is in order; Keras would shuffle its batches
        verbose=0,
    )


class _Watch(keras.callbacks.Callback):
    """Notes the loss of each step and the metrics of each epoch; ends a run that diverges or is to stop."""

    def __init__(
        self, trial: Trial, setup: Setup, bench: "_Bench", observer: Observer, checkpoints: Checkpoints
    ):
        super().__init__()
        self._trial, self._setup, self._bench = trial, setup, bench
        self._observer, self._checkpoints = observer, checkpoints
        self._began = time.perf_counter()
        self._seen = 0  # steps of this epoch
        self._asked: float | None = None  # when it was first seen that training is to stop
        self.step_losses: list[float] = []
        self.epochs: dict[str, list[float]] = {}
        self.seconds_before = 0.0
        self.diverged = False
        self._weights: Snapshot | None = None  # as the epoch began

    def resumed(self) -> tuple[int, list[np.ndarray] | None]:
        """Which epoch comes first, and the arrays to begin it with if it is not that of a fresh start."""
        kept = None if self._setup.callbacks else self._checkpoints.load((self._trial,))
        if kept is None or not self._setup.goes_on(kept, self._trial.seeds):
            return 0, None
        self.step_losses = list(kept.notes["losses"])
        self.epochs = {name: list(values) for name, values in kept.notes["epochs"].items()}
        self.seconds_before = kept.notes["seconds"]
        for _ in self.step_losses:
            self._observer.stepped(self._trial)
        return kept.notes["epoch"], kept.arrays

    def on_epoch_begin(self, epoch, logs=None):
        self._seen = 0
        if self._setup.weight_changes:
            self._weights = Snapshot(self.model.trainable_variables)

    def on_train_batch_end(self, batch, logs=None):
        taken = min(batch + 1, self._setup.training.steps) - self._seen
        self._seen += taken
        for loss in np.atleast_1d(keras.ops.convert_to_numpy(_step_losses(logs)))[:taken]:
            self.step_losses.append(float(loss))
            self._observer.stepped(self._trial)
            if not math.isfinite(loss):
                self.diverged = True
                self.model.stop_training = True
                break
        self._stop_if_asked()

    def on_test_batch_end(self, batch, logs=None):
        self._stop_if_asked()

    def _stop_if_asked(self):
        """End the run, but for an epoch that is soon over: `fit` cannot go on in the middle of one."""
        if not self._checkpoints.stopping or self.diverged:
            return
        now = time.perf_counter()
        self._asked = self._asked or now
        if not self._checkpoints.keeps or self._setup.callbacks or now - self._asked >= GRACE:
            raise StoppedError

    def on_epoch_end(self, epoch, logs=None):
        if self.diverged:
            return  # an epoch cut short has no metrics worth the name
        for name, value in logs.items():
            if name not in (STEP_LOSS, VALIDATION + STEP_LOSS):
                self.epochs.setdefault(name, []).append(float(value))
        if self._weights is not None:
            self.epochs.setdefault(WEIGHT_CHANGE, []).append(self._weights.largest_change())
        # What callbacks of the user keep in Python cannot be kept.
        if epoch + 1 < self._setup.epochs and not self._setup.callbacks:
            self._checkpoints.save((self._trial,), lambda: self._checkpoint(epoch + 1))
            if self._checkpoints.stopping:
                raise StoppedError

    def _checkpoint(self, epoch: int) -> Checkpoint:
        notes = {
            "epoch": epoch,
            "losses": self.step_losses,
            "epochs": self.epochs,
            "seconds": self.seconds_before + time.perf_counter() - self._began,
            "batches": self._setup.training.marks(self._trial.seeds, epoch),
        }
        return Checkpoint(self._bench.arrays(), notes)


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


class _Bench:
    """The model while it is lent: put to the start of a trial, or to where a checkpoint was."""

    def __init__(self, model: keras.Model, generators: Generators):
        self._everywhere = generators
        self._generators = seed_generators(model)
        self._weights = Snapshot(model.variables)
        held = optimizers(model).values()
        optimizer = [variable for one in held for variable in one.variables]
        self._optimizer = Snapshot(optimizer)
        self._states = carried_states(model)
        self._variables = [*model.variables, *optimizer, *self._states]

    def reset(self, setup: Setup, trial: Trial) -> None:
        """Weights, optimizer and random generators as the trial begins."""
        self._weights.restore()
        self._optimizer.restore()
        for state in self._states:
            state.assign(np.zeros(state.shape))
        for place, generator in self._generators.items():
            set_generator(generator, trial.seeds.noise(*place))
        for slot, value in setup.initial_values(trial, self._everywhere):
            slot.variable.assign(value)
        for variable, value in setup.strengths_of(trial):
            variable.assign(value)
        if setup.held:
            set_numbers(setup.model.optimizer, [setup.numbers[trial.levels]], trial.seeds)
        self._everywhere.seed(trial.seeds.everywhere)

    def arrays(self) -> list[np.ndarray]:
        """All of it as it is now."""
        values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in self._variables]
        return [*values, *self._everywhere.state()]

    def load(self, arrays: list[np.ndarray]) -> None:
        """All of it as it was when `arrays()` was asked."""
        count = len(self._variables)
        assign(self._variables, arrays[:count])
        self._everywhere.restore(arrays[count:])


@contextmanager
def _workbench(setup: Setup, at_once: int, generators: Generators) -> Iterator[_Bench]:
    """Lend the model for training with a fresh optimizer; give everything back as it was."""
    model = setup.model
    weights = Snapshot([*model.variables, *carried_states(model)])
    names = (*optimizers(model), "stop_training", "steps_per_execution", "train_function", "test_function")
    kept = {name: getattr(model, name) for name in (*names, LOSS_TRACKER)}
    kept_history = getattr(model, "history", None)
    fresh = {name: fresh_optimizer(optimizer) for name, optimizer in optimizers(model).items()}
    if setup.numbers or setup.trained_with:
        fresh["optimizer"] = holding(setup.optimizer, setup.held, None, setup.penalized)
    try:
        for name, optimizer in fresh.items():
            setattr(model, name, optimizer)
            # One of several optimizers may train a part only: what it keeps for the rest stays unused.
            getattr(model, name).build(model.trainable_variables)
        model.steps_per_execution = at_once
        model.train_function = model.test_function = None  # they hold the other optimizer
        set_untracked(model, LOSS_TRACKER, StepLoss(at_once))
        yield _Bench(model, generators)
    finally:
        for name, value in kept.items():
            set_untracked(model, name, value)
        model.history = kept_history
        weights.restore()
        model.reset_metrics()
