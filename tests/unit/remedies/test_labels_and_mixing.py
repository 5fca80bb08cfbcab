"""What remedies do to targets, against the laws of their papers."""

import keras
import numpy as np
import pytest

from keras_initlab.core.errors import InputError
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.sources import Arrays, Fixed
from keras_initlab.remedies import CutMix, LabelNoise, LabelSmoothing, Mixup, Subject
from tests.unit.remedies.subjects import Own, compiled, sequential

SEEDS, OTHER = Seeds(4, 1), Seeds(4, 2)
K = 3


def network(loss, outputs=K, activation="softmax", metrics=()):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(outputs, activation)])
    model.compile("sgd", loss, metrics=list(metrics), jit_compile=False)
    return model


@pytest.fixture(scope="module")
def sparse():
    return network("sparse_categorical_crossentropy")


@pytest.fixture(scope="module")
def one_hot():
    return network("categorical_crossentropy")


def given(model, y, batch=50, x=None):
    x = np.random.default_rng(0).normal(size=(len(y), 4)).astype("float32") if x is None else x
    return Subject(model, Arrays((x, y), batch, shuffle=True), Arrays((x[:6], y[:6]), 3, shuffle=False))


LABELS = np.arange(3000) % K


def seen(source, seeds=SEEDS, epoch=0):
    """The targets of an epoch in the order of the data."""
    batches = source.epoch(seeds, epoch)
    found = np.concatenate([batches[step][1] for step in range(source.steps)])
    order = Arrays((LABELS[: len(found)],), 50, shuffle=True).order(seeds, epoch)
    back = np.empty_like(found)
    back[order] = found
    return back


@pytest.mark.parametrize("each", ["run", "step"])
def test_label_noise_flips_so_many_labels_to_each_other_class(sparse, each):
    before = given(sparse, LABELS)
    few, many = (LabelNoise(p, each).apply(before).training for p in (0.1, 0.2))
    noisy, noisier = seen(few), seen(many)
    flipped, more = noisy != LABELS, noisier != LABELS
    for share, p in ((flipped.mean(), 0.1), (more.mean(), 0.2)):
        assert share == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 3000))
    assert not (flipped & ~more).any(), "what a small share flips a greater one does"
    assert (noisy[flipped] == noisier[flipped]).all(), "to the same class"
    counts = np.bincount((noisier - LABELS)[more] % K, minlength=K)
    assert abs(counts[1] - counts[2]) < 4 * np.sqrt(more.sum())
    again = seen(few, epoch=1)
    assert (again == noisy).all() if each == "run" else (again != noisy).any()
    assert (seen(few, OTHER) != noisy).any(), "others in another replicate"
    assert (seen(few) == noisy).all(), "and the same whenever it is asked"
    assert not few.joins_replicates
    assert not few.alike([SEEDS, OTHER])
    assert (before.training.data[1] == LABELS).all()
    after = LabelNoise(0.1, each).apply(before)
    assert after.validation is before.validation
    assert after.model is before.model
    assert (seen(few.head(3))[:1] >= 0).all()


def test_label_noise_in_one_hot_rows_and_yes_and_no(sparse, one_hot):
    rows = np.eye(K, dtype="float32")[LABELS]
    whole = seen(LabelNoise(0.3).apply(given(sparse, LABELS)).training)
    assert (seen(LabelNoise(0.3).apply(given(one_hot, rows)).training).argmax(-1) == whole).all()
    yes = (LABELS > 0).astype("int8")
    found = seen(LabelNoise(0.3).apply(given(network("binary_crossentropy", 1, "sigmoid"), yes)).training)
    assert found.dtype == "int8"
    assert set(found) == {0, 1}
    assert (found != yes).mean() == pytest.approx(0.3, abs=0.04)
    ignored = np.where(LABELS == 2, -1, LABELS)
    assert ((seen(LabelNoise(0.5).apply(given(sparse, ignored)).training) == -1) == (ignored == -1)).all()


def test_label_noise_per_step_is_label_smoothing_on_average(sparse):
    """Flips at p to the K - 1 others have the mean of a smoothing of p K / (K - 1)."""
    y = np.zeros(300, int)
    source = LabelNoise(0.2, "step").apply(given(sparse, y, 300)).training
    draws = np.concatenate([source.epoch(SEEDS, epoch)[0][1] for epoch in range(60)])
    e = 0.2 * K / (K - 1)
    smoothed = (1 - e) * np.eye(K)[0] + e / K
    np.testing.assert_allclose(
        np.bincount(draws, minlength=K) / len(draws), smoothed, atol=4 * 0.4 / 18000**0.5
    )


def test_label_smoothing_is_that_of_keras_in_training_and_not_there_in_validation(one_hot):
    rows = np.eye(K, dtype="float32")[LABELS]
    after = LabelSmoothing(0.3).apply(given(one_hot, rows))
    outputs = np.random.default_rng(1).dirichlet(np.ones(K), len(rows)).astype("float32")
    ours = keras.losses.CategoricalCrossentropy()(after.training.data[1], outputs)
    theirs = keras.losses.CategoricalCrossentropy(label_smoothing=0.3)(rows, outputs)
    assert float(ours) == pytest.approx(float(theirs), rel=1e-6)
    assert after.validation.data[1] is not after.training.data[1]
    assert set(np.unique(after.validation.data[1])) == {0, 1}
    assert isinstance(after.training, Arrays)
    read = Fixed([(np.zeros((2, 4), "float32"), rows[:2])])
    later = LabelSmoothing(0.3).apply(Subject(one_hot, read)).training
    np.testing.assert_allclose(later.epoch(SEEDS, 0)[0][1], [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]], rtol=1e-6)


METRICS = {
    "by name": lambda: ["accuracy", "sparse_categorical_accuracy", "sparse_categorical_crossentropy"],
    "objects": lambda: [
        keras.metrics.SparseCategoricalAccuracy(name="right"),
        keras.metrics.SparseTopKCategoricalAccuracy(2),
        keras.metrics.SparseCategoricalCrossentropy(name="ce", from_logits=True),
    ],
}


@pytest.mark.parametrize("remedy", [LabelSmoothing(0.3), Mixup(0.4)])
@pytest.mark.parametrize("metrics", METRICS)
def test_whole_numbers_as_targets_are_measured_as_before(metrics, remedy):
    if metrics == "objects":
        loss, activation = keras.losses.SparseCategoricalCrossentropy(from_logits=True, name="mine"), None
    else:
        loss, activation = "sparse_categorical_crossentropy", "softmax"
    before = given(network(loss, K, activation, METRICS[metrics]()), LABELS[:60, None])
    after = remedy.apply(before)
    x, y = after.validation.data
    assert (y == np.eye(K)[LABELS[:6]]).all()
    measured = before.model.evaluate(*before.validation.data, batch_size=3, verbose=0, return_dict=True)
    again = after.model.evaluate(x, y, batch_size=3, verbose=0, return_dict=True)
    assert again.keys() == measured.keys()
    assert again == pytest.approx(measured, rel=1e-5)
    assert before.model.loss is loss
    np.testing.assert_allclose(after.training.first_batch()[1].sum(-1), 1, rtol=1e-6)
    twice = LabelSmoothing(0.1).apply(after) if isinstance(remedy, Mixup) else Mixup().apply(after)
    np.testing.assert_allclose(twice.training.epoch(SEEDS, 0)[0][1].sum(-1), 1, rtol=1e-6)


def test_yes_and_no_are_smoothed_and_counted_by_the_likelier_class():
    yes = (np.arange(40) % 2).astype("int32")[:, None]
    before = given(network("binary_crossentropy", 1, "sigmoid", ["accuracy"]), yes, 40)
    after = LabelSmoothing(0.2).apply(before)
    np.testing.assert_allclose(np.unique(after.training.data[1]), [0.1, 0.9], rtol=1e-6)
    after.model.set_weights(before.model.get_weights())
    numbers = [
        one.model.evaluate(*one.training.data, verbose=0, return_dict=True)["accuracy"]
        for one in (before, after)
    ]
    assert numbers[0] == numbers[1] > 0
    held = [one.model.evaluate(*one.validation.data, verbose=0, return_dict=True) for one in (before, after)]
    assert held[0] == held[1]


def test_mixup_mixes_examples_and_targets_by_the_same_beta_shares(one_hot):
    y = np.eye(K, dtype="float32")[LABELS]
    x = np.concatenate([y, np.arange(3000, dtype="float32")[:, None]], axis=1)  # an input tells its label
    source = Mixup(0.2).apply(given(one_hot, y, 3000, x)).training
    mixed_x, mixed_y = source.epoch(SEEDS, 0)[0]
    np.testing.assert_allclose(mixed_x[:, :K], mixed_y, atol=1e-6)
    np.testing.assert_allclose(mixed_y.sum(-1), 1, rtol=1e-6)
    order = source.source.order(SEEDS, 0)
    pairs = mixed_y[np.arange(3000), LABELS[order]]
    mixes = pairs < 1
    shares = pairs[mixes]  # λ where the other's label is another
    assert shares.mean() == pytest.approx(0.5, abs=4 * 0.4226 / len(shares) ** 0.5)
    assert shares.var() == pytest.approx(1 / (4 * (2 * 0.2 + 1)), abs=0.01)  # .1786
    assert not (source.epoch(SEEDS, 1)[0][1] == mixed_y).all()
    assert (source.epoch(SEEDS, 0)[0][1] == mixed_y).all()
    stronger = Mixup(2.0).apply(given(one_hot, y, 3000, x)).training.epoch(SEEDS, 0)[0][1]
    other = stronger[np.arange(3000), LABELS[order]]
    assert (other[mixes] < 1).all(), "the same partners; some shares round to 1"
    ranks = [np.argsort(np.argsort(one[mixes])) for one in (pairs, other)]
    assert np.corrcoef(*ranks)[0, 1] > 0.999, "and the same quantiles"
    numbers = Mixup().apply(given(network("mse", 1, None), np.arange(60.0)[:, None], 60)).training
    assert numbers.epoch(SEEDS, 0)[0][1].sum() != pytest.approx(np.arange(60).sum())
    assert Mixup().apply(given(one_hot, y)).validation is not None


def test_cutmix_gives_the_target_the_area_of_the_box(one_hot):
    generator = np.random.default_rng(0)
    marks = np.arange(1, 201, dtype="float32")
    x = np.broadcast_to(marks[:, None, None, None], (200, 12, 8, 2)).copy()
    y = np.eye(200, dtype="float32")
    net = keras.Sequential(
        [keras.Input((12, 8, 2)), keras.layers.Flatten(), keras.layers.Dense(200, "softmax")]
    )
    net.compile("sgd", "categorical_crossentropy")
    source = CutMix().apply(given(net, y, 200, x)).training
    mixed_x, mixed_y = source.epoch(SEEDS, 0)[0]
    own = marks[source.source.order(SEEDS, 0)]
    kept = (mixed_x == own[:, None, None, None]).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(mixed_y[np.arange(200), own.astype(int) - 1], kept, atol=1e-6)
    np.testing.assert_allclose(mixed_y.sum(-1), 1, rtol=1e-6)
    assert (mixed_x[..., 0] == mixed_x[..., 1]).all()
    for picture, mark in zip(mixed_x[..., 0], own, strict=True):
        box = picture != mark
        rows, columns = box.any(axis=1), box.any(axis=0)
        assert box.sum() == rows.sum() * columns.sum(), "one box"
        assert len(np.unique(picture)) <= 2
    inner = [area for area in 1 - kept if 0 < area < 0.2]  # few small boxes meet the border
    assert np.median([1 - kept]) == pytest.approx(0.35, abs=0.12), "area 1 - λ, cut at the border"
    assert len(inner) > 10
    assert generator is not None


def test_what_has_no_classes_or_no_twin_is_refused():
    numbers = given(network("mse", 1, None), np.arange(60.0)[:, None])
    for one in (LabelNoise(), LabelSmoothing()):
        with pytest.raises(
            InputError, match=f"{one.name} cannot be used: the targets are no classes .*'mse'"
        ):
            one.apply(numbers)

    def rate(y, predicted):
        return y[:, 0] * 0

    sparse = "sparse_categorical_crossentropy"
    with pytest.raises(InputError, match="the metric 'rate' takes whole numbers and has no twin"):
        LabelSmoothing().apply(given(network(sparse, metrics=[rate]), LABELS))
    ignoring = network(keras.losses.SparseCategoricalCrossentropy(ignore_class=-1))
    with pytest.raises(InputError, match="ignore_class"):
        Mixup().apply(given(ignoring, LABELS))
    own = compiled(Own())
    own(np.zeros((1, 4)))
    with pytest.raises(InputError, match="compile it with categorical_crossentropy and give one-hot targets"):
        LabelSmoothing().apply(given(own, LABELS))
    words = given(sequential(), LABELS, x=np.zeros((3000, 8), "int64"))
    with pytest.raises(InputError, match="give them as float32"):
        Mixup().apply(words)
    with pytest.raises(InputError, match="it cuts boxes out of pictures"):
        CutMix().apply(given(network(sparse), LABELS))
    read = Subject(network(sparse), Fixed([(np.zeros((2, 4), "float32"), np.zeros(2))]))
    with pytest.raises(InputError, match="give arrays, or each='step'"):
        LabelNoise().apply(read)
    for wrong in (-0.1, 1, "much", True):
        with pytest.raises(InputError, match="give a number from 0 to below 1"):
            LabelSmoothing(wrong)
