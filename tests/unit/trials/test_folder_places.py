"""One writer at a time, and only where it can write."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.core.errors import InputError
from keras_initlab.trials import folder as files

X = np.random.default_rng(2).normal(size=(16, 4)).astype("float32")
Y = np.arange(16) % 3


def net():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def test_two_writers_are_told_of_each_other_and_a_dead_one_is_forgotten(tmp_path):
    code = (
        "import sys; from keras_initlab.trials.folder import RunFolder\n"
        "folder = RunFolder(sys.argv[1]); print('in', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "in\n"
        with pytest.raises(InputError, match=rf"in use by process {other.pid} on \S+ since 20.* Wait for it"):
            files.RunFolder(tmp_path)
        other.kill()
    files.RunFolder(tmp_path).close()
    with files.writing(tmp_path), pytest.raises(InputError, match="in use by process"):
        files.RunFolder(tmp_path)
    files.RunFolder(tmp_path).close()


@pytest.mark.filterwarnings("ignore:.*fork")  # the child does nothing but wait
def test_a_forked_child_does_not_keep_a_folder_that_was_given_up(tmp_path):
    folder = files.RunFolder(tmp_path)
    until, done = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(done)
        os.read(until, 1)
        os._exit(0)
    try:
        folder.close()
        files.RunFolder(tmp_path).close()
    finally:
        os.close(done)
        os.waitpid(child, 0)
        os.close(until)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write")
def test_whether_it_can_be_written_is_tried_where_records_go(tmp_path):
    (tmp_path / "records").symlink_to("/proc/self")
    with pytest.raises(InputError, match="which cannot be written"):
        files.RunFolder(tmp_path)


@pytest.mark.parametrize(
    "path", ["", 3, "a\0b", "file", "file/below", "/proc/none", "n" * 300, b"bytes"], ids=repr
)
def test_a_place_that_cannot_be_written_is_one_error_before_intake(tmp_path, path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(InputError, match="run_dir "):
        initlab.compare(lambda: pytest.fail("intake has begun"), ["zeros"], X, Y, run_dir=path)
    assert os.listdir() == ["file"]


def test_a_folder_made_for_nothing_goes_again(tmp_path):
    with pytest.raises(InputError, match="epochs is 0"):
        initlab.compare(net(), ["zeros"], X, Y, epochs=0, run_dir=tmp_path / "new")
    with pytest.raises(InputError, match="Unknown initializer"):
        initlab.compare(net(), ["zerros"], X, Y, run_dir=tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
