"""What a layer's sums meet next in a model's graph."""

from typing import Any

RELUS = ("relu", "relu6", "leakyrelu", "prelu")
TANHS = ("tanh", "hardtanh", "softsign")

_PASSING = (
    "keras.src.layers.pooling",
    "keras.src.layers.reshaping",
    "keras.src.layers.regularization",
    "keras.src.layers.core.identity",
)
_ACTIVATIONS = ("keras.src.layers.activations", "keras.src.ops")


def activation_after(layer: Any) -> str | None:
    """The activation that a layer's sums pass, in lower case without underscores.

    None if there is none, or a normalization follows before the next layer with weights, or the graph
    does not say what follows.
    """
    found = _name(getattr(layer, "activation", None))
    operation = layer
    while True:
        following = [node.operation for node in getattr(operation, "_outbound_nodes", ())]
        if len(following) != 1:
            return found
        operation = following[0]
        module = type(operation).__module__
        if "Normalization" in type(operation).__name__:
            return None
        if module.startswith(_ACTIVATIONS):
            found = found or _name(getattr(operation, "activation", operation))
        elif not module.startswith(_PASSING):
            return found


def _name(activation: Any) -> str | None:
    """None for a linear activation, or none at all."""
    if activation is None:
        return None
    name = getattr(activation, "__name__", type(activation).__name__).lower().replace("_", "")
    return None if name == "linear" else name
