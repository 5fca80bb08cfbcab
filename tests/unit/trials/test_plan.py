"""Trials and the seeds that those of a replicate share."""

from keras_initlab.core.seeds import Seeds
from keras_initlab.trials.plan import Plan, Trial


def test_trials_come_replicate_by_replicate():
    plan = Plan(("a", "b"), 2, 7, epochs=1, steps_per_epoch=3)
    assert [(trial.label, trial.replicate) for trial in plan.trials] == [
        ("a", 0),
        ("b", 0),
        ("a", 1),
        ("b", 1),
    ]
    assert hash(plan.trials[0]) == hash(Trial("a", Seeds(7, 0)))


def test_labels_of_a_replicate_share_their_seeds():
    plan = Plan(("a", "b"), 2, 7, epochs=1, steps_per_epoch=3)
    assert [trial.seeds for trial in plan.trials] == [Seeds(7, 0), Seeds(7, 0), Seeds(7, 1), Seeds(7, 1)]


def test_levels_cross_with_labels_and_leave_the_seeds_alone():
    cells = ((("depth", "3"),), (("depth", "10"),))
    trials = Plan(("zeros", "ones"), 2, 7, 1, 4, cells).trials
    assert len(trials) == len({trial.name for trial in trials}) == 8
    assert {trial.seeds for trial in trials if trial.replicate == 1} == {Seeds(7, 1)}


def test_the_order_of_factors_does_not_name_a_trial():
    one = Trial("zeros", Seeds(0, 1), (("a", "1"), ("b", "2")))
    assert one.name == Trial("zeros", Seeds(0, 1), (("b", "2"), ("a", "1"))).name
    assert Trial("zeros", Seeds(0, 1)).name == ("zeros", 1)
