"""`check_engine` finds out an engine that is wrong."""

import keras
import pytest

from keras_initlab.engines.sources import Arrays
from keras_initlab.engines.stacked import engine
from keras_initlab.engines.stacked.engine import Stacked
from keras_initlab.engines.stacked.members import Members, Template
from keras_initlab.testing import check_engine
from tests.engines import (
    LAYERS,
    compiled,
    plan_and_setup,
)


def mutants():
    def mean_of_losses(monkeypatch):
        original = Template.step

        def step(self, trainable, state, batch, training):
            loss, after = original(self, trainable, state, batch, training)
            return loss * 1.01, after

        monkeypatch.setattr(Template, "step", step)

    def order_of_first_replicate(monkeypatch):
        monkeypatch.setattr(Arrays, "alike", lambda self, seeds: True)

    def metrics_not_reset(monkeypatch):
        monkeypatch.setattr(Members, "reset_metrics", lambda self: None)

    def optimizer_not_fresh(monkeypatch):
        monkeypatch.setattr(engine, "holding", lambda *like: keras.optimizers.Adam(0.002))

    return [mean_of_losses, order_of_first_replicate, metrics_not_reset, optimizer_not_fresh]


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.__name__)
def test_a_wrong_engine_is_found_out(mutant, monkeypatch):
    plan, setup = plan_and_setup(compiled(LAYERS.Dense(8, "tanh"), LAYERS.Dense(3)))
    mutant(monkeypatch)
    with pytest.raises(AssertionError, match="instead of"):
        check_engine(Stacked(), plan, setup)
