"""Trials and their seeds: shared within a replicate, distinct for everything else."""

from keras_initlab.trials.plan import Plan, Trial


def test_trials_come_replicate_by_replicate():
    plan = Plan(("a", "b"), 2, 7, epochs=1, steps_per_epoch=3)
    assert [(trial.label, trial.replicate) for trial in plan.trials] == [
        ("a", 0),
        ("b", 0),
        ("a", 1),
        ("b", 1),
    ]
    assert {trial.root_seed for trial in plan.trials} == {7}
    assert hash(plan.trials[0]) == hash(Trial("a", 0, 7))


def seeds(trial):
    return [
        *(trial.order_seed(epoch) for epoch in range(3)),
        *(trial.noise_seed(index) for index in range(3)),
        *(trial.draw_seed(index, role) for index in range(3) for role in ("kernel", "bias")),
        trial.global_seed(),
    ]


def test_no_seed_depends_on_the_label():
    assert seeds(Trial("a", 1, 5)) == seeds(Trial("b", 1, 5))


def test_seeds_of_other_things_replicates_and_roots_all_differ():
    all_seeds = [seed for r in range(3) for root in (0, 1) for seed in seeds(Trial("a", r, root))]
    assert len(set(all_seeds)) == len(all_seeds)
    assert all(0 <= seed < 2**31 for seed in all_seeds)
