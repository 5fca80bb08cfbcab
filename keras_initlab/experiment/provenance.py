"""What has to be known to repeat a comparison, as JSON data."""

import datetime
import hashlib
import importlib
import json
import math
import platform
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_initlab import __version__
from keras_initlab.core.keras_private import compiled_metrics, direction, parts
from keras_initlab.core.processor import processor
from keras_initlab.engines.hyperparameters import own_number
from keras_initlab.engines.lending import optimizers
from keras_initlab.engines.setup import Setup, Setups
from keras_initlab.experiment import identity, targets
from keras_initlab.experiment.describing import described, is_own
from keras_initlab.experiment.factors import NONE, Factor, Factors
from keras_initlab.experiment.levels import BUILT_IN
from keras_initlab.experiment.targets import loss_name
from keras_initlab.network.slots import Slot
from keras_initlab.recipes.recipe import Recipe
from keras_initlab.remedies import list_remedies
from keras_initlab.trials.config import Config
from keras_initlab.trials.plan import Plan


def describe(
    plan: Plan, setups: Setups, baseline: str | None, target_loss: float | None, varied: Factors = NONE
) -> Config:
    """The configuration that is saved beside the records: that of the reference, and what is varied."""
    setup = setups[plan.cells[0]]
    directions = _directions(setup.model)
    return Config(
        labels={label: _scheme(scheme) for label, scheme in setup.schemes.items()},
        replicates=plan.replicates,
        seed=plan.seed,
        epochs=plan.epochs,
        steps_per_epoch=plan.steps_per_epoch,
        directions=directions,
        chance=targets.chance(setup.model, directions, setup.training, setup.validation),
        slots=[{"path": slot.path, "shape": list(slot.shape), "role": slot.role} for slot in setup.tested],
        fans=setup.fans,
        optimizer=_optimizer(setup.model),
        backend=keras.backend.backend(),
        dtype=setup.model.dtype_policy.name,
        versions=_versions(setup.model),
        digest={
            "data": setup.training.digest(),
            "validation": setup.validation.digest() if setup.validation else None,
            "model": _model_digest(setup),
        },
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        batch_size=getattr(setup.training, "batch_size", None),
        baseline=baseline,
        target_loss=None if target_loss is None else float(target_loss),
        shuffle=getattr(setup.training, "shuffle", False),
        model=identity.layers(setup),
        loss=identity.loss(setup.model),
        metrics=identity.metrics(setup.model, directions),
        optimizer_class=identity.optimizer(setup.model),
        jit_compile=bool(setup.model.jit_compile),
        precision=identity.precision(),
        callbacks=identity.callbacks(setup),
        weight_changes=setup.weight_changes,
        factors=_factors(varied, plan, setups),
        cells=[dict(levels) for levels in plan.cells] if varied.partial else (),
    )


def _factors(varied: Factors, plan: Plan, setups: Setups) -> dict[str, dict[str, Any]]:
    """Factors and levels, with what has to be known of them beside: the steps that a batch size makes of an
    epoch, and what is told under the table."""
    found = varied.described()
    for levels in plan.cells:
        for name, label in levels:
            if name == "batch_size":
                found[name][label]["steps_per_epoch"] = setups[levels].training.steps
    for name, factor in varied.by_name.items():
        told = _told(factor, setups[plan.cells[0]])
        if told:
            next(iter(found[name].values()))["told"] = told
    return found


def _told(factor: Factor, setup: Setup) -> str:
    """What a reader may not expect of a factor; empty if nothing."""
    if factor.kind == "keyword" and factor.name in (*BUILT_IN, *list_remedies()):
        return f"{factor.name} is the keyword of the model function, not what is called so without one."
    if factor.name == "weight_decay" and setup.model.losses:
        return "The model has regularizers of its own: weight_decay comes on top of them."
    if factor.kind == "number":
        own = own_number(setup.model.optimizer, factor.name)
        same = [label for label, level in factor.levels.items() if math.isclose(level, own, rel_tol=1e-6)]
        if same and math.isfinite(own):
            return f"{factor.name} {same[0]} is what the model was compiled with."
    return ""


def _optimizer(model: keras.Model) -> Any:
    """The arguments of the optimizer; by attribute where a model holds several."""
    held = {name: _nameless(_plain(one.get_config())) for name, one in optimizers(model).items()}
    return held["optimizer"] if list(held) == ["optimizer"] else held


def _scheme(scheme: Any) -> Any:
    """An initializer or recipe as JSON data: class and arguments, or the callable's name; and code of one's
    own."""
    if isinstance(scheme, Recipe):
        code = {"code": described(type(scheme))} if is_own(type(scheme)) else {}
        return {"recipe": scheme.name, "config": _plain(scheme.get_config())} | code
    if not isinstance(scheme, keras.initializers.Initializer):
        module = scheme.__module__.replace("__mp_main__", "__main__")  # in a spawned process
        name = f"{module}.{getattr(scheme, '__qualname__', type(scheme).__name__)}"
        return {"callable": name, "code": described(scheme)}
    config = {key: value for key, value in scheme.get_config().items() if key != "seed"}
    code = {"code": described(type(scheme))} if is_own(type(scheme)) else {}
    return {"class_name": type(scheme).__name__, "config": _plain(config)} | code


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else described(value)


def _versions(model: keras.Model) -> dict[str, str]:
    backend = keras.backend.backend()
    return {
        "python": platform.python_version(),
        "keras_initlab": __version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        backend: importlib.import_module(backend).__version__,
        "processor": processor(model.variables[0]),
    }


def _directions(model: keras.Model) -> dict[str, str | None]:
    """Which way each compiled metric improves, where Keras knows; losses improve downwards."""
    directions: dict[str, str | None] = {"loss": "down"}
    compiled = compiled_metrics(model)
    if compiled is not None and compiled.built:
        for key in compiled.result():  # several outputs put their names before the metric's
            of_key = [metric for metric in compiled.metrics if f"_{key}".endswith(f"_{metric.name}")]
            directions[key] = direction(of_key[0]) if of_key else None
    return directions


def _model_digest(setup: Setup) -> str:
    """A fingerprint of architecture, loss and optimizer that automatic names do not change."""
    described = {
        "layers": [_nameless(_layer(layer)) for layer in parts(setup.model)],
        "loss": _nameless(keras.tree.map_structure(loss_name, setup.model.loss)),
        "tested": [_slot(slot) for slot in setup.tested],
        "restarted": [_slot(slot) for slot in setup.restarted],
    }
    text = json.dumps(described, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _slot(slot: Slot) -> list[Any]:
    return [slot.index, slot.role, list(slot.shape), str(slot.variable.dtype)]


def _layer(layer: keras.Layer) -> Any:
    config = identity.config_of(layer)
    return type(layer).__name__ if config is None else [type(layer).__name__, config]


def _nameless(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _nameless(inner) for key, inner in value.items() if key not in ("name", "registered_name")
        }
    if isinstance(value, list | tuple):
        return [_nameless(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else type(value).__name__
