"""Remedies that drop activations or weights."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import keras

from keras_initlab.core.arguments import refused
from keras_initlab.core.keras_private import parts
from keras_initlab.remedies.graph import WEIGHTED, copied, hidden, no_graph, rebuilt, strengths
from keras_initlab.remedies.layers import DropConnectDense, InsertedDropout
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
    """Dropout behind the activation of every hidden Dense, convolution or recurrent layer.

    The last layer stays as it is.

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
        return no_graph(model, self.name, WEIGHTED)

    def act(self, subject: Subject) -> Subject:
        places: dict[int, int] = {}
        for one in hidden(subject.model, WEIGHTED):
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
                    name=f"{operation.name}__dropout",
                )
            ]

        model = rebuilt(subject.model, behind=behind)
        return dataclasses.replace(subject, model=model, strengths=strengths(model))


@register(
    "drop_connect",
    claims=RemedyClaims(
        law="r = a((M * W) v), M_ij ~ Bernoulli(1 - q); measured E a(u), u ~ N((1-q) W v, q (1-q) W² v²)",
        reference="Wan et al. 2013, ICML 28",
        place="graph",
        strength="rate",
        same_loss=False,
    ),
)
@dataclass(frozen=True)
class DropConnect(Remedy):
    """Weights and biases of every hidden Dense layer dropped by chance, others for each example.

    A step keeps a mask for each example: batch times the kernel's size. Not what EfficientNet calls so, which
    drops whole branches.

    Args:
        rate: q, the share of weights that are 0 for an example in a training step; in [0, 1).

    Raises:
        InputError: If `rate` is not in [0, 1).

    >>> DropConnect(0.2).label()
    'DropConnect(0.2)'
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        share("rate", self.rate)

    def why_not(self, subject: Subject) -> str | None:
        model = subject.model
        reason = no_graph(model, self.name)
        if reason is not None:
            return reason
        dense = self._dense(model)
        if not dense:
            return f"the model {model.name!r} has no hidden Dense layer of Keras's own; take dropout."
        joined = [layer.name for layer in dense if getattr(layer.activation, "__name__", "") in _JOINED]
        if joined:
            return f"the layer {joined[0]!r} joins its units in {_JOINED}; take dropout."
        return None

    def act(self, subject: Subject) -> Subject:
        places = {id(layer): place for place, layer in enumerate(self._dense(subject.model))}

        def copy(layer: Any) -> Any:
            if id(layer) not in places:
                return copied(layer)
            own = {"strength": float(self.rate), "remedy": self.name, "place": places[id(layer)]}
            return copied(layer, DropConnectDense, **own)

        model = rebuilt(subject.model, copy)
        return dataclasses.replace(subject, model=model, strengths=strengths(model))

    @staticmethod
    def _dense(model: keras.Model) -> list[Any]:
        return [one.layer for one in hidden(model) if type(one.layer) is keras.layers.Dense]


_JOINED = ("softmax", "log_softmax", "glu")
