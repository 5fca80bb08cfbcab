"""What is varied beside the start leaves the start alone, and each cell is what it would be by itself."""

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.remedies import Dropout, GradientNoise, LabelSmoothing
from keras_initlab.trials.config import Config
from tests.trained import Starts, X, Y, run

TWO = ["initlab_he_normal", "glorot_uniform"]


def build(depth=1, units=8, rate=0.01):
    hidden = [keras.layers.Dense(units, "tanh") for _ in range(depth)]
    model = keras.Sequential([keras.Input((6,)), *hidden, keras.layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


def crossed(factors, model=build, initializers=TWO, **arguments):
    return run(model, initializers, factors=factors, validation_data=(X[:20], Y[:20]), **arguments)


def numbers(result):
    return {record.name: (record.step_losses, dict(record.epochs)) for record in result.records}


def test_each_cell_is_the_comparison_that_would_be_made_there():
    grid = crossed({"learning_rate": [0.01, 0.1], "depth": [1, 2], "batch_size": [16, 32]})
    assert len(grid.records) == 2 * 8 * 2
    assert grid.factors == {"learning_rate": ("0.01", "0.1"), "depth": ("1", "2"), "batch_size": ("16", "32")}
    alone = run(build(2, rate=0.1), TWO, validation_data=(X[:20], Y[:20]), batch_size=32)
    there = grid.at(learning_rate=0.1, depth=2, batch_size=32)
    assert type(there) is type(alone)
    assert there.config["steps_per_epoch"] == alone.config["steps_per_epoch"] == 3
    for one, other in zip(there.records, alone.records, strict=True):
        assert one.step_losses == pytest.approx(other.step_losses, rel=1e-6)
    assert there.summary().columns.equals(alone.summary().columns)


def test_initial_weights_are_equal_to_the_bit_at_all_levels_that_share_their_shape():
    starts = {}

    def keep(label, replicate, levels):
        note = Starts()
        starts[label, replicate, tuple(levels.items())] = note
        return note(label, replicate)

    crossed(
        {"batch_norm": [False, True], "dropout": [0, 0.5], "learning_rate": [0.01, 0.1]},
        callbacks=keep,
        epochs=1,
        replicates=1,
    )
    assert len(starts) == 2 * 8
    for label in TWO:
        found = [
            [value for value in next(iter(note.weights.values())) if value.ndim == 2]
            for (name, _, _), note in starts.items()
            if name == label
        ]
        for kernels in found:
            for one, other in zip(kernels, found[0], strict=True):
                np.testing.assert_array_equal(one, other)


def test_the_levels_of_a_remedy_and_its_absence():
    grid = crossed(
        {
            "remedy": {
                "none": None,
                "noise": GradientNoise(0.3),
                "smooth": LabelSmoothing(0.1),
                "out": Dropout(0.5),
            }
        },
        replicates=1,
        epochs=1,
    )
    alone = run(build(), TWO, validation_data=(X[:20], Y[:20]), replicates=1, epochs=1)
    plain = grid.at(remedy="none")
    assert [one.step_losses for one in plain.records] == [one.step_losses for one in alone.records]
    firsts = {
        record.levels["remedy"]: record.step_losses[0] for record in grid.records if record.label == TWO[0]
    }
    assert firsts["none"] == firsts["noise"] != firsts["smooth"]
    ends = {record.levels["remedy"]: record.step_losses[-1] for record in grid.records}
    assert len(set(ends.values())) == 4
    assert grid.config["factors"]["remedy"]["none"]["compares"] == ["val_"]


def test_a_list_of_grids_trains_each_and_what_is_left_out_stays_at_the_reference():
    grid = crossed([{"learning_rate": [0.01, 0.1]}, {"depth": [1, 2, 3]}], replicates=1, epochs=1)
    cells = {tuple(sorted(record.levels.items())) for record in grid.records}
    assert cells == {
        (("depth", "1"), ("learning_rate", "0.01")),
        (("depth", "1"), ("learning_rate", "0.1")),
        (("depth", "2"), ("learning_rate", "0.01")),
        (("depth", "3"), ("learning_rate", "0.01")),
    }
    assert len(grid.config["cells"]) == 4


@pytest.mark.parametrize("engine", ["sequential", "stacked"])
def test_a_folder_takes_more_levels_later(tmp_path, engine):
    few = crossed({"learning_rate": [0.01, 0.1], "l2": [0, 0.1]}, run_dir=tmp_path, engine=engine)
    more = {"learning_rate": [0.01, 0.1, 1.0], "l2": [0, 0.1]}
    grown = crossed(more, run_dir=tmp_path, engine=engine)
    assert len(grown.records) == 2 * 6 * 2
    before, after = numbers(few), numbers(grown)
    assert all(after[name] == found for name, found in before.items())
    at_once = numbers(crossed(more, engine=engine))
    for name, (losses, _) in at_once.items():
        assert after[name][0] == pytest.approx(losses, rel=1e-4)
    assert len(initlab.load(tmp_path).records) == len(grown.records)
    with pytest.raises(InputError, match="other factors: 'learning_rate', 'l2' there, 'l2' here"):
        crossed({"l2": [0, 0.1]}, run_dir=tmp_path, engine=engine)
    with pytest.raises(InputError, match=r"other factors: .* there, none here"):
        run(build(), TWO, validation_data=(X[:20], Y[:20]), run_dir=tmp_path, engine=engine)


def test_optimizers_and_schedules_are_levels():
    decaying = keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5)
    grid = crossed({"optimizer": ["sgd", "adam"], "clipnorm": [None, 0.1]}, replicates=1, epochs=1)
    assert len({record.step_losses[-1] for record in grid.records}) == 8
    grid = crossed({"learning_rate": {"fixed": 0.1, "decaying": decaying}}, replicates=1, epochs=1)
    fixed, decayed = (grid.at(learning_rate=name).records[0].step_losses for name in ("fixed", "decaying"))
    assert fixed[0] == decayed[0]
    assert fixed[-1] != decayed[-1]


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ({"learning_rat": [1, 2]}, "Unknown factor 'learning_rat'. Did you mean 'learning_rate'?"),
        ({"dept": [1, 2]}, "Did you mean 'depth'"),
        ({"learning_rate": [0.1]}, "single level '0.1': give at least two"),
        ({"learning_rate": 0.1}, "factors['learning_rate'] is 0.1: give a list of levels"),
        ({"learning_rate": "0.1,0.2"}, "give a list of levels"),
        ({"learning_rate": [0.1, 0.1]}, "the level '0.1' twice"),
        ({"learning_rate": [0.1, -1]}, "factors['learning_rate'] is -1: give a finite number above 0"),
        ({"learning_rate": [0.1, "big"]}, "factors['learning_rate'] is 'big'"),
        ({"batch_size": [16, 0]}, "factors['batch_size'] is 0: give a whole number of at least 1"),
        ({"optimizer": ["sgd", "adm"]}, "which is no optimizer"),
        ({"remedy": [None, 3, Dropout(0.5)]}, "factors['remedy'] is 3: give None, a remedy"),
        ({"a": [None, Dropout(0.5)], "dropout": [0, 0.1]}, "factors sets dropout twice"),
        ({"replicate": [None, Dropout(0.5)]}, "column of the result"),
        ([], "give a dict of factor -> levels"),
        ("learning_rate", "give a dict of factor -> levels"),
        ({"learning_rate": {1: 0.1, 2: 0.2}}, "the label 1: a label is a non-empty string"),
        ({"learning_rate": [10.0**-n for n in range(6)], "units": list(range(2, 200))}, "Give max_runs=4752"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_cannot_be_a_factor_is_said_before_training(factors, words):
    with pytest.raises(InputError) as caught:
        crossed(factors)
    assert words in str(caught.value)


def test_what_the_model_or_the_data_forbid():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5)
    with pytest.raises(InputError, match="the optimizer has a schedule"):
        crossed({"learning_rate": [0.1, 0.2]}, lambda: build(rate=schedule))
    with pytest.raises(InputError, match="training loss does not compare: give validation_data"):
        run(build, TWO, factors={"dropout": [0, 0.5]})
    with pytest.raises(UnknownNameError, match="Unknown factor 'depth'"):
        crossed({"depth": [1, 2]}, build())


def test_strengths_and_numbers_train_in_one_program():
    factors = {"l2": [0, 0.1], "dropout": [0, 0.5], "data_noise": [0, 0.3], "learning_rate": [0.01, 0.1]}
    grid = crossed(factors, engine="stacked", epochs=1)
    assert len(grid.config["groups"]) == 1
    alone = crossed(factors, engine="sequential", epochs=1)
    assert len({record.step_losses[-1] for record in alone.records}) == len(alone.records)
    for one, other in zip(grid.records, alone.records, strict=True):
        assert one.name == other.name
        assert one.step_losses == pytest.approx(other.step_losses, rel=1e-3)


def test_a_level_is_part_of_the_identity_of_its_runs(tmp_path):
    few = {"replicates": 1, "epochs": 1, "run_dir": tmp_path}
    grid = crossed({"remedy": {"none": None, "some": GradientNoise(0.3)}}, **few)
    identities = Config.from_json(grid.config).identities()
    assert len(set(identities.values())) == len(identities) == 4
    with pytest.raises(InputError, match="the level 'some' of 'remedy'"):
        crossed({"remedy": {"none": None, "some": GradientNoise(0.1)}}, **few)
