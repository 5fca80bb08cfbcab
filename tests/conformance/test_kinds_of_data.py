"""What `fit` takes, `compare` takes: text on TensorFlow, and torch's `DataLoader` in a derived order."""

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.core.errors import InputError

BACKEND = keras.backend.backend()
RNG = np.random.default_rng(0)
WORDS = np.array(["red", "green", "blue", "yellow"])
X = RNG.normal(size=(40, 4)).astype("float32")
Y = RNG.integers(0, 3, 40)

SCHEMES = {"one": "initlab_he_normal", "twin": "initlab_he_normal", "zeros": "zeros"}


def compared(model, *data, **arguments):
    """The records by label and replicate, after what every comparison must satisfy."""
    arguments = {
        "epochs": 2,
        "replicates": 2,
        "verbose": False,
        "roles": ["kernel", "embeddings"],
    } | arguments
    result = initlab.compare(model, SCHEMES, *data, **arguments)
    assert {record.status for record in result.records} == {"completed"}, result.records[0].message
    found = {(record.label, record.replicate): record for record in result.records}
    for replicate in range(2):
        assert found["one", replicate].step_losses == found["twin", replicate].step_losses
        assert found["one", replicate].step_losses != found["zeros", replicate].step_losses
    return found


def looked_up():
    inputs = keras.Input((2,), dtype="string")
    h = keras.layers.Flatten()(
        keras.layers.Embedding(6, 3)(keras.layers.StringLookup(vocabulary=WORDS)(inputs))
    )
    model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def vectorized():
    inputs = keras.Input((1,), dtype="string")
    lookup = keras.layers.TextVectorization(output_sequence_length=3, vocabulary=list(WORDS))
    h = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(8, 3)(lookup(inputs)))
    model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


@pytest.mark.skipif(BACKEND != "tensorflow", reason="models take text on TensorFlow only")
def test_models_that_take_text_compare():
    import tensorflow as tf

    text = WORDS[RNG.integers(0, 4, (40, 2))]
    kinds = {
        "array": (text, Y),
        "objects": (text.astype(object), Y),
        "tensor": (tf.constant(text), Y),
        "data set": (tf.data.Dataset.from_tensor_slices((text, Y)).batch(32),),
    }
    losses = {kind: compared(looked_up(), *data, shuffle=False) for kind, data in kinds.items()}
    starts = {kind: found["one", 1].step_losses for kind, found in losses.items()}
    for kind in kinds:
        np.testing.assert_allclose(starts[kind], starts["array"], rtol=1e-6, err_msg=kind)
    split = compared(looked_up(), text, Y, validation_split=0.25)
    assert set(split["one", 0].epochs) == {"loss", "accuracy", "val_loss", "val_accuracy"}


@pytest.mark.skipif(BACKEND != "tensorflow", reason="models take text on TensorFlow only")
def test_sentences_compare():
    words = WORDS[RNG.integers(0, 4, (40, 3))]
    compared(vectorized(), np.array([" ".join(row) for row in words])[:, None], Y)


def net():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def loader(**arguments):
    data = pytest.importorskip("torch.utils.data")
    import torch

    tensors = data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    return data.DataLoader(tensors, **{"batch_size": 16} | arguments)


def test_a_loader_is_taken_in_a_derived_order():
    first = compared(net(), loader(shuffle=True))
    again = compared(net(), loader(shuffle=True))
    plain = compared(net(), loader())
    for key in first:
        assert first[key].step_losses == again[key].step_losses
        assert len(first[key].step_losses) == 6
    assert first["one", 0].step_losses != plain["one", 0].step_losses
    arrays = compared(net(), X, Y, batch_size=16)  # the same seeds make the same order
    for key in first:
        np.testing.assert_allclose(first[key].step_losses, arrays[key].step_losses, rtol=1e-5)


def test_a_loader_may_leave_out_its_last_batch_and_validate():
    found = compared(net(), loader(drop_last=True), validation_data=loader(shuffle=True))
    assert len(found["one", 0].step_losses) == 4
    assert set(found["one", 0].epochs) == {"loss", "val_loss"}


def test_a_resumed_run_meets_the_order_of_its_replicate(tmp_path):
    def stops(label, replicate):
        if stop and replicate == 1:
            raise KeyboardInterrupt
        return []

    arguments = {"replicates": 2, "epochs": 2, "verbose": False, "run_dir": tmp_path, "callbacks": stops}
    stop = True
    assert len(initlab.compare(net(), SCHEMES, loader(shuffle=True), **arguments).records) == 3
    stop = False
    resumed = initlab.compare(net(), SCHEMES, loader(shuffle=True), **arguments)
    whole = initlab.compare(net(), SCHEMES, loader(shuffle=True), **arguments | {"run_dir": None})
    for one, other in zip(resumed.records, whole.records, strict=True):
        assert one.step_losses == other.step_losses


def test_a_loader_whose_order_is_its_own_affair_is_refused():
    data = pytest.importorskip("torch.utils.data")

    class Stream(data.IterableDataset):
        def __iter__(self):
            return iter([(X, Y)])

    weighted = data.WeightedRandomSampler(np.ones(40), 40)
    for given, wanted in (
        (loader(sampler=weighted), "x is a DataLoader with a WeightedRandomSampler, whose order cannot be"),
        (
            loader(sampler=data.RandomSampler(X, replacement=True)),
            "a RandomSampler that draws with replacement",
        ),
        (loader(batch_size=1, batch_sampler=[[0, 1], [2]]), "batch_sampler="),
        (data.DataLoader(Stream()), "x is a DataLoader with an IterableDataset"),
    ):
        with pytest.raises(InputError, match=wanted):
            initlab.compare(net(), ["zeros"], given)
