"""The code in the README runs as it stands."""

import re
from pathlib import Path

import keras_initlab as initlab
from keras_initlab import datasets, presets

BLOCKS = re.findall(
    r"```python\n(.*?)```", (Path(__file__).parents[2] / "README.md").read_text("utf-8"), re.S
)


def test_every_block_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = datasets.load("digits")
    model = presets.build("mlp", data.x.shape[1:], data.classes)
    names = {"model": model, "x": data.x[:200], "y": data.y[:200]}
    assert len(BLOCKS) == 5
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), names)
    assert set(names["result"].config["labels"]) == {"default", "small"}
    assert len(initlab.load("my-run").records) == 6


def test_the_notebook_example_has_three_lines():
    assert len([line for line in BLOCKS[0].splitlines() if line]) == 3
