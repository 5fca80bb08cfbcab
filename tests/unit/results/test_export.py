"""Other tools' files, read back with those tools."""

import json
import math

import pandas as pd
import pytest

from keras_initlab.results import export
from tests.results import TEN, made_up

LABELS = ["he_normal", "a/b <c> 😀", "w" * 200]


@pytest.fixture
def result():
    return made_up(LABELS, replicates=2, diverged={LABELS[1]: 1}, failed={LABELS[2]: 1})


def test_csv(result, tmp_path):
    result.to_csv(tmp_path / "new" / "folder")
    runs = pd.read_csv(tmp_path / "new" / "folder" / "runs.csv", keep_default_na=True)
    assert runs["initializer"].tolist() == [label for label in LABELS for _ in range(2)]
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "new" / "folder" / "curves.csv"), result.curves, check_dtype=False
    )
    assert len(pd.read_csv(tmp_path / "new" / "folder" / "summary.csv")) == 3


def test_parquet(result, tmp_path):
    result.to_parquet(tmp_path)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "curves.parquet"), result.curves)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "runs.parquet"), result.runs)
    summary = pd.read_parquet(tmp_path / "summary.parquet").set_index("initializer")
    pd.testing.assert_frame_equal(summary, result.summary())


def test_json_is_strict(result, tmp_path):
    def refuse(constant):
        raise AssertionError(constant)

    text = result.to_json(tmp_path / "result.json")
    assert (tmp_path / "result.json").read_text(encoding="utf-8") == text + "\n"
    found = json.loads(text, parse_constant=refuse)
    assert list(found) == ["summary", "pairs", "runs", "notes", "config"]
    lost = next(run for run in found["runs"] if run["status"] == "diverged")
    assert lost["final_val_accuracy"] is None
    assert found["config"] == json.loads(json.dumps(result.config))


def test_folder_names_are_safe_and_never_shared():
    odd = ["a", "A/a", "..", ".", "", "w" * 200, "w" * 201, "😀" * 40, "a%2Fb", "a/b", "con aux\n"]
    names = [export.folder_name(label) for label in odd]
    assert len(set(names)) == len(odd)
    assert all(name.strip(".") and "/" not in name and len(name) < 140 for name in names)


def test_tensorboard_reads_one_run_per_replicate_grouped_by_initializer(result, tmp_path):
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
    from tensorboard.plugins.hparams import metadata

    result.to_tensorboard(tmp_path)
    found = EventMultiplexer(size_guidance={"scalars": 0}).AddRunsFromDirectory(str(tmp_path))
    found.Reload()
    runs = found.Runs()
    assert len(runs) == 6
    name = "he_normal/replicate 1"
    assert set(runs[name]["scalars"]) == {
        "batch/loss",
        "train/loss",
        "train/accuracy",
        "validation/loss",
        "validation/accuracy",
    }
    losses = found.Scalars(name, "batch/loss")
    assert [event.step for event in losses] == list(range(1, 201))
    expected = next(run for run in result.records if (run.label, run.replicate) == ("he_normal", 1))
    assert [event.value for event in losses] == pytest.approx(expected.step_losses)
    assert [event.step for event in found.Scalars(name, "validation/accuracy")] == [100, 200]
    groups = []
    for run in runs:
        content = found.SummaryMetadata(run, metadata.SESSION_START_INFO_TAG).plugin_data.content
        groups.append(metadata.parse_session_start_info_plugin_data(content).group_name)
    assert sorted(groups) == sorted(LABELS * 2)
    lost = found.Scalars(f"{export.folder_name(LABELS[1])}/replicate 0", "batch/loss")
    assert math.isnan(lost[-1].value)


def test_mlflow_holds_one_nested_run_per_replicate(result, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    import mlflow

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(tmp_path.as_uri())
    try:
        result.to_mlflow("lab")
        result.to_mlflow("lab")  # a second time adds to the experiment
        client = mlflow.MlflowClient()
        runs = client.search_runs([client.get_experiment_by_name("lab").experiment_id])
        groups = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
        children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
        assert len(groups) == 2 * 3
        assert len(children) == 2 * 6
        assert {run.data.tags["initializer"] for run in groups} == set(LABELS)
        lost = [run for run in children if run.info.status == "FAILED"]
        assert {run.data.tags["status"] for run in lost} == {"diverged", "failed"}
        done = next(run for run in children if run.data.tags["initializer"] == "he_normal")
        assert done.data.params["seed order"] == "7"
        history = client.get_metric_history(done.info.run_id, "batch/loss")
        assert sorted(metric.step for metric in history) == list(range(1, 201))
        parent = client.get_run(done.data.tags["mlflow.parentRunId"])
        assert parent.data.tags["initializer"] == "he_normal"
    finally:
        mlflow.set_tracking_uri(before)


def test_a_missing_tool_is_answered_with_advice(monkeypatch, tmp_path):
    def missing(name):
        raise ModuleNotFoundError(name, name=name.split(".")[0])

    monkeypatch.setattr("keras_initlab.core.optional.importlib.import_module", missing)
    result = made_up(TEN[:2])
    for call, advice in (
        (lambda: result.to_tensorboard(tmp_path), "to_tensorboard needs tensorboard: pip install"),
        (result.to_mlflow, "to_mlflow needs mlflow: pip install"),
        (lambda: result.to_parquet(tmp_path), "to_parquet needs pyarrow: pip install"),
    ):
        with pytest.raises(ImportError, match=advice):
            call()
