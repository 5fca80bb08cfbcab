"""Small weights that travel as one array.

An optimizer's update of one array compiles five times as fast as that of twenty on TensorFlow (0.2 s for
1.2 s), and takes fewer calls on PyTorch. XLA, given the whole step on JAX, does worse with the copies.
"""

import math
from collections.abc import Collection, Container, Sequence
from typing import Any

import keras
import numpy as np

from keras_initlab.engines.hyperparameters import couples

SMALL = {"tensorflow": 1 << 14, "torch": 1 << 14, "jax": 0}
"""Numbers up to which a weight is packed; what copying a larger one costs is more than it saves."""


class Packing:
    """Which of a model's trainable variables share an array, and the way there and back.

    Attributes:
        packs: Positions of the variables in each array; one that is alone keeps its shape.
    """

    def __init__(
        self,
        variables: Sequence[keras.Variable],
        optimizer: keras.optimizers.Optimizer,
        alone: Container[int] = (),
        held: Collection[str] = (),
    ):
        self._shapes = [tuple(variable.shape) for variable in variables]
        alike = _treats_all_numbers_alike(optimizer) and not couples(held)
        packable = SMALL[keras.backend.backend()] if alike else 0
        together: dict[str, list[int]] = {}
        self.packs: list[list[int]] = []
        for position, variable in enumerate(variables):
            small = math.prod(variable.shape) <= packable
            if small and variable.constraint is None and position not in alone:
                pack = together.setdefault(variable.dtype, [])
                if not pack:
                    self.packs.append(pack)
                pack.append(position)
            else:
                self.packs.append([position])

    def pack(self, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        """One member's values, of the variables' shapes, as arrays to hold."""
        return [
            values[pack[0]]
            if len(pack) == 1
            else np.concatenate([values[position].reshape(-1) for position in pack])
            for pack in self.packs
        ]

    def unpack(self, packed: Sequence[Any]) -> list[Any]:
        """One member's tensors of the variables' shapes; traced into the program."""
        found: list[Any] = [None] * len(self._shapes)
        for pack, array in zip(self.packs, packed, strict=True):
            if len(pack) == 1:
                found[pack[0]] = array
                continue
            sizes = [math.prod(self._shapes[position]) for position in pack]
            parts = keras.ops.split(array, np.cumsum(sizes)[:-1].tolist())
            for position, part in zip(pack, parts, strict=True):
                found[position] = keras.ops.reshape(part, self._shapes[position])
        return found


def _treats_all_numbers_alike(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether an update asks neither for a weight's name nor whether the loss depends on it.

    Weight decay does both; Ftrl would move a weight without a gradient.
    """
    return not optimizer.weight_decay and not isinstance(optimizer, keras.optimizers.Ftrl)
