"""Mistakes in going on: groups, checkpoints, interruptions, shared folders."""

from mutant import Mutant

SCHEDULE = "keras_initlab/experiment/schedule.py"
TRAINING = "keras_initlab/experiment/training.py"
SEQUENTIAL = "keras_initlab/engines/sequential.py"
STACKED = "keras_initlab/engines/stacked/engine.py"
RESUMING = "tests/conformance/test_engines_resuming.py"
STOPPING = "tests/unit/experiment/test_interruption.py"
CHECKPOINT = "keras_initlab/trials/checkpoint.py"


def mistake(name: str, file: str, before: str, after: str, test: str, where: str = RESUMING) -> Mutant:
    return Mutant(name, file, before, after, (where, "-k", test), backend="jax")


MUTANTS = [
    mistake(
        "groups are cut anew", SCHEDULE, "    planned = _grouped(config)\n", "    planned = []\n", "cut_once"
    ),
    mistake(
        "another engine goes on",
        SCHEDULE,
        'if before and asked not in ("auto", before):',
        "if False:",
        "another_engine",
    ),
    mistake(
        "the engine is chosen anew",
        SCHEDULE,
        "engines.choose(before or asked",
        'engines.choose("stacked" if before else asked',
        "another_engine",
    ),
    mistake("blocks are trained twice", STACKED, "place.blocks, None)", "0, None)", "stopped_anywhere"),
    mistake(
        "metrics of half an epoch are lost", STACKED, "if not place.blocks:", "if True:", "stopped_anywhere"
    ),
    mistake(
        "the dead are taken for alive",
        STACKED,
        'noted["losses"], noted["epochs"], noted["alive"]',
        'noted["losses"], noted["epochs"], True',
        "stopped_anywhere",
    ),
    mistake(
        "a checkpoint without the optimizer",
        SEQUENTIAL,
        "self._variables = [*model.variables, *optimizer, *self._states]",
        "self._variables = [*model.variables, *self._states]",
        "killed_after",
    ),
    mistake(
        "a checkpoint begins at the first epoch",
        SEQUENTIAL,
        'return kept.notes["epoch"], kept.arrays',
        "return 0, kept.arrays",
        "killed_after",
    ),
    mistake(
        "a data set is read from its beginning",
        "keras_initlab/engines/sources.py",
        "while self._readings < seeds.replicate * self._of_replicate + epoch:",
        "while False:",
        "taken_up",
    ),
    mistake("other batches are mixed", TRAINING, "one != other for", "False for", "taken_up"),
    mistake(
        "who was interrupted is finished",
        TRAINING,
        'if any(record.status == "interrupted" for record in new):',
        "if False:",
        "returns_what",
        STOPPING,
    ),
    mistake(
        "who was interrupted is ranked",
        "keras_initlab/results/evidence.py",
        'return self.runs[self.runs["status"] != "interrupted"]',
        "return self.runs",
        "returns_what",
        STOPPING,
    ),
    mistake(
        "handlers stay",
        "keras_initlab/experiment/interruption.py",
        "            signal.signal(number, handler)",
        "            pass",
        "handlers_come_back",
        STOPPING,
    ),
    mistake(
        "SIGTERM is Ctrl-C",
        "keras_initlab/experiment/interruption.py",
        "raise SystemExit(TERMINATED)",
        "return",
        "scheduler",
        STOPPING,
    ),
    mistake(
        "checkpoints of another comparison",
        CHECKPOINT,
        "[identities[cell_of(trial.name)], *trial.name]",
        "[*trial.name]",
        "another",
        "tests/unit/trials/test_checkpoint.py",
    ),
    mistake(
        "checkpoints without end",
        CHECKPOINT,
        "if began < self._next and not self.stopping:",
        "if False:",
        "minute",
        "tests/unit/trials/test_checkpoint.py",
    ),
    mistake(
        "a second number is forgotten",
        "keras_initlab/core/rng.py",
        "np.array([np.nan if gauss is None else gauss])",
        "np.array([np.nan])",
        "stand",
        "tests/unit/core/test_rng.py",
    ),
    mistake(
        "all who share train all",
        "keras_initlab/trials/folder.py",
        "return self._claims is None or self._claims.take(self._name(group, engine))",
        "return True",
        "three",
        "tests/e2e/test_survival.py",
    ),
    mistake(
        "a late planner overwrites",
        "keras_initlab/trials/folder.py",
        "if self._claims and not self._claims.holds(_PLAN):",
        "if False:",
        "slept",
        "tests/unit/trials/test_folder.py",
    ),
    mistake(
        "a part is trained twice",
        SCHEDULE,
        "if wanted.issuperset(group) and not missing <= covered:",
        "if wanted.issuperset(group) and missing:",
        "two_groups",
        "tests/unit/experiment/test_schedule.py",
    ),
    mistake(
        "a short epoch is thrown away",
        SEQUENTIAL,
        "now - self._asked >= GRACE",
        "True",
        "soon_over",
        STOPPING,
    ),
    mistake(
        "a long epoch is waited for",
        SEQUENTIAL,
        "now - self._asked >= GRACE",
        "False",
        "soon_over",
        STOPPING,
    ),
    mistake(
        "an endless data set begins again with each epoch",
        "keras_initlab/engines/sources.py",
        "if self.goes_on else []",
        "if False else []",
        "go_on",
        "tests/unit/engines/test_sources.py",
    ),
    mistake(
        "a replicate goes on where another ended",
        "keras_initlab/engines/sources.py",
        "            self._reading.begin()\n        self._readings",
        "            pass\n        self._readings",
        "go_on",
        "tests/unit/engines/test_sources.py",
    ),
    mistake(
        "sets come in the order of addresses",
        "keras_initlab/experiment/describing.py",
        "sorted(value, key=_place)",
        "value",
        "a_set",
        "tests/unit/experiment/test_describing.py",
    ),
]
