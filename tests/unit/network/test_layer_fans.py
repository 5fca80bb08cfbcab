"""True fans, measured: with LeCun's law and them, unit variance in gives unit variance out."""

import math

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.initializers.fans import Fans, shape_fans
from keras_initlab.network.layer_fans import fans
from keras_initlab.testing.schemes import numpy

# layer, input shape, crop of the output's borders, whether Keras's convention fails
CASES = {
    "Dense": (lambda: layers.Dense(50), (400,), 0, False),
    "Conv1D": (lambda: layers.Conv1D(40, 5), (30, 16), 0, False),
    "Conv2D": (lambda: layers.Conv2D(30, 3, strides=2), (17, 17, 16), 0, False),
    "Conv2D, groups": (lambda: layers.Conv2D(32, 3, groups=4), (12, 12, 32), 0, False),
    "Conv3D": (lambda: layers.Conv3D(20, 3), (7, 7, 7, 8), 0, False),
    "DepthwiseConv1D": (lambda: layers.DepthwiseConv1D(5), (30, 64), 0, True),
    "DepthwiseConv2D": (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), (12, 12, 64), 0, True),
    "SeparableConv2D": (lambda: layers.SeparableConv2D(32, 3), (12, 12, 64), 0, True),
    "Conv1DTranspose": (lambda: layers.Conv1DTranspose(16, 4), (30, 64), 4, True),
    "Conv2DTranspose": (lambda: layers.Conv2DTranspose(16, 4), (10, 10, 64), 4, True),
    "Conv2DTranspose, stride 2": (
        lambda: layers.Conv2DTranspose(32, 4, strides=2),
        (10, 10, 16),
        4,
        True,
    ),
    "SeparableConv1D": (lambda: layers.SeparableConv1D(32, 5), (30, 64), 0, True),
    "Conv1DTranspose, stride 3": (lambda: layers.Conv1DTranspose(16, 6, strides=3), (30, 64), 6, True),
    "Conv3DTranspose, stride 2": (
        lambda: layers.Conv3DTranspose(16, 2, strides=2),
        (4, 4, 4, 32),
        2,
        True,
    ),
    "Bidirectional, one step": (
        lambda: layers.Bidirectional(layers.SimpleRNN(30, activation="linear")),
        (1, 60),
        0,
        False,
    ),
    "TimeDistributed": (lambda: layers.TimeDistributed(layers.DepthwiseConv1D(5)), (3, 30, 64), 0, True),
    "EinsumDense": (lambda: layers.EinsumDense("abc,cde->abde", (None, 8, 16)), (5, 64), 0, True),
    "EinsumDense, two inputs": (
        lambda: layers.EinsumDense("abcd,cde->abe", (None, 64)),
        (5, 8, 16),
        0,
        False,
    ),
    "EinsumDense, shared axis": (
        lambda: layers.EinsumDense("abgc,gcd->abgd", (None, 8, 32)),
        (5, 8, 32),
        0,
        True,
    ),
}


def redraw(layer, fan_of):
    """LeCun's law for every kernel, zero for biases."""
    rng = np.random.default_rng(0)
    for weight in layer.trainable_weights:
        std = 0 if weight.name == "bias" else 1 / math.sqrt(fan_of(weight))
        weight.assign(rng.normal(0, 1, weight.shape) * std)


def measured(layer, inputs, crop):
    outputs = numpy(layer(inputs))
    inside = [slice(crop, -crop or None) for _ in outputs.shape[1:-1]]
    return outputs[(slice(None), *inside)].var()


@pytest.mark.parametrize("case", CASES)
def test_unit_variance_stays(case):
    make, shape, crop, keras_fails = CASES[case]
    layer = make()
    inputs = np.random.default_rng(1).normal(size=(16, *shape)).astype("float32")
    layer(inputs)
    found = fans(layer)
    redraw(layer, lambda weight: found[weight.path].fan_in)
    smallest = min(math.prod(weight.shape) for weight in layer.trainable_weights if weight.name != "bias")
    tolerance = 5 * math.sqrt(2 / smallest)
    assert measured(layer, inputs, crop) == pytest.approx(1, rel=tolerance)
    redraw(layer, lambda weight: shape_fans(weight.shape).fan_in)
    fails = abs(measured(layer, inputs, crop) - 1) > tolerance
    assert fails == keras_fails


def holds(kernel, fan_in, measure):
    """Whether LeCun's law with this fan makes the measured variance 1, within sampling error."""
    kernel.assign(np.random.default_rng(0).normal(0, 1 / math.sqrt(fan_in), kernel.shape))
    return abs(measure() - 1) < 5 * math.sqrt(2 / math.prod(kernel.shape))


@pytest.mark.parametrize(
    ("make", "inputs"),
    [
        (lambda: layers.MultiHeadAttention(8, 4), [(64,)] * 3 + [(8, 4)]),
        (lambda: layers.GroupQueryAttention(4, 8, 2), [(64,)] * 3 + [(8, 4)]),
    ],
    ids=["MultiHeadAttention", "GroupQueryAttention"],
)
def test_unit_variance_stays_in_each_projection_of_attention(make, inputs):
    layer = make()
    layer.build((None, 5, 64), (None, 5, 64))
    projections = [part for part in layer._flatten_layers() if isinstance(part, layers.EinsumDense)]
    found = fans(layer)
    failing = []
    for part, shape in zip(projections, inputs, strict=True):
        x = np.random.default_rng(1).normal(size=(64, 5, *shape)).astype("float32")

        def measure(part=part, x=x):
            return numpy(part(x)).var()

        assert holds(part.kernel, found[part.kernel.path].fan_in, measure)
        failing.append(not holds(part.kernel, shape_fans(part.kernel.shape).fan_in, measure))
    assert failing == [True, True, True, False]


def test_a_row_of_an_embedding_has_unit_variance():
    layer = layers.Embedding(400, 30)
    layer.build()

    def measure():
        return numpy(layer(np.arange(400))).var()

    assert holds(layer.embeddings, fans(layer)[layer.embeddings.path].fan_in, measure)
    assert not holds(layer.embeddings, shape_fans(layer.embeddings.shape).fan_in, measure)


RECURRENT = {
    "SimpleRNN": (layers.SimpleRNNCell, 1),
    "GRU": (layers.GRUCell, 3),
    "LSTM": (layers.LSTMCell, 4),
    "ConvLSTM2D": (lambda units, **given: layers.ConvLSTM2D(units, 3, **given).cell, 4),
}


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("weight", ["kernel", "recurrent_kernel"])
def test_unit_variance_stays_in_each_gate(kind, weight):
    make, gates = RECURRENT[kind]
    seen = []

    def spy(sums):
        """An activation that notes what each gate sums up, and opens it."""
        seen.append(sums)
        return keras.ops.ones_like(sums)

    cell = make(20, activation=spy, **({"recurrent_activation": spy} if gates > 1 else {}))
    window = (12, 12) if kind == "ConvLSTM2D" else ()
    cell.build((None, *window, 50))
    inside = tuple(size - 2 for size in window)  # the input is not padded, the state is
    x, state = np.zeros((64, *window, 50), "float32"), np.zeros((64, *inside, 20), "float32")
    signal = x if weight == "kernel" else state
    signal[:] = np.random.default_rng(1).normal(size=signal.shape)
    for variable in cell.trainable_variables:
        variable.assign(np.zeros(variable.shape))
    kernel = getattr(cell, weight)
    found = fans(cell)[kernel.path]
    kernel.assign(np.random.default_rng(0).normal(0, 1 / math.sqrt(found.fan_in), kernel.shape))
    cell(x, [state, state] if gates == 4 else [state])
    tolerance = 5 * math.sqrt(2 * gates / math.prod(kernel.shape))
    for sums in seen[:gates]:
        values = numpy(sums)[:, 1:-1, 1:-1] if window else numpy(sums)
        assert values.var() == pytest.approx(1, rel=tolerance)
    # What one gate sends back is a sum over fan_out errors; Keras counts the outputs of all gates.
    gate = np.moveaxis(numpy(kernel)[..., :20], -2, 0).reshape(kernel.shape[-2], -1)
    errors = np.random.default_rng(2).normal(size=(500, gate.shape[1]))
    back = (errors @ gate.T).var() * found.fan_in
    assert back / found.fan_out == pytest.approx(1, rel=tolerance)
    assert back / shape_fans(kernel.shape).fan_out == pytest.approx(1 / gates, rel=tolerance)


@pytest.mark.parametrize(("kind", "gates"), [(layers.SimpleRNN, 1), (layers.GRU, 3), (layers.LSTM, 4)])
def test_recurrent_layers_count_each_gate(kind, gates):
    layer = kind(6)
    layer.build((None, 3, 5))
    found = {path.rpartition("/")[2]: fan for path, fan in fans(layer).items()}
    assert layer.cell.kernel.shape[1] == 6 * gates
    assert found == {"kernel": Fans(5, 6), "recurrent_kernel": Fans(6, 6), "bias": Fans(5, 6)}


def test_wrapped_layers_are_found():
    both = layers.Bidirectional(layers.LSTM(6))
    both.build((None, 3, 5))
    assert sorted(set(fans(both).values())) == [Fans(5, 6), Fans(6, 6)]
    assert len(fans(both)) == 6
    timed = layers.TimeDistributed(layers.Dense(7))
    timed.build((None, 3, 5))
    assert set(fans(timed).values()) == {Fans(5, 7)}
    cells = layers.ConvLSTM2D(4, 3)
    cells.build((None, 2, 8, 8, 5))
    assert sorted(set(fans(cells).values())) == [Fans(36, 36), Fans(45, 36)]


def test_attention_has_the_fans_of_its_projections():
    layer = layers.MultiHeadAttention(8, 4)
    layer.build((None, 3, 64), (None, 3, 64))
    kernels = [fan for path, fan in fans(layer).items() if path.endswith("kernel")]
    assert kernels == [Fans(64, 32)] * 3 + [Fans(32, 64)]
    grouped = layers.GroupQueryAttention(4, 8, 2)
    grouped.build((None, 3, 64), (None, 3, 64))
    kernels = [fan for path, fan in fans(grouped).items() if path.endswith("kernel")]
    assert sorted(kernels) == sorted([Fans(64, 32), Fans(64, 8), Fans(64, 8), Fans(32, 64)])


def test_embedding_and_fan_out():
    table = layers.Embedding(50000, 16)
    table.build()
    assert set(fans(table).values()) == {Fans(1, 16)}
    grouped = layers.Conv2D(32, 3, groups=4)
    grouped.build((None, 8, 8, 16))
    assert set(fans(grouped).values()) == {Fans(36, 72)}
    strided = layers.Conv2D(32, 4, strides=2)
    strided.build((None, 8, 8, 3))
    assert set(fans(strided).values()) == {Fans(48, 128)}


def test_axes_that_all_share_are_no_outputs():
    layer = layers.EinsumDense("abgc,gcd->abgd", (None, 8, 64))
    layer.build((None, 5, 8, 32))
    assert set(fans(layer).values()) == {Fans(32, 64)}


def test_custom_layers_say_their_own():
    class Mixer(layers.Layer):
        """Maps the 30 features of each channel to 20 others."""

        def build(self, shape):
            self.mix = self.add_weight(shape=(30, shape[-2], 20), name="mix")
            self.bias = self.add_weight(shape=(20,), name="bias")

        def call(self, x):
            return keras.ops.einsum("bci,ico->bco", x, self.mix) + self.bias

        def weight_fans(self):
            return {"mix": Fans(30, 20)}

    layer = Mixer()
    x = np.random.default_rng(1).normal(size=(64, 8, 30)).astype("float32")
    layer(x)
    assert list(fans(layer).values()) == [Fans(30, 20), Fans(30, 20)]
    layer.bias.assign(np.zeros(20))
    assert holds(layer.mix, fans(layer)[layer.mix.path].fan_in, lambda: numpy(layer(x)).var())
    assert not holds(layer.mix, shape_fans(layer.mix.shape).fan_in, lambda: numpy(layer(x)).var())


def test_what_a_layer_says_of_itself_counts_before_what_is_seen():
    class Sparse(layers.Layer):
        def build(self, shape):
            self.mix = self.add_weight(shape=(shape[-1], 20), name="mix")

        def call(self, x):
            return keras.ops.matmul(x, self.mix)

        def weight_fans(self):
            return {"mix": Fans(3, 2)}  # most of its entries are masked

    layer = Sparse()
    layer.build((None, 30))
    assert list(fans(layer).values()) == [Fans(3, 2)]


class Scaled(layers.Conv2D):
    """A convolution with weights of its own beside the kernel."""

    def build(self, shape):
        super().build(shape)
        self.scale = self.add_weight(shape=(self.filters,), name="scale")
        self.mix = self.add_weight(shape=(self.filters, 7), name="mix")


class Windowed(layers.Layer):
    """No convolution of Keras, though it has a `kernel_size` and `strides`."""

    def build(self, shape):
        self.kernel_size, self.strides = 3, 2
        self.kernel = self.add_weight(shape=(3, shape[-1], 5), name="kernel")

    def call(self, x):
        return x


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Scaled(6, 3, strides=2), [(36, 14), (36, 14), (6, 6), (6, 7)]),
        (Windowed, [(12, 15)]),
    ],
    ids=["own weights", "own window"],
)
def test_what_is_no_kernel_of_a_convolution_goes_by_its_shape(make, expected):
    layer = make()
    model = keras.Sequential([keras.Input((9, 9, 4) if isinstance(layer, Scaled) else (9, 4)), layer])
    assert list(fans(layer).values()) == expected
    initlab.lint(model)
    assert len(initlab.reinitialize(model, "initlab_he_normal", seed=0))


def test_low_rank_factors_go_by_their_shape():
    projection = layers.EinsumDense("abc,cde->abde", (None, 8, 16))
    projection.build((None, 5, 32))
    projection.enable_lora(2)
    table = layers.Embedding(50, 16)
    table.build()
    table.enable_lora(2)
    assert list(fans(projection).values()) == [(32, 128), (32 * 8, 32 * 2), (2, 16)]
    assert list(fans(table).values()) == [(1, 16), (50, 2), (2, 16)]


def test_weights_of_one_name_have_their_own_fans():
    class Twice(layers.Layer):
        """Both kernels, and a table as well, are called `weight`, which Keras allows."""

        def build(self, shape):
            self.first = self.add_weight(shape=(shape[-1], 20), name="weight")
            self.second = self.add_weight(shape=(5, 20), name="weight")
            self.shift = self.add_weight(shape=(9, 5), name="weight")

        def call(self, x):
            return x @ self.first @ keras.ops.transpose(self.second) + self.shift[0]

    layer = Twice()
    layer.build((None, 30))
    slots = initlab.slots(keras.Sequential([keras.Input((30,)), layer]))
    assert [slot.fans for slot in slots] == [Fans(30, 20), Fans(20, 5), Fans(1, 5)]


BIASES = {
    "Dense": (lambda: layers.Dense(5), (7,), Fans(7, 5)),
    "Conv2D, groups": (lambda: layers.Conv2D(32, 3, groups=4), (8, 8, 16), Fans(36, 72)),
    "DepthwiseConv2D": (lambda: layers.DepthwiseConv2D(3), (8, 8, 16), Fans(9, 9)),
    "SeparableConv2D": (lambda: layers.SeparableConv2D(32, 3), (8, 8, 16), Fans(16, 32)),
    "Conv2DTranspose": (lambda: layers.Conv2DTranspose(32, 4, strides=2), (8, 8, 16), Fans(64, 512)),
    "EinsumDense": (
        lambda: layers.EinsumDense("abc,cde->abde", (None, 8, 16), bias_axes="de"),
        (5, 64),
        Fans(64, 128),
    ),
    "GRU": (lambda: layers.GRU(6), (3, 5), Fans(5, 6)),
}


@pytest.mark.parametrize("kind", BIASES)
def test_a_bias_has_the_fans_of_the_kernel_that_feeds_it(kind):
    make, shape, expected = BIASES[kind]
    layer = make()
    layer.build((None, *shape))
    assert next(fan for path, fan in fans(layer).items() if path.endswith("bias")) == expected


def test_a_whole_model():
    model = keras.Sequential(
        [keras.Input((8,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(2)]
    )
    assert [fan for path, fan in initlab.fans(model).items() if path.endswith("kernel")] == [
        Fans(8, 4),
        Fans(4, 2),
    ]


@pytest.mark.skipif(not hasattr(layers, "ReversibleEmbedding"), reason="this Keras has none")
def test_an_untied_head_of_a_language_model_has_the_width_for_inputs():
    layer = layers.ReversibleEmbedding(10, 4, tie_weights=False)
    layer.build((None, 5))
    found = {path.rpartition("/")[2]: fan for path, fan in fans(layer).items()}
    assert found == {"embeddings": Fans(1, 4), "reverse_embeddings": Fans(4, 10)}
