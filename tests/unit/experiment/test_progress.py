"""One overall progress bar; nothing where output is piped unless asked."""

import io

import pytest
from rich.console import Console

from keras_initlab.experiment.progress import NotebookBar, TerminalBar, watching
from keras_initlab.trials.plan import Plan
from keras_initlab.trials.record import Record

PLAN = Plan(("he", "zeros"), 2, 0, epochs=2, steps_per_epoch=3)


def play(observer):
    for trial in PLAN.trials:
        observer.started(trial)
        for _ in range(6 if trial.label == "he" else 1):  # the other one diverges
            observer.stepped(trial)
        observer.finished(Record(trial.label, trial.replicate, "completed", seconds=1.5))


@pytest.mark.parametrize("verbose", ["auto", False, 0])
def test_piped_output_stays_quiet(verbose, capsys):
    with watching(PLAN, verbose) as observer:
        play(observer)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_piped_output_gets_a_line_per_run_when_asked(capsys):
    with watching(PLAN, True, done=1) as observer:
        play(observer)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[0] == "run 2/4: he, replicate 0, completed, 1.5 s"
    assert len(captured.err.splitlines()) == 4


def test_the_bar_shows_runs_label_and_time_left():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with TerminalBar(PLAN, 0, console) as bar:
        play(bar)
    shown = screen.getvalue()
    for part in ("0/4 runs", "4/4 runs", "100%", "ETA", "he (replicate 0)", "zeros (replicate 1)"):
        assert part in shown


def test_the_notebooks_bar_is_one_display_that_is_updated(monkeypatch):
    shown = []

    class Cell:
        def update(self, content):
            shown.append(content.data)

    def display(content, display_id):
        assert not shown
        shown.append(content.data)
        return Cell()

    monkeypatch.setattr("IPython.display.display", display)
    with NotebookBar(Plan(("<b>",), 1, 0, epochs=1, steps_per_epoch=2), 0) as bar:
        trial = Plan(("<b>",), 1, 0, 1, 2).trials[0]
        bar.started(trial)
        monkeypatch.setattr(NotebookBar, "_EVERY", 0.0)
        bar.stepped(trial)
        bar.finished(Record("<b>", 0, "completed"))
    assert shown[0].startswith('<progress value="0" max="2"></progress> 0/1 runs')
    assert any("ETA" in content and "&lt;b&gt; (replicate 0)" in content for content in shown)
    assert shown[-1].startswith('<progress value="2" max="2"></progress> 1/1 runs')


def test_the_bar_shows_members_that_train_side_by_side_and_their_speed(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("keras_initlab.experiment.progress.time.monotonic", lambda: now[0])
    screen = io.StringIO()
    with TerminalBar(PLAN, 0, Console(file=screen, force_terminal=True, width=120)) as bar:
        for trial in PLAN.trials:
            bar.started(trial)
        now[0] += 2.0
        for _ in range(3):
            for trial in PLAN.trials:
                bar.stepped(trial)
        now[0] += 1.0
        bar.stepped(PLAN.trials[0])
    assert "4 side by side, 4 steps/s" in screen.getvalue()  # 13 steps in 3 s
    assert " 54%" in screen.getvalue()  # 13 of 24
