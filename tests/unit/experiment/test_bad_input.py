"""What cannot work is one clear error before any training, named for the argument that it is in."""

import re

import keras
import numpy as np
import pytest
import scipy.sparse

import keras_initlab as initlab
from keras_initlab.core.errors import InputError

X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
Y = np.arange(20) % 3
ONES = np.ones(20)
HOLED = np.where(np.arange(20) == 7, np.nan, ONES)


def net(*first, loss="sparse_categorical_crossentropy", width=3):
    model = keras.Sequential([keras.Input((4,)), *first, keras.layers.Dense(width, "softmax", name="head")])
    model.compile("sgd", loss)
    return model


class Unsaid(keras.layers.Layer):
    """Says other fans of its weight than it should, or cannot say any."""

    def __init__(self, said=None):
        super().__init__(name="unsaid")
        self.said = said

    def build(self, shape):
        self.mix = self.add_weight(shape=(shape[-1], 4), name="mix")

    def call(self, x):
        return x @ self.mix

    def weight_fans(self):
        return self.said or {"mix": vars(self)["units"]}


def two(*, inputs=1, outputs=1):
    entries = [keras.Input((4,)) for _ in range(inputs)]
    joined = keras.layers.Add()(entries) if inputs > 1 else entries[0]
    made = [keras.layers.Dense(3)(joined) for _ in range(outputs)]
    model = keras.Model(entries if inputs > 1 else joined, made)
    model.compile("sgd", "mse")
    return model


class Batches(keras.utils.PyDataset):
    """`count` batches of what it is given."""

    def __init__(self, *batch, count=2):
        super().__init__()
        self.batch, self.count = batch, count

    @property
    def num_batches(self):
        return self.count

    def __getitem__(self, index):
        return self.batch


class Broken(Batches):
    def __getitem__(self, index):
        raise OSError("disk gone")


def raises(*arguments):
    raise RuntimeError("no such thing")


def never(label, replicate):
    raise AssertionError("training was started")


CASES = {
    # The data, each fault named for its part
    "x of another width": ({"x": X[:, :3]}, "x does not fit the model", "(20, 3) float32"),
    "x of another rank": ({"x": X[..., None, None]}, "x does not fit the model", "(20, 4, 1, 1) float32"),
    "one array for two inputs": ({"model": two(inputs=2)}, "x does not fit the model"),
    "three arrays for two inputs": (
        {"model": two(inputs=2), "x": [X, X, X]},
        "x does not fit the model",
    ),
    "y missing": ({"y": None}, "y is missing: the loss sparse_categorical_crossentropy"),
    "targets missing in a data set": ({"x": Batches(X), "y": None}, "x (targets) is missing: the loss"),
    "y one-hot": ({"y": np.eye(3)[Y]}, "y does not fit the loss sparse_categorical_crossentropy", "(20, 3)"),
    "y of another width": (
        {"model": net(loss="mse"), "y": X[:, :2]},
        "y does not fit the loss mse",
        "(20, 2)",
    ),
    "two outputs, one target": ({"model": two(outputs=2)}, "y does not fit the loss mse"),
    "no loss": ({"model": net(loss=None)}, "has no loss: call model.compile(optimizer, loss) first."),
    "text in y": ({"y": Y.astype(str)}, "y holds text: give numbers"),
    "NaN in y": ({"model": net(loss="mse"), "y": HOLED}, "y holds 1 NaN or infinite values"),
    "fractional classes": ({"y": Y + 0.5}, "y has class labels such as 0.5", "takes whole numbers"),
    "NaN in sample_weight": ({"sample_weight": HOLED}, "sample_weight holds 1 NaN"),
    "text in sample_weight": ({"sample_weight": ONES.astype(str)}, "sample_weight holds text"),
    "negative sample_weight": (
        {"sample_weight": -ONES},
        "sample_weight holds -1.0: give weights of at least 0",
    ),
    "no sample_weight": ({"sample_weight": 0 * ONES}, "sample_weight holds nothing but 0"),
    "sample_weight without y": (
        {"y": None, "sample_weight": ONES},
        "sample_weight is given without y",
    ),
    "negative weights in a data set": (
        {"x": Batches(X, Y, -ONES), "y": None},
        "x (sample weights) holds -1.0",
    ),
    "NaN in a data set's targets": (
        {"model": net(loss="mse"), "x": Batches(X, HOLED), "y": None},
        "x (targets) holds 1 NaN",
    ),
    "validation_data of another width": (
        {"validation_data": (X[:, :3], Y)},
        "validation_data does not fit the model",
    ),
    "validation_data one-hot": (
        {"validation_data": (X, np.eye(3)[Y])},
        "validation_data (targets) does not fit the loss",
    ),
    "NaN in validation_data": (
        {"validation_data": (X, Y, HOLED)},
        "validation_data (sample weights) holds 1 NaN",
    ),
    "validation twice": (
        {"validation_data": (X, Y), "validation_split": 0.2},
        "validation_split is 0.2 beside validation_data: give one of them",
    ),
    "split as text": ({"validation_split": "0.2"}, "validation_split is '0.2' with 20 examples"),
    "split NaN": ({"validation_split": np.nan}, "validation_split is nan with 20 examples"),
    # Class weights
    "class_weight a list": ({"class_weight": [1, 2, 1]}, "class_weight is [1, 2, 1]: give a dict"),
    "class_weight by name": ({"class_weight": "balanced"}, "class_weight is 'balanced': give a dict"),
    "class_weight of a name": ({"class_weight": {"cat": 1.0}}, "class_weight has the class 'cat'"),
    "class_weight unknown": (
        {"class_weight": {7: 1.0}},
        "has the class 7, which no example has: y has [0, 1, 2]",
    ),
    "class_weight unknown in a data set": (
        {"x": Batches(X, Y), "y": None, "class_weight": {7: 1.0}},
        "class_weight has the class 7",
    ),
    "class_weight NaN": ({"class_weight": {0: np.nan}}, "class_weight of 0 is nan: give a number"),
    "class_weight text": ({"class_weight": {0: "2"}}, "class_weight of 0 is '2'"),
    # What yields batches
    "endless": (
        {"x": Batches(X, Y, count=None), "y": None},
        "x is a data set without an end: give steps_per",
    ),
    "endless validation": (
        {"validation_data": Batches(X, Y, count=None)},
        "validation_data is a data set without an end: give validation_data.take(...)",
    ),
    "absurdly long": ({"x": Batches(X, Y, count=10**9), "y": None}, "x has 1000000000 batches per epoch"),
    "absurdly long by steps": (
        {"x": Batches(X, Y, count=None), "y": None, "steps_per_epoch": 10**9},
        "x has 1000000000 batches per epoch",
    ),
    "raises": ({"x": Broken(), "y": None}, "x cannot be read: OSError: disk gone"),
    "single examples": ({"x": Batches(X[0], Y[0]), "y": None}, "x yields single examples"),
    "generator": (
        {"x": (batch for batch in [(X, Y)]), "y": None},
        "x is a generator, which can be read only once",
    ),
    "sparse": ({"x": scipy.sparse.csr_matrix(X)}, "x is a sparse csr_matrix: give x.toarray()."),
    # The model
    "a bare layer": (
        {"model": keras.layers.Dense(3)},
        "model is a layer (Dense): put it into a keras.Sequential",
    ),
    "needs arguments": ({"model": lambda width: net()}, "model is a function that needs arguments (missing"),
    "function raises": ({"model": raises}, "model is a function that raised RuntimeError: no such thing"),
    "layers raises": ({"layers": raises}, "layers is <function raises", "which raised RuntimeError: no such"),
    "weight_fans raises": (
        {"model": lambda: net(Unsaid())},
        "weight_fans of the layer 'unsaid' raised KeyError: 'units': let it return a dict",
    ),
    "weight_fans of numbers": (
        {"model": lambda: net(Unsaid({"mix": 3}))},
        "weight_fans of the layer 'unsaid' raised TypeError",
    ),
    "roles a number": ({"roles": 3}, "roles is 3: give a name such as 'kernel'"),
    "roles a dict": ({"roles": {"kernel": 1}}, "roles is {'kernel': 1}: give a name such as 'kernel'"),
    "roles as bytes": ({"roles": b"kernel"}, "roles is b'kernel': give a name such as 'kernel'"),
    "roles of numbers": ({"roles": ["kernel", 3]}, "roles is ['kernel', 3]: give a name"),
    "no roles": ({"roles": []}, "roles is []: give a name such as 'kernel', or a list of names."),
    # The rest
    "callbacks of one argument": (
        {"callbacks": lambda label: []},
        "callbacks cannot be called with a label and a replicate: too many positional arguments",
    ),
    "a layer as initializer": ({"initializers": {"a": keras.layers.Dense(3)}}, "'a' is a Keras layer"),
    "brackets": ({"initializers": {"a": [[[[[[[[[[[]]]]]]]]]]]}}, "initializer"),
    "label without text": (
        {"initializers": {"\udc80": "zeros"}},
        "The label '\\udc80' cannot be written as UTF-8",
    ),
    "target_loss text": ({"target_loss": "0.5"}, "target_loss is '0.5': give a finite number"),
    "target_loss NaN": ({"target_loss": np.nan}, "target_loss is nan: give a finite number"),
    "shuffle batch": ({"shuffle": "batch"}, "shuffle is 'batch': give True or False"),
    "too many runs": ({"replicates": 10**9}, "replicates is 1000000000, which makes 1000000000 runs of 1"),
    "run_dir a number": ({"run_dir": 3}, "run_dir (--out) is 3: give the name of a folder"),
    "run_dir a file": ({"run_dir": __file__}, "which cannot be written"),
    "run_dir below a file": ({"run_dir": f"{__file__}/out"}, "which cannot be written"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_work_is_one_error_that_names_the_argument(case):
    changes, *wanted = CASES[case]
    arguments = {
        "model": net(),
        "initializers": ["zeros"],
        "x": X,
        "y": Y,
        "callbacks": never,
        "verbose": False,
    }
    with pytest.raises(InputError) as error:
        initlab.compare(**arguments | changes)
    for words in wanted:
        assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


def test_text_is_refused_where_the_model_takes_numbers():
    tensorflow = keras.backend.backend() == "tensorflow"
    wanted = (
        "x does not fit the model" if tensorflow else "x holds text, which models take on TensorFlow only"
    )
    with pytest.raises(InputError, match=wanted):
        initlab.compare(net(), ["zeros"], X.astype(str), Y, callbacks=never)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data with TensorFlow's tensors")
def test_tensorflow_data_sets_are_looked_at_before_they_are_read():
    import tensorflow as tf

    endless = tf.data.Dataset.from_tensors((X, Y)).repeat()
    sparse = tf.data.Dataset.from_tensors((tf.sparse.from_dense(X), Y))
    single = tf.data.Dataset.from_tensor_slices((X, Y))
    for data, wanted in (
        (endless, "x is a data set without an end"),
        (tf.data.Dataset.from_tensors((X, Y)).repeat(10**9), "x has 1000000000 batches per epoch"),
        (sparse, "tf.sparse.to_dense"),
        (single, "x yields single examples"),
        (tf.sparse.from_dense(X), "x is a SparseTensor: give tf.sparse.to_dense(x)"),
    ):
        y = Y if isinstance(data, tf.SparseTensor) else None
        with pytest.raises(InputError, match=re.escape(wanted)):
            initlab.compare(net(), ["zeros"], data, y, callbacks=never)
    with pytest.raises(InputError, match="validation_data is a data set without an end"):
        initlab.compare(net(), ["zeros"], X, Y, validation_data=endless, callbacks=never)


def test_a_data_set_of_unknown_length_that_does_not_end_is_given_up(monkeypatch):
    """`tf.data.Dataset.from_generator` and filtered data sets do not say how many batches they have."""
    tf = pytest.importorskip("tensorflow", reason="tf.data needs TensorFlow")
    monkeypatch.setattr("keras_initlab.experiment.data.MOST_UNKNOWN", 50)
    batches = tf.data.Dataset.from_tensors((X, Y))
    endless = batches.repeat().filter(lambda *batch: True)
    for data, wanted in (
        ({"x": endless}, "x has not ended after 50 batches: give steps_per_epoch"),
        ({"x": X, "y": Y, "validation_data": endless}, r"give validation_data\.take\(\.\.\.\)"),
    ):
        with pytest.raises(InputError, match=wanted):
            initlab.compare(net(), ["zeros"], **data, callbacks=never)
    cut = initlab.compare(net(), ["zeros"], endless, steps_per_epoch=60, replicates=1, verbose=False)
    short = batches.repeat(49).filter(lambda *batch: True)
    whole = initlab.compare(net(), ["zeros"], short, replicates=1, verbose=False)
    assert [result.config["steps_per_epoch"] for result in (cut, whole)] == [60, 49]


def test_a_refused_target_leaves_the_model_as_it_was():
    model = two(outputs=2)
    with pytest.raises(InputError, match="y does not fit the loss"):
        initlab.compare(model, ["zeros"], X, Y)
    both = [np.ones((20, 3)), np.ones((20, 3))]
    result = initlab.compare(model, ["zeros"], X, both, replicates=1, verbose=False)
    assert result.records[0].status == "completed"


def test_the_rehearsal_moves_no_state():
    head = keras.layers.Dense(3, "softmax", activity_regularizer="l2", kernel_regularizer="l2")
    inputs = keras.Input((4,))
    h = keras.layers.BatchNormalization()(keras.layers.Dropout(0.5)(inputs))
    model = keras.Model(inputs, head(h))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = [np.array(variable) for variable in model.variables]
    with pytest.raises(InputError, match="Unknown engine"):
        initlab.compare(model, ["zeros"], X, Y, engine="none")
    for value, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(value, np.array(variable))
    assert int(model.optimizer.iterations) == 0
    assert len(model.losses) == 1  # the kernel's: nothing is left of the activity's


@pytest.mark.parametrize("given", [np.int64(2), np.uint8(2)])
def test_whole_numbers_of_numpy_are_taken(given):
    result = initlab.compare(
        net(),
        ["zeros"],
        X,
        Y,
        epochs=given,
        replicates=given,
        seed=given,
        batch_size=given,
        steps_per_epoch=given,
        verbose=False,
    )
    assert len(result.records) == 2
    assert {type(result.config[name]) for name in ("epochs", "seed", "batch_size")} == {int}


def test_a_single_callback_is_as_good_as_a_list(capsys):
    seen = []

    def one(label, replicate):
        return keras.callbacks.LambdaCallback(on_train_begin=lambda logs: seen.append((label, replicate)))

    result = initlab.compare(net(), ["zeros"], X, Y, callbacks=one, replicates=2, verbose=2)
    assert [record.status for record in result.records] == ["completed"] * 2
    assert seen == [("zeros", 0), ("zeros", 1)]
    assert capsys.readouterr().err.count("run ") == 2  # as in `fit`, 2 prints lines
