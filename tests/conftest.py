"""The suite runs on the backend that KERAS_BACKEND names, TensorFlow by default."""

import os
import sys

import pytest
from hypothesis import settings

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["MPLBACKEND"] = "Agg"

# The first draw of each shape compiles on JAX, so times vary by a thousand.
settings.register_profile("compiled", deadline=None, max_examples=50)
settings.load_profile("compiled")

# Scripts that pytest's doctest collection would import.
collect_ignore_glob = ["golden/[!t]*.py", "mutants/*.py"]


@pytest.fixture(autouse=True)
def figures_are_closed():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
