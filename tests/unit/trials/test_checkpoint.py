"""A checkpoint is read as it was written, or not at all; writing them takes little of the time."""

import io
import itertools
import warnings
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

from keras_initlab.core.errors import RunDirWarning
from keras_initlab.core.seeds import Seeds
from keras_initlab.trials import checkpoint
from keras_initlab.trials.checkpoint import Checkpoint, SavedCheckpoints
from keras_initlab.trials.plan import Trial

ARRAYS = [
    np.arange(6, dtype="float32").reshape(2, 3),
    np.array([1.5, -2.5], ml_dtypes.bfloat16),
    np.array(7, "int64"),
    np.array(3, ml_dtypes.bfloat16),
    np.array([True, False]),
    np.zeros((0, 2), "float16"),
]
ONE = Checkpoint(ARRAYS, {"epoch": 3, "losses": [1.0, float("nan")]})
GROUP = (Trial("a", Seeds(0, 0)), Trial("b", Seeds(0, 0)))


def test_what_is_written_is_read():
    found = Checkpoint.from_bytes(ONE.to_bytes())
    assert str(found.notes) == str(ONE.notes)
    assert [array.dtype for array in found.arrays] == [array.dtype for array in ARRAYS]
    for one, other in zip(found.arrays, ARRAYS, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_damaged_one_is_none():
    content = ONE.to_bytes()
    mangled = [bytes(content[:place]) + b"~" + content[place + 1 :] for place in range(0, len(content), 9)]
    for damaged in (b"", b"text", content[:-30], content + b"x", *mangled):
        with pytest.raises(ValueError, match="it is damaged"):
            Checkpoint.from_bytes(damaged)


def test_nothing_is_unpickled():
    file = io.BytesIO()
    np.savez(file, np.array('{"dtypes": ["object"]}'), np.array([print], object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Checkpoint.from_bytes(file.getvalue() + checkpoint._seal(file.getvalue()))


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(checkpoint, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def saved(folder, **changes):
    arguments = {"identities": {("a",): "1", ("b",): "2"}, "engine": "stacked"} | changes
    return SavedCheckpoints(folder, **arguments)


def test_they_are_a_minute_apart_and_take_a_hundredth_of_the_time(tmp_path, clock):
    kept, taken = saved(tmp_path), []

    def make():
        clock.now += 3.0  # so long it takes
        taken.append(clock.now)
        return ONE

    assert kept.load(GROUP) is None
    for _ in range(2000):
        clock.now += 1.0
        kept.save(GROUP, make)
    assert taken[0] == 1000 + 60 + 3
    assert {later - earlier for earlier, later in itertools.pairwise(taken)} == {300 + 3}
    assert sum(3.0 for _ in taken) < 0.011 * (clock.now - 1000)
    assert kept.load(GROUP).notes["epoch"] == 3


def test_who_stops_is_kept_at_once(tmp_path, clock):
    stop = [False]
    kept = saved(tmp_path, stopping=lambda: stop[0])
    kept.save(GROUP, lambda: ONE)
    assert kept.load(GROUP) is None
    stop[0] = True
    kept.save(GROUP, lambda: ONE)
    assert kept.load(GROUP) is not None
    kept.drop(GROUP)
    assert kept.load(GROUP) is None
    kept.drop(GROUP)


def test_another_comparison_engine_or_group_finds_nothing(tmp_path):
    saved(tmp_path, stopping=lambda: True).save(GROUP, lambda: ONE)
    assert saved(tmp_path).load(GROUP) is not None
    assert saved(tmp_path, identities={("a",): "1", ("b",): "3"}).load(GROUP) is None
    assert saved(tmp_path, engine="sequential").load(GROUP) is None
    assert saved(tmp_path).load(GROUP[::-1]) is None
    assert saved(tmp_path).load(GROUP[:1]) is None


def test_a_damaged_file_or_a_full_disk_is_said_once_and_costs_no_run(tmp_path, monkeypatch):
    kept = saved(tmp_path, stopping=lambda: True)
    kept.save(GROUP, lambda: ONE)
    (file,) = (tmp_path / "checkpoints").iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.warns(RunDirWarning, match=f"{file.name}.* cannot be read .*begin anew"):
        assert kept.load(GROUP) is None

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.journal, "replace", full)
    other = saved(tmp_path, stopping=lambda: True)
    with pytest.warns(RunDirWarning, match=r"No checkpoint in .*No space left"):
        other.save(GROUP, lambda: ONE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other.save(GROUP, lambda: ONE)
