"""Stopping rules against their laws written out, and against Keras's callback."""

import itertools
import math

import keras
import numpy as np
import pytest

from keras_initlab.core.errors import InputError
from keras_initlab.results.stopping import GL, PQ, UP, LargestWeightChange, Patience, Window


def walks(count=200, length=40):
    """Errors that fall, rise and tie."""
    generator = np.random.default_rng(0)
    for _ in range(count):
        steps = generator.integers(-2, 2, length) / 10 + np.linspace(-0.1, 0.15, length)
        yield np.exp(np.cumsum(steps) / 3).astype("float32").astype(float)  # as exactly as Keras compares


def first(length, ends):
    return next((t for t in range(1, length + 1) if ends(t)), None)


def test_the_window_rule_stops_an_exponential_where_the_law_says():
    """E(t - 10) - E(t) = .6487 exp(-t / 20) falls below .01 at t = 84."""
    errors = [math.exp(-t / 20) for t in range(1, 200)]
    assert math.exp(0.5) - 1 == pytest.approx(0.6487, abs=1e-4)
    assert math.ceil(20 * math.log((math.exp(0.5) - 1) / 0.01)) == 84
    assert Window(10, 0.01).stops(errors) == 84
    assert Window(10, 0.01).stops(errors[:83]) is None


@pytest.mark.parametrize(("k", "d"), [(1, 0.0), (3, 0.0), (3, 0.2), (10, 0.05)])
def test_a_window_is_read_as_its_law(k, d):
    for walk in walks():
        error = dict(enumerate(walk, 1))
        expected = first(len(walk), lambda t, e=error: t > k and e[t - k] - e[t] < d)
        assert Window(k, d).stops(walk) == expected


@pytest.mark.parametrize(
    ("patience", "min_delta", "start"), [(0, 0, 0), (1, 0, 0), (3, 0.05, 0), (5, 0, 4), (2, 0.01, 1)]
)
def test_patience_is_that_of_keras(patience, min_delta, start):
    rule = Patience(patience, min_delta, start)
    ends = []
    for walk in walks():
        callback = keras.callbacks.EarlyStopping(
            "loss", min_delta, patience, mode="min", start_from_epoch=start
        )
        model = keras.Model()
        model.stop_training = False
        callback.set_model(model)
        callback.on_train_begin()
        expected = None
        for epoch, error in enumerate(walk):
            callback.on_epoch_end(epoch, {"loss": error})
            if model.stop_training:
                expected = epoch + 1
                break
        assert rule.stops(walk) == expected
        ends.append(expected)
    assert len(set(ends)) > 5


@pytest.mark.parametrize("alpha", [1.0, 5.0, 50.0])
def test_generalization_loss_is_read_as_its_law(alpha):
    for walk in walks():
        expected = first(len(walk), lambda t, e=walk: 100 * (e[t - 1] / min(e[:t]) - 1) > alpha)
        assert GL(alpha).stops(walk) == expected


@pytest.mark.parametrize(("alpha", "k"), [(0.1, 5), (0.5, 5), (2.0, 3)])
def test_the_progress_quotient_is_read_as_its_law(alpha, k):
    for walk, training in itertools.pairwise(walks()):

        def ends(t, e=walk, own=training):
            if t % k:
                return False
            strip = own[t - k : t]
            progress = 1000 * (sum(strip) / (k * min(strip)) - 1)
            return 100 * (e[t - 1] / min(e[:t]) - 1) / progress > alpha

        assert PQ(alpha, k).stops(walk, training) == first(len(walk), ends)


@pytest.mark.parametrize(("s", "k"), [(1, 5), (2, 5), (3, 2), (1, 1)])
def test_successive_rises_are_read_as_their_law(s, k):
    """Prechelt's recursion: UP_s stops at t if UP_(s-1) holds a strip before and the error rose."""

    def rises(error, t, left):
        return t > k and error[t] > error[t - k] and (left == 1 or rises(error, t - k, left - 1))

    for walk in walks():
        error = dict(enumerate(walk, 1))
        expected = first(len(walk), lambda t, e=error: t % k == 0 and rises(e, t, s))
        assert UP(s, k).stops(walk) == expected


def test_a_progress_of_nothing_is_outweighed_by_any_loss():
    assert PQ(100.0, k=2).stops([1.0, 1.1], [0.5, 0.5]) == 2
    assert PQ(100.0, k=2).stops([1.0, 1.0], [0.5, 0.5]) is None


@pytest.mark.parametrize("rule", [Window(), Patience(), GL(), PQ(), UP(), LargestWeightChange(1e-9)])
def test_no_rule_ends_a_run_without_epochs_or_one_that_falls_fast(rule):
    assert rule.stops([]) is None
    assert rule.stops([2.0**-t for t in range(25)]) is None
    assert rule.stops([1.0]) is None


def test_a_rule_is_written_as_it_is_made_without_defaults():
    assert repr(Patience(2)) == "Patience(patience=2)"
    assert repr(Patience(0, start_from_epoch=3)) == "Patience(patience=0, start_from_epoch=3)"
    assert repr(Window(10, 1e-3)) == "Window(k=10, d=0.001)"
    assert eval(repr(PQ(0.5, 3))) == PQ(0.5, 3)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Window(0), "k is 0: give a whole number of at least 1"),
        (lambda: Window(3, -1), "d is -1: give a finite number of at least 0"),
        (lambda: Patience(-1), "patience is -1"),
        (lambda: GL(0), "alpha is 0: give a finite number above 0"),
        (lambda: PQ(1, 1), "k is 1: give a whole number of at least 2"),
        (lambda: UP(0), "s is 0"),
        (lambda: LargestWeightChange(0), "d is 0"),
    ],
)
def test_constants_that_make_no_rule_are_refused(make, says):
    with pytest.raises(InputError, match=says):
        make()
