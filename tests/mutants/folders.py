"""Mistakes in what is kept of a comparison on the disk."""

from mutant import Mutant

FOLDER = "keras_initlab/trials/folder.py"
JOURNAL = "keras_initlab/trials/journal.py"
JOURNALS = ("tests/unit/trials/test_journal.py",)


def mistake(name: str, file: str, before: str, after: str, test: str) -> Mutant:
    return Mutant(name, file, before, after, ("tests/unit/trials/test_folder.py", "-k", test), backend="jax")


MUTANTS = [
    Mutant(
        "lines glued to half of one",
        JOURNAL,
        '(b"\\n" if self._torn else b"") + content',
        "content",
        JOURNALS,
    ),
    Mutant("line ends as Windows has them", JOURNAL, ' | getattr(os, "O_BINARY", 0)', "", JOURNALS),
    mistake(
        "a forked child keeps the folder",
        "keras_initlab/trials/place.py",
        "fcntl.flock(file, fcntl.LOCK_UN)",
        "pass",
        "forked",
    ),
    mistake(
        "a failure is saved for good",
        FOLDER,
        "and _weight(one) > there.get(one.name, (-1, False))",
        "and one.name not in there",
        "over_its_own",
    ),
    mistake(
        "Ctrl-C drops what waits to be tried again",
        "keras_initlab/experiment/course.py",
        "for record in (*self._found, *self.stopped)",
        "for record in self.stopped",
        "ctrl_c",
    ),
]
