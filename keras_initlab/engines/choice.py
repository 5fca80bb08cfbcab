"""Which engine suits a comparison, and why."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import keras

from keras_initlab.core.keras_private import parts
from keras_initlab.engines.contract import Engine, Observer
from keras_initlab.engines.sequential import Sequential
from keras_initlab.engines.setup import Setup
from keras_initlab.engines.stacked.convolution import is_product
from keras_initlab.engines.stacked.engine import Stacked
from keras_initlab.engines.stacked.groups import multiply_adds
from keras_initlab.network.insertion import Inserted
from keras_initlab.trials.checkpoint import Checkpoints
from keras_initlab.trials.plan import Trial

CHEAP = {"tensorflow": 5e7, "jax": 5e7, "torch": 5e6}
"""Multiply-adds of one member's forward pass up to which dense nets train faster side by side: there the
price of a step is that of calling its operations. Measured on two cores; see docs/performance.md."""

CHEAP_CONVOLUTIONS = {"tensorflow": 2e6, "jax": 1e6, "torch": 1e6}
"""The same where there are convolutions, whose patches have to be cut first."""

FEWEST_RUNS = 3
"""Runs from which it pays to train small nets side by side."""

FEWEST_STEPS = {"tensorflow": 0, "jax": 2000, "torch": 0}
"""Steps of all runs from which that makes up for the longer start: on JAX a second model costs no second
compilation one after another either."""

_SMALL_LAYERS = (
    keras.layers.InputLayer,
    keras.layers.Dense,
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.Softmax,
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Rescaling,
    keras.layers.Dropout,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.Add,
    keras.layers.Concatenate,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling2D,
)

PROBE_STEPS = 16
"""Steps for which an engine is tried, twice: the first time it compiles."""

PROBE_SHARE = 0.05
"""What trying the engines may cost, as a share of the whole run."""

FASTEST_STEP = 5e-4
"""Seconds that a step of `fit` takes at least, whatever the model."""

FASTEST_RATE = 1e12
"""Multiply-adds per second that no machine exceeds on the nets this is meant for."""

START_SECONDS = (2.0, 0.1)
"""What it costs at most to start `sequential`, and for each layer."""

SLOWEST = 3
"""How many times as long as `sequential` the stacked engine takes at most, to start and per step of a member,
as far as is known."""


def automatic(setup: Setup, trials: Sequence[Trial]) -> tuple[Engine, str]:
    """The engine for `engine="auto"`, and why.

    Structure decides for small nets of known layers. Otherwise a few steps of each engine are timed,
    where the run is long enough for that to cost at most `PROBE_SHARE` of it. In doubt it is `sequential`.
    """
    sequential, stacked = Sequential(), Stacked()
    refusal = stacked.why_not(setup, trials)
    if refusal:
        return sequential, f"models cannot be stacked: {refusal}"
    if len(trials) < FEWEST_RUNS:
        return sequential, "there are too few runs to gain from training side by side"
    steps = _steps(setup) * len(trials)
    if multiply_adds(setup) < _cheap(setup.model):
        if steps < FEWEST_STEPS[keras.backend.backend()]:
            return sequential, "the runs are too short to gain from training side by side"
        return stacked, "small layers cost little more for many models than for one"
    step = FASTEST_STEP + 3 * multiply_adds(setup) / FASTEST_RATE  # forward, and twice that backward
    if _start_seconds(setup.model) + _probe_steps(trials) * step > PROBE_SHARE * steps * step:
        return sequential, _TOO_SHORT
    return _by_measuring(sequential, stacked, setup, trials)


def _cheap(model: keras.Model) -> float:
    """Multiply-adds up to which it is known that the model trains faster side by side."""
    layers = [layer for layer in parts(model) if not isinstance(layer, keras.Model)]
    convolutions = [layer for layer in layers if is_product(layer)]
    if not all(layer in convolutions or _is_small(layer) for layer in layers):
        return 0
    return (CHEAP_CONVOLUTIONS if convolutions else CHEAP)[keras.backend.backend()]


def _is_small(layer: keras.Layer) -> bool:
    return type(layer) in _SMALL_LAYERS or isinstance(layer, Inserted)


_TOO_SHORT = "the run is too short to try which engine is faster"


def _start_seconds(model: keras.Model) -> float:
    once, each = START_SECONDS
    return once + each * len(parts(model))


def _steps(setup: Setup) -> int:
    """Steps of a trial."""
    return setup.epochs * setup.training.steps


def _first_replicate(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.replicate == trials[0].replicate]


def _probe_steps(trials: Sequence[Trial]) -> int:
    """Steps of single models that measuring both engines makes."""
    return 2 * PROBE_STEPS * (1 + len(_first_replicate(trials)))


def _by_measuring(
    sequential: Engine, stacked: Engine, setup: Setup, trials: Sequence[Trial]
) -> tuple[Engine, str]:
    """The faster engine; `sequential` if to know would cost more than `PROBE_SHARE` of the run."""
    runs = len(trials)
    one = _measured(sequential, setup, trials[:1])
    if one.failure:
        return sequential, f"a trial of the engines failed: {one.failure}"
    alone = one.start + one.run * runs
    probe = _probe_steps(trials) * one.run / _steps(setup)
    if one.start + SLOWEST * (one.start + probe) > PROBE_SHARE * alone:
        return sequential, _TOO_SHORT
    many = _measured(stacked, setup, _first_replicate(trials))
    if many.failure:
        return sequential, f"a trial of the engines failed: {many.failure}"
    together = many.start + many.run * runs
    ratio = f"{alone / together:.1f} times as fast in a trial of {PROBE_STEPS} steps"
    return (stacked, ratio) if together < alone else (sequential, f"stacked was {ratio}")


@dataclass(frozen=True)
class _Cost:
    """Seconds to start an engine, and per run of the whole plan; or why it failed."""

    start: float
    run: float
    failure: str = ""


def _measured(engine: Engine, setup: Setup, trials: Sequence[Trial]) -> _Cost:
    """Train for two short epochs; the second shows the price of a step, the first that of starting."""
    steps = min(PROBE_STEPS, setup.training.steps)
    short = replace(setup, training=setup.training.head(steps), validation=None, epochs=2)
    clock = _Clock()
    ended = engine.run(short, engine.cut(short, trials), clock, Checkpoints())
    records = list(itertools.chain.from_iterable(ended))
    completed = [record for record in records if record.status == "completed"]
    if not completed or any(record.status == "failed" for record in records):
        return _Cost(0, 0, next(record.message for record in records if record not in completed))
    # Trials that one engine trains side by side all end their steps together.
    times = clock.times[completed[0].label]
    epoch = times[2 * steps - 1] - times[steps - 1]
    start = times[steps - 1] - clock.began - epoch
    return _Cost(start, epoch / len(trials) / steps * _steps(setup))


class _Clock(Observer):
    """Notes when the steps of each label's trial ended."""

    def __init__(self):
        self.began = time.perf_counter()
        self.times: dict[str, list[float]] = {}

    def stepped(self, trial: Trial) -> None:
        self.times.setdefault(trial.label, []).append(time.perf_counter())
