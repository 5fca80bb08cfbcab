"""Data in every form that `fit` takes comes in the same order for every initializer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_initlab as initlab
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.sources import Arrays, Fixed, Reading, Recorded
from keras_initlab.experiment.data import training_source

RNG = np.random.default_rng(1)
X = RNG.normal(size=(24, 4)).astype("float32")
Y = RNG.integers(0, 3, 24)


def net():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def step_losses(x, y=None, replicates=2, **arguments):
    schemes = {"one": "initlab_he_normal", "twin": "initlab_he_normal"}
    result = initlab.compare(
        net(), schemes, x, y, replicates=replicates, epochs=2, verbose=False, **arguments
    )
    found = {(record.label, record.replicate): record.step_losses for record in result.records}
    for replicate in range(replicates):
        assert found["one", replicate] == found["twin", replicate]
    return found["one", 0]


class Shuffling(keras.utils.PyDataset):
    """Comes in another order each epoch, as `on_epoch_end` is often used."""

    def __init__(self):
        super().__init__()
        self.order = np.arange(24)
        self.generator = np.random.default_rng()

    def __len__(self):
        return 3

    def __getitem__(self, index):
        chosen = self.order[index * 8 : (index + 1) * 8]
        return X[chosen], Y[chosen]

    def on_epoch_end(self):
        self.generator.shuffle(self.order)


def test_a_data_set_that_shuffles_itself_is_replayed():
    assert len(step_losses(Shuffling())) == 6


def test_tf_data_equals_arrays_in_order():
    tf = pytest.importorskip("tensorflow", reason="tf.data needs TensorFlow")
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    in_order = step_losses(X, Y, batch_size=8, shuffle=False)
    np.testing.assert_allclose(step_losses(dataset), in_order, rtol=1e-6)
    assert len(step_losses(dataset.shuffle(24))) == 6
    assert step_losses(dataset, steps_per_epoch=2) == pytest.approx(
        step_losses(X, Y, batch_size=8, shuffle=False, steps_per_epoch=2), rel=1e-6
    )


def test_tf_data_validation():
    tf = pytest.importorskip("tensorflow", reason="tf.data needs TensorFlow")
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    results = [
        initlab.compare(net(), ["zeros"], X, Y, validation_data=data, replicates=1, verbose=False)
        for data in (dataset, (X, Y))
    ]
    ours, theirs = (result.records[0].epochs["val_loss"] for result in results)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_class_weight_and_sample_weight_equal_fit():
    weights = {0: 3.0, 2: 0.5}
    per_example = np.array([weights.get(int(label), 1.0) for label in Y])
    by_class = step_losses(X, Y, batch_size=8, shuffle=False, class_weight=weights)
    by_example = step_losses(X, Y, batch_size=8, shuffle=False, sample_weight=per_example)
    np.testing.assert_allclose(by_class, by_example, rtol=1e-6)
    whole = {"batch_size": 24, "shuffle": False, "class_weight": weights}
    result = initlab.compare(net(), ["zeros"], X, Y, replicates=1, verbose=False, **whole)
    model = net()
    model.layers[0].kernel.assign(np.zeros((4, 3)))
    history = model.fit(X, Y, verbose=0, **whole).history
    np.testing.assert_allclose(result.records[0].step_losses, history["loss"], rtol=1e-6)
    one_hot = step_losses_of_one_hot(weights)
    np.testing.assert_allclose(one_hot, by_class, rtol=1e-5)


def step_losses_of_one_hot(weights):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "categorical_crossentropy")
    result = initlab.compare(
        model,
        {"one": "initlab_he_normal"},
        X,
        np.eye(3)[Y],
        batch_size=8,
        epochs=2,
        shuffle=False,
        class_weight=weights,
        replicates=1,
        verbose=False,
    )
    return result.records[0].step_losses


def test_validation_split_is_the_end_of_the_arrays():
    data = {"batch_size": 8, "shuffle": False, "replicates": 1, "verbose": False}
    split = initlab.compare(net(), ["zeros"], X, Y, validation_split=0.25, **data)
    given = initlab.compare(net(), ["zeros"], X[:18], Y[:18], validation_data=(X[18:], Y[18:]), **data)
    assert split.records[0].step_losses == given.records[0].step_losses
    assert split.records[0].epochs == given.records[0].epochs


def test_orders_differ_by_epoch_and_replicate():
    source = Arrays((X, Y), 10, shuffle=True)
    orders = [tuple(source.order(Seeds(5, replicate), epoch)) for replicate in (0, 1) for epoch in (0, 1)]
    assert len(set(orders)) == 4
    assert all(sorted(order) == list(range(24)) for order in orders)
    assert [len(batch[0]) for batch in source.epoch(Seeds(5, 0), 0)] == [10, 10, 4]
    assert source.steps == 3


def batches_of(size=8):
    return [(X[start : start + size], Y[start : start + size]) for start in range(0, 24, size)]


def test_batches_are_met_alike_where_no_order_is_drawn_or_the_replicate_is_one():
    same, mixed = [Seeds(5, 1)] * 2, [Seeds(5, 0), Seeds(5, 1)]
    shuffled, in_order = (Arrays((X, Y), 8, shuffle=shuffle) for shuffle in (True, False))
    recorded = Recorded(Reading(batches_of, None), batches_of(), 2)
    assert [source.alike(same) for source in (shuffled, in_order, recorded)] == [True] * 3
    assert [source.alike(mixed) for source in (shuffled, in_order, recorded)] == [False, True, False]
    assert [source.joins_replicates for source in (shuffled, in_order, recorded)] == [True, True, False]


def test_a_data_set_is_asked_without_being_read_once_more():
    reads = []

    def read():
        reads.append(len(reads))
        return batches_of()

    source = Recorded(Reading(read, None), batches_of(), 2)
    np.testing.assert_array_equal(source.first_batch()[0], X[:8])
    assert source.head(2).steps == 2
    assert [len(target) for target in source.targets()] == [8, 8, 8]
    assert len(source.epoch(Seeds(0, 0), 0)) == 3
    assert reads == []
    source.epoch(Seeds(0, 0), 1)
    assert reads == [0]


def test_a_data_set_is_read_by_place_whatever_was_read_before():
    def source():
        readings = iter(range(99))

        def read():
            return [(np.full(2, next(readings)),)]

        return Recorded(Reading(read, None), read(), epochs=3)

    whole = source()
    met = {
        (replicate, epoch): float(whole.epoch(Seeds(0, replicate), epoch)[0][0][0])
        for replicate in range(3)
        for epoch in range(3)
    }
    assert met == {(replicate, epoch): 3 * replicate + epoch for replicate, epoch in met}
    resumed = source()
    assert resumed.epoch(Seeds(0, 1), 2)[0][0][0] == 5
    assert resumed.epoch(Seeds(0, 1), 0)[0][0][0] == 3, "what was passed within a replicate is kept"
    assert resumed.epoch(Seeds(0, 2), 0)[0][0][0] == 6
    assert resumed.marks(Seeds(0, 2), 2) == whole.marks(Seeds(0, 2), 2)
    assert len(set(whole.marks(Seeds(0, 2), 3))) == 3


def test_steps_per_epoch_go_on_in_a_data_set_as_in_fit():
    class Seen(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            before = 0 if batch == 0 else batch * self.mean
            self.mean = logs["loss"]  # of the epoch so far
            fitted.append(round((batch + 1) * self.mean - before))

    fitted = []
    batches = tf.data.Dataset.range(6).map(lambda n: tf.fill((2, 1), tf.cast(n, tf.float32)))
    dataset = batches.map(lambda x: (x, tf.zeros_like(x))).repeat()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(0.0), "mean_absolute_error")  # the loss of a batch is its number
    model.fit(dataset, epochs=4, steps_per_epoch=4, callbacks=[Seen()], shuffle=False, verbose=0)
    assert len(set(fitted)) == 6
    source, _ = training_source(
        dataset,
        None,
        None,
        None,
        batch_size=None,
        epochs=4,
        steps=4,
        shuffle=True,
        validation_split=0.0,
        seed=0,
    )
    for replicate in (1, 0):
        epochs = [source.epoch(Seeds(0, replicate), epoch) for epoch in range(4)]
        assert [int(batch[0][0, 0]) for epoch in epochs for batch in epoch] == fitted
        kept = {id(batch) for epoch in epochs for batch in epoch}
        assert len(kept) == 6, "a batch that comes again is kept once"


@pytest.mark.parametrize("source", [Arrays((X,), 8, shuffle=True), Fixed([(X,)])], ids=["arrays", "batches"])
def test_data_without_targets_have_none(source):
    assert source.targets() == []


def test_lists_and_data_frames_are_taken():
    pandas = pytest.importorskip("pandas")
    in_order = {"batch_size": 8, "shuffle": False}
    expected = step_losses(X, Y, **in_order)
    assert step_losses(X.tolist(), Y.tolist(), **in_order) == pytest.approx(expected, rel=1e-6)
    assert step_losses(pandas.DataFrame(X), pandas.Series(Y), **in_order) == pytest.approx(expected, rel=1e-6)
    tensor = keras.ops.convert_to_tensor(X)
    assert step_losses(tensor, Y, **in_order) == pytest.approx(expected, rel=1e-6)
