"""The code in docs/own_schemes.md runs as it stands."""

import doctest
import re
import tomllib
from pathlib import Path

import pytest

import keras_initlab as initlab
from keras_initlab.initializers import registry
from keras_initlab.testing import CHECKS

PAGE = (Path(__file__).parents[3] / "docs" / "own_schemes.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page():
    """The names that the blocks of code define."""
    names = {"__name__": "my_schemes"}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(compile(block, "own_schemes.md", "exec"), names)
    yield names
    registry.unregister("initlab_ternary")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_scheme_keeps_every_check(page, check):
    page["test_ternary"](check)


@pytest.mark.parametrize("name", ["test_another_gain", "test_what_holds_of_other_arguments"])
def test_its_own_tests_pass(page, name):
    page[name]()


def test_its_example_is_right_and_the_bases_arguments_are_documented(page):
    scheme = page["Ternary"]
    (example,) = doctest.DocTestFinder().find(scheme, "Ternary", globs=page, module=False)[:1]
    assert doctest.DocTestRunner().run(example).failed == 0
    assert "    gain: Multiplies every weight." in scheme.__doc__


def test_the_entry_point_names_the_group_and_the_class(page):
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    points = tomllib.loads(block)["project"]["entry-points"][registry.GROUP]
    for name, place in points.items():
        module, _, cls = place.partition(":")
        assert module == page["__name__"]
        assert initlab.get(f"initlab_{name}").__class__ is page[cls]
