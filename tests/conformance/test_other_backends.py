"""The same checks on the backends that this process does not have."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

OTHERS = sorted({"tensorflow", "jax", "torch"} - {keras.backend.backend()})
ROOT = Path(__file__).parents[2]
# Thousands of tiny programs: JAX would spend its time on optimizing what runs once or for a few steps.
QUICK_TO_COMPILE = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
MODULES = (
    "conformance/test_schemes",
    "unit/initializers/test_base",
    "conformance/test_compare",
    "conformance/test_engines",
    "conformance/test_engines_diverging",
    "conformance/test_engines_refusing",
    "conformance/test_engines_chosen",
    "conformance/test_engines_checked",
)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("backend", OTHERS)
def test_on(backend, module, tmp_path):
    # A folder of its own: pytest prunes the folders of other runs, this one's among them.
    own = f"--basetemp={tmp_path / 'own'}"
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", own, f"tests/{module}.py"]
    environment = {**os.environ, "KERAS_BACKEND": backend, "XLA_FLAGS": QUICK_TO_COMPILE}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
