"""kill -9 at random moments: three for each engine here, a hundred in the benchmark."""

import subprocess
import sys
from pathlib import Path

import pytest

from keras_initlab.engines import ENGINES
from tests.backends import environment

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(1500)
def test_killed_at_random_moments(pytestconfig):
    command = [sys.executable, "benchmarks/survival.py", "--kills", "3", "--rounds", "0"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment("jax", pytestconfig.cache.mkdir("compiled")) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    for engine in ENGINES:
        assert f"{engine}: 3 of 3 kills did no harm" in done.stdout
