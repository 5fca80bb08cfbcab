"""What an operation of a graph is: a product, a norm, an activation, or nothing that counts."""

import re
from typing import Any

import keras

PRODUCTS = (
    "Matmul",
    "Einsum",
    "Dot",
    "Tensordot",
    "Conv",
    "DepthwiseConv",
    "SeparableConv",
    "ConvTranspose",
)
BENT = re.compile(
    "^(relu6?|leaky_?relu|p_?relu|elu|celu|selu|gelu|silu|swish|mish|softplus|softsign|soft_?max|tanh|sigmoid"
    "|hard_?(silu|sigmoid|tanh|shrink)|soft_?shrink|log_?sigmoid|log_?softmax|squareplus|threshold|glu"
    "|thresholded_?relu|tanh_?shrink|sparse_?(plus|sigmoid|max))$",
    re.IGNORECASE,
)
PLAIN = (
    "dropout",
    "stochasticdepth",
    "droppath",
    "identity",
    "reshape",
    "cast",
    "activation",
    "flatten",
    "noise",
)


def is_norm(operation: Any) -> bool:
    return "Normalization" in type(operation).__name__ or type(operation).__name__ in ("LayerNorm", "RMSNorm")


def is_bent(operation: Any) -> bool:
    """Whether it is, or ends in, an activation that is not linear."""
    activation = getattr(operation, "activation", None)
    if callable(activation) and not isinstance(operation, keras.layers.RNN):
        name = getattr(activation, "__name__", type(activation).__name__)
        return name != "linear"
    return bool(BENT.match(type(operation).__name__))
