"""The laws agree with torch.nn.init, jax.nn.initializers and scipy (schemes.json, made by schemes.py)."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from keras_initlab.initializers.base import TRUNCATED_STD
from keras_initlab.initializers.registry import entry
from keras_initlab.testing.schemes import numpy

GOLDEN = json.loads(Path(__file__).with_name("schemes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("golden", GOLDEN["random"], ids=lambda golden: golden["source"])
def test_law_is_that_of(golden):
    cls = entry(golden["scheme"]).cls
    for case in golden["cases"]:
        values = numpy(cls(**golden["arguments"], seed=1)(case["shape"]))
        error = abs(np.sqrt(np.square(values).mean()) / case["std"] - 1)
        assert error < 5 * math.sqrt(1 / (2 * values.size) + 1 / (2 * case["values"])), case["shape"]
        if case["largest"] < 3 * case["std"]:  # a bounded law
            assert abs(values).max() == pytest.approx(case["largest"], rel=5e-3)


@pytest.mark.parametrize("golden", GOLDEN["exact"], ids=lambda golden: golden["source"])
def test_values_are_those_of(golden):
    values = numpy(entry(golden["scheme"]).cls(**golden["arguments"])(golden["shape"]))
    np.testing.assert_allclose(values, golden["values"], rtol=1e-7)


def test_truncation_constant_is_that_of_scipy():
    assert pytest.approx(GOLDEN["truncated_std"], rel=1e-12) == TRUNCATED_STD
