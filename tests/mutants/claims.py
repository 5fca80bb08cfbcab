"""Mistakes in how processes share what there is to do."""

from mutant import Mutant

FILE = "keras_initlab/trials/claims.py"

MUTANTS = [
    Mutant(name, FILE, before, after, ("tests/unit/trials/test_claims.py", "-k", test), backend="jax")
    for name, before, after, test in (
        (
            "a claim that is there is no obstacle",
            "file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)",
            "file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)",
            "who_want",
        ),
        (
            "a claim is forfeit at once",
            "st_mtime - touched > self.lease",
            "st_mtime - touched > -1",
            "given_up",
        ),
        (
            "claims are not touched",
            "os.utime(self._held[name])",
            "self._held[name]",
            "kept_while",
        ),
        (
            "the clock of this computer counts",
            "        self._clock.touch()\n        with self._clock.open",
            "        with open(os.devnull)",
            "only_the_clock",
        ),
        (
            "what was given up is kept for the lease",
            "_GIVEN_UP = (0, 0)",
            "_GIVEN_UP = None",
            "given_up",
        ),
        (
            "what was finished meanwhile is done again",
            "            if self.is_finished(name):  # by",
            "            if False:  # by",
            "long_ago",
        ),
        (
            "a claim that was lost is held",
            'return path is not None and not path.with_suffix(f".{int(path.suffix[1:]) + 1}").exists()',
            "return path is not None",
            "kept_while",
        ),
        (
            "names are files as they are",
            "hashlib.blake2b(name.encode(), digest_size=12).hexdigest()",
            "name",
            "any_text",
        ),
    )
]
