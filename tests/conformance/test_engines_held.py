"""Trials of one program that differ in numbers: each engine leaves the records of plain training."""

import itertools
from dataclasses import replace

import keras
import numpy as np
import pytest

from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.hyperparameters import holding, set_numbers
from keras_initlab.engines.stacked.engine import Stacked
from keras_initlab.testing import check_engine
from tests.engines import BACKEND, LAYERS, RNG, WORDS, N, compiled, crossentropy, plan_and_setup, records


def crossed(model, numbers, *data, **arguments):
    """A plan and a setup in which each combination of numbers is a cell."""
    plan, setup = plan_and_setup(model, *data, **arguments)
    names = sorted(numbers)
    cells = {
        tuple((name, str(value)) for name, value in zip(names, values, strict=True)): dict(
            zip(names, values, strict=True)
        )
        for values in itertools.product(*(numbers[name] for name in names))
    }
    return replace(plan, cells=tuple(cells)), replace(setup, numbers=cells)


def small(optimizer):
    return compiled(LAYERS.Dense(5, "tanh"), LAYERS.Dense(3), optimizer=optimizer)


HELD = {
    "adam": ("adam", {"learning_rate": [1e-4, 1e-2]}),
    "sgd": (keras.optimizers.SGD(0.1, momentum=0.9), {"learning_rate": [1e-3, 1e-1]}),
    "adamw": (
        keras.optimizers.AdamW(weight_decay=0.004),
        {"learning_rate": [1e-3, 1e-2], "weight_decay": [0.0, 1.0]},
    ),
    "own decay": (keras.optimizers.AdamW(weight_decay=0.5), {"learning_rate": [1e-3, 1e-2]}),
    "clipnorm": (keras.optimizers.SGD(0.1), {"learning_rate": [1e-2, 1e-1], "clipnorm": [0.1, 0.5]}),
    "global_clipnorm": ("sgd", {"global_clipnorm": [0.1, float("inf")]}),
    "own clipnorm": (keras.optimizers.Adam(clipnorm=0.1), {"learning_rate": [1e-3, 1e-2]}),
    "penalties": (keras.optimizers.SGD(0.1), {"l1": [0.0, 0.01], "l2": [0.0, 0.1]}),
    "noise": (keras.optimizers.SGD(0.1), {"gradient_noise": [0.0, 0.3]}),
    "schedule": (
        keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.9)),
        {"weight_decay": [0.0, 0.1]},
    ),
    "scaled loss": (keras.optimizers.SGD(0.1, loss_scale_factor=64.0), {"clipnorm": [0.05], "l2": [0.1]}),
}


@pytest.mark.parametrize("case", HELD)
def test_numbers_that_differ_train_in_one_program(case):
    optimizer, numbers = HELD[case]
    plan, setup = crossed(small(optimizer), numbers, replicates=2, epochs=2)
    check_engine(Stacked(), plan, setup)
    groups = Stacked().cut(setup, plan.trials)
    assert len(groups) == (2 if "gradient_noise" in numbers else 1)
    found = records(Stacked(), setup, plan.trials)
    ends = {record.step_losses[-1] for record in found.values()}
    assert len(ends) == len(plan.trials)  # each number has an effect


def test_a_number_of_each_member_does_not_meet_the_last_axis_where_that_is_as_long():
    model = compiled(LAYERS.Dense(10, "tanh"), LAYERS.Dense(10), optimizer="sgd")
    rates = {"learning_rate": [0.01 * (place + 1) for place in range(5)]}
    plan, setup = crossed(model, rates, replicates=1, epochs=2)
    assert len(plan.trials) == 10
    check_engine(Stacked(), plan, setup)


@pytest.mark.skipif(BACKEND == "jax", reason="one backend of each kind: rows of tables are TensorFlow's")
def test_the_rows_of_an_embedding_have_the_rate_and_the_decay_of_their_member():
    model = keras.Sequential([keras.Input((5,)), LAYERS.Embedding(20, 4), LAYERS.Flatten(), LAYERS.Dense(3)])
    model.compile(keras.optimizers.AdamW(0.01, weight_decay=0.1), crossentropy())
    held = {"learning_rate": [1e-3, 1e-2], "weight_decay": [0.0, 1.0]}
    plan, setup = crossed(model, held, WORDS, RNG.integers(0, 3, N), replicates=1, epochs=1)
    check_engine(Stacked(), plan, setup)
    clipped = crossed(model, {"clipnorm": [0.1, 1.0]}, WORDS, RNG.integers(0, 3, N), replicates=1, epochs=1)
    if BACKEND == "tensorflow":
        assert "whole gradients" in Stacked().why_not(clipped[1], clipped[0].trials)
    else:
        check_engine(Stacked(), *clipped)


def test_penalties_pull_at_kernels_alone():
    kernel, bias = keras.Variable(np.ones((2, 3), "float32")), keras.Variable(np.ones(3, "float32"))
    optimizer = holding(keras.optimizers.SGD(1.0), ("l1", "l2"), None, [True, False])
    optimizer.build([kernel, bias])
    set_numbers(optimizer, [{"l1": 0.1, "l2": 0.2}], Seeds(0, 0))
    optimizer.apply([keras.ops.zeros((2, 3)), keras.ops.zeros(3)], [kernel, bias])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(kernel), 1 - 0.1 - 2 * 0.2, rtol=1e-6)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(bias), 1)
