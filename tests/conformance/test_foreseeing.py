"""`compare(..., diagnose=True)`: each run is diagnosed from its own start, and trained as without."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab

RNG = np.random.default_rng(0)
Y = np.arange(128) % 4
X = (0.6 * RNG.normal(size=(4, 20))[Y] + 0.5 * RNG.normal(size=(128, 20))).astype("float32")
SCHEMES = {"He": "he_normal", "zeros": "zeros"}


def net():
    hidden = [layers.Dense(16, "relu") for _ in range(3)]
    model = keras.Sequential([keras.Input((20,)), *hidden, layers.BatchNormalization(), layers.Dense(4)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def compared(model, schemes=SCHEMES, x=X, y=Y, **changes):
    given = {"replicates": 2, "epochs": 2, "batch_size": 32, "verbose": False, "seed": 3} | changes
    return initlab.compare(model, schemes, x, y, **given)


def rows(result):
    return {record.name: dict(record.foreseen) for record in result.records}


def losses(result):
    return {record.name: record.step_losses for record in result.records}


@pytest.mark.parametrize("engine", ["sequential", "stacked"])
def test_rows_are_those_of_diagnose_and_runs_those_without(engine):
    model = net()
    batches = {"engine": engine, "batch_size": 64, "shuffle": False}
    without = compared(model, **batches)
    with_ = compared(model, **batches, diagnose=True)
    assert losses(with_) == losses(without)
    assert not any(rows(without).values())
    for replicate in range(2):
        found = initlab.diagnose(model, X, Y, initializers=SCHEMES, replicate=replicate, seed=3)
        for label in SCHEMES:
            row = rows(with_)[label, replicate]
            assert row == found[label].row()
            first = losses(with_)[label, replicate][0]
            assert row["loss"] == pytest.approx(first, rel=1e-5), "the weights that it starts from"
    trials = with_.foreseen().trials
    assert (trials.loc["zeros", "word"] == "severe").all()
    assert (trials.loc["zeros", "verdicts"].str.startswith("symmetric")).all()


def test_rows_survive_and_can_be_added_to_runs_that_are_finished(tmp_path):
    model = net()
    compared(model, run_dir=tmp_path)
    before = [path.read_bytes() for path in sorted((tmp_path / "records").iterdir())]
    more = compared(model, run_dir=tmp_path, diagnose=True, replicates=3)
    whole = compared(model, diagnose=True, replicates=3)
    assert rows(more) == rows(whole)
    assert losses(more) == losses(whole)
    assert rows(initlab.load(tmp_path)) == rows(whole)
    after = [path.read_bytes() for path in sorted((tmp_path / "records").iterdir())]
    assert before == after[: len(before)], "nothing that is there is rewritten"
    again = compared(model, run_dir=tmp_path, replicates=3)
    assert rows(again) == rows(whole), "and once there they stay"


def test_what_cannot_draw_has_no_row_and_others_have():
    class Refuses(keras.initializers.Initializer):
        def __init__(self):
            self.calls = 0

        def __call__(self, shape, dtype=None, **other):
            self.calls += 1
            if self.calls > 8:  # the trial of the argument went well
                raise RuntimeError("out of luck")
            return keras.ops.zeros(shape, dtype)

    result = compared(net(), {"He": "he_normal", "mine": Refuses()}, diagnose=True, replicates=3)
    assert all(rows(result)["He", replicate] for replicate in range(3))
    assert not rows(result)["mine", 2]
    assert result.runs.set_index(["initializer", "replicate"]).loc[("mine", 2), "status"] == "failed"


def test_of_a_data_set_the_first_batch_is_looked_at():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return X[index * 64 : (index + 1) * 64], Y[index * 64 : (index + 1) * 64]

    result = compared(net(), x=Batches(), y=None, batch_size=None, diagnose=True, replicates=1)
    assert {row["examples"] for row in rows(result).values()} == {64}
    assert all(row["loss"] > 0 for row in rows(result).values())


def test_it_is_a_yes_or_no():
    with pytest.raises(initlab.InputError, match="diagnose is 'yes': give True or False"):
        compared(net(), diagnose="yes")
