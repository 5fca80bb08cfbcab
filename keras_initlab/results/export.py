"""A comparison in the files of other tools."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from keras_initlab.core.optional import need
from keras_initlab.results import conclusion, grid_words
from keras_initlab.results.contrasted import Contrasted
from keras_initlab.results.evidence import Evidence
from keras_initlab.results.tables import VALIDATION
from keras_initlab.trials.record import Record

TABLES = ("summary", "runs", "curves")
_NAME_BYTES = 120
_BATCH = 1000  # metrics that MLflow takes at once


def to_csv(found: Evidence, folder: str | Path) -> None:
    for name, frame in _tables(found):
        frame.to_csv(_made(folder) / f"{name}.csv", index=False)


def to_parquet(found: Evidence, folder: str | Path) -> None:
    need("pyarrow", "to_parquet", "pyarrow")
    for name, frame in _tables(found):
        frame.to_parquet(_made(folder) / f"{name}.parquet", index=False)


def grid_to_csv(found: Contrasted, folder: str | Path) -> None:
    tables = {"summary": found.summary().reset_index(), "runs": found.runs, "curves": found.curves}
    for name, frame in (tables | {"effects": _effects(found)}).items():
        frame.to_csv(_made(folder) / f"{name}.csv", index=False)


def grid_to_json(found: Contrasted) -> str:
    told = {
        "summary": rows(found.summary().reset_index()),
        "effects": rows(_effects(found)),
        "runs": rows(found.runs),
        "notes": [*grid_words.sentences(found), *grid_words.notes(found)],
        "config": found.config,
    }
    return json.dumps(told, indent=1, allow_nan=False)


def _effects(found: Contrasted) -> pd.DataFrame:
    """The effects of all factors across which the metric compares."""
    frames = []
    for name, factor in found.design.factors.items():
        if found.cells.ended and factor.compares(found.metric):
            frame = found.effects(name).reset_index()
            frame.insert(0, "factor", name)
            frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["factor"])


def to_json(found: Evidence) -> str:
    told = {
        "summary": rows(found.summary().reset_index()),
        "pairs": rows(found.pairs().reset_index()),
        "runs": rows(found.runs),
        "notes": conclusion.notes(found),
        "config": found.config,
    }
    if found.diagnosed:
        told["foreseen"] = _foreseen(found)
    return json.dumps(told, indent=1, allow_nan=False)


def _foreseen(found: Evidence) -> dict[str, Any]:
    seen = found.foreseen()
    measures = {"correlation": seen.correlation, "auc": seen.auc}
    return {
        "trials": rows(seen.trials.reset_index()),
        "measures": rows(pd.DataFrame({"measure": name, **one._asdict()} for name, one in measures.items())),
        "calibration": rows(seen.calibration.reset_index()),
    }


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame as JSON data; what is not a finite number is null."""
    found = json.loads(frame.to_json(orient="records", double_precision=15))
    return [{key: _finite(value) for key, value in row.items()} for row in found]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _tables(found: Evidence) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "summary", found.summary().reset_index()
    yield "runs", found.runs
    yield "curves", found.curves
    if found.diagnosed:
        yield "foreseen", found.foreseen().trials.reset_index()


def _made(folder: str | Path) -> Path:
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _series(run: Record, steps_per_epoch: int) -> Iterator[tuple[str, int, float]]:
    """(tag, step, value) of everything a run measured."""
    for step, loss in enumerate(run.step_losses, start=1):
        yield "batch/loss", step, loss
    for name, values in run.epochs.items():
        split = "validation" if name.startswith(VALIDATION) else "train"
        for epoch, value in enumerate(values, start=1):
            yield f"{split}/{name.removeprefix(VALIDATION)}", epoch * steps_per_epoch, value


def folder_name(label: str) -> str:
    """A file name for any label: readable, the same everywhere, never that of another label.

    >>> folder_name("he_normal"), folder_name("../a b")
    ('he_normal', '..%2Fa%20b')
    """
    from hashlib import blake2b

    name = quote(label, safe="()=,+-")
    if name.strip(".") and len(name) <= _NAME_BYTES:
        return name
    return f"{name[:_NAME_BYTES].strip('.%')}~{blake2b(label.encode(), digest_size=6).hexdigest()}"


def to_tensorboard(found: Evidence, folder: str | Path) -> None:
    writers = need("tensorboard.summary.writer.event_file_writer", "to_tensorboard", "tensorboard")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    for run in found.records:
        path = Path(folder) / folder_name(run.label) / f"replicate {run.replicate}"
        writer = writers.EventFileWriter(str(path))
        start, end = _session(run)
        writer.add_event(Event(summary=Summary(value=[start])))
        for tag, step, value in _series(run, found.steps_per_epoch(run.label)):
            scalar = Summary.Value(tag=tag, simple_value=value)
            writer.add_event(Event(step=step, summary=Summary(value=[scalar])))
        writer.add_event(Event(summary=Summary(value=[end])))
        writer.close()


def _session(run: Record) -> tuple[Any, Any]:
    """Start and end of a session as the HParams tab reads them; it joins those of one group."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import (
        HParamsPluginData,
        SessionEndInfo,
        SessionStartInfo,
    )

    started = SessionStartInfo(group_name=run.label)
    started.hparams["initializer"].string_value = run.label
    state = api_pb2.STATUS_SUCCESS if run.status == "completed" else api_pb2.STATUS_FAILURE
    contents = {
        metadata.SESSION_START_INFO_TAG: HParamsPluginData(session_start_info=started),
        metadata.SESSION_END_INFO_TAG: HParamsPluginData(session_end_info=SessionEndInfo(status=state)),
    }
    start, end = (
        Summary.Value(
            tag=tag, metadata=metadata.create_summary_metadata(content), tensor=metadata.NULL_TENSOR
        )
        for tag, content in contents.items()
    )
    return start, end


def to_mlflow(found: Evidence, experiment: str) -> None:
    mlflow = need("mlflow", "to_mlflow", "mlflow-skinny")
    client = mlflow.MlflowClient()
    known = client.get_experiment_by_name(experiment)
    experiment_id = known.experiment_id if known else client.create_experiment(experiment)
    for label in found.labels:
        own = [run for run in found.records if run.label == label]
        if not own:
            continue
        group = client.create_run(experiment_id, run_name=label, tags={"initializer": label}).info.run_id
        for name in ("backend", "batch_size", "epochs", "replicates", "seed"):
            client.log_param(group, name, found.config.get(name))
        for run in own:
            _log_run(client, experiment_id, group, run, found.steps_per_epoch(run.label))
        client.set_terminated(group)


_MLFLOW = {"completed": "FINISHED", "interrupted": "KILLED"}


def _log_run(client: Any, experiment_id: str, group: str, run: Record, steps_per_epoch: int) -> None:
    from mlflow.entities import Metric

    tags = {
        "mlflow.parentRunId": group,
        "initializer": run.label,
        "status": run.status,
        "message": run.message,
    }
    name = f"{run.label} / {run.replicate}"
    run_id = client.create_run(experiment_id, run_name=name, tags=tags).info.run_id
    client.log_param(run_id, "replicate", run.replicate)
    for purpose, seed in run.seeds.items():
        client.log_param(run_id, f"seed {_key(purpose)}", seed)
    metrics = [Metric(_key(tag), value, 0, step) for tag, step, value in _series(run, steps_per_epoch)]
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _BATCH])
    client.set_terminated(run_id, status=_MLFLOW.get(run.status, "FAILED"))


def _key(name: str) -> str:
    """What MLflow allows in the name of a metric or parameter."""
    return re.sub(r"[^\w\-. /]", "_", name)
