"""docs/remedies.md runs, and says of every remedy what it is."""

import re
from pathlib import Path

import pytest

from keras_initlab import remedies
from keras_initlab.core.errors import InputError
from keras_initlab.engines.sources import Arrays
from keras_initlab.remedies import registry
from tests.unit.remedies.subjects import sequential, subject

PAGE = (Path(__file__).parents[3] / "docs" / "remedies.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)
WHERE = dict(re.findall(r"^\| `(\w+)` \|.*\| (graph|optimizer|data) \|", PAGE, re.M))


def test_it_says_of_every_remedy_where_it_acts():
    assert {name: registry.named(name).claims.place for name in remedies.list_remedies()} == WHERE


def test_its_code_runs_and_ones_own_remedy_is_one():
    names = {"__name__": "page"}
    try:
        for block in BLOCKS:
            exec(compile(block, "remedies.md", "exec"), names)
        names["build"](batch_norm=True)
        after = remedies.remedy("fewer", 8).apply(subject(sequential()))
        assert isinstance(after.training, Arrays)
        assert after.training.examples == 8
        assert remedies.remedy("fewer", True).examples == 100
        with pytest.raises(InputError, match="'l2' is there already"):
            remedies.register("l2", claims=remedies.RemedyClaims("", "", "data"))(names["Fewer"])
    finally:
        registry._remedies.pop("fewer", None)
