"""Layers put into a model: what stays as it was, and what is drawn as without them."""

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.core.errors import InputError
from keras_initlab.core.rng import generator_start, isolated
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.lending import seed_generators
from keras_initlab.engines.sources import Arrays
from keras_initlab.network.drawing import draw
from keras_initlab.network.selection import under_test
from keras_initlab.network.slots import all_slots
from keras_initlab.remedies import (
    Augment,
    BatchNorm,
    DataNoise,
    DropConnect,
    Dropout,
    LabelSmoothing,
    Subject,
    remedy,
)
from tests.unit.remedies.subjects import (
    MODELS,
    NoConfig,
    Own,
    compiled,
    data,
    nested,
    residual,
    sequential,
    subject,
)

GRAPH = {
    "batch_norm": [BatchNorm()],
    "dropout": [Dropout(0.5)],
    "drop_connect": [DropConnect(0.5)],
    "noise": [DataNoise(0.3)],
    "smoothing": [LabelSmoothing()],
    "augment": [Augment(keras.layers.RandomFlip())],
    "both": [BatchNorm(), Dropout(0.5)],
    "both, the other way round": [Dropout(0.5), BatchNorm()],
}


def applied(remedies, to):
    for one in remedies:
        to = one.apply(to)
    return to


def numbers(model):
    return [np.array(keras.ops.convert_to_numpy(one)) for one in model.variables]


def starts(model):
    """The kernels that a scheme draws, and where the model's own random generators begin."""
    seeds = Seeds(3, 1)
    with isolated() as generators:
        kernels = {
            slot.path: np.asarray(
                draw(initlab.get("initlab_he_normal"), slot, seeds.draw(*slot.seed_path), generators)
            )
            for slot in under_test(model, None, None)
        }
    own = {
        place: generator_start(state, seeds.noise(*place))
        for place, state in seed_generators(model).items()
        if place[0] != "remedy"
    }
    return kernels, own


@pytest.mark.parametrize("remedies", GRAPH)
@pytest.mark.parametrize("make", MODELS)
def test_a_remedy_in_the_graph_leaves_the_start_and_the_original_as_they_were(make, remedies):
    original = MODELS[make]()
    before, names = numbers(original), [layer.name for layer in original.layers]
    given = subject(original)
    if (make == "pictures" and remedies == "drop_connect") or (make != "pictures" and remedies == "augment"):
        return  # without a hidden Dense layer, or a picture
    model = applied(GRAPH[remedies], given).model

    assert not set(map(id, model.variables)) & set(map(id, original.variables))
    assert [layer.name for layer in original.layers] == names
    assert all((a == b).all() for a, b in zip(before, numbers(original), strict=True))
    kernels, own = starts(original)
    with_it, own_with_it = starts(model)
    assert with_it.keys() == kernels.keys()
    assert all((with_it[path] == kernels[path]).all() for path in kernels)
    assert {place: start.tolist() for place, start in own_with_it.items()} == {
        place: start.tolist() for place, start in own.items()
    }
    carried = {slot.path: slot.variable for slot in all_slots(model)}
    for slot in all_slots(original):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (carried[slot.path], slot.variable)))
    every = [slot.seed_path for slot in all_slots(model)]
    assert len(set(every)) == len(every)
    assert model.output_names == (getattr(original, "output_names", None) or [original.layers[-1].name])
    assert remedies == "smoothing" or model.loss == original.loss
    assert type(model.optimizer) is type(original.optimizer)
    assert np.isfinite(keras.ops.convert_to_numpy(model(data(original, 8)[0], training=True))).all()


def layers(model):
    return [layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


def test_normalization_stands_between_sums_and_activation_and_dropout_behind_that():
    model = applied(GRAPH["both"], subject(residual())).model
    order = layers(model)
    assert order[:4] == ["a", "a__batch_norm", "a__activation", "a__activation__dropout"]
    assert not {"out__batch_norm", "out__dropout", "side__batch_norm", "side__dropout"} & set(order)
    assert order.count("shared__batch_norm") == 1
    assert model.get_layer("a").activation is keras.activations.linear
    inner = applied(GRAPH["both"], subject(nested())).model.layers[1]
    kinds = [type(layer).__name__ for layer in inner.layers[1:]]
    norm = "InsertedBatchNormalization"
    assert kinds == ["Dense", norm, "InsertedActivation", "InsertedDropout", "Dense", norm, "InsertedDropout"]


def test_an_activation_of_ones_own_and_a_loss_of_ones_own_are_carried_over():
    def bent(x):
        return keras.ops.maximum(x, 0.1 * x)

    def loss(y, predicted):
        return keras.ops.mean(keras.ops.square(predicted), axis=-1)

    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, bent), keras.layers.Dense(2)])
    model.compile(keras.optimizers.Adam(0.5), loss, metrics=["mae"])
    normed = BatchNorm().apply(subject(model)).model
    assert normed.layers[3].activation is bent
    assert normed.loss is loss
    assert normed.optimizer is not model.optimizer
    assert float(normed.optimizer.learning_rate) == 0.5


def test_dropout_stands_behind_recurrent_layers_too():
    words = [keras.Input((5,), dtype="int32"), keras.layers.Embedding(9, 4, mask_zero=True)]
    sequences = [keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True)), keras.layers.GRU(3)]
    model = compiled(keras.Sequential([*words, *sequences, keras.layers.Dense(3)]))
    x = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8]])
    given = Subject(model, Arrays((x, np.zeros(2)), 2, shuffle=True))
    after = Dropout(0.5).apply(given).model
    kinds = [type(layer).__name__ for layer in after.layers[2:]]
    assert kinds == ["Bidirectional", "InsertedDropout", "GRU", "InsertedDropout", "Dense"]
    np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (after(x), model(x))))
    assert (keras.ops.convert_to_numpy(after(x, training=True)) != keras.ops.convert_to_numpy(model(x))).any()
    with pytest.raises(InputError, match="no hidden Dense or convolution"):
        BatchNorm().apply(given)


def test_what_is_adapted_to_data_and_what_has_no_config_still_computes_the_same():
    scale = keras.layers.Normalization()
    x = np.random.default_rng(0).normal(3, 2, (40, 8)).astype("float32")
    scale.adapt(x)
    double = keras.layers.Lambda(lambda x: 2 * x, output_shape=(8,))
    hidden = keras.layers.Dense(4, lambda x: keras.ops.maximum(x, 0.1 * x))
    model = compiled(keras.Sequential([keras.Input((8,)), scale, double, hidden, keras.layers.Dense(3)]))
    given = Subject(model, Arrays((x, np.zeros(40)), 8, shuffle=True))
    for one in (Dropout(0.5), DataNoise(0.1), DropConnect(0.0)):
        found = one.apply(given).model(x)
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (found, model(x))))


def test_what_cannot_be_done_is_refused_with_the_line_to_write():
    own = compiled(Own())
    own(np.zeros((1, 8)))
    given = Subject(own, Arrays((np.zeros((4, 8)), np.zeros(4)), 2, shuffle=False))
    with pytest.raises(InputError, match=r"Own is a model class of its own.*def build\(dropout=False\)"):
        Dropout().apply(given)
    unnamed = compiled(keras.Sequential([keras.Input((8,)), NoConfig(4), keras.layers.Dense(3)]))
    with pytest.raises(InputError, match=r"cannot be copied .*: give its class a get_config"):
        DataNoise().apply(subject(unnamed))
    twice = BatchNorm().apply(subject(sequential()))
    with pytest.raises(InputError, match="has batch normalization already"):
        BatchNorm().apply(twice)
    flat = compiled(keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)]))
    with pytest.raises(InputError, match="no hidden layer with weights; leave dropout out"):
        Dropout().apply(subject(flat))
    selu = compiled(
        keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, "selu"), keras.layers.Dense(3)])
    )
    with pytest.raises(InputError, match="AlphaDropout"):
        Dropout().apply(subject(selu))
    learned = compiled(
        keras.Sequential(
            [keras.Input((8,)), keras.layers.Dense(4, keras.layers.PReLU()), keras.layers.Dense(3)]
        )
    )
    with pytest.raises(InputError, match="has weights, and nothing can be put in front of it"):
        BatchNorm().apply(subject(learned))
    with pytest.raises(InputError, match="a batch of 1 example has no variance"):
        BatchNorm().apply(subject(sequential(), rows=1))


def test_a_saved_copy_loads(tmp_path):
    model = applied(GRAPH["both"], subject(sequential())).model
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert [slot.seed_path for slot in all_slots(again)] == [slot.seed_path for slot in all_slots(model)]


def test_levels_stand_for_remedies():
    assert remedy("dropout", 0.2) == Dropout(0.2)
    assert remedy("dropout", True) == Dropout()
    assert remedy("dropout", False) is remedy("dropout", 0) is remedy("anything", None) is None
    assert remedy("batch_norm", 0) is None
    flip, turn = keras.layers.RandomFlip(), keras.layers.RandomRotation(0.1)
    assert Augment([flip, turn]).label() == "Augment(layers=RandomFlip+RandomRotation)"
    assert remedy("what", "batch_norm") == BatchNorm()
    assert remedy("what", Dropout(0.1)) == Dropout(0.1)
    assert Dropout(0.1).structure == Dropout(0.4).structure == Dropout(0.4).off().structure
    assert BatchNorm().structure != BatchNorm(0.5).structure
    assert BatchNorm().off() is None
    with pytest.raises(initlab.UnknownNameError, match="Did you mean 'dropout'"):
        remedy("dropuot", 0.2)
    with pytest.raises(InputError, match=r"rate is 1: give a number from 0 to below 1"):
        remedy("dropout", 1)
    with pytest.raises(
        InputError, match=r"batch_norm is 3: it has no strength; give True, False or initlab.remedies"
    ):
        remedy("batch_norm", 3)
