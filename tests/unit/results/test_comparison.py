"""A comparison: its files, and bad input."""

import json
import subprocess
import sys
import textwrap

import pandas as pd
import pytest

from keras_initlab.core.errors import InputError
from keras_initlab.results import tables
from keras_initlab.results.comparison import Comparison, load
from keras_initlab.trials.record import Record
from tests.results import TEN, config, made_up


def test_save_and_load_round_trip(tmp_path):
    result = made_up(('<b>"x"</b> 😀 $a_b$', "b" * 200), replicates=2, diverged={"b" * 200: 1})
    result.save(tmp_path / "out")
    result.save(tmp_path / "out")  # replaces, does not append
    again = load(tmp_path / "out")
    assert json.loads(json.dumps(result.config)).items() <= again.config.items()
    pd.testing.assert_frame_equal(again.runs, result.runs)
    pd.testing.assert_frame_equal(again.curves, result.curves)
    again.save(tmp_path / "again")
    assert load(tmp_path / "again").config == again.config


def test_a_result_is_read_where_no_backend_is_installed(tmp_path):
    made_up(TEN[:3]).save(tmp_path)
    script = textwrap.dedent(
        """
        import sys, types

        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in {"keras", "tensorflow", "jax", "torch", "ray"}:
                    raise ImportError(f"{name} is not installed")

        sys.meta_path.insert(0, Absent())
        import importlib.util
        package = types.ModuleType("keras_initlab")  # its __init__ registers with Keras
        package.__path__ = [sys.argv[2]]
        sys.modules["keras_initlab"] = package
        from keras_initlab.results.comparison import load
        result = load(sys.argv[1])
        print(result, result.summary(), result.pairs(), len(result._repr_html_()))
        import matplotlib
        matplotlib.use("agg")
        result.plot()
        """
    )
    package = tables.__file__.rsplit("/", 2)[0]
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), package], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "he_normal" in done.stdout


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: r.summary("val_acc"), "Unknown metric 'val_acc'. Did you mean 'val_accuracy'?"),
        (lambda r: r.summary(confidence=95), "confidence must lie between 0 and 1, got 95"),
        (lambda r: r.pairs("he_norml"), "Unknown baseline 'he_norml'. Did you mean 'he_normal'?"),
        (lambda r: r.pairs(margin=-1), "margin must be positive, got -1"),
        (lambda r: r.plot(0), "batches must be positive or None for all, got 0"),
        (lambda r: r.plot(metric="val_acc"), "Unknown metric 'val_acc'. Did you mean 'val_accuracy'?"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError) as caught:
        call(made_up(TEN[:2], replicates=2))
    assert message in str(caught.value)


def test_a_metric_without_a_direction_is_not_judged():
    record = Record("a", 0, "completed", step_losses=(1.0,), epochs={"mystery": (1.0,)})
    result = Comparison([record], config(["a"]))
    with pytest.raises(InputError, match="metric='mystery' has no best direction"):
        result.summary("mystery")
    assert result.runs["final_mystery"].tolist() == [1.0]


def test_contradicting_records_are_refused():
    record = Record("a", 0, "completed")
    with pytest.raises(InputError, match="Two records describe replicate 0 of 'a'"):
        Comparison([record, record], config(["a"]))
    with pytest.raises(InputError, match="label 'a', which is not in"):
        Comparison([record], config(["b"]))


def test_a_result_without_runs_is_empty_not_broken():
    result = Comparison([], config(["a"]))
    assert [len(frame) for frame in (result.runs, result.curves, result.summary(), result.pairs())] == [0] * 4
    assert (result.histories, len(result.best)) == ({}, 0)
