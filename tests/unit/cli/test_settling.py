"""`initlab compare --until settled`: what it prints and writes, and that the page about it runs."""

import json
import re
from pathlib import Path

import pytest

import keras_initlab as initlab
from keras_initlab import cli

QUICK = ["compare", "--epochs", "1", "--replicates", "2", "--initializers", "initlab_he_normal", "zeros"]
PAGE = Path(__file__).parents[3] / "docs" / "settling.md"


def test_it_goes_on_and_says_so_everywhere(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    until = ["--until", "settled", "--margin", "0.02", "--max-replicates", "3", "--budget", "10min"]
    assert cli.main([*QUICK, *until, "--report", "page.html", "--json"]) == cli.OK
    found = json.loads(capsys.readouterr().out)
    assert found["config"]["settling"]["margin"] == 0.02
    assert [n for n, _ in found["config"]["settling"]["looks"]] == [2, 3]
    said = "intervals and verdicts share their 5 % among all looks"
    assert any(said in note for note in found["notes"])
    assert said in (tmp_path / "page.html").read_text("utf-8")
    assert initlab.load("initlab-out").config["settling"] == found["config"]["settling"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--until", "settled"], "margin is None: say which difference"),
        (["--until", "settled", "--margin", "0"], "margin is 0.0: give a finite number above 0"),
        (["--until", "settled", "--margin", "1", "--budget", "soon"], "budget is 'soon': give seconds"),
        (["--margin", "1"], "margin is 1.0 without until"),
    ],
)
def test_wrong_arguments_end_with_2_and_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main([*QUICK, *arguments]) == cli.USAGE
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_code_of_the_page_runs():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    held = {}
    exec(code, held)
    result = held["result"]
    assert result.pairs().loc["zeros", "verdict"] == "worse"
    assert result.summary().loc["zeros", "n"] < 12
