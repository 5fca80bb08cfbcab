"""Engines train trials and leave records; they differ in speed, never in meaning."""

from collections import Counter
from collections.abc import Sequence

from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.engines.choice import automatic
from keras_initlab.engines.contract import Engine
from keras_initlab.engines.sequential import Sequential
from keras_initlab.engines.setup import Setup
from keras_initlab.engines.stacked.engine import Stacked
from keras_initlab.trials.plan import Trial

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (Sequential(), Stacked())}


Part = tuple[Setup, Sequence[Trial]]
"""A setup with its trials."""


def choose(name: str, parts: Sequence[Part]) -> tuple[Engine, str]:
    """The engine of that name, or the one that suits most trials for `"auto"`, and why it was taken.

    One engine trains a whole comparison: engines differ in rounding, which must not pass for an effect.

    Raises:
        UnknownNameError: If there is no such engine.
        InputError: If the engine asked for cannot train them.
    """
    if name == "auto":
        return _suiting(parts)
    if name not in ENGINES:
        raise UnknownNameError("engine", name, ENGINES, f"Engines are auto, {', '.join(ENGINES)}.")
    engine = ENGINES[name]
    for setup, trials in parts:
        reason = engine.why_not(setup, trials)
        if reason:
            raise InputError(f"The engine {name!r} cannot run this comparison: {reason}. Use engine='auto'.")
    return engine, "asked for"


def _suiting(parts: Sequence[Part]) -> tuple[Engine, str]:
    found = []
    for setup, trials in parts:
        engine, reason = automatic(setup, trials)
        if len(parts) > 1 and Stacked().why_not(setup, trials):
            return engine, reason
        found.append((len(trials), engine, reason))
    runs: Counter[str] = Counter()
    for count, engine, _ in found:
        runs[engine.name] += count
    _, engine, reason = max(found, key=lambda one: runs[one[1].name])
    return engine, reason
