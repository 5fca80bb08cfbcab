"""Recipes as entrants: the same draws as their base, the same start on both engines, nothing else moved."""

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.stacked.members import Template
from keras_initlab.recipes import Lsuv
from tests.engines import BACKEND
from tests.trained import SEED, Starts, X, Y, dense_net, losses, run

RECIPES = {"plain": "initlab_orthogonal", "recipe": "initlab_lsuv", "named": Lsuv(tolerance=0.2)}


def convolutional():
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, activation="relu", bias_initializer="ones"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_it_shares_its_draws_with_its_base_and_starts_as_reinitialize_does():
    starts = Starts()
    run(initializers=RECIPES, callbacks=starts)
    names = [variable.path for variable in dense_net().weights]
    kernels = [place for place, name in enumerate(names) if name.endswith("kernel")]
    for replicate in range(2):
        plain, recipe = (starts.weights[label, replicate] for label in ("plain", "recipe"))
        for place in kernels:
            ratio = recipe[place] / plain[place]
            np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-5)
            assert abs(ratio.flat[0] - 1) > 1e-3
    model = dense_net()
    initlab.reinitialize(model, "initlab_lsuv", X, Y, seed=SEED)
    for place in kernels:
        np.testing.assert_array_equal(model.get_weights()[place], starts.weights["recipe", 0][place])


def test_another_entrant_changes_no_other_result():
    alone = run(initializers={"plain": "initlab_orthogonal"})
    both = run(initializers=RECIPES)
    assert losses(alone, "plain") == losses(both, "plain")
    fewer = run(initializers={"recipe": "initlab_lsuv"})
    assert losses(fewer, "recipe", 1) == losses(both, "recipe", 1)


@pytest.mark.skipif(BACKEND == "numpy", reason="trains")
def test_both_engines_start_from_the_same_weights_to_the_bit(monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 6, 6, 2)).astype("float32"), rng.integers(0, 3, 60)
    stacked, begin = {}, Template.start

    def noting(self, setup, trial, generators):
        values = begin(self, setup, trial, generators)
        stacked[trial.name] = self.packing.unpack(values.trainable)
        return values

    monkeypatch.setattr(Template, "start", noting)
    plain = {}

    def callbacks(label, replicate):
        def note(logs=None):
            plain[label, replicate] = [
                np.array(keras.ops.convert_to_numpy(one)) for one in callback.model.trainable_variables
            ]

        callback = keras.callbacks.LambdaCallback(on_train_begin=note)
        return [callback]

    arguments = {"batch_size": 20, "replicates": 2, "verbose": False}
    model = convolutional()
    before = [np.array(value) for value in model.get_weights()]
    side_by_side = initlab.compare(model, RECIPES, x, y, engine="stacked", **arguments)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    in_turn = initlab.compare(
        convolutional(), RECIPES, x, y, engine="sequential", callbacks=callbacks, **arguments
    )
    assert plain.keys() == stacked.keys()
    assert len(plain) == 6
    for name, weights in plain.items():
        for one, other in zip(weights, stacked[name], strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(in_turn.records, side_by_side.records, strict=True):
        np.testing.assert_allclose(one.step_losses[0], other.step_losses[0], rtol=1e-5)
        assert one.init_rows == other.init_rows


@pytest.mark.skipif(BACKEND == "numpy", reason="trains")
def test_a_recipe_meets_the_model_as_it_is_and_not_as_the_engine_has_patched_it():
    patched = []

    class Spy(Lsuv):
        def change(self, work):
            patched.append(any("convolution_op" in vars(layer) for layer in work.model.layers))
            super().change(work)

    x = np.random.default_rng(0).normal(size=(20, 6, 6, 2)).astype("float32")
    entrants = {"plain": "he_normal", "spy": Spy()}
    result = initlab.compare(
        convolutional(), entrants, x, np.arange(20) % 3, engine="stacked", replicates=1, verbose=False
    )
    assert {record.status for record in result.records} == {"completed"}
    assert patched == [False, False]


def test_the_summary_marks_who_saw_data_and_counts_the_seconds(tmp_path):
    result = run(initializers=RECIPES, run_dir=tmp_path / "run")
    table = result.summary()
    assert dict(table["init_rows"]) == {"plain": 0, "recipe": 70, "named": 70}
    assert table.loc["plain", "init_seconds"] == 0
    assert (table.loc[["recipe", "named"], "init_seconds"] > 0).all()
    assert "recipe saw 70 rows before step 0; its start took" in str(result)
    again = initlab.load(tmp_path / "run")
    assert [record.init_rows for record in again.records] == [record.init_rows for record in result.records]
    assert "init_rows" not in run(initializers={"plain": "zeros", "other": "ones"}).summary()


def test_a_folder_knows_a_recipes_arguments(tmp_path):
    run(initializers={"a": Lsuv(tolerance=0.2)}, run_dir=tmp_path)
    with pytest.raises(initlab.InputError, match=r"'a'.*tolerance"):
        run(initializers={"a": Lsuv(tolerance=0.3)}, run_dir=tmp_path)
    run(initializers={"a": Lsuv(tolerance=0.2)}, run_dir=tmp_path)


def test_what_a_recipe_cannot_do_is_known_before_training():
    trained = Starts()
    model = dense_net()
    model.get_layer("head").bias_initializer = keras.initializers.Ones()
    with pytest.raises(initlab.InputError, match=r"initlab_lsuv.*head/bias is not zero"):
        run(model, ["initlab_lsuv"], roles="kernel", callbacks=trained)
    assert not trained.weights


def test_the_probe_is_the_replicates_and_no_labels():
    from keras_initlab.recipes.probing import chosen

    data = (np.arange(1000), np.arange(1000))
    x, y = chosen(data, Seeds(0, 0), 256)
    np.testing.assert_array_equal(x, y)
    assert len(set(x.tolist())) == 256
    assert chosen(data, Seeds(0, 0), 256)[0].tolist() == x.tolist()
    assert chosen(data, Seeds(0, 1), 256)[0].tolist() != x.tolist()
    assert chosen(data, Seeds(0, 0), 2000)[0].tolist() == list(range(1000))
