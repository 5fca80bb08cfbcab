"""The published MNIST experiment (D7), reproduced on the real data.

Expected values: 27 independent public notebooks; `examples/published_mnist.py` prints them beside ours.
What is exact is held without tolerance, what is random by the order that all of the notebooks share.
"""

import itertools
import os
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab import presets

CACHE = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets" / "mnist.npz"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CACHE.is_file(), reason=f"MNIST is not there: {CACHE}; set KERAS_HOME"),
]

PRIORS = [9.58, 11.26, 9.76, 9.86, 10.70, 8.68, 10.02, 11.00, 9.24, 9.90]  # % of the 5,000 held-out images
ORDER = [
    {"zeros", "ones"},
    {"uniform [0, 1)"},
    {"uniform ±1"},
    {"uniform ±0.001"},
    {"uniform ±0.01"},
    {"uniform ±0.1"},
]
GOOD = {"uniform ±0.1", "uniform ±1/√n", "normal 0.1", "truncated normal 0.1"}


@pytest.fixture(scope="module")
def experiment():
    data = initlab.datasets.load("mnist")
    return data, initlab.compare(
        presets.build("mlp", (28, 28), 10),
        presets.classic(),
        data.x,
        data.y,
        validation_data=(data.x_val, data.y_val),
        batch_size=128,
        epochs=2,
        steps_per_epoch=429,
        replicates=2,
        seed=0,
        verbose=False,
    )


@pytest.fixture(scope="module")
def accuracies(experiment):
    """Label -> final validation accuracy of each replicate in %."""
    runs = experiment[1].runs
    return {
        label: 100 * group["final_val_accuracy"].to_numpy() for label, group in runs.groupby("initializer")
    }


def test_it_is_that_experiment(experiment):
    data, result = experiment
    assert data.x.shape == (55_000, 28, 28)
    assert data.x_val.shape == (5_000, 28, 28)
    assert (data.x.min(), data.x.max()) == (0, 1)
    shares = 100 * np.bincount(data.y_val) / 5_000
    np.testing.assert_allclose(shares, PRIORS, atol=1e-9)
    assert [slot["shape"] for slot in result.config["slots"]] == [[784, 256], [256, 128], [128, 10]]
    assert {len(record.step_losses) for record in result.records} == {858}
    assert {record.status for record in result.records} == {"completed"}


def test_zeros_know_nothing_but_the_largest_class(experiment, accuracies):
    np.testing.assert_allclose(accuracies["zeros"], 100 * 563 / 5_000, atol=1e-4)
    zeros = [record for record in experiment[1].records if record.label == "zeros"]
    entropy = -sum(share * np.log(share) for share in np.bincount(experiment[0].y) / 55_000)
    for record in zeros:
        assert record.step_losses[0] == pytest.approx(np.log(10), abs=1e-5)
        assert np.mean(record.step_losses[429:]) == pytest.approx(entropy, abs=2e-3)


def test_ones_name_one_class_only(accuracies):
    for accuracy in accuracies["ones"]:
        assert np.abs(np.array(PRIORS) - accuracy).min() < 1e-3


def test_the_order_that_every_notebook_shares(accuracies):
    for worse, better in itertools.pairwise(ORDER):
        for low in worse:
            for high in better:
                assert accuracies[low].max() < accuracies[high].min(), (low, high)


def test_accuracies_lie_where_the_notebooks_saw_them(accuracies):
    seen = {  # lowest and highest of the pool
        "ones": (8.68, 11.26),
        "uniform [0, 1)": (42.8, 86.3),
        "uniform ±1": (89.3, 91.3),
        "uniform ±0.1": (96.5, 97.5),
        "uniform ±0.01": (94.7, 95.9),
        "uniform ±0.001": (93.0, 95.2),
        "uniform ±1/√n": (96.3, 97.1),
        "normal 0.1": (96.5, 97.5),
        "truncated normal 0.1": (96.7, 97.5),
    }
    binomial = 100 * np.sqrt(0.97 * 0.03 / 5_000)
    for label, (low, high) in seen.items():
        mean = accuracies[label].mean()
        assert low - 3 * binomial < mean < high + 3 * binomial, (label, mean)


def test_the_good_ones_are_not_told_apart(experiment):
    assert set(experiment[1].best) >= GOOD


def test_a_good_start_is_faster(experiment):
    early = experiment[1].runs.groupby("initializer")["first_100"]
    assert early.max()[list(GOOD)].max() < early.min()["uniform ±0.01"]


def test_the_example_prints_our_table_beside_the_published_one(tmp_path, monkeypatch, capsys):
    example = Path(__file__).parents[2] / "examples" / "published_mnist.py"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(example), "--replicates", "1"])
    runpy.run_path(str(example), run_name="__main__")
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 10
    assert rows[1].startswith("| zeros | 11.26 ± 0.00 [11.26, 11.26], 27 | 11.26 ")
    assert (tmp_path / "losses.png").is_file()
