"""What a model holds, kept on the host, and the way back to it."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from keras_initlab.core.keras_private import parts


def carried_states(model: keras.Model) -> list[Any]:
    """What stateful recurrent layers carry from one batch to the next; Keras counts it among no variables."""
    layers = [layer for layer in parts(model) if getattr(layer, "stateful", False)]
    return keras.tree.flatten([layer.states for layer in layers if layer.states is not None])


def assign(variables: Iterable[Any], values: Iterable[Any]) -> None:
    """Give each variable its value."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


class Snapshot:
    """The values of a list of variables and whether each trains, kept on the host, and the way back to them.

    Attributes:
        values: Those that the variables had.
    """

    def __init__(self, variables: list[Any]):
        self._variables = list(variables)
        self.values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in self._variables]
        self._trained = [getattr(variable, "trainable", False) for variable in self._variables]

    def largest_change(self) -> float:
        """How far the number that moved most is from where it was."""
        pairs = zip(self._variables, self.values, strict=True)
        return max(float(np.max(np.abs(keras.ops.convert_to_numpy(now) - then))) for now, then in pairs)

    def restore(self) -> None:
        """Give every variable the value it had when the snapshot was taken, and let those train that did."""
        assign(self._variables, self.values)
        for variable, trained in self.retrained():
            variable.trainable = trained

    def retrained(self) -> list[tuple[Any, bool]]:
        """The variables that trained then and do not now, or the other way round, and what was then."""
        pairs = zip(self._variables, self._trained, strict=True)
        return [
            (variable, trained)
            for variable, trained in pairs
            if trained != getattr(variable, "trainable", False)
        ]
