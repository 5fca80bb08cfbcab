"""What is still to be trained, by which engine and in which groups: decided once and written down.

The last bits of a run can depend on who trains beside it. So that a comparison which goes on ends as an
uninterrupted one would, a group that was begun is trained whole, every trial at its old place.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from keras_initlab import engines
from keras_initlab.core.errors import InputError
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.contract import Engine
from keras_initlab.engines.setup import Setup
from keras_initlab.trials.config import Config
from keras_initlab.trials.plan import Group, Name, Plan, Trial


@dataclass(frozen=True)
class Schedule:
    """Groups to be trained.

    Attributes:
        engine: Who trains them.
        groups: In the order of their replicates; with all members, also those that are finished already.
        config: The comparison's, with the engine and the groups.
    """

    engine: Engine
    groups: list[Group]
    config: Config

    @property
    def runs(self) -> int:
        """How many are to be trained."""
        return sum(map(len, self.groups))


def scheduled(asked: str, plan: Plan, setup: Setup, config: Config, done: Collection[Name]) -> Schedule:
    """What is left of a plan.

    Args:
        asked: The argument `engine`.
        plan: All trials.
        setup: The comparison.
        config: As the folder knows it, if there is one: with the engine and the groups of before.
        done: Labels and replicates of the finished trials.

    Raises:
        InputError: If the engine cannot train the trials, or is another than before.
    """
    waiting = [trial for trial in plan.trials if trial.name not in done]
    before = config.engine and config.engine["name"]
    if before and asked not in ("auto", before):
        raise InputError(
            f"engine is {asked!r}, but run_dir holds runs of the engine {before!r}: give engine='auto' or "
            "another folder."
        )
    engine, reason = engines.choose(before or asked, setup, plan.trials)
    planned = _grouped(config)
    wanted = set(plan.trials)
    unfinished: list[Group] = []
    covered: set[Trial] = set()
    for group in planned:
        missing = {trial for trial in group if trial.name not in done}
        if wanted.issuperset(group) and not missing <= covered:
            unfinished.append(group)
            covered.update(group)
    new = engine.cut(setup, [trial for trial in waiting if trial not in covered])
    return Schedule(
        engine,
        sorted([*unfinished, *new], key=lambda group: group[0].replicate),
        replace(
            config,
            engine=config.engine or {"name": engine.name, "reason": reason},
            groups=[*(config.groups or ()), *_as_json(new, list(config.labels))],
        ),
    )


def _as_json(groups: Sequence[Group], labels: list[str]) -> list[Any]:
    """Each group as `[[replicate, [places of labels, ...]], ...]`."""
    places = {label: place for place, label in enumerate(labels)}
    found = []
    for group in groups:
        parts: list[list[Any]] = []
        for trial in group:
            if not parts or parts[-1][0] != trial.replicate:
                parts.append([trial.replicate, []])
            parts[-1][1].append(places[trial.label])
        found.append(parts)
    return found


def _grouped(config: Config) -> list[Group]:
    labels = list(config.labels)
    return [
        tuple(
            Trial(labels[place], Seeds(config.seed, replicate))
            for replicate, places in parts
            for place in places
        )
        for parts in config.groups or ()
    ]
