"""Grids in files of other tools, and as a page."""

import ast
import json
import re

import pandas as pd
import pytest

from keras_initlab.results import report
from keras_initlab.results.comparison import Grid
from tests.results import SWITCH, TEN, config, made_up_grid, numbers

NOISY = {"off": {"kind": "remedy", "value": 0}, "0.5": {"kind": "number", "value": 0.5, "compares": ["val_"]}}


@pytest.fixture(scope="module")
def grid():
    factors = {"learning_rate": numbers(1e-3, 1e-2), "batch_norm": SWITCH}
    return made_up_grid(["he", "</script><b>"], factors, 3, lost={("he", "0.01", "on"): 3})


def test_csv(grid, tmp_path):
    grid.to_csv(tmp_path)
    runs = pd.read_csv(tmp_path / "runs.csv", dtype={"learning_rate": str})
    assert runs["learning_rate"].tolist() == grid.runs["learning_rate"].tolist()
    assert len(pd.read_csv(tmp_path / "summary.csv")) == 8
    assert list(pd.read_csv(tmp_path / "curves.csv").columns) == list(grid.curves.columns)
    effects = pd.read_csv(tmp_path / "effects.csv")
    assert effects["factor"].tolist() == ["learning_rate"] * 3 + ["batch_norm"] * 3
    assert effects["difference"].tolist()[3:] == pytest.approx(
        grid.effects("batch_norm")["difference"].tolist(), nan_ok=True
    )


def test_json_is_strict(grid, tmp_path):
    def refuse(constant):
        raise AssertionError(constant)

    text = grid.to_json(tmp_path / "grid.json")
    assert (tmp_path / "grid.json").read_text(encoding="utf-8") == text + "\n"
    found = json.loads(text, parse_constant=refuse)
    assert list(found) == ["summary", "effects", "runs", "notes", "config"]
    assert found["config"]["factors"] == grid.config["factors"]
    row = next(
        row for row in found["effects"] if row["initializer"] == "he" and row["factor"] == "batch_norm"
    )
    assert (row["verdict"], row["n_values"], row["difference"]) == ("unresolved", 0, None)


def test_a_factor_that_does_not_compare_is_left_out_of_the_effects(tmp_path):
    grid = made_up_grid(
        TEN[:2], {"dropout": {"off": {}, "on": {"compares": ["test_"]}}, "batch_norm": SWITCH}
    )
    assert {row["factor"] for row in json.loads(grid.to_json())["effects"]} == {"batch_norm"}
    empty = Grid([], config(TEN[:2], factors={"batch_norm": SWITCH}))
    assert json.loads(empty.to_json())["effects"] == []


def test_the_page_has_pictures_contrasts_and_how_to_repeat_it(grid, tmp_path):
    grid.to_html(tmp_path / "grid.html")
    page = (tmp_path / "grid.html").read_text(encoding="utf-8")
    own = page.split("<script>")[0]
    assert "</script><b>" not in page
    assert not re.findall(r'(?:src|href)="(?!data:)', own)
    captions = re.findall("<figcaption>(.*?)</figcaption>", page)
    assert captions == [
        "val_accuracy: initializers by learning_rate",
        "val_accuracy over learning_rate, every run",
        "Effects of learning_rate on val_accuracy",
        "val_accuracy: initializers by batch_norm",
        "Effects of batch_norm on val_accuracy",
    ]
    assert page.count("in one family (Holm)") == 4
    assert "batch_norm on against off:" in own
    data = json.loads(re.search(r'id="data">(.*?)</script>', page).group(1))
    assert len(data["initializers"]) == 8


def test_a_page_of_many_cells_leaves_their_curves_out(tmp_path):
    grid = made_up_grid(["a"], {"learning_rate": numbers(*range(1, 42))}, 2)
    grid.to_html(tmp_path / "grid.html")
    assert 'id="data">null</script>' in (tmp_path / "grid.html").read_text(encoding="utf-8")
    Grid([], config(["a"], factors={"batch_norm": SWITCH})).to_html(tmp_path / "empty.html")
    assert "No run has finished" in (tmp_path / "empty.html").read_text(encoding="utf-8")


def test_the_call_that_repeats_it_names_the_factors(grid):
    text = report.repeat(grid.config)
    ast.parse(text)
    assert "factors={'learning_rate': [0.001, 0.01], 'batch_norm': [False, True]}" in text
    cells = [{"dropout": "off", "batch_norm": "on"}, {"dropout": "0.5", "batch_norm": "off"}]
    partial = made_up_grid(TEN[:1], {"dropout": NOISY, "batch_norm": SWITCH}, cells=cells)
    assert "factors=[{'dropout': [False], 'batch_norm': [True]}, " in report.repeat(partial.config)
    one = report.repeat(grid.at(learning_rate=1e-3, batch_norm=True).config)
    ast.parse(one)
    assert "# of which: learning_rate 0.001, batch_norm on" in one


def test_what_is_held_is_said(grid):
    assert "At learning_rate 0.001, batch_norm on." in repr(grid.at(learning_rate=1e-3, batch_norm=True))
    assert grid.at(learning_rate=1e-3).notes[0] == "At learning_rate 0.001."
    assert not any(line.startswith("At ") for line in grid.notes)
    assert "At " not in repr(grid.cells).split("target:")[0]
