"""What a trial leaves behind, in the same words whichever engine ran it."""

import math
from collections.abc import Mapping, Sequence

from keras_initlab.trials.plan import Trial
from keras_initlab.trials.record import Record, Status


def outcome(
    trial: Trial,
    engine: str,
    losses: Sequence[float],
    epochs: Mapping[str, Sequence[float]],
    seconds: float,
    error: Exception | None = None,
) -> Record:
    """The record of a trial that ended, with an `error` or else with its last loss."""
    seeds = trial.seeds
    status: Status
    if error is not None:
        status, message = "failed", f"{type(error).__name__}: {error}"
    elif losses and not math.isfinite(losses[-1]):
        status, message = (
            "diverged",
            (
                f"The loss became {losses[-1]} at step {len(losses)}: "
                "try smaller initial weights, a lower learning rate or gradient clipping."
            ),
        )
    else:
        status, message = "completed", ""
    return Record(
        label=trial.label,
        replicate=trial.replicate,
        status=status,
        message=message,
        step_losses=tuple(losses),
        epochs={name: tuple(values) for name, values in epochs.items()},
        seconds=seconds,
        seeds={"root": seeds.root, "global": seeds.everywhere, "order": seeds.order(0)},
        engine=engine,
    )
