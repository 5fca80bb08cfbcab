"""One overall progress bar, in a terminal and in a notebook."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from keras_initlab.errors import InputError
from keras_initlab.plan import Plan, Trial
from keras_initlab.records import Record

Verbose = bool | int | Literal["auto"]


@contextmanager
def watching(plan: Plan, verbose: Verbose, done: int = 0) -> Iterator["Silent"]:
    """An observer of the plan's trials, `done` of which were finished before.

    `"auto"` shows a bar in a terminal or notebook and nothing where output is piped; `True` asks for
    one line per finished run there; `False` is silent.

    Raises:
        InputError: If `verbose` is anything else.
    """
    if verbose not in ("auto", True, False):
        raise InputError(f"verbose is {verbose!r}: give 'auto', True or False.")
    if not verbose:
        yield Silent()
        return
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_jupyter and not console.is_terminal:
        yield Lines(plan, done) if verbose is not False and verbose != "auto" else Silent()
        return
    with Bar(plan, done, console if console.is_terminal else Console()) as bar:
        yield bar


class Silent:
    """Observes and says nothing."""

    def started(self, trial: Trial) -> None:
        pass

    def stepped(self, trial: Trial) -> None:
        pass

    def finished(self, record: Record) -> None:
        pass


class Lines(Silent):
    """One line on standard error per finished run."""

    def __init__(self, plan: Plan, done: int):
        self._total, self._done = len(plan.trials), done

    def finished(self, record: Record) -> None:
        self._done += 1
        print(
            f"run {self._done}/{self._total}: {record.label}, replicate {record.replicate}, "
            f"{record.status}, {record.seconds:.1f} s",
            file=sys.stderr,
        )


class Bar(Silent):
    """A live bar with the runs done, the time left and the label that is running."""

    _EVERY = 0.1  # seconds between two redraws

    def __init__(self, plan: Plan, done: int, console):
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._total, self._done = len(plan.trials), done
        self._steps_of_run = plan.epochs * plan.steps_per_epoch
        self._steps, self._shown = 0, 0.0
        self._progress = Progress(
            TextColumn("{task.fields[runs]} runs"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[label]}", markup=False),
            console=console,
            auto_refresh=False,
        )
        self._task = self._progress.add_task(
            "", total=self._total * self._steps_of_run, completed=done * self._steps_of_run, runs="", label=""
        )
        self._label = ""

    def __enter__(self) -> "Bar":
        self._progress.start()
        self._draw()
        return self

    def __exit__(self, *exception) -> None:
        self._draw()
        self._progress.stop()

    def started(self, trial: Trial) -> None:
        self._label = f"{trial.label} (replicate {trial.replicate})"
        self._draw()

    def stepped(self, trial: Trial) -> None:
        self._steps += 1
        if time.monotonic() - self._shown > self._EVERY:
            self._draw()

    def finished(self, record: Record) -> None:
        self._done += 1
        self._steps, self._label = 0, ""
        self._draw()

    def _draw(self) -> None:
        self._shown = time.monotonic()
        self._progress.update(
            self._task,
            completed=self._done * self._steps_of_run + self._steps,
            runs=f"{self._done}/{self._total}",
            label=self._label,
        )
        self._progress.refresh()
