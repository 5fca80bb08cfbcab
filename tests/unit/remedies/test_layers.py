"""What remedies put into a graph computes by the laws of their papers, on every backend."""

import keras
import numpy as np
import pytest
from scipy import stats

from keras_initlab.core.errors import InputError
from keras_initlab.engines.sources import Arrays
from keras_initlab.remedies import Augment, BatchNorm, DataNoise, DropConnect, Dropout, Subject
from keras_initlab.remedies.draws import normal, uniform
from keras_initlab.remedies.layers import DropConnectDense, InsertedDropout, InsertedNoise
from tests.unit.remedies.subjects import compiled, data, pictures, sequential, subject


def made(layer, shape=(1, 4)):
    layer.build(shape)
    return layer


def called(layer, x, **arguments):
    return keras.ops.convert_to_numpy(layer(x, **arguments))


def dropout(rate, place=0, **common):
    return made(InsertedDropout(strength=rate, remedy="dropout", place=place, **common))


def test_dropout_keeps_the_mean_and_divides_the_second_moment_by_what_is_kept():
    x = np.ones((400, 100), "float32")
    half = called(dropout(0.5), x, training=True)
    share = (half == 0).mean()
    assert abs(share - 0.5) < 3 * np.sqrt(0.25 / x.size)
    assert set(np.unique(half)) == {0, 2}
    moments = [np.square(called(dropout(0.5, layer), x, training=True)).mean() for layer in range(10)]
    assert np.prod(moments) == pytest.approx(1024, rel=4 * np.sqrt(10 / x.size)), "ten layers"
    fifth = called(dropout(0.2), x, training=True)
    assert not ((fifth == 0) & (half != 0)).any(), "what a small rate drops a greater one does"
    assert (called(dropout(0.5), x) == x).all(), "when it is measured it does nothing"
    odd = np.array([[-0.0, np.inf, 1e-30, -3.3]], "float32")
    assert (called(dropout(0.0), odd, training=True).view("int32") == odd.view("int32")).all()
    half_precision = dropout(0.5, dtype="mixed_float16")(x, training=True)
    assert keras.backend.standardize_dtype(half_precision.dtype) == "float16"


def test_the_strength_is_a_variable_that_is_not_trained():
    layer = dropout(0.5)
    assert layer.trainable_variables == []
    assert [one.name for one in layer.weights] == ["dropout"]
    layer.strength.assign(0.0)
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    assert (called(layer, x, training=True) == x).all()


def test_noise_is_normal_and_scales_with_its_deviation():
    def noise(deviation):
        layer = made(InsertedNoise(strength=deviation, remedy="data_noise", place=0))
        return called(layer, np.zeros((200, 100), "float32"), training=True).ravel()

    assert stats.kstest(noise(0.3) / 0.3, "norm").pvalue > 1e-3
    np.testing.assert_allclose(noise(0.6), 2 * noise(0.3), rtol=1e-5)
    layer = made(InsertedNoise(strength=0.0, remedy="data_noise", place=0))
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    assert (called(layer, x, training=True) == x).all()
    assert (called(made(InsertedNoise(strength=0.3, remedy="data_noise", place=0)), x) == x).all()


def test_noise_in_the_data_adds_to_the_loss_of_a_linear_model_what_bishop_says():
    """Mean loss = clean loss + s² |w|², exactly in the mean."""
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(1, 5)).astype("float32"), np.ones((1, 1), "float32")
    noisy = DataNoise(0.3).apply(Subject(model, Arrays((x, y), 1, shuffle=True))).model
    many = np.repeat(x, 40_000, axis=0)
    out = keras.ops.convert_to_numpy(noisy(many, training=True))
    clean = float((keras.ops.convert_to_numpy(model(x)) - y)[0, 0]) ** 2
    w = keras.ops.convert_to_numpy(model.layers[-1].kernel)
    errors = (out - 1) ** 2
    expected = clean + 0.3**2 * (w**2).sum()
    assert errors.mean() == pytest.approx(expected, abs=float(5 * errors.std() / 200))
    assert abs(expected - clean) > 20 * errors.std() / 200, "the difference is seen"


def drop_connect(rate, units=50, activation=None, **more):
    layer = DropConnectDense(
        units, activation, strength=rate, remedy="drop_connect", place=0, kernel_initializer="ones", **more
    )
    return made(layer, (None, 100))


def test_drop_connect_has_wans_mean_and_variance():
    """W and v all ones, 100 inputs, p = .5: mean 50, variance 25; a bias of 1 adds p and p (1 - p)."""
    v = np.ones((300, 100), "float32")
    sums = called(drop_connect(0.5, use_bias=False), v, training=True)
    assert sums.mean() == pytest.approx(50, abs=4 * 5 / sums.size**0.5)
    assert sums.var() == pytest.approx(25, rel=4 * (2 / sums.size) ** 0.5)
    rows = sums - sums.mean(axis=0)
    assert abs(np.corrcoef(rows[:2])[0, 1]) < 0.6, "another mask for each example"
    biased = called(drop_connect(0.5, bias_initializer=keras.initializers.Constant(30.0)), v, training=True)
    assert biased.mean() == pytest.approx(65, abs=0.6)
    assert biased.var() == pytest.approx(25 + 900 / 4, rel=0.05)
    fewer, more = (drop_connect(rate, use_bias=False) for rate in (0.2, 0.6))
    assert (called(fewer, v, training=True) >= called(more, v, training=True)).all(), "nested masks"
    sequences = called(drop_connect(0.5, use_bias=False), np.ones((40, 3, 100), "float32"), training=True)
    assert (sequences == sequences[:, :1]).all(), "one mask for each example, at all its times"
    assert sequences.mean() == pytest.approx(50, abs=0.5)


def test_drop_connect_is_measured_by_the_mean_over_masks():
    """E max(u, 0) of a normal u = m + s z is m Φ(m/s) + s φ(m/s)."""
    generator = np.random.default_rng(1)
    v = generator.normal(size=(6, 100)).astype("float32")
    layer = drop_connect(0.3, activation="relu")
    layer.kernel.assign(generator.normal(size=(100, 50)) / 10)
    layer.bias.assign(generator.normal(size=50))
    w, b = (keras.ops.convert_to_numpy(one).astype("float64") for one in (layer.kernel, layer.bias))
    m = 0.7 * (v @ w + b)
    s = np.sqrt(0.7 * 0.3 * (v.astype("float64") ** 2 @ w**2 + b**2))
    exact = m * stats.norm.cdf(m / s) + s * stats.norm.pdf(m / s)
    np.testing.assert_allclose(called(layer, v), exact, atol=0.01 * s.max())
    sampled = np.mean(
        [called(layer, np.repeat(v, 50, axis=0), training=True).reshape(6, 50, 50).mean(1) for _ in range(4)],
        axis=0,
    )
    assert np.abs(sampled - exact).mean() < 0.1 * s.mean(), "which is what training puts out in the mean"


def test_drop_connect_without_drops_is_dense_to_the_bit():
    generator = np.random.default_rng(1)
    v = generator.normal(size=(6, 100)).astype("float32")
    layer, dense = drop_connect(0.0, activation="tanh"), keras.layers.Dense(50, "tanh")
    dense.build((None, 100))
    dense.set_weights([generator.normal(size=(100, 50)), generator.normal(size=50)])
    layer.kernel.assign(dense.kernel)
    layer.bias.assign(dense.bias)
    for training in (True, False):
        assert (called(layer, v, training=training) == called(dense, v)).all()


def test_batch_normalization_has_the_statistics_of_the_batch_and_no_scale():
    given = subject(sequential())
    model = BatchNorm(momentum=0.9).apply(given).model
    x, _ = data(model, 24)
    norm = model.layers[2]
    head = keras.Model(model.inputs[0], [model.layers[1].output, norm.output])

    def out():
        sums, normed = (keras.ops.convert_to_numpy(one) for one in head(x, training=True))
        return sums, normed

    sums, normed = out()
    variance = sums.var(axis=0)
    np.testing.assert_allclose(normed.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(normed.var(axis=0), variance / (variance + 1e-3), rtol=1e-4)
    model.layers[1].kernel.assign(keras.ops.convert_to_tensor(model.layers[1].kernel) * 10)
    _, again = out()
    assert np.abs(again - normed).max() < np.abs(normed).max() * 1e-3 / variance.min()
    for _ in range(58):
        out()
    means = keras.ops.convert_to_numpy(norm.moving_mean)
    last = sums.mean(axis=0) * 10  # the first of 60 steps saw a tenth of it
    np.testing.assert_allclose(means, last * (1 - 0.9**59) + last / 10 * 0.1 * 0.9**59, rtol=1e-3, atol=1e-5)
    assert 1 - 0.9**60 > 0.99 > 0.46 > 1 - 0.99**60, "which is why the momentum is not Keras's"


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the law of a layer of Keras's own")
def test_training_behind_normalization_is_slower_by_the_square_of_the_scale():
    """A kernel times 10 has a tenth of the gradient: the step is 100 times smaller beside the weight."""

    def step(scale):
        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, "tanh", use_bias=False)])
        model.add(keras.layers.Dense(3, "softmax", kernel_initializer=keras.initializers.HeNormal(3)))
        model = BatchNorm().apply(subject(compiled(model))).model
        model.layers[2].epsilon = 1e-12  # in whose absence the law is exact
        kernel = scale * np.random.default_rng(5).normal(size=(8, 6)).astype("float32")
        model.layers[1].kernel.assign(kernel)
        x, y = data(model)
        model.train_on_batch(x, y)
        return (keras.ops.convert_to_numpy(model.layers[1].kernel) - kernel) / scale

    assert np.abs(step(1)).max() > 1e-4
    np.testing.assert_allclose(100 * step(10), step(1), rtol=0.02, atol=1e-5)


def test_a_strength_of_0_is_the_model_itself_to_the_bit():
    original = sequential()
    x, _ = data(original)
    plain = keras.ops.convert_to_numpy(original(x))
    for one in (Dropout(0.0), DataNoise(0.0), DropConnect(0.0)):
        after = one.apply(subject(original))
        assert list(after.strengths) == [one.name]
        changed = after.model
        for layer in changed.layers:
            if type(layer) is keras.layers.Dropout:
                layer.rate = 0  # the model's own draws
        assert (keras.ops.convert_to_numpy(changed(x, training=True)) == plain).all(), one.name
        for strength in after.strengths[one.name]:
            strength.assign(0.5)
        assert (keras.ops.convert_to_numpy(changed(x, training=True)) != plain).any()


def test_augmentation_changes_pictures_in_training_alone():
    original = pictures()
    flip = keras.layers.RandomFlip("horizontal")
    given = subject(original)
    model = Augment([flip, keras.layers.RandomTranslation(0.3, 0.0)]).apply(given).model
    x, _ = data(original)
    assert not flip.built, "the layers are copied"
    assert (keras.ops.convert_to_numpy(model(x)) == keras.ops.convert_to_numpy(original(x))).all()
    inserted = next(layer for layer in model.layers if layer.name.endswith("__augment"))
    only = Augment(flip).apply(given).model
    flipping = next(layer for layer in only.layers if layer.name.endswith("__augment"))
    seen = called(flipping, x, training=True)
    turned = (seen == x[:, :, ::-1]).all(axis=(1, 2, 3))
    assert ((seen == x).all(axis=(1, 2, 3)) ^ turned).all()
    assert 0 < turned.sum() < len(x)
    assert len(inserted.get_config()["steps"]) == 2
    with pytest.raises(InputError, match=r"no input of the model .* is a picture"):
        Augment(flip).apply(subject(sequential()))
    with pytest.raises(InputError, match="layers is 'flip': give Keras layers, such as"):
        Augment("flip")


def test_what_the_layers_cannot_do_is_refused():
    words = keras.Sequential(
        [keras.Input((4,), dtype="int32"), keras.layers.Embedding(9, 3), keras.layers.Flatten()]
    )
    words.add(keras.layers.Dense(3, "softmax"))
    with pytest.raises(InputError, match="is a floating-point number; leave data_noise out"):
        DataNoise().apply(subject(compiled(words)))
    with pytest.raises(InputError, match="has no hidden Dense layer"):
        DropConnect().apply(subject(pictures()))
    joined = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, "softmax"), keras.layers.Dense(3)])
    with pytest.raises(InputError, match="joins its units"):
        DropConnect().apply(subject(compiled(joined)))
    with pytest.raises(InputError, match="sd is -1: give a finite number of at least 0"):
        DataNoise(-1)


def numbers(shape, seed, count):
    """The documented arithmetic in NumPy's unsigned integers."""
    u = np.uint32

    def mixed(bits):
        bits = (bits ^ (bits >> u(16))) * u(0x7FEB352D)
        bits = (bits ^ (bits >> u(15))) * u(0x846CA68B)
        return bits ^ (bits >> u(16))

    seed, count = np.array([seed], u), np.array([count], u)
    first = mixed(seed + u(2654435769) * count)
    second = mixed(first ^ (count + u(1013904223)))
    bits = mixed(mixed(np.arange(np.prod(shape), dtype=u).reshape(shape) + first) ^ second)
    return ((bits >> u(9)).astype("float64") + 0.5) / 2**23


def test_random_numbers_are_the_same_on_every_backend_and_have_their_law():
    generator = keras.random.SeedGenerator(7)
    one, other = (keras.ops.convert_to_numpy(uniform((300, 400), generator)) for _ in range(2))
    np.testing.assert_array_equal(one, numbers((300, 400), 7, 0))
    np.testing.assert_array_equal(other, numbers((300, 400), 7, 1))
    assert 0 < one.min() < one.max() < 1
    assert stats.kstest(one.ravel(), "uniform").pvalue > 1e-3
    for near in (other, one[::-1], np.roll(one, 1), np.roll(one, 1, axis=0)):
        assert abs(np.corrcoef(one.ravel(), near.ravel())[0, 1]) < 4 / np.sqrt(one.size)
    bits = (one[..., None] * 2 ** np.arange(1, 21)).astype(int) % 2
    assert np.abs(bits.mean(axis=(0, 1)) - 0.5).max() < 4 * 0.5 / np.sqrt(one.size), "each bit is fair"
    drawn = keras.ops.convert_to_numpy(normal((300, 400), generator)).ravel()
    assert stats.kstest(drawn, "norm").pvalue > 1e-3
