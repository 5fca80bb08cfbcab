"""From the arguments of `compare` to a plan (pure data) and a setup (live objects).

Everything that can be known to be wrong before training is refused here, with one clear error.
"""

from collections.abc import Callable, Mapping
from typing import Any

from keras_initlab.core.arguments import one_of
from keras_initlab.core.errors import InputError
from keras_initlab.core.rng import Generators
from keras_initlab.core.seeds import derive
from keras_initlab.engines.setup import Setup
from keras_initlab.experiment import data, provenance, schemes, targets
from keras_initlab.experiment import model as network
from keras_initlab.network import selection
from keras_initlab.network.drawing import FANS
from keras_initlab.network.selection import Layers
from keras_initlab.trials.plan import Plan


def take_in(
    model: Any,
    initializers: Any,
    x: Any,
    y: Any,
    *,
    validation_data: Any,
    validation_split: float,
    batch_size: int | None,
    epochs: int,
    steps_per_epoch: int | None,
    shuffle: bool,
    class_weight: Mapping[int, float] | None,
    sample_weight: Any,
    callbacks: Callable | None,
    replicates: int,
    seed: int,
    layers: Layers,
    roles: Any,
    fans: str,
    baseline: str | None,
    target_loss: float | None,
    generators: Generators,
) -> tuple[Plan, Setup, dict[str, Any]]:
    """The plan, the setup and the configuration (JSON data) of a comparison.

    Raises:
        InputError: If an argument cannot work.
    """
    _whole("replicates", replicates, 1)
    _whole("epochs", epochs, 1)
    _whole("seed", seed, 0)
    if batch_size is not None:
        _whole("batch_size", batch_size, 1)
    if steps_per_epoch is not None:
        _whole("steps_per_epoch", steps_per_epoch, 1)
    one_of("fans", fans, FANS)
    if callbacks is not None and not callable(callbacks):
        raise InputError(
            "callbacks must be a function of label and replicate that returns a list: one callback object "
            "cannot serve several runs. Write callbacks=lambda label, replicate: [...]."
        )
    by_label = schemes.by_label(initializers)
    if baseline is not None and baseline not in by_label:
        raise InputError(f"baseline is {baseline!r}, which is not among the labels {list(by_label)}.")

    training, validation, first_batch = data.training_source(
        x,
        y,
        sample_weight,
        class_weight,
        batch_size=batch_size,
        steps=steps_per_epoch,
        shuffle=shuffle,
        validation_split=0.0 if validation_data is not None else validation_split,
    )
    if validation_data is not None:
        validation = data.validation_source(validation_data, batch_size)

    model = network.ready(model, first_batch, derive(seed, "build"), generators)
    targets.check(model, training, "y")
    if validation is not None:
        targets.check(model, validation, "validation_data")
    tested = selection.under_test(model, layers, roles)
    schemes.try_out(by_label, tested, seed, generators)

    plan = Plan(tuple(by_label), replicates, seed, epochs, training.steps)
    restarted = selection.restarted(model, tested)
    setup = Setup(
        model, by_label, tested, restarted, training, validation, callbacks, fans, epochs=plan.epochs
    )
    config = provenance.describe(plan, setup) | {
        "batch_size": getattr(training, "batch_size", None),
        "baseline": baseline,
        "target_loss": target_loss,
    }
    return plan, setup, config


def _whole(name: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"{name} is {value!r}: give a whole number of at least {least}.")
