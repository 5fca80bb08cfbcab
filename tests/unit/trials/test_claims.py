"""Any number of processes share names: each is done, once where nobody dies, and by no two who are awake."""

import collections
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from keras_initlab.trials.claims import FOLDER, Claims

NAMES = [f"group {number}" for number in range(40)]

WORKER = """
import sys, time
from pathlib import Path
from keras_initlab.trials.claims import Claims

folder, who, lease, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
names = [f"group {number}" for number in range(40)]
claims = Claims(folder, lease, lease / 10)
(folder / f"{who}.ready").touch()
while len(list(folder.glob("*.ready"))) < int(sys.argv[5]):
    time.sleep(0.01)
while True:
    taken = 0
    for name in names:
        if claims.take(name):
            taken += 1
            print("takes", name, flush=True)
            time.sleep(seconds)
            with (folder / f"{who}.done").open("a") as file:
                file.write(name + "\\n")
            claims.finish(name)
    if not taken and all(map(claims.is_finished, names)):
        break
    time.sleep(0.02)
claims.close()
"""


@pytest.fixture
def started(tmp_path):
    running = []

    def start(who, lease, seconds, among=1):
        command = [sys.executable, "-c", WORKER, str(tmp_path), who, *map(str, (lease, seconds, among))]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def done(folder):
    return collections.Counter(
        name for path in sorted(folder.glob("*.done")) for name in path.read_text().splitlines()
    )


def ends_well(process):
    _, errors = process.communicate(timeout=120)
    return process.returncode == 0 and "Error" not in errors  # TensorFlow says this and that


def test_three_processes_do_each_name_once(tmp_path, started):
    workers = [started(who, 60, 0.01, among=3) for who in "abc"]
    assert all(map(ends_well, workers))
    assert done(tmp_path) == dict.fromkeys(NAMES, 1)
    assert sum(bool((tmp_path / f"{who}.done").exists()) for who in "abc") > 1


def test_what_a_dead_process_held_is_done_after_its_lease(tmp_path, started):
    dying = started("dying", 1.0, 60)
    assert dying.stdout.readline() == "takes group 0\n"
    dying.kill()
    begun = time.monotonic()
    assert ends_well(started("other", 1.0, 0.0))
    assert done(tmp_path) == dict.fromkeys(NAMES, 1)
    assert time.monotonic() - begun > 0.9


def test_one_who_slept_past_its_lease_does_no_harm(tmp_path, started):
    asleep = started("asleep", 1.0, 2.0)
    assert asleep.stdout.readline() == "takes group 0\n"
    os.kill(asleep.pid, signal.SIGSTOP)
    others = [started(who, 1.0, 0.0) for who in "bc"]
    assert all(map(ends_well, others))
    assert done(tmp_path) == dict.fromkeys(NAMES, 1)
    os.kill(asleep.pid, signal.SIGCONT)
    assert ends_well(asleep)
    assert done(tmp_path) == dict.fromkeys(NAMES, 1) | {"group 0": 2}


@pytest.mark.parametrize("round", range(20))
def test_of_all_who_want_a_forfeit_claim_one_gets_it(tmp_path, round):
    first = Claims(tmp_path)
    assert first.take("a")
    first.close()
    others = [Claims(tmp_path) for _ in range(16)]
    together = threading.Barrier(len(others))

    def rush(claims):
        together.wait()
        return claims.take("a")

    with ThreadPoolExecutor(len(others)) as pool:
        assert sum(pool.map(rush, others)) == 1
    for claims in others:
        claims.close()


def test_a_claim_is_kept_while_it_is_touched_and_lost_when_not(tmp_path):
    kept, lost = Claims(tmp_path, heartbeat=0.05), Claims(tmp_path, heartbeat=60)
    assert kept.take("kept")
    assert lost.take("lost")
    other = Claims(tmp_path, lease=0.5)
    time.sleep(0.8)
    assert not other.take("kept")
    assert lost.holds("lost")
    assert other.take("lost")
    assert other.take("lost")
    assert kept.holds("kept")
    assert other.holds("lost")
    assert not lost.holds("lost")
    assert not kept.holds("lost")
    assert Claims(tmp_path, lease=0.5).take("lost") is False
    assert lost.take("lost")  # it does not know, and goes on
    lost.finish("lost")
    other.finish("lost")
    assert not other.take("lost")


def test_only_the_clock_of_the_file_system_counts(tmp_path, monkeypatch):
    mine, yours = Claims(tmp_path), Claims(tmp_path)
    assert mine.take("a")
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert not yours.take("a")
    ahead = time.time() + 5000  # as on a server whose clock is ahead of ours
    for path in (tmp_path / FOLDER).iterdir():
        os.utime(path, (ahead, ahead))
    monkeypatch.setattr(type(yours._clock), "touch", lambda path: os.utime(path, (ahead + 599, ahead + 599)))
    assert not yours.take("a")
    monkeypatch.setattr(type(yours._clock), "touch", lambda path: os.utime(path, (ahead + 601, ahead + 601)))
    assert yours.take("a")


def test_what_is_given_up_can_be_taken_at_once_and_what_is_finished_never(tmp_path):
    mine, yours = Claims(tmp_path, heartbeat=0.01), Claims(tmp_path)
    for name in ("given up", "finished", "left"):
        assert mine.take(name)
        assert not yours.take(name)
    mine.release("given up")
    mine.release("never held")
    mine.finish("finished")
    time.sleep(0.05)  # no later heartbeat takes it back
    assert yours.take("given up")
    assert not yours.take("finished")
    assert not yours.take("left")
    mine.close()
    assert yours.take("left")
    yours.close()


def test_what_is_finished_without_results_can_be_taken_again(tmp_path):
    mine, yours = Claims(tmp_path), Claims(tmp_path)
    assert mine.take("a")
    mine.finish("a")
    assert yours.is_finished("a")
    yours.reopen("a")
    yours.reopen("never finished")
    assert yours.take("a")
    mine.close()
    yours.close()


def test_what_was_finished_long_ago_is_not_done_again(tmp_path):
    first = Claims(tmp_path)
    assert first.take("a")
    seen = Claims(tmp_path, lease=0.2)
    looked = iter([False, True])
    seen.is_finished = lambda name: next(looked)  # it looks, sleeps, and finds the claim forfeit
    first.finish("a")
    time.sleep(0.4)
    assert not seen.take("a")


@pytest.mark.parametrize("name", ["", "..", "a/b", "😀" * 200, "NUL", "a\0b"])
def test_names_are_any_text(tmp_path, name):
    claims = Claims(tmp_path)
    assert claims.take(name)
    assert Claims(tmp_path).take(name) is False
    assert Claims(tmp_path).take(name.swapcase() + "x")
    assert {path.parent for path in tmp_path.rglob("*.0")} == {tmp_path / FOLDER}


def test_a_folder_that_vanishes_under_it_ends_no_process(tmp_path):
    claims = Claims(tmp_path, heartbeat=0.01)
    assert claims.take("a")
    for path in (tmp_path / FOLDER).iterdir():
        path.unlink()
    time.sleep(0.05)
    assert Claims(tmp_path).take("a")
    claims.release("a")
    claims.close()
