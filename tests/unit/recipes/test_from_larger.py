"""Weight selection: which entries of the larger model, and what has no counterpart."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.recipes import FromLarger, Mup
from keras_initlab.recipes.entries import places


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


def pictures(width, between, last=lambda width: layers.Dense(2 * width, "relu", name="last")):
    """Convolutions, something between, a layer and a head."""
    given = keras.Input((6, 5, 3))
    x = layers.Conv2D(width, 3, activation="relu", name="first")(given)
    return keras.Model(given, layers.Dense(2, name="head")(last(width)(between(x, width))))


def dense_block(x, width):
    more = layers.Conv2D(width + 2, 3, padding="same", activation="relu", name="more")(x)
    x = layers.BatchNormalization(name="norm")(layers.Concatenate()([x, more]))
    return layers.GlobalAveragePooling2D()(layers.ReLU()(x))


def by_channel(x, width):
    x = layers.DepthwiseConv2D(2, depth_multiplier=2, name="depth")(x)
    x = layers.SeparableConv2D(width, 2, activation="relu", name="separable")(x)
    return layers.Flatten()(layers.MaxPooling2D(1)(x))


def in_groups(x, width):
    x = layers.Conv2D(2 * width, 1, activation="relu", name="wide")(x)
    return layers.Flatten()(layers.Conv2D(2 * width, 2, groups=2, activation="relu", name="groups")(x))


def alone(x, width):
    return layers.Flatten()(layers.Conv2D(width, 2, groups=width, activation="relu", name="alone")(x))


def by_einsum(x, width):
    x = layers.EinsumDense("abcd,de->abce", (4, 3, width), name="mix")(x)
    return layers.Flatten()(keras.ops.mean(keras.ops.transpose(x, (0, 3, 1, 2)), axis=2))


def unfolded(x, width):
    x = layers.Reshape((3, 4, width))(layers.Dense(12 * width, "relu", name="fold")(layers.Flatten()(x)))
    return layers.Flatten()(layers.Conv2DTranspose(width, 2, activation="relu", name="up")(x))


@pytest.mark.parametrize(
    ("between", "widths"),
    [
        (lambda x, width: layers.Flatten()(x), (12, 5)),
        (lambda x, width: layers.Flatten()(layers.Permute((3, 1, 2))(x)), (12, 5)),
        (lambda x, width: layers.Flatten("channels_first")(layers.Permute((3, 1, 2))(x)), (12, 5)),
        (lambda x, width: layers.Dropout(0.1)(layers.Flatten()(x + keras.ops.relu(x))), (12, 4)),
        (dense_block, (12, 5)),
        (by_channel, (12, 5)),
        (in_groups, (12, 6)),
        (alone, (12, 5)),
        (by_einsum, (12, 5)),
        (unfolded, (12, 4)),
    ],
)
def test_who_reads_a_layer_takes_what_it_took(between, widths):
    """A teacher whose other channels are 0 and an exact student compute the same."""
    teacher, student = (pictures(width, between) for width in widths)
    rng = np.random.default_rng(0)
    for large, small in zip(teacher.layers, student.layers, strict=True):
        for at, (variable, other) in enumerate(zip(large.variables, small.variables, strict=True)):
            if isinstance(large, layers.DepthwiseConv2D | layers.SeparableConv2D | layers.BatchNormalization):
                drawn = rng.uniform(0.5, 1.5, variable.shape)  # without a bias 0 stays 0
                drawn = drawn if variable.trainable else np.ones(variable.shape)
                drawn *= variable.path.split("/")[-1] not in ("bias", "beta", "moving_mean")
                if large.name == "depth" and at:
                    drawn = rng.normal(size=24) * np.repeat(np.isin(np.arange(12), places(*widths)), 2)
            else:
                drawn = rng.normal(size=variable.shape)
            axis = -2 if isinstance(large, layers.Conv2DTranspose) and not at else -1
            if large.name != "depth" and not isinstance(large, layers.BatchNormalization):
                kept = np.isin(
                    np.arange(variable.shape[axis]), places(variable.shape[axis], other.shape[axis])
                )
                drawn *= kept[:, None] if axis == -2 else kept
            variable.assign(drawn)
    FromLarger(teacher).apply(student)
    x = rng.normal(size=(3, 6, 5, 3)).astype("float32")
    large, small = (
        keras.ops.convert_to_numpy(keras.Model(net.inputs[0], net.get_layer("last").output)(x))
        for net in (teacher, student)
    )
    assert np.abs(small).max() > 1
    np.testing.assert_allclose(small, large[:, places(24, 2 * widths[1])], rtol=2e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("teacher", "student", "match"),
    [
        (
            lambda x, width: layers.Flatten()(x),
            lambda x, width: layers.Flatten()(layers.MaxPooling2D(2)(x)),
            r"last/kernel reads entries of 24 numbers, and teacher's counterpart, of shape \(144, 24\)",
        ),
        (unfolded, unfolded, "up/kernel reads axes that were joined or split.*reshape"),
        (in_groups, in_groups, "2 groups of .*groups do not take the same"),
        (
            lambda x, width: layers.Flatten()(keras.ops.flip(x, -1)),
            lambda x, width: layers.Flatten()(keras.ops.flip(x, -1)),
            "last/kernel reads axes that were joined or split.*flip",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused(teacher, student, match):
    model = pictures(5, student)
    before = model.get_weights()
    with pytest.raises(initlab.InputError, match=match):
        FromLarger(pictures(12, teacher)).apply(model)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_attention_reads_what_queries_keys_and_values_are_made_of():
    def build(width):
        words, pictures = keras.Input((5, 4)), keras.Input((3, 6))
        query, memory = (
            layers.Dense(width, name="query")(words),
            layers.Dense(width + 3, name="memory")(pictures),
        )
        both = layers.Concatenate()([memory, layers.Dense(width, name="more")(pictures)])
        x = layers.MultiHeadAttention(2, width, name="attention")(query=query, value=both, key=memory)
        return keras.Model([words, pictures], layers.Dense(2, name="head")(x))

    teacher, student = build(12), build(5)
    FromLarger(teacher).apply(student)
    joined = np.concatenate([places(15, 8), 15 + places(12, 5)])
    for name, rows in (("query", places(12, 5)), ("key", places(15, 8)), ("value", joined)):
        large, small = (
            next(one for one in net.variables if one.path.endswith(f"attention/{name}/kernel"))
            for net in (teacher, student)
        )
        np.testing.assert_array_equal(np.array(small), np.array(large)[rows][..., places(12, 5)])


class Unnamed(layers.Layer):
    """Scales channels by a weight that Keras numbers over the whole process."""

    def build(self, shape):
        self.scale = self.add_weight(shape=shape[-1:], initializer="random_normal")

    def call(self, x):
        return x * self.scale


@pytest.mark.parametrize("recipe", [FromLarger, Mup])
def test_a_weight_without_a_name_has_a_counterpart(recipe):
    def build(width):
        return keras.Sequential([keras.Input((4,)), layers.Dense(width), Unnamed(), layers.Dense(2)])

    teacher, student = build(12), build(5)
    roles = {slot.role for net in (teacher, student) for slot in initlab.slots(net)} - {"kernel", "bias"}
    assert len(roles) == 2
    if recipe is Mup:
        assert initlab.reinitialize(teacher, Mup(student))
        return
    FromLarger(teacher).apply(student)
    large, small = (np.array(net.layers[1].scale) for net in (teacher, student))
    np.testing.assert_array_equal(small, large[places(12, 5)])


class Token(layers.Layer):
    """Puts one learned place before all others."""

    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]), initializer="random_normal", name="token")

    def call(self, x):
        return keras.ops.concatenate([keras.ops.tile(self.token, (keras.ops.shape(x)[0], 1, 1)), x], 1)


def test_tables_are_followed_to_and_fro():
    def build(width):
        x = keras.Input((4,), dtype="int32")
        words = layers.ReversibleEmbedding(7, width, tie_weights=False, name="words")
        logits = words(layers.Dense(width, name="last")(words(x)), reverse=True)
        return keras.Model(x, layers.Dense(2)(logits))

    teacher, student = build(12), build(5)
    FromLarger(teacher).apply(student)
    rows = places(12, 5)
    large, small = (np.array(net.get_layer("last").kernel) for net in (teacher, student))
    np.testing.assert_array_equal(small, large[rows][:, rows])
    large, small = (np.array(net.get_layer("words").reverse_embeddings) for net in (teacher, student))
    np.testing.assert_array_equal(small, large[rows])


def test_the_rows_behind_flattened_tokens():
    def build(width):
        x = keras.Input((4,), dtype="int32")
        hidden = layers.Flatten()(Token()(layers.Embedding(7, width)(x)))
        return keras.Model(x, layers.Dense(2)(layers.Dense(6, name="mix")(hidden)))

    teacher, student = build(12), build(5)
    FromLarger(teacher).apply(student)
    large, small = (np.array(net.get_layer("mix").kernel) for net in (teacher, student))
    np.testing.assert_array_equal(small, large.reshape(5, 12, 6)[:, places(12, 5)].reshape(25, 6))
