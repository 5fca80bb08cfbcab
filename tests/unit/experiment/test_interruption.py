"""Ctrl-C and a scheduler's signals stop a comparison in good order."""

import os
import signal
import subprocess
import sys
import threading
import time

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.engines import ENGINES, sequential
from keras_initlab.experiment.interruption import interruptible

RNG = np.random.default_rng(3)
X = RNG.normal(size=(400, 4)).astype("float32")
Y = np.argmax(X[:, :3], axis=1)
BOTH = pytest.mark.parametrize("engine", ENGINES)


class Counting(keras.utils.PyDataset):
    """Sends this process a signal when a batch is read for the n-th time."""

    def __init__(self, number=None, reading=None):
        super().__init__()
        self.number, self.reading, self.read = number, reading, 0

    def __len__(self):
        return 50

    def __getitem__(self, index):
        self.read += 1
        if self.read == self.reading:
            os.kill(os.getpid(), self.number)
        return X[index * 8 : (index + 1) * 8], Y[index * 8 : (index + 1) * 8]


def net():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def compare(folder=None, engine="sequential", data=None, **arguments):
    arguments = {"replicates": 3, "epochs": 2, "verbose": False} | arguments
    return initlab.compare(
        net(), ["zeros", "he_normal"], data or Counting(), run_dir=folder, engine=engine, **arguments
    )


def numbers(result):
    return {
        record.name: (record.status, record.step_losses, record.epochs)
        for record in result.records
        if record.status != "interrupted"
    }


# The first epoch of the first replicate is read before training begins, each other when it comes.
IN_SECOND_REPLICATE = 50 * 2 + 7


@BOTH
@pytest.mark.parametrize("kept", [True, False], ids=["run_dir", "memory"])
def test_ctrl_c_returns_what_there_is(engine, kept, tmp_path):
    folder = tmp_path if kept else None
    part = compare(folder, engine, Counting(signal.SIGINT, IN_SECOND_REPLICATE))
    whole = compare(engine=engine)
    assert part.config["interrupted"]
    under_way = [record for record in part.records if record.status == "interrupted"]
    assert len(under_way) == (2 if engine == "stacked" else 1)
    assert numbers(part).items() <= numbers(whole).items()
    assert len(numbers(part)) == 2
    assert list(part.summary()["n"]) == [1, 1], "who was interrupted is not ranked"
    assert "interrupted after" in str(part)
    assert sum(part.runs["status"] == "interrupted") == len(under_way)
    assert len(part.curves["replicate"].unique()) == 2
    assert part.plot() is not None
    part.to_html(tmp_path / "page.html")
    assert "Stopped after" in (tmp_path / "page.html").read_text()
    part.save(tmp_path / "saved")
    assert len(initlab.load(tmp_path / "saved").records) == 2
    if kept:
        assert len(initlab.load(folder).records) == 2
        assert numbers(compare(folder, engine)) == numbers(whole)


def test_ctrl_c_before_any_run_has_ended_shows_how_far_they_got():
    part = compare(engine="stacked", data=Counting(signal.SIGINT, 57))  # in the second epoch
    assert {record.status for record in part.records} == {"interrupted"}
    assert "No run has finished" in str(part)
    assert "2 runs were interrupted after 100 steps" in str(part)
    assert part.summary().empty
    assert part.ranked == ["zeros", "he_normal"]
    assert part.plot() is not None
    assert "Stopped after" in str(part.runs["message"][0])


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_scheduler_that_wants_its_machine_gets_it_and_loses_nothing(name, tmp_path):
    before = signal.getsignal(getattr(signal, name))
    with pytest.raises(SystemExit) as left:
        compare(tmp_path, data=Counting(getattr(signal, name), IN_SECOND_REPLICATE))
    assert left.value.code == 143
    assert signal.getsignal(getattr(signal, name)) == before
    assert len(initlab.load(tmp_path).records) == 2
    assert numbers(compare(tmp_path)) == numbers(compare())


def test_the_second_ctrl_c_leaves_at_once():
    with interruptible() as interruption, interruption.patience():
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.asked()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    with interruptible() as interruption, interruption.patience():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(SystemExit):
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("grace", [60.0, 0.0], ids=["soon over", "long"])
def test_a_sequential_epoch_is_finished_where_that_is_soon_over(grace, tmp_path, monkeypatch):
    """What `fit` cannot take up in the middle is lost only where waiting for its end would take long."""
    monkeypatch.setattr(sequential, "GRACE", grace)
    real = sequential._Watch.on_epoch_begin

    def interrupt(watch, epoch, logs=None):
        real(watch, epoch, logs)
        if epoch == 1 and not interrupted:
            interrupted.append(epoch)
            os.kill(os.getpid(), signal.SIGINT)

    interrupted = []
    monkeypatch.setattr(sequential._Watch, "on_epoch_begin", interrupt)
    part = compare(tmp_path, data=Counting(), epochs=4, replicates=1)
    (record,) = part.records
    assert record.status == "interrupted"
    assert (len(record.step_losses) == 100) == (grace > 0)
    assert (
        list((tmp_path / "checkpoints").glob("*.npz")) if grace else not (tmp_path / "checkpoints").exists()
    )
    whole = compare(epochs=4, replicates=1)
    assert numbers(compare(tmp_path, epochs=4, replicates=1)) == numbers(whole)


def test_handlers_come_back_whatever_happens():
    def own(number, frame):
        pass

    before = {number: signal.signal(number, own) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(initlab.InputError):
            compare(epochs=0)
        compare(replicates=1)
        assert {signal.getsignal(number) for number in before} == {own}
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible() as interruption, interruption.patience():
            os.kill(os.getpid(), signal.SIGINT)
            assert not interruption.asked()
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_can_compare_too():
    found = []
    thread = threading.Thread(target=lambda: found.append(compare(replicates=1)))
    thread.start()
    thread.join()
    assert len(found[0].records) == 2


def test_the_command_line_exits_with_143(tmp_path):
    """In a process of its own, as a scheduler would: the signal comes from outside, in the middle."""
    command = [sys.executable, "-m", "keras_initlab", "compare", "--data", "digits", "--epochs", "400"]
    command += ["--replicates", "2", "--engine", "sequential", "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        config = tmp_path / "out" / "config.json"
        while not config.exists() and process.poll() is None:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=200)
    assert process.returncode == 143


def test_what_waits_to_be_tried_again_and_is_interrupted_is_one_run(tmp_path):
    def full(shape, dtype=None):
        if not (tmp_path / "room").exists():
            raise MemoryError("full")
        return keras.ops.zeros(shape, dtype)

    def stopping(label, replicate):
        def stop(batch, logs=None):
            if (tmp_path / "stop").exists():
                os.kill(os.getpid(), signal.SIGINT)

        return [keras.callbacks.LambdaCallback(on_train_batch_begin=stop)]

    def go():
        schemes = {"full": full, "zeros": "zeros"}
        place = {"run_dir": tmp_path / "run", "replicates": 1, "epochs": 2, "verbose": False}
        return initlab.compare(net(), schemes, X, Y, callbacks=stopping, engine="sequential", **place)

    assert [record.status for record in go().records] == ["failed", "completed"]
    (tmp_path / "room").touch()
    (tmp_path / "stop").touch()
    again = go()
    assert [record.status for record in again.records] == ["interrupted", "completed"]
    assert again.config["interrupted"]
    (tmp_path / "stop").unlink()
    assert [record.status for record in go().records] == ["completed", "completed"]


def test_a_scheduler_gets_its_exit_code_before_training_too(tmp_path):
    with pytest.raises(SystemExit) as left:
        compare(tmp_path / "run", data=Counting(signal.SIGUSR1, 7))  # while the data are taken in
    assert left.value.code == 143
    assert not (tmp_path / "run").exists()
