"""Plant one mistake at a time in a copy of the package and see that some test rejects it.

Run from the repository: `python tests/mutants [NAME ...]`. Every module of this folder that defines
`MUTANTS` adds to the list. Ends with `N mutants, N rejected`, and with exit code 1 if one survived.
"""

import importlib
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mutant import Mutant, run_here

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# Forks of one process that has loaded what all tests load; other backends would not survive a fork.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["keras", "scipy.stats"])
PARTS = ("keras_initlab", "tests", "pyproject.toml")


def planted() -> list[Mutant]:
    """All mutants of this folder."""
    modules = (importlib.import_module(path.stem) for path in sorted(HERE.glob("[!_]*.py")))
    return [mutant for module in modules for mutant in getattr(module, "MUTANTS", ())]


def baselines(mutants: list[Mutant]) -> set[tuple[str, tuple[str, ...]]]:
    """What must pass before any mutant is planted: backend and tests.

    On NumPy, which is quick but cannot train, whole files; elsewhere what was selected.
    """
    return {
        (mutant.backend, (mutant.tests[0], "-k", "not training"))
        if mutant.backend == "numpy"
        else (mutant.backend, mutant.tests)
        for mutant in mutants
    }


def run_tests(folder: Path, backend: str, tests: tuple[str, ...]) -> int:
    """Exit code of pytest on some tests of a copy of the repository."""
    arguments = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests]
    if backend == "numpy":
        process = FORKS.Process(target=run_here, args=(folder, arguments))
        process.start()
        process.join()
        return process.exitcode or 0
    command = [sys.executable, "-B", "-m", "pytest", *arguments]
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False).returncode


def judge(folder: Path, mutant: Mutant) -> str:
    """`rejected`, or what went wrong."""
    path = folder / mutant.file
    source = path.read_text(encoding="utf-8")
    if source.count(mutant.before) != 1:
        return f"cannot be planted: {mutant.before!r} occurs {source.count(mutant.before)} times"
    path.write_text(source.replace(mutant.before, mutant.after), encoding="utf-8")
    code = run_tests(folder, mutant.backend, mutant.tests)
    path.write_text(source, encoding="utf-8")
    return {0: "SURVIVED", 1: "rejected"}.get(code, f"the tests did not run (exit code {code})")


def main(names: list[str]) -> int:
    mutants = [mutant for mutant in planted() if not names or mutant.name in names]
    rejected = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for part in PARTS:
            source = ROOT / part
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, folder / part)
        for backend, tests in sorted(baselines(mutants)):
            if run_tests(folder, backend, tests) != 0:
                print(f"{' '.join(tests)}: fails on {backend} without any mutant")
                return 1
        for mutant in mutants:
            verdict = judge(folder, mutant)
            rejected += verdict == "rejected"
            print(f"{mutant.name}: {verdict}", flush=True)
    print(f"{len(mutants)} mutants, {rejected} rejected")
    return int(rejected < len(mutants))


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "numpy"
    sys.exit(main(sys.argv[1:]))
