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
    """The values of a list of variables, kept on the host, and the way back to them.

    Attributes:
        values: Those that the variables had.
    """

    def __init__(self, variables: list[Any]):
        self._variables = list(variables)
        self.values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in self._variables]

    def restore(self) -> None:
        """Give every variable the value it had when the snapshot was taken."""
        assign(self._variables, self.values)
