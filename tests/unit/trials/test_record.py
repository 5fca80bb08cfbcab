"""One record as a line of JSON, and what a trial leaves behind."""

import json
import math
from dataclasses import replace

from keras_initlab.core.seeds import Seeds
from keras_initlab.trials.plan import Trial
from keras_initlab.trials.record import Record, outcome

ONE = Record("a", 0, "completed", "", (1.5, 0.5), {"loss": (1.0,)}, 2.0, {"order": 3}, "stacked")
LOST = Record("b", 1, "diverged", "The loss became inf at step 2.", (1.0, math.inf))


def test_a_line_is_strict_json():
    def refuse(constant):
        raise AssertionError(constant)

    raw = json.loads(json.dumps(LOST.to_fields()), parse_constant=refuse)
    assert raw["step_losses"] == [1.0, "inf"]
    assert Record.from_fields(ONE.to_fields()) == ONE
    made = replace(ONE, made_with={"keras": "3.15.1", "processor": "A"})
    assert Record.from_fields(made.to_fields()) == made


def test_a_line_of_before_does_not_say_what_made_it():
    raw = ONE.to_fields()
    del raw["made_with"]
    assert Record.from_fields(raw) == ONE


def test_the_last_loss_decides_and_an_error_decides_before_it():
    trial = Trial("a", Seeds(7, 0))
    assert outcome(trial, "x", [2.0, 1.0], {"loss": [1.5]}, 0.1).status == "completed"
    lost = outcome(trial, "x", [2.0, math.inf], {}, 0.1)
    assert lost.status == "diverged"
    assert "became inf at step 2" in lost.message
    failed = outcome(trial, "x", [2.0, math.nan], {}, 0.1, OSError("disk full"))
    assert (failed.status, failed.message) == ("failed", "OSError: disk full")


def test_levels_are_read_back_and_not_written_where_there_are_none():
    record = Record("he", 0, "completed", levels={"learning_rate": "0.1", "batch_norm": "on"})
    again = Record.from_fields(json.loads(json.dumps(record.to_fields(), sort_keys=True)))
    assert again.levels == record.levels
    assert again.name == record.name == ("he", 0, ("batch_norm", "on"), ("learning_rate", "0.1"))
    assert "levels" not in Record("he", 0, "completed").to_fields()
