"""`auto` never loses more than a twentieth to `sequential`, its own trial included."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from keras_initlab.engines import choice
from keras_initlab.engines.sources import Arrays
from keras_initlab.trials.plan import Plan
from keras_initlab.trials.record import Record

START = 10.0
PROBES_MADE = set()


class Machine:
    """A clock, and engines that take as long as they are said to."""

    now = 0.0

    def engine(self, name, start, step):
        def run(setup, groups, observer, checkpoints):
            (trials,) = groups
            self.now += start
            for _ in range(setup.epochs * setup.training.steps):
                for trial in trials:
                    self.now += step
                    observer.stepped(trial)
            yield [Record(trial.label, trial.replicate, "completed") for trial in trials]

        whole = lambda setup, trials: [tuple(trials)]  # noqa: E731
        return SimpleNamespace(name=name, run=run, cut=whole, why_not=lambda setup, trials: None)


PLANS = some.builds(
    Plan,
    some.integers(1, 12).map(lambda count: tuple(f"label {index}" for index in range(count))),
    some.integers(2, 20),
    some.just(0),
    some.integers(1, 100),
    some.integers(1, 2000),
)


@settings(deadline=None, max_examples=3000, derandomize=True)
@given(
    PLANS,
    some.sampled_from([0.1, 1, START]),
    some.sampled_from([choice.FASTEST_STEP, 0.001, 0.01, 1]),
    some.sampled_from([0.1, 1, choice.SLOWEST]),
    some.sampled_from([0.02, 0.5, 1, choice.SLOWEST]),
)
def test_probe_and_run_take_a_twentieth_longer_than_sequential_at_most(
    plan, start, step, start_ratio, step_ratio
):
    machine = Machine()
    costs = {"sequential": (start, step), "stacked": (start * start_ratio, step * step_ratio)}
    data = Arrays((np.zeros((plan.steps_per_epoch, 1)),), 1, shuffle=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "time", SimpleNamespace(perf_counter=lambda: machine.now))
        patch.setattr(choice, "multiply_adds", lambda setup: 1.0)
        patch.setattr(choice, "_cheap", lambda model: 0)
        patch.setattr(choice, "_start_seconds", lambda model: START)
        patch.setattr(choice, "replace", lambda old, **changes: type(old)(**vars(old) | changes))
        patch.setattr(choice, "Sequential", lambda: machine.engine("sequential", *costs["sequential"]))
        patch.setattr(choice, "Stacked", lambda: machine.engine("stacked", *costs["stacked"]))
        chosen, why = choice.automatic(
            SimpleNamespace(model=None, training=data, validation=None, epochs=plan.epochs), plan.trials
        )
    PROBES_MADE.add((chosen.name, "in a trial" in why))
    steps = len(plan.trials) * plan.epochs * plan.steps_per_epoch
    whole = {name: began + steps * each for name, (began, each) in costs.items()}
    assert machine.now + whole[chosen.name] <= (1 + choice.PROBE_SHARE) * whole["sequential"]


def test_the_runs_above_met_every_kind_of_answer():
    assert {("sequential", False), ("sequential", True), ("stacked", True)} <= PROBES_MADE
