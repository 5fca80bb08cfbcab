"""A comparison that goes on until it is settled: who trains, that it is the same run, and that it goes on."""

import shutil

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.core.errors import InputError
from tests.trained import X, dense_net, losses, run

SCHEMES = {"base": "initlab_he_normal", "twin": "initlab_he_normal", "other": "glorot_uniform"}

Y = X[:, :3].argmax(1)
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="who is still open after which look was seen in JAX's draws"
)


def fixed(**arguments):
    net = dense_net(0, keras.optimizers.Adam(0.03))
    usual = {"initializers": SCHEMES, "y": Y, "epochs": 3, "replicates": 3, "baseline": "base"}
    return run(**({"model": net} | usual | arguments))


def settle(**arguments):
    return fixed(**({"until": "settled", "margin": 0.2, "max_replicates": 5} | arguments))


def counts(result):
    return result.summary()["n"].to_dict()


def journal(folder):
    (path,) = (path for path in folder.rglob("*.jsonl") if path.stat().st_size)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("settling") / "run"
    return settle(run_dir=folder), folder


def test_who_is_equivalent_trains_no_further_and_the_others_run_as_ever(whole):
    result, folder = whole
    assert counts(result) == {"base": 5, "twin": 3, "other": 5}
    assert result.pairs()["verdict"].to_dict()["twin"] == "equivalent"
    assert result.config["settling"]["stages"] == [["base", "twin", "other"], ["base", "other"]]
    assert [n for n, _ in result.config["settling"]["looks"]] == [3, 5]
    ever = fixed(replicates=5)
    for record in result.records:
        assert record.step_losses == losses(ever, record.label, record.replicate)
    loaded = initlab.load(folder)
    assert loaded.config["settling"] == result.config["settling"]
    assert repr(loaded.pairs()) == repr(result.pairs())


@pytest.mark.parametrize(("kept", "diagnose"), [(4, False), (9, True), (12, False)])
def test_it_goes_on_from_any_moment_with_the_same_decisions(whole, tmp_path, kept, diagnose):
    result, folder = whole
    shutil.copytree(folder, tmp_path / "run")
    path = journal(tmp_path / "run")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:kept]))
    again = settle(run_dir=tmp_path / "run", diagnose=diagnose)
    assert all(bool(record.foreseen) == diagnose for record in again.records)
    assert again.config["settling"] == result.config["settling"]
    assert repr(again.pairs()) == repr(result.pairs())
    assert counts(again) == counts(result)
    assert len(again.records) == len(result.records)


def test_more_replicates_go_on_where_it_stopped(whole, tmp_path):
    result, folder = whole
    shutil.copytree(folder, tmp_path / "run")
    more = settle(run_dir=tmp_path / "run", max_replicates=7)
    looks = more.config["settling"]["looks"]
    assert looks[:2] == result.config["settling"]["looks"]
    assert [n for n, _ in looks] == [3, 5, 7]
    assert sum(share for _, share in looks) == pytest.approx(1 - 0.2**2)
    assert counts(more) == {"base": 7, "twin": 3, "other": 7}
    with pytest.raises(InputError, match=r"another margin: 0\.2 there, 0\.3 here"):
        settle(run_dir=tmp_path / "run", margin=0.3)
    with pytest.raises(InputError, match="another until: 'settled' there, None here"):
        fixed(run_dir=tmp_path / "run")


def test_a_budget_ends_it_and_it_goes_on_later(tmp_path):
    with pytest.raises(InputError, match="budget is 1e-09 s, in which not one run ended"):
        settle(run_dir=tmp_path / "none", budget=1e-9)
    fixed(run_dir=tmp_path / "run")
    stopped = settle(run_dir=tmp_path / "run", budget=1e-9)
    assert stopped.config["settling"]["ended"] == "budget"
    assert "when the budget was spent" in " ".join(repr(stopped).split())
    assert not stopped.config.get("interrupted")
    assert stopped.pairs()["verdict"].to_dict()["twin"] == "equivalent"
    assert counts(settle(run_dir=tmp_path / "run")) == {"base": 5, "twin": 3, "other": 5}


class Shuffling(keras.utils.PyDataset):
    """Another order each time it is read, the same in every process."""

    def __init__(self):
        super().__init__()
        self.generator = np.random.default_rng(0)
        self.on_epoch_end()

    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = self.order[index * 20 : (index + 1) * 20]
        return X[rows], Y[rows]

    def on_epoch_end(self):
        self.order = self.generator.permutation(len(X))


def test_replicates_of_a_data_set_are_those_of_a_fixed_comparison():
    result = settle(x=Shuffling(), y=None, batch_size=None)
    ever = fixed(x=Shuffling(), y=None, batch_size=None, replicates=5)
    assert counts(result) == {"base": 5, "twin": 3, "other": 5}
    assert losses(result, "other", 4) == losses(ever, "other", 4)


def three_only(label, replicate):
    return [[], [], []][replicate]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"until": "done"}, "until is 'done': give 'settled', or None"),
        ({"until": None}, "margin is 0.2 without until"),
        ({"until": None, "margin": None, "max_replicates": None, "budget": 5}, "budget is 5 without until"),
        ({"margin": None}, "margin is None: say which difference"),
        ({"margin": 0}, "margin is 0: give"),
        ({"margin": float("nan")}, "margin is nan: give"),
        ({"margin": "small"}, "margin is 'small': give"),
        ({"max_replicates": 2}, "max_replicates is 2, below replicates=3"),
        ({"max_replicates": 2.5}, "max_replicates is 2.5: give"),
        ({"budget": "soon"}, "budget is 'soon': give seconds, or a text such as"),
        ({"budget": 0}, "budget is 0: give"),
        ({"budget": "3 weeks"}, "budget is '3 weeks': give"),
        ({"callbacks": three_only}, "callbacks fails for replicate 4 .IndexError"),
        ({"factors": {"learning_rate": [0.1, 0.2]}}, "until does not go with factors"),
        ({"share": True, "run_dir": "x"}, "until does not go with share"),
    ],
)
def test_what_cannot_work_is_one_error_before_training(arguments, message, monkeypatch):
    monkeypatch.setattr("keras_initlab.experiment.course.train", None)
    with pytest.raises(InputError, match=message):
        settle(**arguments)


def test_a_metric_has_the_resolution_of_its_examples():
    result = settle(validation_split=0.2, max_replicates=3)
    assert result.config["settling"]["resolution"] == {"accuracy": 1 / 56, "val_accuracy": 1 / 14}
