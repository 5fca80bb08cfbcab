"""What the page of factors shows, and the examples that cross them, run."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def test_the_code_of_the_page_runs():
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "factors.md").read_text(), re.S):
        held = {}
        exec(block, held)
        assert len(held["grid"].records) == 2 * 4 * 5


@pytest.mark.parametrize(
    ("name", "small", "pictures"),
    [
        ("circles", {"STEPS_PER_EPOCH": 4, "STEPS": 8, "REPLICATES": 3}, ["circles", "boundaries"]),
        ("learning_rates", {"RATES": [1e-3, 1e-2]}, ["learning_rates", "learning_rates_grid"]),
        (
            "phase_diagram",
            {"DEPTHS": [2, 3], "VARIANCES": [1.0, 2.0], "WIDTH": 10, "EPOCHS": 1},
            ["phase_diagram"],
        ),
    ],
)
def test_a_small_copy_of_each_example_runs(name, small, pictures, tmp_path, monkeypatch, capsys):
    place = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    example = importlib.util.module_from_spec(place)
    place.loader.exec_module(example)
    for constant, value in small.items():
        monkeypatch.setattr(example, constant, value)
    data = [] if name == "circles" else ["--data", "digits", "--shrink", "8"]
    monkeypatch.setattr(sys, "argv", [name, "--out", str(tmp_path), *data])
    example.main()
    assert "initializer" in capsys.readouterr().out
    assert all((tmp_path / f"{picture}.png").stat().st_size > 5000 for picture in pictures)
