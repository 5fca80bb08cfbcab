"""Groups go to the engine, and their records to the folder as each ends."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from keras_initlab.core.errors import InputError
from keras_initlab.engines.contract import Observer
from keras_initlab.engines.setup import Setup
from keras_initlab.experiment.schedule import Schedule
from keras_initlab.trials.checkpoint import Checkpoints
from keras_initlab.trials.folder import RunFolder
from keras_initlab.trials.plan import Group, Name
from keras_initlab.trials.record import Record


def train(
    schedule: Schedule,
    finished: dict[Name, Record],
    folder: RunFolder | None,
    observer: Observer,
    stopping: Callable[[], bool],
    foreseen: Mapping[Name, Mapping[str, Any]],
) -> list[Record]:
    """Train what is scheduled, and enter each run that ends in `finished` and in the folder.

    Returns:
        What there is of the group under way, if training was to stop: `interrupted` runs and those beside.

    Raises:
        InputError: If a data set does not give the batches that finished runs of the same replicate met.
        KeyboardInterrupt: If nothing is finished.
    """
    checkpoints = folder.checkpoints(schedule.engine.name, stopping) if folder else Checkpoints(stopping)
    met = {record.replicate: record.batches for record in finished.values() if record.batches}
    try:
        for setup, groups in schedule.parts:
            stopped = _train(schedule, setup, groups, finished, folder, observer, checkpoints, met, foreseen)
            if stopped:
                return stopped
    except KeyboardInterrupt:
        if not finished:
            raise
    return []


def _train(
    schedule: Schedule,
    setup: Setup,
    groups: list[Group],
    finished: dict[Name, Record],
    folder: RunFolder | None,
    observer: Observer,
    checkpoints: Checkpoints,
    met: Mapping[int, tuple[str, ...]],
    foreseen: Mapping[Name, Mapping[str, Any]],
) -> list[Record]:
    """Train the groups of one setup; what there is of the group under way, if training was to stop."""
    for group in groups[:1]:
        before = met.get(group[0].replicate, ())
        _require_same(before, setup.training.marks(group[0].seeds, len(before)))
    taken: list[Group] = []

    def free() -> Iterator[Group]:
        left, before = groups, None
        while len(left) != before:  # what others have given up meanwhile is taken the next time round
            before, passed = len(left), []
            for group in left:
                if not folder or folder.take(group, schedule.engine.name):
                    taken.append(group)
                    yield group
                else:
                    passed.append(group)
            left = passed

    for records in schedule.engine.run(setup, free(), observer, checkpoints):
        group = taken[-1]
        new = [
            replace(
                record,
                batches=_met(record, group, setup),
                made_with=schedule.config.made_with,
                foreseen=foreseen.get(record.name, {}),
                **_prepared(record, setup),
            )
            for record in records
            if record.name not in finished
        ]
        if any(record.status == "interrupted" for record in new):
            return new
        for record in new:
            _require_same(met.get(record.replicate, ()), record.batches)
        if folder and new:
            folder.add(new)
        if folder:
            folder.finish(group, schedule.engine.name)
        checkpoints.drop(group)
        finished.update((record.name, record) for record in new)
    return []


def _prepared(record: Record, setup: Setup) -> dict[str, Any]:
    """What the start of the run took, if a recipe made it."""
    found = setup.prepared.get(record.name)
    return {"init_seconds": found.seconds, "init_rows": found.rows} if found else {}


def _met(record: Record, group: Group, setup: Setup) -> tuple[str, ...]:
    """Fingerprints of the epochs that the run has been through."""
    epochs = max(map(len, record.epochs.values()), default=0)
    return tuple(setup.training.marks(group[0].seeds, epochs))


def _require_same(before, now) -> None:
    """Runs of a replicate can only be compared where they met the same data."""
    if any(one != other for one, other in zip(before, now, strict=False)):
        raise InputError(
            "x is a data set that gives other batches than finished runs of the same replicate met. Make its "
            "order repeatable, such as shuffle(n, seed=0), or give another run_dir."
        )
