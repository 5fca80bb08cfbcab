"""Batch normalization of a model's hidden layers."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import keras

from keras_initlab.core.arguments import fraction
from keras_initlab.core.keras_private import parts
from keras_initlab.remedies.graph import Hidden, copied, hidden, is_linear, no_graph, rebuilt, strengths
from keras_initlab.remedies.layers import InsertedActivation, InsertedBatchNormalization
from keras_initlab.remedies.registry import RemedyClaims, register
from keras_initlab.remedies.remedy import Remedy, Subject


@register(
    "batch_norm",
    claims=RemedyClaims(
        law="y = γ (z - mean_B) / sqrt(var_B + ε) + β; running means when measured",
        reference="Ioffe & Szegedy 2015, arXiv:1502.03167",
        place="graph",
    ),
)
@dataclass(frozen=True)
class BatchNorm(Remedy):
    """Batch normalization between the sums and the activation of every hidden Dense or convolution.

    The last layer stays as it is. ε is Keras's 0.001.

    Args:
        momentum: Of the running mean and variance, in (0, 1). After n steps they hold `1 - momentum**n` of
            what was seen: with Keras's .99, 45 % after 60 steps, which spoils the validation of short runs.

    Raises:
        InputError: If `momentum` is not in (0, 1).

    >>> BatchNorm().label()
    'BatchNorm'
    """

    momentum: float = 0.9

    def __post_init__(self) -> None:
        fraction("momentum", self.momentum)

    def why_not(self, subject: Subject) -> str | None:
        model = subject.model
        if any(isinstance(layer, keras.layers.BatchNormalization) for layer in parts(model)):
            return (
                f"the model {model.name!r} has batch normalization already; write a model function with a "
                "keyword `batch_norm` that leaves it out."
            )
        if len(keras.tree.flatten(subject.training.first_batch())[0]) == 1:
            return "a batch of 1 example has no variance; give a greater batch_size."
        reason = no_graph(model, self.name)
        learned = [] if reason else [one.layer for one in hidden(model) if _learns(one.layer.activation)]
        if learned:
            return (
                f"the activation of the layer {learned[0].name!r} has weights, and nothing can be put in "
                "front of it; let it stand behind as a layer of its own."
            )
        return reason

    def act(self, subject: Subject) -> Subject:
        found = {id(one.layer): (place, one) for place, one in enumerate(hidden(subject.model))}

        def copy(layer: Any) -> Any:
            return copied(layer, activation=None) if id(layer) in found else copied(layer)

        def behind(layer: Any) -> list[Any]:
            return self._layers(*found[id(layer)]) if id(layer) in found else []

        model = rebuilt(subject.model, copy, behind)
        return dataclasses.replace(subject, model=model, strengths=strengths(model))

    def _layers(self, place: int, of: Hidden) -> list[Any]:
        layer = of.layer
        common = {"remedy": self.name, "place": place, "dtype": layer.dtype_policy}
        axis = 1 if getattr(layer, "data_format", None) == "channels_first" else -1
        norm = InsertedBatchNormalization(
            axis=axis, momentum=self.momentum, name=f"{layer.name}__batch_norm", **common
        )
        if is_linear(layer):
            return [norm]
        return [
            norm,
            InsertedActivation(activation=layer.activation, name=f"{layer.name}__activation", **common),
        ]


def _learns(activation: Any) -> bool:
    return isinstance(activation, keras.layers.PReLU) or bool(getattr(activation, "weights", ()))
