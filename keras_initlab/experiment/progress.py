"""One overall progress bar, in a terminal and in a notebook."""

import html
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Self

from keras_initlab.core.errors import InputError
from keras_initlab.engines.contract import Observer
from keras_initlab.trials.plan import Name, Plan, Trial, told
from keras_initlab.trials.record import Record

if TYPE_CHECKING:
    from rich.console import Console

Verbose = bool | int | Literal["auto"]


@contextmanager
def watching(plan: Plan, verbose: Verbose, done: int = 0, outlook: str = "") -> Iterator[Observer]:
    """An observer of the plan's trials, `done` of which were finished before; says the `outlook` first.

    `"auto"` shows a bar in a terminal or notebook and nothing where output is piped; `True` asks for
    one line per finished run there, 2 (as in `fit`) everywhere; `False` is silent.

    Raises:
        InputError: If `verbose` is anything else.
    """
    if verbose not in ("auto", True, False, 2):
        raise InputError(f"verbose is {verbose!r}: give 'auto', True, False or 2.")
    if not verbose:
        yield Observer()
        return
    if outlook and (verbose != "auto" or sys.stderr.isatty()):
        print(outlook, file=sys.stderr)
    if verbose == 2:
        yield Lines(plan, done)
        return
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_jupyter:
        with NotebookBar(plan, done) as bar:
            yield bar
    elif console.is_terminal:
        with TerminalBar(plan, done, console) as bar:
            yield bar
    else:
        yield Lines(plan, done) if verbose != "auto" else Observer()


class Lines(Observer):
    """One line on standard error per finished run."""

    def __init__(self, plan: Plan, done: int):
        self._total, self._done = len(plan.trials), done

    def finished(self, record: Record) -> None:
        self._done += 1
        run = f"{told(record.label, record.levels.items())}, replicate {record.replicate}"
        print(
            f"run {self._done}/{self._total}: {run}, {record.status}, {record.seconds:.1f} s",
            file=sys.stderr,
        )


class Bar(Observer, ABC):
    """Counts runs and steps, and has them drawn at most ten times a second."""

    _EVERY = 0.1  # seconds between two redraws

    def __init__(self, plan: Plan, done: int):
        self._total, self._done = len(plan.trials), done
        self._steps_of_run = plan.epochs * plan.steps_per_epoch
        self._steps: dict[Name, int] = {}  # taken so far by the runs under way
        self._all_steps, self._started, self._shown = 0, time.monotonic(), 0.0

    def __enter__(self) -> Self:
        self._update()
        return self

    def __exit__(self, *exception: object) -> None:
        self._update()

    def started(self, trial: Trial) -> None:
        self._steps[trial.name] = 0
        self._update()

    def stepped(self, trial: Trial) -> None:
        self._steps[trial.name] += 1
        self._all_steps += 1
        if time.monotonic() - self._shown > self._EVERY:
            self._update()

    def finished(self, record: Record) -> None:
        self._done += 1
        self._steps.pop(record.name, None)
        self._update()

    def _update(self) -> None:
        self._shown = time.monotonic()
        completed = self._done * self._steps_of_run + sum(self._steps.values())
        total = self._total * self._steps_of_run
        self._draw(completed, total, f"{self._done}/{self._total}", self._under_way())

    def _under_way(self) -> str:
        """The run by name, or how many train side by side; and the steps of all per second."""
        if not self._steps:
            return ""
        (label, replicate, *levels), *others = self._steps
        name = (
            f"{len(self._steps)} side by side" if others else f"{told(label, levels)} (replicate {replicate})"
        )
        return f"{name}, {self._all_steps / max(time.monotonic() - self._started, 1e-9):.0f} steps/s"

    @abstractmethod
    def _draw(self, steps: int, of: int, runs: str, label: str) -> None:
        """Show so much progress; with words on the runs done and those under way."""


class TerminalBar(Bar):
    """A live line with the runs done, the time left and the label that is running."""

    def __init__(self, plan: Plan, done: int, console: "Console"):
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        super().__init__(plan, done)
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
        completed = done * self._steps_of_run
        self._task = self._progress.add_task(
            "", total=self._total * self._steps_of_run, completed=completed, runs="", label=""
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return super().__enter__()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._progress.stop()

    def _draw(self, steps: int, of: int, runs: str, label: str) -> None:
        self._progress.update(self._task, completed=steps, runs=runs, label=label)
        self._progress.refresh()


class NotebookBar(Bar):
    """The same in the output of a cell: one display that is updated (rich would need ipywidgets)."""

    def __init__(self, plan: Plan, done: int):
        super().__init__(plan, done)
        self._begun, self._before = time.monotonic(), done * self._steps_of_run
        self._cell: Any = None

    def _draw(self, steps: int, of: int, runs: str, label: str) -> None:
        from IPython.display import HTML, display

        elapsed = time.monotonic() - self._begun
        here = steps - self._before
        left = f"ETA {elapsed * (of - steps) / here:.0f} s" if here and steps < of else ""
        words = [f"{runs} runs", f"{elapsed:.0f} s", left, html.escape(label)]
        shown = HTML(f'<progress value="{steps}" max="{of}"></progress> {" · ".join(filter(None, words))}')
        if self._cell is None:
            self._cell = display(shown, display_id=True)
        else:
            self._cell.update(shown)
