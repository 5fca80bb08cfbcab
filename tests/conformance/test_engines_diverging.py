"""A run that diverges or fails costs no other, whichever engine trains it."""

import keras
import numpy as np

from keras_initlab.engines.sequential import Sequential
from keras_initlab.engines.stacked.engine import Stacked
from tests.engines import (
    LAYERS,
    X,
    Y,
    compiled,
    records,
    setup_and_trials,
)


def explode(shape, dtype=None):
    return keras.ops.full(shape, 1e30, dtype=dtype)


def refuse(shape, dtype=None):
    raise ValueError("not this shape")


def test_a_member_that_diverges_or_fails_leaves_its_neighbours_alone():
    model = compiled(LAYERS.Dense(8, "relu"), LAYERS.Dense(3), optimizer=keras.optimizers.SGD(0.1))
    calm = {"he": "initlab_he_normal", "also": "glorot_uniform", "third": "initlab_he_uniform"}
    wild = {"he": "initlab_he_normal", "also": explode, "refuses": refuse, "third": "initlab_he_uniform"}
    without = records(Stacked(), *setup_and_trials(model, X, Y, calm, epochs=2))
    setup, trials = setup_and_trials(model, X, Y, wild | {"refuses": calm["also"]}, epochs=2)
    setup.schemes["refuses"] = refuse
    found = records(Stacked(), setup, trials)
    expected = records(Sequential(), setup, trials)
    for replicate in range(2):
        for name in ("he", "third"):
            assert found[name, replicate].step_losses == without[name, replicate].step_losses
        assert found["refuses", replicate].status == "failed"
        assert "not this shape" in found["refuses", replicate].message
        gone = found["also", replicate]
        assert gone.status == expected["also", replicate].status == "diverged"
        assert len(gone.step_losses) == len(expected["also", replicate].step_losses)
        assert gone.epochs == expected["also", replicate].epochs
        assert np.isfinite(gone.step_losses[:-1]).all()
        assert "lower learning rate" in gone.message


def test_dead_members_are_left_out_when_that_pays(monkeypatch):
    sizes = []
    monkeypatch.setattr(
        "keras_initlab.engines.stacked.engine.pays_to_rebuild", lambda setup, dead, steps: dead
    )
    original = Stacked.run.__globals__["_Machine"]

    class Machine(original):
        def __init__(self, template, setup, trials, before):
            sizes.append(len(trials))
            super().__init__(template, setup, trials, before)

    monkeypatch.setitem(Stacked.run.__globals__, "_Machine", Machine)
    model = compiled(LAYERS.Dense(8, "relu"), LAYERS.BatchNormalization(), LAYERS.Dense(3))
    wild = {"he": "initlab_he_normal", "boom": explode, "glorot": "glorot_uniform"}
    setup, trials = setup_and_trials(model, X, Y, wild, epochs=3, replicates=1)
    found, expected = records(Stacked(), setup, trials), records(Sequential(), setup, trials)
    assert sizes == [3, 2]
    for name, record in expected.items():
        assert found[name].status == record.status
        np.testing.assert_allclose(found[name].step_losses, record.step_losses, rtol=1e-3)
        assert found[name].epochs.keys() == record.epochs.keys()
