"""Layers that were put into a model, and the model's own counted as if they were not there."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from keras_initlab.core.keras_private import parts

Place = tuple[str | int, ...]
"""What a seed knows of a variable's place in a model."""


class Inserted:
    """Mixed in before the class of a Keras layer: one that a remedy has put into somebody's model.

    Args:
        remedy: The remedy's name.
        place: Which of its layers this is, from 0.
    """

    def __init__(self, *args: Any, remedy: str, place: int, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.remedy, self.place = remedy, place

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "remedy": self.remedy, "place": self.place}  # type: ignore[misc]


def counted(model: Any, variables: Iterable[Any]) -> Iterator[tuple[Place, Any]]:
    """Some variables of a model, each with its place.

    That of the model's own is their count without those of inserted layers, so that nothing that is drawn
    for them depends on what was inserted; that of the others names the remedy.
    """
    inserted = {
        id(variable): ("remedy", layer.remedy, layer.place, index)
        for layer in parts(model)
        if isinstance(layer, Inserted)
        for index, variable in enumerate(layer.variables)  # type: ignore[attr-defined]
    }
    own = itertools.count()
    for variable in variables:
        yield inserted.get(id(variable)) or (next(own),), variable
