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
from keras_initlab.engines.setup import Setup, Setups
from keras_initlab.trials.config import Config
from keras_initlab.trials.plan import Group, Name, Plan, Trial


@dataclass(frozen=True)
class Schedule:
    """Groups to be trained.

    Attributes:
        engine: Who trains them.
        parts: Setups with their groups, in the order of their replicates; with all members, also those that
            are finished already.
        config: The comparison's, with the engine and the groups.
    """

    engine: Engine
    parts: list[tuple[Setup, list[Group]]]
    config: Config

    @property
    def groups(self) -> list[Group]:
        """All of them."""
        return [group for _, groups in self.parts for group in groups]

    @property
    def runs(self) -> int:
        """How many are to be trained."""
        return sum(map(len, self.groups))


def scheduled(asked: str, plan: Plan, setups: Setups, config: Config, done: Collection[Name]) -> Schedule:
    """What is left of a plan.

    Args:
        asked: The argument `engine`.
        plan: All trials.
        setups: The comparison.
        config: As the folder knows it, if there is one: with the engine and the groups of before.
        done: Names of the finished trials.

    Raises:
        InputError: If the engine cannot train the trials, or is another than before.
    """
    before = config.engine and config.engine["name"]
    if before and asked not in ("auto", before):
        raise InputError(
            f"engine is {asked!r}, but run_dir holds runs of the engine {before!r}: give engine='auto' or "
            "another folder."
        )
    by_setup: dict[int, list[Trial]] = {}
    for trial in plan.trials:
        by_setup.setdefault(id(setups[trial.levels]), []).append(trial)
    parts = [(setups[trials[0].levels], trials) for trials in by_setup.values()]
    engine, reason = engines.choose(before or asked, parts)
    planned = _grouped(config)
    unfinished: list[tuple[Setup, list[Group]]] = []
    added: list[Group] = []
    for setup, trials in parts:
        waiting, new = _left(engine, setup, trials, planned, done)
        unfinished.append((setup, sorted([*waiting, *new], key=lambda group: group[0].replicate)))
        added += new
    return Schedule(
        engine,
        unfinished,
        replace(
            config,
            engine=config.engine or {"name": engine.name, "reason": reason},
            groups=[*(config.groups or ()), *_as_json(added, config)],
        ),
    )


def _left(
    engine: Engine, setup: Setup, trials: Sequence[Trial], planned: Sequence[Group], done: Collection[Name]
) -> tuple[list[Group], list[Group]]:
    """The planned groups that are not finished, and new ones for the trials that stand in none."""
    wanted = set(trials)
    unfinished: list[Group] = []
    covered: set[Trial] = set()
    for group in planned:
        missing = {trial for trial in group if trial.name not in done}
        if wanted.issuperset(group) and not missing <= covered:
            unfinished.append(group)
            covered.update(group)
    return unfinished, engine.cut(
        setup, [trial for trial in trials if trial.name not in done and trial not in covered]
    )


def _as_json(groups: Sequence[Group], config: Config) -> list[Any]:
    """Each group as `[[replicate, [places of its cells, ...]], ...]`.

    The place of a cell is that of its label; with factors a list, followed by those of its levels.
    """
    labels = {label: place for place, label in enumerate(config.labels)}
    levels = {name: {label: place for place, label in enumerate(one)} for name, one in config.factors.items()}

    def place(trial: Trial) -> Any:
        own = dict(trial.levels)
        beside = [levels[name][own[name]] for name in config.factors]
        return [labels[trial.label], *beside] if beside else labels[trial.label]

    found = []
    for group in groups:
        parts: list[list[Any]] = []
        for trial in group:
            if not parts or parts[-1][0] != trial.replicate:
                parts.append([trial.replicate, []])
            parts[-1][1].append(place(trial))
        found.append(parts)
    return found


def _grouped(config: Config) -> list[Group]:
    labels = list(config.labels)
    factors = [(name, list(levels)) for name, levels in config.factors.items()]

    def trial(replicate: int, place: Any) -> Trial:
        label, *beside = place if isinstance(place, list) else [place]
        levels = ((name, known[at]) for (name, known), at in zip(factors, beside, strict=True))
        return Trial(labels[label], Seeds(config.seed, replicate), tuple(sorted(levels)))

    return [
        tuple(trial(replicate, place) for replicate, places in parts for place in places)
        for parts in config.groups or ()
    ]
