"""The same checks on the backends that this process does not have."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

OTHERS = sorted({"tensorflow", "jax", "torch"} - {keras.backend.backend()})
ROOT = Path(__file__).parents[1]
# Thousands of tiny programs: JAX would spend its time on optimizing what runs once or for a few steps, and on
# compiling the same net for each test anew.
JAX = {
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
# One process each: it pays for the start of a backend once.
PARTS = {
    "schemes": ["conformance/test_schemes.py", "unit/initializers/test_base.py"],
    "diagnose": [
        "unit/network/test_probe.py",
        "unit/experiment/test_diagnose.py",
        "unit/diagnosis/test_step.py",
    ],
    "compare": ["conformance/test_compare.py"],
    "engines": [f"conformance/{file.name}" for file in sorted(ROOT.glob("conformance/test_engines*.py"))],
}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("backend", OTHERS)
def test_on(backend, part, tmp_path, tmp_path_factory):
    # A folder of its own: pytest prunes the folders of other runs, this one's among them.
    own = f"--basetemp={tmp_path / 'own'}"
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", own]
    environment = os.environ | JAX | {"KERAS_BACKEND": backend}
    environment["JAX_COMPILATION_CACHE_DIR"] = str(tmp_path_factory.getbasetemp() / "compiled")
    done = subprocess.run(
        [*command, *(str(ROOT / file) for file in PARTS[part])],
        cwd=ROOT.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
