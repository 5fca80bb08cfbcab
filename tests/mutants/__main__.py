"""Plant one mistake at a time in a copy of the package and see that some test rejects it.

Run from the repository: `python tests/mutants [NAME ...]`. Every module of this folder that defines
`MUTANTS` adds to the list. Ends with `N mutants, N rejected`, and with exit code 1 if one survived.
"""

import functools
import importlib
import multiprocessing
import os
import queue
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutant import Mutant, run_here

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.append(str(ROOT))
from tests.backends import environment  # noqa: E402

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
    known = environment(backend, folder.parent / "compiled") | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=known, capture_output=True, check=False).returncode


def judge(folders: "queue.Queue[Path]", mutant: Mutant) -> str:
    """`rejected`, or what went wrong; in a copy of the repository that no other mutant is in."""
    folder = folders.get()
    path = folder / mutant.file
    source = path.read_text(encoding="utf-8")
    if source.count(mutant.before) == 1:
        path.write_text(source.replace(mutant.before, mutant.after), encoding="utf-8")
        code = run_tests(folder, mutant.backend, mutant.tests)
        verdict = {0: "SURVIVED", 1: "rejected"}.get(code, f"the tests did not run (exit code {code})")
        path.write_text(source, encoding="utf-8")
    else:
        verdict = f"cannot be planted: {mutant.before!r} occurs {source.count(mutant.before)} times"
    folders.put(folder)
    print(f"{mutant.name}: {verdict}", flush=True)
    return verdict


def copies(place: Path) -> "queue.Queue[Path]":
    """A copy of the repository for each processor."""
    folders: queue.Queue[Path] = queue.Queue()
    for number in range(os.cpu_count() or 1):
        folder = place / str(number)
        folder.mkdir()
        for part in PARTS:
            source = ROOT / part
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, folder / part)
        folders.put(folder)
    return folders


def main(names: list[str]) -> int:
    mutants = [mutant for mutant in planted() if not names or mutant.name in names]
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(os.cpu_count()) as threads:
        folders = copies(Path(place))
        originals = [
            Mutant(
                f"{' '.join(tests)} on {backend}", "pyproject.toml", "[project]", "[project]", tests, backend
            )
            for backend, tests in sorted(baselines(mutants))
        ]
        print("Without any mutant, where all must survive:")
        if set(threads.map(functools.partial(judge, folders), originals)) != {"SURVIVED"}:
            return 1
        print("With one each:")
        verdicts = list(threads.map(functools.partial(judge, folders), mutants))
    print(f"{len(mutants)} mutants, {verdicts.count('rejected')} rejected")
    return int(set(verdicts) != {"rejected"})


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "numpy"
    sys.exit(main(sys.argv[1:]))
