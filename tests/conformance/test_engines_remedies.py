"""Remedies in training: each engine leaves the records of plain training; strengths share a program."""

from dataclasses import replace

import numpy as np
import pytest

from keras_initlab import remedies
from keras_initlab.engines.sequential import Sequential
from keras_initlab.engines.stacked.engine import Stacked
from keras_initlab.remedies import Subject
from keras_initlab.testing import check_engine
from tests.engines import BACKEND, LAYERS, X, Y, compiled, plan_and_setup, records

CASES = {
    "batch_norm": [remedies.BatchNorm()],
    "strengths": [remedies.DataNoise(0.0), remedies.Dropout(0.0), remedies.DropConnect(0.0)],
    "noisy labels": [remedies.LabelNoise(0.3), remedies.LabelSmoothing(0.1)],
    "mixed in another order": [remedies.Shuffle("replacement"), remedies.Mixup()],
}
STRENGTHS = {
    "off": {"data_noise": 0.0, "dropout": 0.0, "drop_connect": 0.0},
    "noise": {"data_noise": 0.5, "dropout": 0.0, "drop_connect": 0.0},
    "dropout": {"data_noise": 0.0, "dropout": 0.4, "drop_connect": 0.0},
    "drop_connect": {"data_noise": 0.0, "dropout": 0.0, "drop_connect": 0.4},
}


MASKS = BACKEND != "torch"  # its vmap refuses what Keras draws


def model():
    own = [LAYERS.Dropout(0.2)] if MASKS else []
    return compiled(LAYERS.Dense(5, "tanh"), *own, LAYERS.Dense(4, "relu"), LAYERS.Dense(3))


def with_remedies(chosen, **arguments):
    """A plan and a setup in which they stand."""
    given = {"validation_data": (X[:16], Y[:16]), "replicates": 2, "epochs": 1} | arguments
    original = model()
    _, setup = plan_and_setup(original, **given)
    subject = Subject(original, setup.training, setup.validation, epochs=given["epochs"])
    for one in chosen:
        subject = one.apply(subject)
    y = np.eye(3, dtype="float32")[Y] if subject.model.loss != original.loss else Y
    given["validation_data"] = (X[:16], y[:16])
    plan, changed = plan_and_setup(subject.model, X, y, **given)
    changed = replace(
        changed, training=subject.training, validation=subject.validation, strengths=subject.strengths
    )
    if subject.strengths:
        cells = {(("strength", label),): numbers for label, numbers in STRENGTHS.items()}
        plan, changed = replace(plan, cells=tuple(cells)), replace(changed, numbers=cells)
    return plan, changed


@pytest.mark.parametrize("case", CASES)
def test_what_stands_beside_the_start_trains_in_each_engine(case):
    plan, setup = with_remedies(CASES[case], replicates=2 if case == "noisy labels" else 1)
    check_engine(Stacked(), plan, setup)


def test_a_remedy_without_effect_leaves_the_losses_of_the_model_without_it():
    given = {"validation_data": (X[:16], Y[:16]), "replicates": 1, "epochs": 1}
    plan, setup = plan_and_setup(model(), **given)
    (plain,) = records(Sequential(), setup, plan.trials[:1]).values()
    plan, setup = with_remedies(CASES["strengths"], replicates=1)
    trials = [trial for trial in plan.trials if trial.label == plain.label]
    off, *others = records(Sequential(), setup, trials).values()
    np.testing.assert_allclose(off.step_losses, plain.step_losses, rtol=1e-6)
    np.testing.assert_allclose(off.epochs["val_loss"], plain.epochs["val_loss"], rtol=1e-6)
    assert len({one.step_losses[0] for one in (off, *others)}) == len(STRENGTHS)
