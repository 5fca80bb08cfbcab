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
