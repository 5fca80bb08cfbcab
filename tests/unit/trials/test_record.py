"""Records on disk."""

import json
import math

import pytest

from keras_initlab.core.errors import InputError
from keras_initlab.trials import record as records
from keras_initlab.trials.record import Record

ONE = Record("a", 0, "completed", "", (1.5, 0.5), {"loss": (1.0,)}, 2.0, {"order": 3}, "stacked")
LOST = Record("b", 1, "diverged", "The loss became inf at step 2.", (1.0, math.inf))


def test_records_round_trip(tmp_path):
    records.write_records(tmp_path, [ONE, LOST])
    assert records.read_records(tmp_path) == [ONE, LOST]
    records.append_record(tmp_path, ONE)
    assert records.read_records(tmp_path) == [ONE, LOST, ONE]
    records.write_records(tmp_path, [LOST])
    assert records.read_records(tmp_path) == [LOST]


def test_a_line_is_strict_json():
    def refuse(constant):
        raise AssertionError(constant)

    raw = json.loads(LOST.to_json(), parse_constant=refuse)
    assert raw["step_losses"] == [1.0, "inf"]


def test_a_last_line_cut_short_by_a_crash_is_left_out(tmp_path):
    records.write_records(tmp_path, [ONE, LOST])
    path = tmp_path / records.RECORDS_FILE
    path.write_text(path.read_text()[:-20])
    assert records.read_records(tmp_path) == [ONE]


def test_no_records_yet(tmp_path):
    assert records.read_records(tmp_path) == []


def test_the_configuration_round_trips(tmp_path):
    config = {"labels": {"é": [1, None, 2.5]}, "seed": 0}
    records.write_config(tmp_path / "new", config)
    assert records.read_config(tmp_path / "new") == {"schema": records.SCHEMA, **config}


def test_a_folder_without_a_result_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"No result in .*config\.json is missing"):
        records.read_config(tmp_path)


def test_a_newer_schema_is_refused(tmp_path):
    (tmp_path / records.CONFIG_FILE).write_text(json.dumps({"schema": records.SCHEMA + 1}))
    with pytest.raises(InputError, match="Update keras_initlab"):
        records.read_config(tmp_path)
