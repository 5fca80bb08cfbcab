"""Remedies that drop activations or weights."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from keras_initlab.core.arguments import refused
from keras_initlab.core.keras_private import parts
from keras_initlab.remedies.graph import hidden, no_graph, rebuilt, strengths
from keras_initlab.remedies.layers import InsertedDropout
from keras_initlab.remedies.registry import RemedyClaims, register
from keras_initlab.remedies.remedy import Remedy, Subject


def share(name: str, value: Any) -> None:
    """Refuse what is no number from 0 to below 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise refused(name, value, "a number from 0 to below 1")


@register(
    "dropout",
    claims=RemedyClaims(
        law="a' = m a / (1 - q), m ~ Bernoulli(1 - q)",
        reference="Srivastava et al. 2014, JMLR 15",
        place="graph",
        strength="rate",
        same_loss=False,
    ),
)
@dataclass(frozen=True)
class Dropout(Remedy):
    """Dropout behind the activation of every hidden Dense or convolution; the last layer stays as it is.

    What a smaller rate drops a greater one drops too.

    Args:
        rate: q, the share of activations that become 0 in a training step; in [0, 1).

    Raises:
        InputError: If `rate` is not in [0, 1).

    >>> Dropout(0.2).off()
    Dropout(rate=0.0)
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        share("rate", self.rate)

    def why_not(self, subject: Subject) -> str | None:
        model = subject.model
        if any(
            getattr(getattr(layer, "activation", None), "__name__", "") == "selu" for layer in parts(model)
        ):
            return (
                "it spoils the mean and variance that SELU keeps; write a model function with a keyword for "
                "keras.layers.AlphaDropout."
            )
        return no_graph(model, self.name)

    def act(self, subject: Subject) -> Subject:
        places: dict[int, int] = {}
        for one in hidden(subject.model):
            places.setdefault(id(one.end), len(places))

        def behind(operation: Any) -> list[Any]:
            place = places.get(id(operation))
            if place is None:
                return []
            return [
                InsertedDropout(
                    strength=float(self.rate),
                    remedy=self.name,
                    place=place,
                    dtype=getattr(operation, "dtype_policy", None),
                    name=f"{operation.name}_dropout",
                )
            ]

        model = rebuilt(subject.model, behind=behind)
        return dataclasses.replace(subject, model=model, strengths=strengths(model))
