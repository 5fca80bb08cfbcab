"""What is left to train, in the groups that were cut at first."""

import pytest

from keras_initlab import engines
from keras_initlab.experiment.schedule import scheduled
from keras_initlab.trials.config import Config
from keras_initlab.trials.plan import Plan


class Together:
    """Trains everything in one group."""

    name = "together"

    def cut(self, setup, trials):
        return [tuple(trials)] if trials else []


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    monkeypatch.setattr(engines, "choose", lambda asked, parts: (Together(), "there is no other"))


def left(labels, config, done=()):
    plan = Plan(tuple(labels), 1, 0, epochs=1, steps_per_epoch=1)
    found = scheduled("auto", plan, {(): None}, config, done)
    return ["".join(trial.label for trial in group) for group in found.groups], found.config


CONFIG = Config(dict.fromkeys("abc", "x"), 1, 0, 1, 1)


def test_groups_stay_as_they_were_cut():
    groups, config = left("abc", CONFIG)
    assert groups == ["abc"]
    assert left("abc", config, {("b", 0)})[0] == ["abc"], "whole, though a part is finished"
    assert left("abc", config, {("a", 0), ("b", 0), ("c", 0)})[0] == []


def test_no_trial_is_trained_in_two_groups_that_both_are_unfinished():
    _, config = left("abc", CONFIG)
    groups, config = left("ab", config)
    assert groups == ["ab"], "a part of what was asked for at first is a group of its own"
    assert left("abc", config)[0] == ["abc"]
    assert left("abc", config, {("a", 0), ("b", 0)})[0] == ["abc"]
    assert left("ab", config)[0] == ["ab"]
