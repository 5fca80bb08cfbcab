"""Bad input to `compare` raises one clear error before any training."""

import re

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.core.errors import GuessedRoleWarning, InputError, SameLawWarning

X = np.zeros((20, 4), "float32")
Y = np.arange(20) % 3


def classifier(loss="sparse_categorical_crossentropy", compiled=True, width=3):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(5, name="hidden"),
            keras.layers.Dense(width, "softmax", name="head"),
        ]
    )
    if compiled:
        model.compile("sgd", loss)
    return model


def never(label, replicate):
    raise AssertionError("training was started")


def shape_only(shape):
    return np.zeros(shape)


def wrong_shape(shape, dtype=None):
    return np.zeros((2, 2), dtype)


def wrong_dtype(shape, dtype=None):
    return np.zeros(shape, "float64")


NAN = np.where(np.arange(80).reshape(20, 4) == 7, np.nan, 0.0)
ONE_HOT = np.eye(3)[Y]

CASES = {
    "no initializers": ({"initializers": []}, "initializers is []: give at least one"),
    "empty dict": ({"initializers": {}}, "initializers is {}: give at least one"),
    "None": ({"initializers": {"a": None}}, "The initializer of 'a' is None"),
    "number": ({"initializers": 3}, "initializers is 3: give a list of names"),
    "unknown name": (
        {"initializers": ["he_norml"]},
        "Unknown initializer 'he_norml'. Did you mean 'he_normal'? 'initlab list' shows all.",
    ),
    "unknown initlab name": (
        {"initializers": ["initlab_uniform_sqrtn"]},
        "Did you mean 'initlab_uniform_sqrt_n'?",
    ),
    "broken config": ({"initializers": [{"class_name": "Nope", "config": {}}]}, "Unknown initializer 'Nope'"),
    "duplicate labels": (
        {"initializers": ["zeros", "zeros"]},
        "Two initializers have the label 'zeros'. Pass a dict of label -> initializer",
    ),
    "label of another type": ({"initializers": {1: "zeros"}}, "initializers has the label 1"),
    "signature": ({"initializers": [shape_only]}, "'shape_only' cannot be called as f(shape, dtype=None)"),
    "wrong shape": (
        {"initializers": [wrong_shape]},
        "'wrong_shape' returned shape (2, 2) for hidden/kernel, which has (4, 5)",
    ),
    "wrong dtype": ({"initializers": [wrong_dtype]}, "'wrong_dtype' returned dtype float64"),
    "rank": (
        {"initializers": ["initlab_orthogonal"], "roles": "bias"},
        "'initlab_orthogonal' draws weights of rank 2 or more; hidden/bias has shape (5,).",
    ),
    "uncompiled": ({"model": classifier(compiled=False)}, "is not compiled with an optimizer"),
    "no model": ({"model": "mlp"}, "model is str: give a compiled keras.Model or a function"),
    "function of something else": ({"model": lambda: 3}, "model returned int"),
    "unequal lengths": ({"y": Y[:7]}, "unequal lengths [20, 7]"),
    "sample weights": ({"sample_weight": np.ones(3)}, "unequal lengths [20, 20, 3]"),
    "empty": ({"x": X[:0], "y": Y[:0]}, "x holds an array of shape (0, 4)"),
    "objects": ({"x": X.astype(object)}, "x holds values of type float: only numbers"),
    "ragged": ({"x": [[1, 2], [3]], "y": [0, 1]}, "x is a ragged list"),
    "nothing": ({"x": None}, "x is None"),
    "NaN": ({"x": NAN}, "x holds 1 NaN or infinite values"),
    "infinite": ({"y": np.full(20, np.inf)}, "y holds 20 NaN or infinite values"),
    "labels too large": (
        {"y": Y + 1},
        "y has class labels from 1 to 3, but the model's output has 3 classes (0 to 2)",
    ),
    "labels negative": ({"y": Y - 1}, "y has class labels from -1 to 1"),
    "labels of validation": (
        {"validation_data": (X, Y + 1)},
        "validation_data has class labels from 1 to 3",
    ),
    "one-hot wanted": (
        {"model": classifier("categorical_crossentropy"), "y": Y % 2},
        "needs one-hot rows of the model's 3 classes",
    ),
    "probabilities wanted": (
        {"model": classifier("binary_crossentropy"), "y": ONE_HOT * 2},
        "takes probabilities in [0, 1]",
    ),
    "no layer": ({"layers": "middle"}, "No trainable weight matches layers='middle'"),
    "no role": ({"roles": "embeddings"}, "with roles=('embeddings',). There are: hidden/kernel (kernel)"),
    "unknown role": ({"roles": ["kernels"]}, "Unknown role 'kernels'. Did you mean 'kernel'?"),
    "broken pattern": ({"layers": "["}, "layers='[' is neither a layer's name nor a regular expression"),
    "layers of another type": ({"layers": 3}, "layers is 3: give a layer's name"),
    "replicates": ({"replicates": 0}, "replicates is 0: give a whole number of at least 1."),
    "epochs": ({"epochs": 0}, "epochs is 0: give a whole number of at least 1."),
    "fractional epochs": ({"epochs": 1.5}, "epochs is 1.5: give a whole number"),
    "seed": ({"seed": -1}, "seed is -1: give a whole number of at least 0."),
    "batch_size": ({"batch_size": 21}, "batch_size is 21 but there are 20 training examples"),
    "batch_size 0": ({"batch_size": 0}, "batch_size is 0: give a whole number of at least 1."),
    "steps": ({"batch_size": 5, "steps_per_epoch": 5}, "20 examples make 4 batches of 5"),
    "split": ({"validation_split": 1.0}, "validation_split is 1.0 with 20 examples"),
    "validation_data": ({"validation_data": X}, "validation_data is ndarray: give (x, y)"),
    "class and sample weight": (
        {"class_weight": {0: 2.0}, "sample_weight": np.ones(20)},
        "class_weight needs one target array y and no sample_weight",
    ),
    "callbacks": ({"callbacks": []}, "callbacks must be a function of label and replicate"),
    "engine": ({"engine": "sequental"}, "Unknown engine 'sequental'. Did you mean 'sequential'?"),
    "baseline": ({"baseline": "he_normal"}, "baseline is 'he_normal', which is not among the labels"),
    "verbose": ({"verbose": "loud"}, "verbose is 'loud'"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_clear_error(case):
    changes, message = CASES[case]
    arguments = {"initializers": ["zeros"], "x": X, "y": Y, "callbacks": never, "verbose": False} | changes
    model = arguments.pop("model", None) or classifier()
    with pytest.raises(InputError, match=re.escape(message)):
        initlab.compare(model, **arguments)


def test_data_set_takes_no_arguments_of_arrays():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return X[:10], Y[:10]

    for name, value in {"y": Y, "batch_size": 4, "sample_weight": Y}.items():
        with pytest.raises(InputError, match=f"{name} must not be given when x is a data set"):
            initlab.compare(classifier(), ["zeros"], Batches(), **{name: value})
    with pytest.raises(InputError, match="validation_split needs arrays"):
        initlab.compare(classifier(), ["zeros"], Batches(), validation_split=0.5)
    with pytest.raises(InputError, match="steps_per_epoch is 3, but x yields 2 batches"):
        initlab.compare(classifier(), ["zeros"], Batches(), steps_per_epoch=3)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (None, ["hidden/kernel", "head/kernel"]),
        ("head", ["head/kernel"]),
        ("^h", ["hidden/kernel", "head/kernel"]),
        (re.compile("idd"), ["hidden/kernel"]),
        (lambda layer: layer.units == 3, ["head/kernel"]),
        (["head", re.compile("^hidden")], ["hidden/kernel", "head/kernel"]),
    ],
)
def test_layers_under_test(layers, expected):
    result = initlab.compare(classifier(), ["zeros"], X, Y, layers=layers, replicates=1, verbose=False)
    assert [slot["path"] for slot in result.config["slots"]] == expected


def test_labels_of_schemes_without_one():
    given = [
        "he_normal",
        keras.initializers.RandomUniform(-0.1, 0.1),
        keras.initializers.GlorotNormal,
        {"class_name": "Constant", "config": {"value": 2.0}},
        initlab.initializers.UniformSqrtN(seed=1),
    ]
    result = initlab.compare(classifier(), given, X, Y, replicates=1, verbose=False)
    assert set(result.config["labels"]) == {
        "he_normal",
        "RandomUniform(minval=-0.1, maxval=0.1)",
        "GlorotNormal",
        "Constant(value=2.0)",
        "UniformSqrtN",
    }


def test_one_law_under_two_names_is_named_before_training():
    entrants = ["initlab_he_normal", "zeros", "initlab_kaiming", "initlab_zeros"]
    with pytest.warns(SameLawWarning) as caught:
        initlab.compare(classifier(), entrants, X, Y, replicates=1, verbose=False)
    assert [str(one.message).split(" draw")[0] for one in caught if one.category is SameLawWarning] == [
        "initlab_he_normal and initlab_kaiming",
        "zeros and initlab_zeros",
    ]


def test_optimizers_inside_a_list_are_refused():
    model = classifier()
    model.several = [keras.optimizers.Adam()]
    with pytest.raises(InputError, match="keeps optimizers inside 'several'"):
        initlab.compare(model, ["zeros"], X, Y, verbose=False)


def test_an_ignored_class_is_no_wrong_label():
    model = classifier()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
    model.compile("sgd", loss)
    ignored = np.where(np.arange(len(Y)) < 3, 255, Y)
    result = initlab.compare(model, ["zeros"], X, ignored, replicates=1, verbose=False)
    assert result.records[0].status == "completed"
    with pytest.raises(InputError, match="class labels from"):
        initlab.compare(model, ["zeros"], X, np.where(np.arange(len(Y)) < 3, 254, Y), verbose=False)


class Lookup(keras.layers.Layer):
    """Its code multiplies weights with each other, so that nobody can see which of them is a kernel."""

    def __init__(self):
        super().__init__(name="lookup")

    def build(self, shape):
        self.down = self.add_weight(shape=(shape[-1], 2), name="down")
        self.table = self.add_weight(shape=(2, 4), name="table")

    def call(self, x):
        return x @ (self.down @ self.table)


def test_what_is_under_test_by_a_guess_is_named_once_unless_the_user_chose():
    model = keras.Sequential([keras.Input((4,)), Lookup(), keras.layers.Dense(3, "softmax", name="head")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    data = {"x": X, "y": Y, "replicates": 1, "verbose": False}
    with pytest.warns(GuessedRoleWarning) as caught:
        result = initlab.compare(model, ["zeros", "ones"], **data)
    guesses = [one for one in caught if one.category is GuessedRoleWarning]
    assert [str(one.message) for one in guesses] == [
        "Taken for kernels by name and shape, for their layers' code could not be followed: lookup/down. "
        "Say with layers= or roles= what is to be drawn."
    ]
    assert guesses[0].filename == __file__
    assert [slot["path"] for slot in result.config["slots"]] == ["lookup/down", "head/kernel"]
    for chosen in ({"layers": "lookup"}, {"roles": ["kernel", "table"]}):
        initlab.compare(model, ["zeros"], **data, **chosen)  # a warning is an error in tests
