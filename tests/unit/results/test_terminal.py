"""A result as text: in a terminal and in a notebook."""

import io
import re

import pytest
from rich.console import Console

from keras_initlab.results import terminal
from keras_initlab.results.comparison import Comparison
from tests.results import TEN, config, made_up, tiny

RESULTS = {
    "ten": lambda: made_up(TEN, diverged={"ones": 5, "zeros": 2}, failed={"orthogonal": 1}),
    "thirty": lambda: made_up([f"scheme {i} {'x' * i * 7}" for i in range(30)], replicates=3),
    "one replicate": lambda: made_up(TEN[:3], replicates=1),
    "all lost": lambda: made_up(TEN[:2], diverged=dict.fromkeys(TEN[:2], 5)),
    "odd labels": lambda: made_up(["[red]x[/red]", "<script>alert(1)</script>", "a\nb", "😀" * 60]),
    "none": lambda: Comparison([], config(["a"])),
}


@pytest.mark.parametrize("name", RESULTS)
def test_the_text_is_80_columns_wide_at_most_and_has_a_line_per_initializer(name):
    result = RESULTS[name]()
    lines = repr(result).splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in repr(result)
    labels = {run.label for run in result.records}
    rule = next((i for i, line in enumerate(lines) if line.startswith(" ──")), 0)
    assert [line.split()[0] for line in lines[rule + 1 :][: len(labels)]] == [
        str(rank + 1) for rank in range(len(labels))
    ]


def test_a_terminal_gets_colour_and_the_same_words():
    result = RESULTS["ten"]()
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    with console.capture() as captured:
        console.print(terminal.render(result))
    coloured = captured.get()
    assert "\x1b[31m" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == repr(result).splitlines()


def test_markup_in_labels_is_printed_not_obeyed():
    assert "[red]x[/red]" in repr(RESULTS["odd labels"]())
    page = RESULTS["odd labels"]()._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"a": [0.9, 0.91], "b": [0.9, 0.92]}, "2 replicates cannot say which initializer is best"),
        ({"a": [0.9], "b": [0.8]}, "one replicate is no evidence"),
        ({"a": [0.9, 0.9]}, "a was the only initializer"),
        ({"a": [float("nan")] * 2, "b": [float("nan")] * 2}, "None of the 4 runs completed"),
        (
            {"a": [0.9, 0.91, 0.92, 0.93], "b": [0.5, 0.49, 0.52, 0.5]},
            "a is better on final val_accuracy than each",
        ),
        (
            {"a": [0.9, 0.91, 0.92, 0.93], "c": [0.91, 0.9, 0.93, 0.925], "b": [0.5, 0.49, 0.52, 0.5]},
            "After 4 replicates c or a may be best on final val_accuracy; the other one was beaten",
        ),
    ],
)
def test_the_conclusion_claims_no_more_than_the_evidence(values, expected):
    assert expected in " ".join(repr(tiny(values)).split())


@pytest.mark.parametrize(("replicates", "room"), [(2, 78), (5, 45), (10, 26)])
def test_the_limits_of_the_evidence_are_said_at_every_number_of_replicates(replicates, room):
    text = " ".join(repr(made_up(TEN[:2], replicates=replicates)).split())
    assert "Verdicts suppose roughly normal differences" in text
    assert f"{replicates} runs without a failure leave room for a failure rate of up to {room} %" in text


def test_lost_runs_are_counted():
    text = repr(RESULTS["ten"]())
    assert "2 of 5" in text
    assert "lost: 7 of 50 diverged, 1 failed; worse than every value" in text


def test_numbers_show_the_digits_their_interval_supports():
    assert terminal.with_interval(0.5, 0.5) == "0.5"
    assert terminal.with_interval(0.12349, float("nan")) == "0.1235"
    assert terminal.with_interval(123.4, 143.4) == "123 ±20"
    assert terminal.with_interval(float("nan"), float("nan")) == "–"
