"""A run that dies loses nothing that was finished, and goes on where it stopped."""

import contextlib
import json
import math
import os
import shutil
import tempfile
import threading
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import keras_initlab as initlab
from keras_initlab.core.errors import InputError, NotSavedError, RunDirWarning
from keras_initlab.results.comparison import Comparison
from keras_initlab.trials import folder as files
from keras_initlab.trials.claims import Claims
from keras_initlab.trials.config import SCHEMA, Config
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
        (
            {"roles": "bias"},
            r"another layers or roles \(layer 2, Dense: tested\[0\]\): 'kernel' there, 'bias' here",
        ),
        ({"shuffle": False}, "another shuffle: True there, False here"),
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


def test_another_version_or_processor_is_said_once_and_kept_with_each_record(tmp_path, monkeypatch):
    first, _ = run(tmp_path, replicates=1)
    made = first.records[0].made_with
    assert set(made) == {"keras", keras.backend.backend(), "processor"}
    monkeypatch.setattr(keras, "__version__", "9.9")
    with pytest.warns(
        RunDirWarning, match=rf"goes on with another make: keras {made['keras']} there, 9\.9 here"
    ):
        result, started = run(tmp_path)
    assert len(started) == 2
    again, started = run(tmp_path)
    assert started == []
    for found in (result, again, initlab.load(tmp_path)):
        assert [record.made_with["keras"] for record in found.records] == [made["keras"], "9.9"] * 2
        said = "Runs of different makes, whose last digits may differ: 2 with keras "
        said += f"{made['keras']}; 2 with keras 9.9."
        assert said in " ".join(repr(found).split())
        assert said in found._repr_html_()
        assert said in json.loads(found.to_json())["notes"]


def test_a_folder_of_the_first_form_goes_on(tmp_path):
    shutil.copytree(Path(__file__).parents[2] / "saved" / "run", tmp_path / "run")
    before = initlab.load(tmp_path / "run")
    now = {"shuffle": True, "model": [{"class": "Dense"}], "callbacks": "none"}
    config = replace(Config.from_json(before.config), **now, versions={"processor": "A", "keras": "3.15.1"})
    with files.writing(tmp_path / "run") as folder:
        joined, found = folder.admit(config)
        assert len(found) == 9
        assert joined.shuffle is joined.model is joined.callbacks is None
        folder.begin(joined)
        folder.add([replace(found[0], replicate=7, made_with=joined.made_with)])
    records, config = files.read(tmp_path / "run")
    assert [record.made_with for record in records[-2:]] == [{}, {"keras": "3.15.1", "processor": "A"}]
    assert "Runs of different makes" not in repr(Comparison(records, config))


def test_nothing_finished_is_an_interrupt(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, limit=0)


CONFIG = Config({"a": "law", "b": {"class_name": "B"}}, 2, 0, 1, 2, slots=[])
ONE = Record("a", 0, "completed", "", (1.5, 0.5), {"loss": (1.0,)}, 2.0, {"order": 3}, "stacked")
LOST = Record("b", 1, "diverged", "The loss became inf at step 2.", (1.0, math.inf))


def stored(folder, *records, config=CONFIG):
    files.save(folder, SimpleNamespace(config=config.to_json(), records=records))
    return folder


def journals(folder):
    return sorted((folder / "records").iterdir())


def test_what_is_saved_is_read_and_saving_again_adds_nothing(tmp_path):
    for _ in range(2):
        stored(tmp_path / "new", ONE, LOST)
        assert files.read(tmp_path / "new") == ([ONE, LOST], CONFIG.to_json())
    stored(tmp_path / "new", replace(ONE, replicate=1))
    assert len(files.read(tmp_path / "new")[0]) == 3


def test_another_comparison_is_not_saved_over_one(tmp_path):
    stored(tmp_path, ONE)
    with pytest.raises(InputError, match="another seed: 0 there, 1 here"):
        stored(tmp_path, ONE, config=replace(CONFIG, seed=1))
    assert files.read(tmp_path)[0] == [ONE]


def test_a_folder_without_a_result_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"No result in .*config\.json is missing"):
        files.read(tmp_path)


def test_a_newer_schema_is_refused(tmp_path):
    (tmp_path / files.CONFIG_FILE).write_text(json.dumps({"schema": SCHEMA + 1}))
    with pytest.raises(InputError, match="Update keras_initlab"):
        files.read(tmp_path)


NO_CONFIG = {
    "missing": None,
    "empty": b"",
    "cut": b'{"schema": 1, "lab',
    "no UTF-8": b"\xff\xff",
    "NUL": bytes(200),
    "a list": b"[1, 2]",
    "of another program": b'{"name": "x"}',
    "schema as text": b'{"schema": "one"}',
    "without labels": b'{"schema": 1, "seed": 0}',
    "labels of a kind": b'{"schema":1,"labels":3,"replicates":1,"seed":0,"epochs":1,"steps_per_epoch":1}',
    "groups of a kind": json.dumps(CONFIG.to_json() | {"groups": [[[0, [0, 2]]]]}).encode(),
    "nested without end": b"[" * 100_000,
    **{
        f"{name} as {value!r}": json.dumps(CONFIG.to_json() | {name: value}).encode()
        for name, value in {
            "directions": ["loss"],
            "chance": 0.5,
            "seed": "0",
            "replicates": 2.5,
            "engine": "sequential",
            "target_loss": "low",
            "baseline": ["a"],
            "model": ["x"],
        }.items()
    },
}


@pytest.mark.parametrize("damage", NO_CONFIG)
def test_records_outlive_their_config(tmp_path, damage):
    path = stored(tmp_path, ONE, LOST) / files.CONFIG_FILE
    path.unlink() if NO_CONFIG[damage] is None else path.write_bytes(NO_CONFIG[damage])
    with pytest.raises(InputError, match=r"No result in .*config\.json"):
        files.read(tmp_path)
    with (
        files.writing(tmp_path) as folder,
        pytest.raises(InputError, match=r"holds 2 records, but config\.json .*, and they do not say"),
    ):
        folder.admit(replace(CONFIG, seed=1))
    with files.writing(tmp_path) as folder:
        assert folder.admit(CONFIG) == (CONFIG, [ONE, LOST])
        folder.begin(CONFIG)
    assert files.read(tmp_path) == ([ONE, LOST], CONFIG.to_json())


def test_records_of_the_first_form_without_a_config_belong_to_nobody(tmp_path):
    (tmp_path / "records.jsonl").write_text(json.dumps(ONE.to_fields()) + "\n")
    with files.writing(tmp_path) as folder, pytest.raises(InputError, match="holds 1 records"):
        folder.admit(CONFIG)


def test_bad_lines_are_set_aside_once_and_named(tmp_path):
    (path,) = journals(stored(tmp_path, ONE, LOST))
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first.replace(b"completed", b"complated") + second)
    with pytest.warns(RunDirWarning, match=rf"1 lines in .* hold no record: records/{path.name}:1 "):
        stored(tmp_path)
    assert (tmp_path / files.REJECTED_FILE).read_bytes() == first.replace(b"completed", b"complated")
    stored(tmp_path, ONE)  # no second warning
    with pytest.warns(RunDirWarning, match="1 lines"):
        assert files.read(tmp_path)[0] == [LOST, ONE]


def test_a_run_twice_is_one_and_a_failure_gives_way(tmp_path):
    failed = replace(ONE, status="failed", message="MemoryError: ")
    stored(tmp_path, failed, LOST)
    with files.writing(tmp_path) as folder:
        folder.begin(folder.admit(CONFIG)[0])
        folder.add([ONE])
        folder.add([replace(ONE, seconds=9.0)])
    assert files.read(tmp_path)[0] == [ONE, LOST]


def test_a_result_is_saved_over_its_own_failures_and_never_the_other_way_round(tmp_path):
    passing = replace(ONE, status="failed", message="MemoryError: ", step_losses=(), epochs={})
    lasting = replace(passing, message="ValueError: no such shape")
    for better in (passing, lasting, ONE, passing):
        stored(tmp_path, better, LOST)
    assert files.read(tmp_path)[0] == [ONE, LOST]
    (first, *rest) = (path.read_bytes().count(b"\n") for path in journals(tmp_path))
    assert (first, rest) == (2, [1, 1]), "only what is better is added"


def test_going_on_begins_with_what_is_said_of_the_runs_there(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "keras_initlab.experiment.compare.outlook", lambda found: f"{len(found.records)} there"
    )
    run(tmp_path, verbose=2)
    assert "there" not in capsys.readouterr().err
    run(tmp_path, replicates=3, verbose=2)
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == "4 there"
    assert len(lines) == 2


def test_who_slept_while_another_planned_plans_anew(tmp_path, monkeypatch):
    whole, _ = run(None)
    holds, asked = Claims.holds, []
    with files.writing(tmp_path, share=True) as mine, mine.planning():
        monkeypatch.setattr(mine._claims, "holds", lambda name: False)
        assert not mine.begin(CONFIG)
        assert not (tmp_path / files.CONFIG_FILE).exists()

    def lost_at_first(claims, name):
        asked.append(name)
        return len(asked) > 1 and holds(claims, name)

    monkeypatch.setattr(Claims, "holds", lost_at_first)
    result, _ = run(tmp_path, share=True)
    assert len(asked) == 2
    assert found(result) == found(whole)


def test_who_waits_for_the_plan_of_another_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_SILENCE", 0.3)
    other = Claims(tmp_path)
    assert other.take("plan")
    threading.Timer(1.0, other.close).start()
    with pytest.warns(RunDirWarning, match=r"Another process plans .* at most 10 minutes"):
        run(tmp_path, share=True)


def test_a_disk_that_fills_up_costs_no_trained_run(tmp_path, monkeypatch):
    real, room = os.write, [True]

    def write(file, content):
        if not room[0] and b"step_losses" in content:
            raise OSError(28, "No space left on device")
        return real(file, content)

    monkeypatch.setattr(os, "write", write)

    def fill(label, replicate):
        room[0] = replicate == 0
        return []

    data = {"replicates": 2, "verbose": False, "run_dir": tmp_path, "callbacks": fill}
    with (
        pytest.warns(RunDirWarning, match=r"cannot be written .*free room"),
        pytest.raises(NotSavedError, match=r"1 finished runs are not in .*No space left") as caught,
    ):
        initlab.compare(net(), ["zeros"], X, Y, **data)
    assert len(caught.value.comparison.records) == 2
    assert len(initlab.load(tmp_path).records) == 1
    room[0] = True
    caught.value.comparison.save(tmp_path)
    assert len(initlab.load(tmp_path).records) == 2


def test_what_failed_for_a_passing_reason_is_tried_again_and_what_did_not_stays(tmp_path):
    reasons = iter([MemoryError("full"), ValueError("wrong"), OSError("never asked")])

    def scheme(shape, dtype=None):
        raise failing[0]

    data = {"replicates": 1, "verbose": False, "run_dir": tmp_path}
    failing, messages = [next(reasons)], []
    for reason in (*reasons, None):
        (record,) = initlab.compare(net(), {"a": scheme}, X, Y, **data).records
        messages.append(record.message)
        failing[0] = reason
    assert messages == ["MemoryError: full", "ValueError: wrong", "ValueError: wrong"]


def test_ctrl_c_drops_no_failure_that_waits_to_be_tried_again(tmp_path):
    second = tmp_path / "the second time"  # the code of the callbacks has to stay what it is

    def fails(label, replicate):
        if label == "initlab_lecun_uniform" and not second.exists():
            raise MemoryError
        if (label, replicate) == ("initlab_lecun_uniform", 1):
            raise KeyboardInterrupt
        return []

    labels = ["initlab_he_normal", "initlab_lecun_uniform"]
    data = {"replicates": 2, "verbose": False, "run_dir": tmp_path}
    initlab.compare(net(), labels, X, Y, callbacks=fails, **data)
    second.touch()
    result = initlab.compare(net(), labels, X, Y, callbacks=fails, **data)
    assert result.config["interrupted"] is True
    assert {key: status for key, (status, *_) in found(result).items()} == {
        ("initlab_he_normal", 0): "completed",
        ("initlab_he_normal", 1): "completed",
        ("initlab_lecun_uniform", 0): "completed",
        ("initlab_lecun_uniform", 1): "failed",
    }


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_mangled_folder_ends_in_a_result_or_an_input_error(tmp_path, data):
    with tempfile.TemporaryDirectory(dir=tmp_path) as place:
        folder = stored(Path(place), ONE, LOST)
        for path in [folder / files.CONFIG_FILE, *journals(folder)]:
            content = bytearray(path.read_bytes())
            start = data.draw(st.integers(0, len(content)))
            end = data.draw(st.integers(start, min(len(content), start + 300)))
            content[start:end] = data.draw(st.sampled_from([b"", b"\0" * 20, b"\n", b"{}", b"\xff", b'"']))
            path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RunDirWarning)
            with contextlib.suppress(InputError):
                Comparison(*files.read(folder)).runs  # noqa: B018
            with contextlib.suppress(InputError), files.writing(folder) as writer:
                _, found = writer.admit(CONFIG)
                assert set(map(str, found)) <= {str(ONE), str(LOST)}
