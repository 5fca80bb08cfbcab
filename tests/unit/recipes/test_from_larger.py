"""Weight selection: which entries of the larger model, and what has no counterpart."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.recipes import FromLarger
from keras_initlab.recipes.from_larger import places


def convolutional(width, blocks=2):
    x = given = keras.Input((8, 8, 3))
    for _ in range(blocks):
        x = layers.BatchNormalization()(layers.Conv2D(width, 3)(x))
    return keras.Model(given, layers.Dense(4, name="head")(layers.Flatten()(x)))


def test_the_entries_by_hand():
    assert places(12, 5).tolist() == [0, 3, 6, 8, 11]
    assert places(12, 6).tolist() == [0, 2, 4, 6, 8, 10]
    teacher, student = convolutional(12), convolutional(5)
    for variable in teacher.trainable_variables:
        variable.assign(np.random.default_rng(len(variable.path)).normal(size=variable.shape))
    head = student.get_layer("head").get_weights()
    account = FromLarger(teacher).apply(student)
    taken = places(12, 5)
    first, second = (net.layers[3] for net in (teacher, student))
    np.testing.assert_allclose(second.get_weights()[0], first.get_weights()[0][..., taken, :][..., taken])
    np.testing.assert_allclose(
        student.layers[1].get_weights()[0], teacher.layers[1].get_weights()[0][..., taken]
    )
    np.testing.assert_allclose(student.layers[2].get_weights()[0], teacher.layers[2].get_weights()[0][taken])
    assert account.skipped["head/kernel"] == "the head"
    for one, other in zip(head, student.get_layer("head").get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_shorter_student_has_the_first_layers():
    teacher, student = convolutional(6, 3), convolutional(3, 2)
    FromLarger(teacher).apply(student)
    np.testing.assert_array_equal(
        student.layers[3].get_weights()[0], teacher.layers[3].get_weights()[0][..., ::2, ::2]
    )


def memory(units):
    return keras.Sequential([keras.Input((5, 3)), layers.LSTM(units), layers.Dense(2)])


@pytest.mark.parametrize(
    ("teacher", "student", "match"),
    [
        (lambda: convolutional(3), lambda: convolutional(5), r"\(3, 3, 3, 5\).*it is larger"),
        (lambda: memory(8), lambda: convolutional(5), "both need the same layers"),
        (lambda: memory(8), lambda: memory(4), "gates share an axis"),
    ],
)
def test_what_has_no_counterpart(teacher, student, match):
    model = student()
    before = model.get_weights()
    with pytest.raises(initlab.InputError, match=match):
        FromLarger(teacher()).apply(model)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(initlab.InputError, match="teacher is 3"):
        FromLarger(3)


class Early(keras.Model):
    """Creates its heads before what they stand on."""

    def __init__(self, width):
        super().__init__()
        self.head, self.other = layers.Dense(3), layers.Dense(2)
        self.first, self.second = layers.Dense(width, "relu"), layers.Dense(width, "relu")

    def call(self, inputs):
        hidden = self.second(self.first(inputs))
        return layers.Softmax()(self.head(hidden)), self.other(hidden)


def test_heads_are_where_the_model_ends_whenever_they_were_made():
    teacher, student = Early(8), Early(4)
    for model in (teacher, student):
        model(np.zeros((2, 6), "float32"))
    account = FromLarger(teacher).apply(student)
    assert {path for path, why in account.skipped.items() if why == "the head"} == {
        f"{layer.name}/{name}" for layer in (student.head, student.other) for name in ("kernel", "bias")
    }
    assert len(account) == 4
