"""What `compare` foresees: every trial diagnosed from the very weights that it starts from."""

from collections.abc import Iterable, Mapping
from typing import Any

from keras_initlab.core.keras_private import compiled_loss
from keras_initlab.core.rng import Generators
from keras_initlab.engines.setup import Setup, Setups
from keras_initlab.engines.sources import Arrays
from keras_initlab.experiment.diagnose import EXAMPLES, optimizer_of, started, subject_of
from keras_initlab.network.probe import Probe
from keras_initlab.trials.plan import Name, Trial
from keras_initlab.trials.record import Record

Rows = dict[Name, dict[str, Any]]
"""Name of a trial -> `Diagnosis.row`."""


class Foreseeing:
    """Diagnoses trials of one comparison before any of them is trained.

    Args:
        setups: The comparison. Of arrays the first examples are looked at, of a data set the first batch;
            weights of examples and classes are left out.
        seed: Root of all seeds.
        generators: The global ones.

    Raises:
        InputError: If the model cannot be looked into with these data.
    """

    def __init__(self, setups: Setups, seed: int, generators: Generators):
        self._setups, self._seed, self._generators = setups, seed, generators
        self._subjects: dict[int, Any] = {}
        for setup in setups.values():  # what cannot be looked into is said at once
            self._subject(setup)

    def _subject(self, setup: Setup) -> Any:
        """Setups that share a model and data, and differ in who trains it, share it too."""
        if id(setup) not in self._subjects:
            self._subjects[id(setup)] = self._looked_into(setup)
        return self._subjects[id(setup)]

    def _looked_into(self, setup: Setup) -> Any:
        source = setup.training
        batch = source.data if isinstance(source, Arrays) else source.first_batch()
        given = batch[:2] if compiled_loss(setup.model) is not None else batch[:1]
        optimizer = optimizer_of(setup.model, setup.trained_with or "auto")
        probe = Probe(setup.model, self._generators, patience=0)
        return subject_of(probe, given, EXAMPLES, optimizer, True, self._seed)[0]

    def rows(self, trials: Iterable[Trial], finished: Mapping[Name, Record]) -> Rows:
        """Of those trials that have none among the finished, and whose initializer can draw."""
        found = {}
        for trial in trials:
            if trial.name in finished and finished[trial.name].foreseen:
                continue
            try:
                setup = self._setups[trial.levels]
                values = started(self._subject(setup), setup, trial, self._generators)
            except Exception:  # it will be recorded as failed, with what it raises
                continue
            found[trial.name] = self._subject(setup).examine(values, trial.label).row()
        return found
