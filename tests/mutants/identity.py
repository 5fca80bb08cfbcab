"""Mistakes in what is kept of a comparison: numbers of two would be mixed, or rightful ones refused."""

from mutant import Mutant

CONFIG = "keras_initlab/trials/config.py"
DESCRIBING = "keras_initlab/experiment/describing.py"
IDENTITY = "keras_initlab/experiment/identity.py"
ON_CONFIG = "tests/unit/trials/test_config.py"
ON_DESCRIBING = "tests/unit/experiment/test_describing.py"
ON_IDENTITY = "tests/unit/experiment/test_identity.py"

MUTANTS = [
    Mutant(name, file, before, after, (module, "-k", test), backend="jax")
    for name, file, before, after, module, test in (
        (
            "the digest does not matter",
            CONFIG,
            'pairs.append((f"digest.{key}", there, here))',
            "pass",
            ON_CONFIG,
            "in_common",
        ),
        (
            "a folder of before is refused for what it does not know",
            CONFIG,
            "whole += [key for key in _LATER if getattr(self, key) is not None]",
            "whole += _LATER",
            ON_CONFIG,
            "does_not_know",
        ),
        (
            "records lose their identity when a comparison goes on",
            CONFIG,
            "            **{key: getattr(self, key) for key in (*_IDENTITY, *_LATER)},\n",
            "",
            ON_CONFIG,
            "does_not_know",
        ),
        (
            "what was noted later is no part of a record's identity",
            CONFIG,
            "[*decisive, known] if known else decisive",
            "decisive",
            ON_CONFIG,
            "noted_later",
        ),
        (
            "another version of Keras is refused for its new arguments",
            CONFIG,
            "if skewed and arguments else",
            "if False else",
            ON_CONFIG,
            "only_one_version",
        ),
        (
            "code tells where it stands",
            DESCRIBING,
            "        code.co_code.hex(),\n",
            "        code.co_code.hex() + str(code.co_firstlineno),\n",
            ON_DESCRIBING,
            "where_it_stands",
        ),
        (
            "a docstring counts",
            DESCRIBING,
            "constants[0] if since and not code.co_flags & _HAS_DOCSTRING else None",
            "constants[0]",
            ON_DESCRIBING,
            "where_it_stands",
        ),
        (
            "sets are told in the order of their hashes",
            DESCRIBING,
            "sorted(map(repr, value)) if isinstance(value, frozenset)",
            "list(map(repr, value)) if isinstance(value, frozenset)",
            ON_IDENTITY,
            "every_process",
        ),
        (
            "what a function closes over does not count",
            DESCRIBING,
            "yield name, cell.cell_contents",
            "cell.cell_contents",
            ON_IDENTITY,
            "closure",
        ),
        (
            "globals do not count",
            DESCRIBING,
            "sorted(set(_names(code)) & function.__globals__.keys())",
            "()",
            ON_IDENTITY,
            "global_that",
        ),
        (
            "frozen weights do not count",
            IDENTITY,
            "return fingerprint(values) if values else None",
            "return None",
            ON_IDENTITY,
            "frozen",
        ),
        (
            "what is drawn anew counts",
            IDENTITY,
            "drawn = {id(slot.variable) for slot in (*setup.tested, *setup.restarted)}",
            "drawn = set()",
            ON_IDENTITY,
            "training_and_other",
        ),
        (
            "how layers are connected does not count",
            IDENTITY,
            '{"output": numbers.get(id(value))}',
            '{"output": None}',
            ON_IDENTITY,
            "connected",
        ),
        (
            "the class of the optimizer does not count",
            IDENTITY,
            "found[name] = told | (",
            "found[name] = {} | (",
            ON_IDENTITY,
            "optimizers_alike",
        ),
        (
            "the state of callbacks counts",
            IDENTITY,
            "setup.callbacks), values=False)",
            "setup.callbacks))",
            "tests/unit/trials/test_folder.py",
            "interrupted_run",
        ),
        (
            "nobody is told of other versions",
            "keras_initlab/results/conclusion.py",
            "    if not mixed:\n",
            "    if True:\n",
            "tests/unit/trials/test_folder.py",
            "another_version",
        ),
    )
]
