"""Training that was cut off goes on where it stood, and ends with the numbers it would have had."""

from dataclasses import replace

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.core.errors import InputError, RunDirWarning
from keras_initlab.engines import ENGINES
from keras_initlab.engines.contract import Observer
from keras_initlab.engines.stacked import blocks, groups
from keras_initlab.trials import checkpoint, journal
from keras_initlab.trials.checkpoint import Checkpoint, Checkpoints
from tests.engines import LAYERS, X, Y, compiled, plan_and_setup, setup_and_trials

BOTH = pytest.mark.parametrize("engine", ENGINES)


def explode(shape, dtype=None):
    return keras.ops.full(shape, 1e30, dtype)


WILD = {"he": "initlab_he_normal", "boom": explode, "glorot": "glorot_uniform"}


class Kept(Checkpoints):
    """Keeps every checkpoint, as bytes; stops when asked for the `last` time."""

    keeps = True

    def __init__(self, store, last):
        super().__init__()
        self.store, self.asked, self.last = store, 0, last
        self.found = 0

    @property
    def stopping(self):
        self.asked += 1
        return self.asked >= self.last

    def load(self, group):
        kept = self.store.get(group)
        self.found += kept is not None
        return kept and Checkpoint.from_bytes(kept)

    def save(self, group, make):
        self.store[group] = make().to_bytes()


def train(engine, setup, trials, kept):
    ended = ENGINES[engine].run(setup, ENGINES[engine].cut(setup, trials), Observer(), kept)
    return {record.name: record for group in ended for record in group}


def numbers(records):
    """Everything but the time; as text, since what diverged ends in NaN."""
    return {
        name: repr((record.status, record.message, record.step_losses, record.epochs, record.seeds))
        for name, record in records.items()
    }


def noisy():
    masks = [] if keras.backend.backend() == "torch" else [LAYERS.Dropout(0.2)]  # its vmap draws none
    return compiled(LAYERS.Dense(8, "relu"), *masks, LAYERS.BatchNormalization(), LAYERS.Dense(3))


@BOTH
def test_stopped_anywhere_it_ends_as_if_it_had_not_been(engine, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 2)  # two blocks an epoch
    monkeypatch.setattr(
        "keras_initlab.engines.stacked.engine.pays_to_rebuild", lambda setup, dead, left: dead
    )
    data = X, Y, WILD, (X[:20], Y[:20])
    setup, trials = setup_and_trials(noisy(), *data, epochs=3, replicates=1)
    whole = numbers(train(engine, setup, trials, Checkpoints()))
    polls = Kept({}, last=10**9)
    assert numbers(train(engine, setup, trials, polls)) == whole
    resumed = 0
    for last in (2, 3, 5, 6) if engine == "stacked" else range(3, polls.asked, polls.asked // 4):
        store = {}
        first = train(engine, setup, trials, Kept(store, last))
        assert "completed" not in {first[name].status for name in first} or engine == "sequential"
        fresh = setup_and_trials(noisy(), *data, epochs=3, replicates=1)[0]  # another process has its own
        rest = Kept(store, last=10**9)
        assert numbers(train(engine, fresh, trials, rest)) == whole, last
        resumed += rest.found
    assert resumed >= 2


@BOTH
def test_numbers_that_differ_the_stream_of_gradient_noise_and_changes_of_weights_go_on(engine, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 2)
    cells = {
        (("gradient_noise", str(eta)), ("learning_rate", str(rate))): {
            "gradient_noise": eta,
            "learning_rate": rate,
        }
        for eta, rate in ((0.0, 0.1), (0.3, 0.1), (0.3, 0.01))
    }

    def made():
        model = compiled(LAYERS.Dense(5, "tanh"), LAYERS.Dense(3), optimizer=keras.optimizers.SGD(0.1))
        plan, setup = plan_and_setup(model, X, Y, {"he": "initlab_he_normal"}, epochs=3, replicates=1)
        return replace(setup, numbers=cells, weight_changes=True), replace(plan, cells=tuple(cells)).trials

    setup, trials = made()
    polls = Kept({}, last=10**9)
    whole = numbers(train(engine, setup, trials, polls))
    store = {}
    train(engine, setup, trials, Kept(store, 5 if engine == "stacked" else polls.asked // 2))
    rest = Kept(store, last=10**9)
    assert numbers(train(engine, *made(), rest)) == whole
    assert rest.found


@BOTH
def test_a_run_that_is_to_stop_shows_how_far_it_got(engine):
    setup, trials = setup_and_trials(noisy(), X, Y, epochs=3, replicates=1)
    found = train(engine, setup, trials, Kept({}, last=3))
    under_way = list(found.values())
    assert {record.status for record in under_way} == {"interrupted"}
    assert len(under_way) == (2 if engine == "stacked" else 1)
    for record in under_way:
        assert 0 < len(record.step_losses) < 12
        assert record.message == f"Stopped after {len(record.step_losses)} steps."


class Killed(BaseException):
    """As kill -9 would: nothing after it is done."""


def compare(folder, engine="stacked", **arguments):
    arguments = {"replicates": 2, "epochs": 3, "batch_size": 16, "verbose": False} | arguments
    data = arguments.pop("data", (X, Y))
    return initlab.compare(noisy(), WILD, *data, run_dir=folder, engine=engine, **arguments)


def compared(result):
    return numbers({record.name: record for record in result.records})


@BOTH
def test_a_comparison_killed_after_any_checkpoint_goes_on_from_it(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "SHARE", 1e9)
    whole = compared(compare(None, engine))
    real = journal.replace
    for at in (1, 2) if engine == "stacked" else (1, 4, 6):
        folder, written = tmp_path / f"{at}", []

        def replace(path, content, written=written, at=at):
            real(path, content)
            written.extend([path] if path.suffix == ".npz" else [])
            if len(written) == at:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(journal, "replace", replace)
            with pytest.raises(Killed):
                compare(folder, engine)
        assert written[-1].exists()
        assert compared(compare(folder, engine)) == whole, at
        assert list((folder / "checkpoints").iterdir()) == []


def test_groups_are_cut_once_and_not_by_the_memory_of_the_moment(tmp_path, monkeypatch):
    memory = [0]
    monkeypatch.setattr(groups, "free_memory", lambda: memory[0])
    setup, _ = setup_and_trials(noisy(), X, Y, WILD)
    memory[0] = (
        2.5 * groups.member_bytes(setup) / groups.SHARE_OF_MEMORY
    )  # replicates in parts of two and one
    whole = compare(tmp_path / "whole")
    assert whole.config["groups"] == [[[0, [0, 1]]], [[0, [2]]], [[1, [0, 1]]], [[1, [2]]]]
    real = journal.Journal.append

    def append(self, lines):
        real(self, lines)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "append", append)
        with pytest.raises(Killed):
            compare(tmp_path / "part")
    assert len(initlab.load(tmp_path / "part").records) == 2
    memory[0] = 1e12
    rest = compare(tmp_path / "part")
    assert compared(rest) == compared(whole)
    assert rest.config["groups"] == whole.config["groups"]


def test_a_group_of_which_a_line_was_lost_is_trained_whole(tmp_path):
    whole = compared(compare(tmp_path))
    (file,) = (tmp_path / "records").iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:1], b"{broken\n", *lines[2:]]))
    with pytest.warns(RunDirWarning, match=":2 "):
        assert compared(compare(tmp_path)) == whole
    assert len((tmp_path / "records").joinpath(file.name).read_bytes().splitlines()) == 6
    (new,) = set((tmp_path / "records").iterdir()) - {file}
    assert len(new.read_bytes().splitlines()) == 1, "what was there is not written again"


def test_another_engine_than_before_is_refused(tmp_path):
    compare(tmp_path, "sequential", replicates=1)
    with pytest.raises(InputError, match="engine is 'stacked', but run_dir holds runs of the engine 'seq"):
        compare(tmp_path, "stacked")
    result = compare(tmp_path, "auto")
    assert result.config["engine"]["name"] == "sequential"
    assert [record.engine for record in result.records] == ["sequential"] * len(result.records)


class Shuffling(keras.utils.PyDataset):
    """In another order each epoch."""

    def __init__(self, seed):
        super().__init__()
        self.order, self.generator = np.arange(64), np.random.default_rng(seed)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        chosen = self.order[index * 16 : (index + 1) * 16]
        return X[chosen], Y[chosen]

    def on_epoch_end(self):
        self.generator.shuffle(self.order)


@BOTH
def test_a_data_set_is_taken_up_where_it_was(engine, tmp_path, monkeypatch):
    def go(folder, seed=3):
        return compare(folder, engine, data=(Shuffling(seed), None), batch_size=None)

    whole = go(None)
    real, written = journal.Journal.append, []

    def append(self, lines):
        real(self, lines)
        written.extend(lines)
        if len(written) >= 4:  # in the middle of the second replicate, where runs are written one by one
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "append", append)
        if engine == "sequential":
            with pytest.raises(Killed):
                go(tmp_path)
            with pytest.raises(InputError, match="gives other batches than finished runs"):
                go(tmp_path, seed=4)
    assert compared(go(tmp_path)) == compared(whole)
