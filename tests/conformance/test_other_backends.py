"""The same checks on the backends that this process does not have."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

OTHERS = sorted({"tensorflow", "jax", "torch"} - {keras.backend.backend()})
ROOT = Path(__file__).parents[2]
MODULES = (
    "conformance/test_schemes",
    "unit/test_initializers_base",
    "conformance/test_compare",
    "conformance/test_engines",
)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("backend", OTHERS)
def test_on(backend, module):
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", f"tests/{module}.py"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
