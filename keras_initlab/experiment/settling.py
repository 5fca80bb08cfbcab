"""Going on until the question is settled: what is asked, who trains up to the next look, when it ends."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras

from keras_initlab.core.arguments import positive, seconds, whole
from keras_initlab.core.errors import InputError
from keras_initlab.core.rng import isolated
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.setup import Setup
from keras_initlab.engines.sources import Source
from keras_initlab.experiment.course import Course, staged
from keras_initlab.experiment.progress import Verbose, watching
from keras_initlab.results.comparison import Comparison
from keras_initlab.trials.config import Config
from keras_initlab.trials.plan import Plan, Trial
from keras_initlab.trials.settling import Settling, planned

SETTLED = "settled"
MOST = 40
"""Replicates after which a question stays open, unless more are asked for."""


@dataclass(frozen=True)
class Goal:
    """Until when is trained.

    Attributes:
        margin: Differences smaller than this do not matter.
        most: Replicates at most.
        budget: Seconds of training at most.
    """

    margin: float
    most: int
    budget: float

    def entered(self, config: Config, plan: Plan, setup: Setup) -> Config:
        """The configuration with the rule, fixed before the first run.

        Raises:
            InputError: If the callbacks cannot be made for replicates to come.
        """
        last = Trial(plan.labels[0], Seeds(plan.seed, self.most - 1))
        try:
            if setup.callbacks is not None:
                setup.callbacks(last)
        except Exception as error:
            raise InputError(
                f"callbacks fails for replicate {last.replicate} ({type(error).__name__}: {error}): with "
                f"until={SETTLED!r} it must give callbacks for up to {self.most} replicates."
            ) from error
        looks = planned((), plan.replicates, self.most)
        rule = Settling(self.margin, looks, _resolution(setup, config.directions), (plan.labels,))
        return replace(config, settling=rule.to_json())


def asked(
    until: Any, margin: Any, max_replicates: Any, budget: Any, replicates: int, *, varied: bool, share: bool
) -> Goal | None:
    """What the arguments of `compare` ask for; None for as many replicates as `replicates` says.

    Raises:
        InputError: If one of them cannot work.
    """
    if until is None:
        for name, value in (("margin", margin), ("max_replicates", max_replicates), ("budget", budget)):
            if value is not None:
                raise InputError(
                    f"{name} is {value!r} without until: give until={SETTLED!r}, or leave it out."
                )
        return None
    if until != SETTLED:
        raise InputError(f"until is {until!r}: give {SETTLED!r}, or None for a fixed number of replicates.")
    if varied:
        raise InputError("until does not go with factors: give one of the two.")
    if share:
        raise InputError("until does not go with share: one process alone decides who goes on.")
    if margin is None:
        raise InputError(
            "margin is None: say which difference in the metric that ranks does not matter, such as 0.005."
        )
    most = whole("max_replicates", MOST if max_replicates is None else max_replicates)
    if most < replicates:
        raise InputError(
            f"max_replicates is {most}, below replicates={replicates}: give at least {replicates}."
        )
    return Goal(positive("margin", margin), most, math.inf if budget is None else seconds("budget", budget))


def settle(goal: Goal, course: Course, verbose: Verbose, interrupted: Callable[[], bool], ahead: str) -> None:
    """Train stage by stage, and decide after each who goes on.

    Raises:
        InputError: If no run ends within the budget.
    """
    started, trained = time.monotonic(), 0

    def spent() -> float:
        return time.monotonic() - started

    while True:
        before, left = len(course.finished), course.left
        with watching(course.plan, verbose, len(course.plan.trials) - left, ahead) as observer:
            course.train(observer, lambda: interrupted() or spent() > goal.budget)
        trained += len(course.finished) - before
        if interrupted() or any(trial.name not in course.finished for trial in course.plan.trials):
            break
        config = course.config
        following = staged(course.plan, config, course.finished)
        missing = sum(trial.name not in course.finished for trial in following.trials)
        if not missing:
            rule = _looked(course)
            if rule.ended:
                return course.note(replace(config, settling=rule.to_json()))
            config = replace(config, settling=rule.to_json(), replicates=rule.begun[-1][0].n)
            following = staged(course.plan, config, course.finished)
            missing = sum(trial.name not in course.finished for trial in following.trials)
        if trained and spent() * (1 + missing / trained) > goal.budget:
            break
        with isolated():
            course.go_on(following, config)
        ahead = f"{len(following.labels)} initializers go on, up to {following.replicates} replicates."
    if interrupted():
        return None
    if not course.finished:
        raise InputError(f"budget is {goal.budget:g} s, in which not one run ended: give more.")
    rule = replace(_rule(course.config), ended="budget")
    return course.note(replace(course.config, settling=rule.to_json()))


def _rule(config: Config) -> Settling:
    assert config.settling is not None
    return Settling.from_json(config.settling)


def _looked(course: Course) -> Settling:
    """The rule after a look: with one more stage, or ended."""
    rule, (_, trained) = _rule(course.config), _rule(course.config).begun[-1]
    found = Comparison(course.finished.values(), course.config.to_json())
    open_ = {label for pair in found.unsettled for label in pair if set(pair) <= set(trained)}
    if not open_:
        return replace(rule, ended=SETTLED)
    if rule.ahead is None:
        return replace(rule, ended="max_replicates")
    return rule.going_on([label for label in trained if label in open_])


def _resolution(setup: Setup, directions: Mapping[str, Any]) -> dict[str, float]:
    """By metric, the step in which its values come: of accuracies one example."""
    sources = {"": setup.training, "val_": setup.validation}
    return {
        prefix + name: 1 / count
        for prefix, source in sources.items()
        for name in directions
        if name.endswith("accuracy") or name == "acc"
        for count in [_examples(source) if source else 0]
        if count
    }


def _examples(source: Source) -> int:
    return sum(len(keras.tree.flatten(targets)[0]) for targets in source.targets())
