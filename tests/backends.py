"""Processes with a backend of their own."""

import os
from pathlib import Path

# Thousands of tiny programs: JAX would spend its time on optimizing what runs once or for a few steps, and on
# compiling the same net for each test, and for each run of the suite, anew.
_JAX = {
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def environment(backend: str, cache: Path) -> dict[str, str]:
    """That of a process with this backend, which keeps its compiled programs in `cache`."""
    return os.environ | _JAX | {"KERAS_BACKEND": backend, "JAX_COMPILATION_CACHE_DIR": str(cache)}
