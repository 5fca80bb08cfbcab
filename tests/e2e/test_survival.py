"""What a run folder promises, against kills, stops and full disks."""

import io
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

import keras_initlab as initlab
from keras_initlab.core.errors import InputError, NotSavedError, RunDirWarning
from keras_initlab.engines import ENGINES
from keras_initlab.trials import checkpoint

ROOT = Path(__file__).parents[2]
BOTH = pytest.mark.parametrize("engine", ENGINES)
RNG = np.random.default_rng(0)
STRIDE = 1 if keras.backend.backend() == "torch" else 7
"""One in so many operations on files is a kill's; PyTorch, which compiles nothing, has time for each."""
X, Y = RNG.normal(size=(16, 4)).astype("float32"), np.arange(16) % 3


def compare(folder, engine, schemes=("zeros", "he_normal"), **arguments):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    arguments = {"replicates": 2, "epochs": 2, "batch_size": 8, "verbose": False} | arguments
    return initlab.compare(model, schemes, X, Y, run_dir=folder, engine=engine, **arguments)


def numbers(result):
    return {record.name: (record.status, record.step_losses, record.epochs) for record in result.records}


class Killed(BaseException):
    """As kill -9: nothing that comes after it is done."""


class Machine:
    """Counts the operations on files of a folder, and dies at the n-th: or in mid-write."""

    NAMES = ("open", "write", "fsync", "ftruncate", "replace", "mkdir", "unlink", "rmdir")

    def __init__(self, folder, patch):
        self.folder, self.left, self.dead = str(folder), 10**9, False
        self.held = set()
        for module, names in ((os, self.NAMES), (io, ("open",))):
            for name in names:
                patch.setattr(module, name, self.watched(name, getattr(module, name)))
        self.close = os.close
        patch.setattr(os, "close", self.closed)

    def closed(self, file):
        self.held.discard(file)
        self.close(file)

    def end(self):
        """What the system does when a process is gone: its files are closed and its locks released."""
        for file in self.held:
            self.close(file)

    def watched(self, name, real):
        def operation(first, *rest, **keywords):
            if isinstance(first, int) or str(first).startswith(self.folder):
                if self.dead:
                    raise Killed
                self.left -= 1
                if self.left == 0:
                    self.dead = True
                    if name == "write":
                        real(first, rest[0][: len(rest[0]) // 2])
                    raise Killed
            found = real(first, *rest, **keywords)
            if name == "open" and isinstance(found, int) and str(first).startswith(self.folder):
                self.held.add(found)
            return found

        return operation


@BOTH
def test_killed_at_any_file_operation_of_a_run_or_a_resume(engine, tmp_path, monkeypatch):
    """SQLite's method: count n up until the run comes to its end."""
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)  # each epoch's end
    monkeypatch.setattr(checkpoint, "SHARE", 1e9)
    few = ["zeros", "he_normal"][: 1 if engine == "sequential" else 2]  # there each is a group
    whole = numbers(compare(None, engine, few))
    half = tmp_path / "half"
    compare(half, engine, few, replicates=1)
    kept = numbers(initlab.load(half))
    for begun in (None, half):
        for point in itertools.count(1, STRIDE):
            folder = tmp_path / f"{begun is half} {point}"
            if begun:
                shutil.copytree(begun, folder)
            with monkeypatch.context() as patch:
                machine = Machine(folder, patch)
                machine.left = point
                try:
                    found = numbers(compare(folder, engine, few))
                except Killed:
                    found = None
                machine.end()
            if found is not None:
                assert found == whole
                assert point > 20, "the operations were not counted"
                break
            if begun:
                assert kept.items() <= numbers(initlab.load(folder)).items(), point
            assert numbers(compare(folder, engine, few)) == whole, point
            assert numbers(initlab.load(folder)) == whole, point
            shutil.rmtree(folder)


SHARING = """
import functools, sys, time
import keras, numpy as np
import keras_initlab as initlab
from keras_initlab.trials import folder
folder.Claims = functools.partial(folder.Claims, lease=4.0, heartbeat=0.5)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(64, 4)).astype("float32"), np.arange(64) % 3
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
def slowly(label, replicate):
    print(label, replicate, flush=True)
    time.sleep(1.0)
    return []
place = sys.argv[1] if len(sys.argv) > 1 else None
found = initlab.compare(model, ["zeros", "he_normal", "ones"], x, y, replicates=4, callbacks=slowly,
                        run_dir=place, share=place is not None, verbose=False)
print("ended", len(found.records), found.config.get("elsewhere", 0), flush=True)
"""


def sharing(*arguments):
    command = [sys.executable, "-c", SHARING, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.timeout(600)
def test_three_share_one_is_killed_and_one_sleeps_past_its_lease(tmp_path):
    first, second, third = (sharing(str(tmp_path)) for _ in range(3))
    for process in (first, second, third):
        assert len(process.stdout.readline().split()) == 2, "each has taken a run"
    first.kill()
    second.send_signal(signal.SIGSTOP)
    time.sleep(6.0)
    second.send_signal(signal.SIGCONT)
    for process in (second, third):
        assert process.communicate(timeout=300)[0].splitlines()[-1].startswith("ended")
        assert process.returncode == 0
    first.communicate()
    rest = sharing(str(tmp_path))
    assert "ended 12 0" in rest.communicate(timeout=300)[0]
    found = initlab.load(tmp_path)
    assert len(found.records) == 12
    alone = tmp_path / "alone"
    one = subprocess.run(
        [sys.executable, "-c", SHARING, str(alone)], cwd=ROOT, capture_output=True, check=True, text=True
    )
    assert "ended 12 0" in one.stdout
    assert numbers(found) == numbers(initlab.load(alone))
    trained = sum(
        len(file.read_bytes().splitlines()) for file in (tmp_path / "records").iterdir() if file.is_file()
    )
    assert trained <= 13, "only what the sleeper held may have been trained twice"


def test_who_does_not_share_is_kept_out_by_those_who_do(tmp_path):
    process = sharing(str(tmp_path))
    process.stdout.readline()
    with pytest.raises(InputError, match=r"in use by .*share=True"):
        compare(tmp_path, "sequential")
    process.kill()
    process.communicate()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 80 kB, and a way to make it larger."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    command = [mount, "-t", "tmpfs", "-o", "size=80k", "tmpfs", str(place)]
    if not mount or os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield place, lambda: subprocess.run([mount, "-o", "remount,size=9m", str(place)], check=True)
    subprocess.run(["umount", str(place)], check=True)


@BOTH
def test_a_disk_that_fills_up_costs_no_trained_run(engine, small_disk):
    place, enlarge = small_disk
    long = {"epochs": 60, "batch_size": 1}  # 960 losses a run
    with pytest.warns(RunDirWarning, match="free room"), pytest.raises(NotSavedError) as full:
        compare(place / "run", engine, **long)
    whole = numbers(compare(None, engine, **long))
    assert numbers(full.value.comparison) == whole
    assert numbers(initlab.load(place / "run")).items() <= whole.items()
    enlarge()
    full.value.comparison.save(place / "run")
    assert numbers(initlab.load(place / "run")) == whole


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(some.data())
def test_a_mangled_folder_ends_in_a_result_or_an_input_error(tmp_path, data):
    whole = tmp_path / "whole"
    if not whole.exists():
        compare(whole, "stacked")
    folder = tmp_path / "mangled"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    for path in [folder / "config.json", *sorted((folder / "records").iterdir())]:
        content = bytearray(path.read_bytes())
        start = data.draw(some.integers(0, len(content)))
        end = data.draw(some.integers(start, min(len(content), start + 300)))
        content[start:end] = data.draw(some.sampled_from([b"", b"\0" * 20, b"\n", b"{}", b"\xff", b"7"]))
        path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunDirWarning)
        try:
            found = compare(folder, "auto")
        except InputError:
            return
    assert numbers(found) == numbers(initlab.load(whole))
