"""What has to be known to repeat a comparison, as JSON data."""

import datetime
import hashlib
import importlib
import json
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import keras

from keras_initlab.engines.setup import Setup
from keras_initlab.intake import schemes
from keras_initlab.models import Slot
from keras_initlab.plan import Plan


def describe(plan: Plan, setup: Setup) -> dict[str, Any]:
    """The configuration that is saved beside the records."""
    return {
        "labels": {label: schemes.describe(scheme) for label, scheme in setup.schemes.items()},
        "replicates": plan.replicates,
        "seed": plan.seed,
        "epochs": plan.epochs,
        "steps_per_epoch": plan.steps_per_epoch,
        "directions": _directions(setup.model),
        "slots": [
            {"path": slot.path, "shape": list(slot.shape), "role": slot.role} for slot in setup.tested
        ],
        "optimizer": schemes._plain(setup.model.optimizer.get_config()),
        "backend": keras.backend.backend(),
        "dtype": setup.model.dtype_policy.name,
        "versions": _versions(),
        "digest": {
            "data": setup.training.digest(),
            "validation": setup.validation.digest() if setup.validation else None,
            "model": _model_digest(setup),
        },
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _versions() -> dict[str, str]:
    backend = keras.backend.backend()
    return {
        "python": platform.python_version(),
        "keras_initlab": metadata.version("keras-initlab"),
        "keras": keras.__version__,
        "numpy": metadata.version("numpy"),
        backend: importlib.import_module(backend).__version__,
    }


def _directions(model: keras.Model) -> dict[str, str | None]:
    """Which way each compiled metric improves, where Keras knows; losses improve downwards."""
    compiled = getattr(model, "_compile_metrics", None)
    known = {metric.name: getattr(metric, "_direction", None) for metric in getattr(compiled, "metrics", [])}
    return {"loss": "down", **known}


def _model_digest(setup: Setup) -> str:
    """A fingerprint of architecture, loss and optimizer that automatic names do not change."""
    described = [_nameless(_layer(layer)) for layer in setup.model._flatten_layers()]
    described += [_slot(slot) for slot in (*setup.tested, *setup.restarted)]
    described += [_nameless(schemes._plain(setup.model.optimizer.get_config())), schemes.loss_name(setup.model)]
    text = json.dumps(described, sort_keys=True, default=repr)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _slot(slot: Slot) -> list[Any]:
    return [slot.index, slot.role, list(slot.shape), str(slot.variable.dtype)]


def _layer(layer: keras.Layer) -> Any:
    if isinstance(layer, keras.Model):
        return type(layer).__name__  # its layers follow
    try:
        return [type(layer).__name__, layer.get_config()]
    except NotImplementedError:  # a custom layer without a config
        return type(layer).__name__


def _nameless(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _nameless(inner) for key, inner in value.items() if key not in ("name", "registered_name")
        }
    if isinstance(value, list | tuple):
        return [_nameless(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else type(value).__name__
