"""A run that dies loses nothing that was finished, and goes on where it stopped."""

import json
import math

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.core.errors import InputError
from keras_initlab.trials import folder as files
from keras_initlab.trials.config import SCHEMA
from keras_initlab.trials.record import Record

X = np.random.default_rng(2).normal(size=(16, 4)).astype("float32")
Y = np.arange(16) % 3


def net():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def run(folder, schemes=("initlab_he_normal", "initlab_lecun_uniform"), **arguments):
    started = []

    def count(label, replicate):
        started.append((label, replicate))
        if len(started) > limit:
            raise KeyboardInterrupt
        return []

    limit = arguments.pop("limit", 99)
    arguments = {"replicates": 2, "seed": 4, "verbose": False} | arguments
    result = initlab.compare(net(), list(schemes), X, Y, run_dir=folder, callbacks=count, **arguments)
    return result, started


def found(result):
    return {(r.label, r.replicate): (r.status, r.step_losses, r.epochs) for r in result.records}


def test_an_interrupted_run_goes_on(tmp_path):
    whole, _ = run(tmp_path / "whole")
    part, started = run(tmp_path / "part", limit=2)
    assert len(part.records) == 2
    with (tmp_path / "part" / "records.jsonl").open("a") as file:
        file.write('{"label": "cut sho')  # the crash came while a record was written
    rest, started = run(tmp_path / "part")
    assert len(started) == 2
    assert found(rest) == found(whole)
    again, started = run(tmp_path / "part")
    assert started == []
    assert found(again) == found(whole) == found(initlab.load(tmp_path / "part"))


def test_more_initializers_and_replicates_change_no_other_result(tmp_path):
    small, _ = run(tmp_path)
    large, started = run(
        tmp_path, ("initlab_zeros", "initlab_he_normal", "initlab_lecun_uniform"), replicates=3
    )
    assert len(started) == 9 - 4
    assert {key: found(large)[key] for key in found(small)} == found(small)
    alone, _ = run(None, ("initlab_lecun_uniform",), replicates=3)
    assert found(alone).items() <= found(large).items()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 5}, "holds a comparison with another seed: 4 there, 5 here"),
        ({"epochs": 2}, "another epochs: 1 there, 2 here"),
        ({"roles": "bias"}, "another digest"),
    ],
)
def test_another_comparison_is_refused(tmp_path, changes, message):
    run(tmp_path)
    with pytest.raises(InputError, match=message):
        run(tmp_path, **changes)


def test_another_law_under_the_same_label_is_refused(tmp_path):
    data = {"replicates": 1, "verbose": False, "run_dir": tmp_path}
    initlab.compare(net(), {"a": "zeros"}, X, Y, **data)
    with pytest.raises(InputError, match="holds 'a' as"):
        initlab.compare(net(), {"a": "ones"}, X, Y, **data)


def test_nothing_finished_is_an_interrupt(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, limit=0)


ONE = Record("a", 0, "completed", "", (1.5, 0.5), {"loss": (1.0,)}, 2.0, {"order": 3}, "stacked")
LOST = Record("b", 1, "diverged", "The loss became inf at step 2.", (1.0, math.inf))


def test_records_round_trip(tmp_path):
    files.write_records(tmp_path, [ONE, LOST])
    assert files.read_records(tmp_path) == [ONE, LOST]
    files.append_record(tmp_path, ONE)
    assert files.read_records(tmp_path) == [ONE, LOST, ONE]
    files.write_records(tmp_path, [LOST])
    assert files.read_records(tmp_path) == [LOST]


def test_a_last_line_cut_short_by_a_crash_is_left_out(tmp_path):
    files.write_records(tmp_path, [ONE, LOST])
    path = tmp_path / files.RECORDS_FILE
    path.write_text(path.read_text()[:-20])
    assert files.read_records(tmp_path) == [ONE]


def test_no_records_yet(tmp_path):
    assert files.read_records(tmp_path) == []


def test_the_configuration_round_trips(tmp_path):
    config = {"labels": {"é": [1, None, 2.5]}, "seed": 0}
    files.write_config(tmp_path / "new", config)
    assert files.read_config(tmp_path / "new") == {"schema": SCHEMA, **config}


def test_a_folder_without_a_result_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"No result in .*config\.json is missing"):
        files.read_config(tmp_path)


def test_a_newer_schema_is_refused(tmp_path):
    (tmp_path / files.CONFIG_FILE).write_text(json.dumps({"schema": SCHEMA + 1}))
    with pytest.raises(InputError, match="Update keras_initlab"):
        files.read_config(tmp_path)


def test_a_damaged_configuration_is_one_error(tmp_path):
    (tmp_path / files.CONFIG_FILE).write_text('{"schema": 1, "lab')
    with pytest.raises(InputError, match=r"config\.json.* is damaged"):
        files.read_config(tmp_path)
