"""From a plan to records: what is left of it is scheduled, written down, foreseen and trained."""

from collections.abc import Callable, Collection, Iterable
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keras_initlab.engines.contract import Observer
from keras_initlab.engines.setup import Setups
from keras_initlab.experiment.schedule import Schedule, scheduled
from keras_initlab.experiment.training import train
from keras_initlab.trials.config import Config
from keras_initlab.trials.folder import RunFolder, is_passing
from keras_initlab.trials.plan import Name, Plan, Trial
from keras_initlab.trials.record import Record
from keras_initlab.trials.settling import Settling

if TYPE_CHECKING:
    from keras_initlab.experiment.foreseeing import Foreseeing


class Course:
    """The training of one comparison, in one stage or in several.

    Scheduling and foreseeing need global generators of their own (`isolated()`); training brings some.

    Args:
        engine: The argument of `compare`.
        setups: The live objects.
        folder: Where finished runs are written, if anywhere.
        foreseeing: Who diagnoses the runs, if anybody.

    Attributes:
        plan: The trials of this stage.
        finished: The records that there are, by name.
        stopped: What there is of the group under way, if training was stopped.
    """

    plan: Plan

    def __init__(
        self, engine: str, setups: Setups, folder: RunFolder | None, foreseeing: "Foreseeing | None"
    ):
        self._engine, self._setups, self._folder, self._foreseeing = engine, setups, folder, foreseeing
        self.finished: dict[Name, Record] = {}
        self.stopped: list[Record] = []
        self._found: list[Record] = []
        self._schedule: Schedule
        self._foreseen: dict[Name, dict[str, Any]] = {}

    @property
    def config(self) -> Config:
        """What the comparison is, with the engine and the groups."""
        return self._schedule.config

    @property
    def left(self) -> int:
        """How many runs are still to be trained in this stage."""
        return self._schedule.runs

    def begin(self, plan: Plan, config: Config) -> None:
        """Join what the folder holds, and schedule what is left of the plan, or of the stage that it is in.

        Raises:
            InputError: If the folder holds another comparison, or the engine cannot train this.
        """
        folder, begun = self._folder, False
        while not begun:
            with folder.planning() if folder else nullcontext():
                asked, self._found = folder.admit(config) if folder else (config, [])
                self.finished = {record.name: record for record in self._found if not is_passing(record)}
                begun = self._scheduled(staged(plan, asked, self.finished), asked)
                if folder and begun:
                    folder.reopen(self._schedule.groups, self._schedule.engine.name)
        known = replace(plan, replicates=self.plan.replicates).trials
        self._foresee(trial for trial in known if trial.name in self.finished)
        self._foresee(self.plan.trials)

    def go_on(self, plan: Plan, config: Config) -> None:
        """Schedule one more stage."""
        self._scheduled(plan, config)
        self._foresee(plan.trials)

    def note(self, config: Config) -> None:
        """Write down what has become of the comparison."""
        self._schedule = replace(self._schedule, config=config)
        if self._folder:
            self._folder.begin(config)

    def train(self, observer: Observer, stopping: Callable[[], bool]) -> None:
        """Train what is scheduled, see `training.train`."""
        self.stopped = train(self._schedule, self.finished, self._folder, observer, stopping, self._foreseen)

    def gather(self, share: bool) -> list[Record]:
        """All records, with those of runs under way and, in a shared folder, what others have written."""
        if self._folder and share:
            self._found = self._folder.found()
            there = {record.name: record for record in self._found if not is_passing(record)}
            self.finished = there | self.finished
        left = {record.name: record for record in (*self._found, *self.stopped)}
        return list((left | self.finished).values())

    def _scheduled(self, plan: Plan, config: Config) -> bool:
        self.plan = plan
        self._schedule = scheduled(self._engine, plan, self._setups, config, self.finished)
        return self._folder.begin(self._schedule.config) if self._folder else True

    def _foresee(self, trials: Iterable[Trial]) -> None:
        """What is foreseen of a run that is finished becomes part of its record."""
        if not self._foreseeing:
            return
        self._foreseen = self._foreseeing.rows(trials, self.finished)
        told = [
            replace(self.finished[name], foreseen=row)
            for name, row in self._foreseen.items()
            if name in self.finished
        ]
        self.finished |= {record.name: record for record in told}
        if told and self._folder:
            self._folder.add(told)


def staged(plan: Plan, config: Config, finished: Collection[Name]) -> Plan:
    """The trials of the first stage of which any is missing, or else of the last; without a rule all."""
    if config.settling is None:
        return plan
    for look, labels in Settling.from_json(config.settling).begun:
        plan = replace(plan, labels=labels, replicates=look.n)
        if any(trial.name not in finished for trial in plan.trials):
            break
    return plan
