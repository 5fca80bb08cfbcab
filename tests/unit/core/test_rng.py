"""The process's random state is lent for a while and comes back as it was."""

import random

import keras
import numpy as np

from keras_initlab.core.rng import isolated


def numbers():
    return [random.random(), np.random.random(), float(keras.random.uniform(()))]


def test_whoever_is_given_the_generators_can_seed_them():
    with isolated() as generators:
        generators.seed(5)
        first = numbers()
        generators.seed(6)
        other = numbers()
        generators.seed(5)
        assert numbers() == first
    assert not set(first) & set(other)


def test_what_happens_inside_is_forgotten_outside():
    keras.utils.set_random_seed(3)
    expected = numbers()
    keras.utils.set_random_seed(3)
    with isolated() as generators:
        generators.seed(9)
        numbers()
    assert numbers() == expected


def test_where_they_stand_can_be_kept():
    with isolated() as generators:
        generators.seed(5)
        random.gauss(0, 1)  # leaves a second number behind
        np.random.normal()
        numbers()
        kept = [np.array(part) for part in generators.state()]
        expected = [*numbers(), random.gauss(0, 1), np.random.normal()]
        generators.seed(6)
        generators.restore(kept)
        assert [*numbers(), random.gauss(0, 1), np.random.normal()] == expected
