"""Whether a run has learned: classification, regression, losses of which nothing is known."""

import math

import numpy as np
import pytest

from keras_initlab.results.comparison import Comparison
from keras_initlab.results.learning import chance, stuck
from keras_initlab.trials.record import Record
from tests.results import config

NOISE = np.random.default_rng(0).normal(0, 0.05, 400)
FALLING = np.exp(-np.arange(400) / 100)
LEVELS = {"loss": 2.301, "accuracy": 0.115, "val_loss": 2.301, "val_accuracy": 0.12}


def run(losses=(), status="completed", **epochs):
    return Record("a", 0, status, step_losses=tuple(losses), epochs={k: (9.0, v) for k, v in epochs.items()})


def test_chance_is_the_best_constant_answer():
    classes = np.repeat([0, 1, 2], [50, 30, 20])
    entropy = -sum(share * math.log(share) for share in (0.5, 0.3, 0.2))
    found = chance(classes, "sparse_categorical_crossentropy", ["loss", "accuracy", "auc"])
    assert found["loss"] == pytest.approx(entropy)
    assert found["accuracy"] == pytest.approx(0.5 + 3 * math.sqrt(0.25 / 100))
    assert set(found) == {"loss", "accuracy"}
    assert chance(np.eye(3)[classes], "CategoricalCrossentropy") == {"loss": pytest.approx(entropy)}
    binary = chance(np.array([[0.0], [0.0], [0.0], [1.0]]), "binary_crossentropy", ["binary_accuracy"])
    assert binary["loss"] == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert binary["binary_accuracy"] == 0.75 + 3 * math.sqrt(0.1875 / 4) or binary["binary_accuracy"] == 1


def test_chance_in_regression_is_the_mean_or_the_median():
    y = np.random.default_rng(1).normal(5, 2, (200, 3))
    assert chance(y, "mse") == {"loss": pytest.approx(y.var(axis=0).mean())}
    assert chance(y, "MeanAbsoluteError") == {"loss": pytest.approx(np.abs(y - np.median(y, axis=0)).mean())}


def test_of_a_custom_loss_no_chance_is_known():
    assert chance(np.arange(3), "my_loss") == {}
    assert chance(np.array(["a", "b"]), "mse") == {}


def test_an_accuracy_measured_on_few_examples_has_to_exceed_chance_by_more():
    y = np.arange(1000) % 10
    whole = chance(y, "sparse_categorical_crossentropy", ["accuracy"])["accuracy"]
    few = chance(y, "sparse_categorical_crossentropy", ["accuracy"], seen=100)["accuracy"]
    assert (whole, few) == (pytest.approx(0.1 + 3 * 0.3 / 1000**0.5), pytest.approx(0.19))


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (
            {"loss": 2.3014, "accuracy": 0.1124, "val_loss": 2.301, "val_accuracy": 0.1135},
            True,
        ),  # zeros, MNIST
        ({"loss": 24.46, "accuracy": 0.10, "val_loss": 12.3, "val_accuracy": 0.0967}, True),  # ones, MNIST
        ({"loss": 63.2, "accuracy": 0.71, "val_loss": 20.0, "val_accuracy": 0.90}, False),  # uniform ±1
        ({"loss": 0.25, "accuracy": 0.93, "val_loss": 0.14, "val_accuracy": 0.96}, False),
        ({"loss": 2.27, "accuracy": 0.11, "val_loss": 2.26, "val_accuracy": 0.11}, False),  # slow, but going
        ({"loss": 2.45, "accuracy": 0.16, "val_loss": 2.40, "val_accuracy": 0.17}, False),  # early He
        ({"loss": 0.02, "accuracy": 0.99, "val_loss": 9.0, "val_accuracy": 0.1}, False),  # learned by heart
        ({"loss": 2.31}, True),
    ],
)
def test_classifiers_that_end_at_chance_are_stuck(epochs, expected):
    assert stuck(run(**epochs), LEVELS) == expected


def test_a_regression_that_still_falls_is_on_its_way():
    flat, falling = 1.3 + NOISE, 1.3 + FALLING + NOISE
    assert stuck(run(flat, loss=1.3), {"loss": 1.0})
    assert not stuck(run(falling, loss=1.4), {"loss": 1.0})
    assert not stuck(run(flat, loss=0.98), {"loss": 1.0})


def test_without_a_level_the_end_has_to_be_below_the_start():
    assert stuck(run(5 + NOISE), {})
    assert stuck(run(5 - FALLING + NOISE), {})
    assert not stuck(run(5 + FALLING + NOISE), {})
    assert not stuck(run(-3 + FALLING + NOISE, loss=-3.0), {"accuracy": 0.1})


def test_a_curve_that_is_too_short_shows_nothing():
    assert not stuck(run(5 + NOISE[:39]), {})


def test_runs_say_stuck_and_records_do_not_change():
    record = run(5 + NOISE, loss=2.31, accuracy=0.1, val_accuracy=0.1)
    result = Comparison([record], config(["a"], chance=LEVELS))
    row = result.runs.iloc[0]
    assert (row["status"], row["final_val_accuracy"]) == ("stuck", 0.1)
    assert "no better than chance" in row["message"]
    assert result.records[0].status == "completed"
    diverged = Comparison([run(5 + NOISE, "diverged", loss=2.31)], config(["a"], chance=LEVELS))
    assert diverged.runs.iloc[0]["status"] == "diverged"


def learned(label, replicate, accuracy):
    return Record(label, replicate, "completed", epochs={"val_accuracy": (accuracy,)})


def test_stuck_runs_are_counted_ranked_last_and_not_averaged():
    values = {"good": [0.9, 0.91, 0.9], "lucky": [0.95, 0.1, 0.95], "never": [0.1, 0.11, 0.105]}
    records = [learned(label, r, value) for label, own in values.items() for r, value in enumerate(own)]
    result = Comparison(records, config(list(values), chance={"val_accuracy": 0.12}))
    summary = result.summary()
    assert list(summary.index) == ["good", "lucky", "never"]
    assert summary["stuck"].tolist() == [0, 1, 3]
    assert summary["val_accuracy_mean"].tolist() == pytest.approx([0.9033, 0.95, 0.105], abs=1e-3)
    assert result.pairs("good").loc["never", "verdict"] == "worse"
    text = " ".join(repr(result).split())
    assert "stuck: 4 of 9 stuck: worse than every value" in text
    assert "1 of 3" in text


def test_of_two_that_never_learned_neither_is_better():
    values = {"good": [0.9, 0.91, 0.9], "zeros": [0.1, 0.101, 0.1], "ones": [0.05, 0.051, 0.052]}
    records = [learned(label, r, value) for label, own in values.items() for r, value in enumerate(own)]
    result = Comparison(records, config(list(values), chance={"val_accuracy": 0.12}))
    row = result.pairs("zeros").loc["ones"]
    assert (row["verdict"], row["by"]) == ("unresolved", "failures")
    assert "ones" not in result.best.beaten_by["zeros"]


def test_where_nothing_learned_the_sentence_says_so():
    records = [learned(label, r, 0.1) for label in "ab" for r in range(2)]
    result = Comparison(records, config(["a", "b"], chance={"val_accuracy": 0.12}))
    assert "None of the 4 runs learned" in repr(result)
