"""docs/recipes.md runs and names every recipe; the example runs at a small size."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from keras_initlab import recipes

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)


@pytest.mark.parametrize("block", BLOCKS[:-1])
def test_its_code_runs(block):
    exec(compile(block, "recipes.md", "exec"), {"__name__": "page"})


def test_ones_own_recipe_keeps_its_claims():
    names = {"__name__": "page"}
    exec(compile(BLOCKS[-1], "recipes.md", "exec"), names)
    try:
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
        names["test_unit_rows"](model)
    finally:
        recipes.unregister("initlab_unit_rows")


def test_it_says_of_every_recipe_when_to_take_it():
    assert set(re.findall(r"^\| `(initlab_\w+)`", PAGE, re.M)) == set(recipes.list_recipes())


@pytest.mark.slow
def test_the_example_runs_at_a_small_size(tmp_path):
    subprocess.run(
        [
            sys.executable,
            ROOT / "examples" / "structure_decides.py",
            *("--replicates", "2", "--epochs", "1", "--shrink", "8", "--out", tmp_path),
        ],
        check=True,
    )
    assert {path.stem for path in tmp_path.iterdir()} == {
        "recipes-plain",
        "recipes-residual",
        "recipes-transformer",
    }
