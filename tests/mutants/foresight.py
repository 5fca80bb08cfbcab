"""Mistakes in what was foreseen and in how it is held against what happened."""

from mutant import Mutant

FORESIGHT = "keras_initlab/results/foresight.py"
SEEN = "tests/unit/results/test_foresight.py"
TRAINED = "tests/conformance/test_foreseeing.py"


def pure(name: str, file: str, before: str, after: str) -> Mutant:
    return Mutant(name, file, before, after, (SEEN, "-k", "not training"))


def trained(name: str, file: str, before: str, after: str, *select: str) -> Mutant:
    return Mutant(name, file, before, after, (TRAINED, "-k", *select), "torch")


MUTANTS = [
    pure("failed runs ranked by their losses", FORESIGHT, '.where(~trials["failed"], math.inf)', ""),
    pure(
        "the greatest risk first", FORESIGHT, 'trials["risk"].rank()', 'trials["risk"].rank(ascending=False)'
    ),
    pure("ties of risk for one side", FORESIGHT, "rankdata(risk)", 'rankdata(risk, method="max")'),
    pure(
        "runs resampled, not initializers",
        FORESIGHT,
        "_resampled(groups, lambda at: _s",
        "_resampled([np.array([at]) for at in range(len(trials))], lambda at: _s",
    ),
    pure("lost runs pass for learned", FORESIGHT, 'run["status"] in tables.LOST or ', ""),
    pure("slow runs pass for learned", FORESIGHT, "or _stays_above(record, levels)", ""),
    pure("interrupted runs counted", FORESIGHT, ' or run["status"] == "interrupted"', ""),
    pure(
        "precision for recall",
        FORESIGHT,
        '["severe"], self.calibration["n"]["severe"])',
        '["severe"], self.calibration["failed"].sum())',
    ),
    pure("a later form read as this one", FORESIGHT, '.get("schema") != SCHEMA', '.get("schema") is None'),
    pure(
        "empty forecasts written",
        "keras_initlab/trials/record.py",
        "if not self.foreseen:",
        "if False:",
    ),
    trained(
        "a diagnosis is lost where a record is read twice",
        "keras_initlab/trials/folder.py",
        ", bool(record.foreseen)",
        ", False",
        "survive",
    ),
    trained(
        "all replicates diagnosed from one start",
        "keras_initlab/experiment/diagnose.py",
        "setup.initial_values(trial, generators)",
        "setup.initial_values(Trial(trial.label, Seeds(trial.seeds.root, 0)), generators)",
        "rows_are_those",
    ),
    trained(
        "finished runs are diagnosed in memory only",
        "keras_initlab/experiment/course.py",
        "self._folder.add(told)",
        "pass",
        "survive",
    ),
]
