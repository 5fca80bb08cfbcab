"""Engines train trials and leave records; they differ in speed, never in meaning."""

from collections.abc import Sequence

from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.engines.choice import automatic
from keras_initlab.engines.contract import Engine
from keras_initlab.engines.sequential import Sequential
from keras_initlab.engines.setup import Setup
from keras_initlab.engines.stacked.engine import Stacked
from keras_initlab.trials.plan import Trial

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (Sequential(), Stacked())}


def choose(name: str, setup: Setup, trials: Sequence[Trial]) -> tuple[Engine, str]:
    """The engine of that name for the trials, or the one that suits them for `"auto"`, and why it was taken.

    Raises:
        UnknownNameError: If there is no such engine.
        InputError: If the engine asked for cannot train them.
    """
    if name == "auto":
        return automatic(setup, trials)
    if name not in ENGINES:
        raise UnknownNameError("engine", name, ENGINES, f"Engines are auto, {', '.join(ENGINES)}.")
    engine = ENGINES[name]
    reason = engine.why_not(setup, trials)
    if reason:
        raise InputError(f"The engine {name!r} cannot run this comparison: {reason}. Use engine='auto'.")
    return engine, "asked for"
