"""What remedies do to inputs and to the order of examples, against hand arithmetic and papers."""

import keras
import numpy as np
import pytest

from keras_initlab.core.errors import InputError
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.sources import Arrays, Fixed
from keras_initlab.remedies import Curriculum, Shuffle, Staircase, Standardize, Subject, Whiten, remedy
from tests.unit.remedies.subjects import sequential

SEEDS = Seeds(4, 1)
ROWS = 40


@pytest.fixture(scope="module")
def model():
    return sequential()


def correlated(rows, seed=0):
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(9).normal(size=(8, 8))
    return (generator.normal(size=(rows, 8)) @ mixing + 3).astype("float32")


def given(model, rows=ROWS, batch=16, epochs=1):
    training = Arrays((correlated(rows), np.arange(rows)), batch, shuffle=True)
    validation = Arrays((correlated(12, seed=1), np.arange(12)), 4, shuffle=False)
    return Subject(model, training, validation, epochs=epochs)


def test_standardized_inputs_have_mean_0_and_deviation_1_and_validation_is_mapped_alike(model):
    before = given(model)
    after = Standardize().apply(before)
    x, y = after.training.data
    assert isinstance(after.training, Arrays)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(axis=0), 1, rtol=1e-5)
    raw, held = before.training.data[0], before.validation.data[0]
    np.testing.assert_allclose(
        after.validation.data[0], (held - raw.mean(axis=0)) / raw.std(axis=0), rtol=1e-3, atol=1e-4
    )
    assert abs(after.validation.data[0].mean()) > 1e-3, "with statistics of the training data alone"
    assert (y == before.training.data[1]).all()
    assert raw.mean() > 2, "what was given is as it was"
    constant = Arrays((np.ones((4, 8), "float32"), np.zeros(4)), 2, shuffle=False)
    assert (Standardize().apply(Subject(model, constant)).training.data[0] == 0).all()


def test_pictures_are_standardized_by_channel_and_batches_that_are_read_are_mapped_too(model):
    x = np.random.default_rng(0).integers(0, 255, (20, 3, 3, 2)).astype("uint8")
    held = Fixed([(x[:5], np.zeros(5))])
    after = Standardize().apply(Subject(model, Arrays((x, np.zeros(20)), 4, shuffle=False), held))
    assert after.training.data[0].dtype == "float32"
    np.testing.assert_allclose(after.training.data[0].mean(axis=(0, 1, 2)), 0, atol=1e-6)
    assert np.array_equal(after.validation.epoch(SEEDS, 0)[0][0], after.training.data[0][:5])
    assert after.validation.joins_replicates


@pytest.mark.parametrize("kind", ["zca", "pca"])
def test_whitened_inputs_have_covariance_1(model, kind):
    before = given(model, 4000)
    x = Whiten(1e-8, kind).apply(before).training.data[0].astype("float64")
    np.testing.assert_allclose(np.cov(x.T, bias=True), np.eye(8), atol=1e-4)
    raw = before.training.data[0].astype("float64")
    matrix, *_ = np.linalg.lstsq(raw - raw.mean(axis=0), x, rcond=None)
    covariance = np.cov(raw.T, bias=True)
    np.testing.assert_allclose(matrix @ matrix.T, np.linalg.inv(covariance), rtol=1e-2, atol=1e-4)
    if kind == "zca":
        np.testing.assert_allclose(matrix, matrix.T, atol=1e-4)
    else:
        back = np.linalg.norm(np.linalg.pinv(matrix), axis=1)
        assert (np.diff(back) < 0).all(), "the axis of the greatest variance comes first"


def test_on_whitened_inputs_gradient_descent_converges_at_once(model):
    """At its best rate the error falls by (k - 1) / (k + 1) a step, k being the covariance's condition."""

    def error(x, steps=10):
        covariance = np.cov(x.T.astype("float64"), bias=True)
        low, high = np.linalg.eigvalsh(covariance)[[0, -1]]
        w = np.linalg.eigh(covariance)[1][:, 0]
        for _ in range(steps):
            w = w - 2 / (low + high) * covariance @ w
        return np.linalg.norm(w), ((high / low - 1) / (high / low + 1)) ** steps

    before = given(model, 2000)
    found, expected = error(before.training.data[0])
    assert found == pytest.approx(expected, rel=1e-3)
    assert found > 0.5
    assert error(Whiten(1e-8).apply(before).training.data[0])[0] < 1e-20


def orders(model, rule, epochs=2, seeds=SEEDS):
    source = Shuffle(rule).apply(given(model)).training
    return source, [source.order(seeds, epoch).tolist() for epoch in range(epochs)]


def test_shuffling_rules(model):
    everything = list(range(ROWS))
    source, (first, second) = orders(model, "each")
    assert sorted(first) == sorted(second) == everything != first != second
    assert first == given(model).training.order(SEEDS, 0).tolist(), (
        "what a comparison does without the remedy"
    )
    source, once = orders(model, "once")
    assert once == [first, first]
    assert orders(model, "once", seeds=Seeds(4, 2))[1][0] != first
    assert not source.alike([SEEDS, Seeds(4, 2)])
    source, never = orders(model, "never")
    assert never == [everything, everything]
    assert source.alike([SEEDS, Seeds(4, 2)])
    source, (first, second) = orders(model, "replacement", 2)
    assert first != second
    assert len(first) == ROWS
    assert set(first) < set(everything)
    counts = np.bincount(np.concatenate(orders(model, "replacement", 500)[1]), minlength=ROWS)
    assert counts.var() / counts.mean() == pytest.approx(1, abs=0.6), "Poisson-like, not one of each"
    assert source.head(2).order(SEEDS, 0).tolist() == first, "a part of it is in the same order"
    assert source.head(2).steps == 2
    assert isinstance(source, Arrays)
    levels = ["once", False, True, Shuffle("never")]
    assert [remedy("shuffle", one).rule for one in levels] == ["once", "never", "each", "never"]
    with pytest.raises(
        InputError, match="rule is 'twice': give one of 'each', 'once', 'never', 'replacement'"
    ):
        remedy("shuffle", "twice")


WU = {  # Wu et al. 2021, table of pacing functions, at N = 1000, a = .5, b = .2, T = 100
    "linear": lambda t: 200 + 800 / 50 * t,
    "quadratic": lambda t: 200 + 800 / 50**2 * t**2,
    "root": lambda t: 200 + 800 / 50**0.5 * t**0.5,
    "step": lambda t: 200 + 800 * (t // 50),
    "exp": lambda t: 200 + 800 / (np.exp(10) - 1) * (np.exp(10 * t / 50) - 1),
    "log": lambda t: 200 + 800 * (1 + 0.1 * np.log(t / 50 + np.exp(-10))),
}


@pytest.mark.parametrize("pacing", WU)
def test_pacing_functions_are_those_of_the_paper(pacing):
    curriculum = Curriculum(np.arange(1000), pacing, 0.2, 0.5)
    counts = [curriculum.count(step, 1000, 100) for step in range(101)]
    assert counts[0] == 200
    assert counts[50:] == [1000] * 51
    assert np.diff(counts).min() >= 0
    np.testing.assert_allclose(counts[:50], [WU[pacing](t) for t in range(50)], atol=1.01)


def test_the_staircase_is_that_of_its_paper():
    curriculum = Curriculum(np.arange(1000), Staircase(0.04, 1.9, 10))
    counts = [curriculum.count(step, 1000, 100) for step in range(60)]
    assert counts[:20] == [40] * 10 + [76] * 10
    assert counts[50:] == [991] * 10  # .04 * 1.9**5 = .99044


@pytest.mark.parametrize("order", ["easy", "anti", "random"])
def test_batches_come_from_the_first_by_difficulty(model, order):
    difficulty = np.random.default_rng(3).permutation(ROWS).astype(float)
    curriculum = Curriculum(difficulty, "linear", 0.4, 0.5, order)
    source = curriculum.apply(given(model, epochs=4)).training
    sets = []
    for epoch in range(4):
        chosen = source.order(SEEDS, epoch)
        assert len(chosen) == ROWS, "as many batches of as many"
        for step in range(3):
            batch = chosen[step * 16 : (step + 1) * 16]
            assert len(set(batch)) == len(batch), "no example twice in a batch"
            count = curriculum.count(epoch * 3 + step, ROWS, 12)
            if order == "random":
                sets.append((count, set(batch.tolist())))
            else:
                ranks = difficulty if order == "easy" else ROWS - 1 - difficulty
                assert ranks[batch].max() < max(count, len(batch))
    if order != "random":
        assert ranks[chosen].max() > 0.8 * ROWS, "in the end all examples are in"
    else:
        early = set.union(*(batch for count, batch in sets[:2]))
        assert len(early) <= sets[1][0], "the same pacing"
        other = curriculum.apply(given(model)).training.order(Seeds(4, 2), 0)
        assert set(other[:16].tolist()) != sets[0][1], "another order in each replicate"
    assert source.order(SEEDS, 0).tolist() == source.order(SEEDS, 0).tolist()
    assert not source.alike([SEEDS, Seeds(4, 2)])


def test_difficulty_may_be_a_function_and_must_fit(model):
    by_value = Curriculum(lambda x, y: -y, start=0.4, end=5.0).apply(given(model)).training
    assert by_value.order(SEEDS, 0)[:16].min() == ROWS - 16
    with pytest.raises(InputError, match="difficulty has 3 numbers for 40 training examples"):
        Curriculum([1, 2, 3]).apply(given(model))
    with pytest.raises(InputError, match="difficulty gave 1 numbers for 40"):
        Curriculum(lambda x, y: y[:1]).apply(given(model))
    with pytest.raises(InputError, match="no row of finite numbers"):
        Curriculum([1.0, np.nan])
    with pytest.raises(InputError, match=r"curriculum is True, but has no default: give .*difficulty=\.\.\."):
        remedy("curriculum", True)
    assert Curriculum([1, 2]).structure != Curriculum([2, 1]).structure
    assert Curriculum([1, 2]).structure == Curriculum([1, 2]).structure
    assert Curriculum(lambda x, y: y).structure != Curriculum(lambda x, y: -y).structure
    paced = Curriculum([1, 2], Staircase(0.1))
    assert paced.structure != Curriculum([1, 2], Staircase(0.2)).structure
    assert paced.get_config()["pacing"] == {"Staircase": {"start": 0.1, "increase": 1.9, "every": 100}}


def test_what_needs_arrays_says_so(model):
    read = Subject(model, Fixed([(np.zeros((2, 8), "float32"), np.zeros(2))]))
    for one in (Shuffle(), Curriculum([1, 2]), Standardize(), Whiten()):
        with pytest.raises(InputError, match=f"{one.name} cannot be used: .*give"):
            one.apply(read)
    words = Subject(model, Arrays((np.zeros((2, 8), "int64"), np.zeros(2)), 2, shuffle=False))
    with pytest.raises(InputError, match="no measured numbers"):
        Standardize().apply(words)
    assert keras.tree.flatten(words.training.data)[0].dtype == "int64"
