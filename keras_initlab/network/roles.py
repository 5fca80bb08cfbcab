"""What a weight tensor is for."""

import re
from typing import Any

from keras_initlab.core.errors import InputError, gist
from keras_initlab.initializers.fans import Fans
from keras_initlab.network.usage import Use, is_custom

KERNEL_ROLES = ("kernel", "depthwise_kernel", "pointwise_kernel", "recurrent_kernel")
"""The roles that `compare` puts under test unless told otherwise."""

ROLES = (*KERNEL_ROLES, "embeddings", "bias")
"""The roles of Keras's own layers that have a law to choose; any other is the variable's name."""

_NO_KERNEL = re.compile("token|embed|pos|bias|table|latent|query|queries", re.IGNORECASE)
_KERNEL = re.compile("kernel|weight|proj", re.IGNORECASE)
_UNNAMED = re.compile("variable(_[0-9]+)?")


def same_role(one: str, other: str) -> bool:
    """Whether two roles are one, but for the number that Keras gives a variable without a name.

    >>> same_role("variable_36", "variable"), same_role("gamma", "beta")
    (True, False)
    """
    return one == other or bool(_UNNAMED.fullmatch(one) and _UNNAMED.fullmatch(other))


def role(variable: Any, layer: Any, use: Use | None) -> tuple[str, bool]:
    """What a weight tensor is for, and whether that is a guess.

    Keras's own layers name their tensors by role, and so may others. Under any other name a custom layer's
    trainable tensor of rank 2 or more is a `kernel` if the layer multiplies it with its inputs, or says
    its fans in `weight_fans`, and else has its name as role. Where that was not seen, the name decides.
    """
    name = variable.name
    if name == "kernel" and hasattr(layer, "depthwise_initializer"):
        return "depthwise_kernel", False  # DepthwiseConv names its tensor `kernel`
    if name in ROLES or not is_custom(layer) or len(variable.shape) < 2 or not variable.trainable:
        return name, False
    if name in (said_fans(layer) or ()):
        return "kernel", False
    if use is not None:
        return ("kernel" if use.multiplied else name), False
    return (name if _NO_KERNEL.search(name) and not _KERNEL.search(name) else "kernel"), True


def said_fans(layer: Any) -> dict[str, Fans] | None:
    """What a custom layer says in its method `weight_fans`; None where it has none.

    Raises:
        InputError: If the method raises, or returns something else than a dict of weight's name -> `Fans`.
    """
    if not hasattr(layer, "weight_fans"):
        return None
    try:
        return {name: Fans(*fans) for name, fans in layer.weight_fans().items()}
    except Exception as error:
        raise InputError(
            f"weight_fans of the layer {layer.name!r} raised {gist(error)}: let it return a dict of weight's "
            "name -> initlab.Fans."
        ) from error


def is_table(variable: Any, layer: Any, use: Use | None) -> bool:
    """Whether a custom layer's tensor is looked up, added or joined rather than multiplied."""
    return len(variable.shape) > 1 and is_custom(layer) and role(variable, layer, use)[0] not in KERNEL_ROLES
