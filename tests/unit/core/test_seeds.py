"""Seeds: the same today as ever, distinct for everything that differs."""

from keras_initlab.core.seeds import Seeds


def all_of(seeds):
    return [
        *(seeds.order(epoch) for epoch in range(3)),
        *(seeds.noise(index) for index in range(3)),
        *(seeds.draw(index, role) for index in range(3) for role in ("kernel", "bias")),
        seeds.everywhere,
    ]


def test_seeds_of_other_things_replicates_and_roots_all_differ():
    found = [seed for replicate in range(3) for root in (0, 1) for seed in all_of(Seeds(root, replicate))]
    assert len(set(found)) == len(found)
    assert all(0 <= seed < 2**31 for seed in found)


def test_seeds_are_what_they_always_were():
    """Computed before `Seeds` existed; a comparison can be repeated as long as these stand."""
    seeds = Seeds(7, 2)
    assert (seeds.order(3), seeds.noise(1), seeds.draw(0, "kernel"), seeds.everywhere) == (
        40317880,
        829689816,
        278681130,
        1342190717,
    )
