"""One planted mistake, and a run of tests in a forked process."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """A mistake in one place, and the tests that should notice.

    Attributes:
        name: What is wrong.
        file: Path from the root of the repository.
        before: Source text that occurs exactly once in the file.
        after: What stands there instead.
        tests: Arguments of pytest that select the tests.
        backend: Keras backend to run them on.
    """

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]
    backend: str = "numpy"


def run_here(folder: Path, arguments: list[str]) -> None:
    """Run pytest in this process, a fork of one that has Keras on NumPy loaded."""
    import pytest

    sys.dont_write_bytecode = True  # a mutant of equal size, a second later, would meet the old one's
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    with open(os.devnull, "w") as silence:
        os.dup2(silence.fileno(), 1)
        os.dup2(silence.fileno(), 2)
        sys.exit(pytest.main(arguments))
