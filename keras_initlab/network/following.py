"""What a layer's sums meet next in a model's graph."""

from typing import Any

from keras_initlab.core.keras_private import is_activation, operations_after, passes_on

RELUS = ("relu", "relu6", "leakyrelu", "prelu")
TANHS = ("tanh", "hardtanh", "softsign")


def activation_after(layer: Any) -> str | None:
    """The activation that a layer's sums pass, in lower case without underscores.

    None if there is none, or a normalization follows before the next layer with weights, or the graph
    does not say what follows.
    """
    return follow(layer)[0]


def follow(layer: Any) -> tuple[str | None, Any]:
    """The activation as above, and the layer that takes what comes of it.

    That layer is None where a normalization comes first, or more or fewer than one take it.
    """
    found = _name(getattr(layer, "activation", None))
    operation = layer
    while True:
        following = operations_after(operation)
        if len(following) != 1:
            return found, None
        operation = following[0]
        if "Normalization" in type(operation).__name__:
            return None, None
        if is_activation(operation):
            found = found or _name(getattr(operation, "activation", operation))
        elif not passes_on(operation):
            return found, operation


def _name(activation: Any) -> str | None:
    """None for a linear activation, or none at all."""
    if activation is None:
        return None
    name = getattr(activation, "__name__", type(activation).__name__).lower().replace("_", "")
    return None if name == "linear" else name
