"""Attention that mimics what training finds."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_initlab.core.arguments import finite
from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import parts, projections
from keras_initlab.network.unrolled import ATTENTION, unrolled
from keras_initlab.recipes.examples import small_transformer
from keras_initlab.recipes.recipe import Recipe
from keras_initlab.recipes.registry import RecipeClaims, register
from keras_initlab.recipes.work import Work, wide


def balanced_attention(model: Any, x: Any) -> list[float]:
    """W_QᵀW_Q = W_KᵀW_K and W_VᵀW_V = W_O W_Oᵀ, all of them diagonal."""
    pairs = []
    for layer in parts(model):
        if isinstance(layer, ATTENTION):
            query, key, value, output = (wide(one.kernel.value) for one in projections(layer))
            width, heads, _ = query.shape
            for head in range(heads):
                pairs.append((query[:, head].T @ query[:, head], key[:, head].T @ key[:, head]))
            value, output = value.reshape(width, -1), output.reshape(-1, width)
            pairs.append((value.T @ value, output @ output.T))
    return [
        float(np.abs(off).max()) for one, other in pairs for off in (one - other, one - np.diag(np.diag(one)))
    ]


@register(
    "mimetic",
    claims=RecipeClaims(
        law="W_Q W_Kᵀ = best rank-k part of αZ + αI in each head, W_V W_O = βZ - βI, Z ~ N(0, 1/d); b = 0",
        reference="Trockman & Kolter 2023, arXiv:2305.09828",
        changes=("kernel", "bias"),
        structure="attention",
        example=small_transformer,
        exact=balanced_attention,
        use="For vision Transformers on small data sets",
        avoid="For language models, whose trained attention looks otherwise; for cross-attention",
    ),
)
@dataclass(frozen=True)
class Mimetic(Recipe):
    """Attention that starts as trained vision Transformers are seen to end.

    In each head A = αZ + αI with entries of Z from N(0, 1/d), and from A = USVᵀ come W_Q = U_k √S_k and
    W_K = V_k √S_k with the k largest. Once in each layer C = βZ - βI = USVᵀ, W_V = U√S and W_O = √S Vᵀ, whose
    blocks of columns and rows are the heads. Biases of the attention are 0; all other weights stay.

    Args:
        alpha: α, of queries and keys.
        beta: β, of values and outputs.

    Raises:
        InputError: If the model has no `MultiHeadAttention` with heads · size = width, or one crosses.

    Reference: Trockman & Kolter 2023, arXiv:2305.09828, section 4.

    >>> model = small_transformer()
    >>> len(Mimetic().apply(model)), max(balanced_attention(model, None)) < 1e-5
    (16, True)
    """

    alpha: float = 0.7
    beta: float = 0.4

    def __post_init__(self) -> None:
        finite("alpha", self.alpha)
        finite("beta", self.beta)

    def change(self, work: Work) -> None:
        layers = [layer for layer in parts(work.model) if isinstance(layer, ATTENTION)]
        crossing = {id(node.operation) for node in unrolled(work.model).nodes if node.crosses}
        if not layers:
            raise InputError(
                f"The model {work.model.name!r} has no keras.layers.MultiHeadAttention, whose four kernels "
                "initlab_mimetic sets."
            )
        for number, layer in enumerate(layers):
            self._set(work, layer, number, id(layer) in crossing)
        work.structure.append(f"{len(layers)} attention layers")

    def _set(self, work: Work, layer: Any, number: int, crosses: bool) -> None:
        held = [work.of(one) for one in projections(layer)]
        slots = [next(slot for slot in own if slot.role == "kernel") for own in held]
        query, key, value, output = slots
        width, heads, size = query.shape
        if crosses or heads * size != width or key.shape != query.shape or value.shape != query.shape:
            why = (
                "it takes keys from elsewhere"
                if crosses
                else f"its kernels are {query.shape} and {value.shape}"
            )
            raise InputError(
                f"initlab_mimetic is for attention of heads · size = width, all to itself; of "
                f"{layer.name!r} {why}. Leave it out with layers=."
            )
        made = {"query": np.empty(query.shape), "key": np.empty(query.shape)}
        for head in range(heads):
            noise = _noise(work, width, number, head)
            u, s, v = np.linalg.svd(self.alpha * noise + self.alpha * np.eye(width))
            made["query"][:, head] = u[:, :size] * np.sqrt(s[:size])
            made["key"][:, head] = v[:size].T * np.sqrt(s[:size])
        u, s, v = np.linalg.svd(self.beta * _noise(work, width, number, -1) - self.beta * np.eye(width))
        work.put(query, made["query"], "U √S of αZ + αI, rank k", block=str(number + 1))
        work.put(key, made["key"], "V √S of αZ + αI, rank k", block=str(number + 1))
        work.put(value, (u * np.sqrt(s)).reshape(value.shape), "U √S of βZ - βI", block=str(number + 1))
        root = np.sqrt(s)[:, None] * v
        work.put(output, root.reshape(output.shape), "√S Vᵀ of βZ - βI", block=str(number + 1))
        for slot in slots:
            for bias in work.of(slot.layer):
                if bias.role == "bias":
                    work.put(bias, np.zeros(bias.shape), "zeros", block=str(number + 1))


def _noise(work: Work, width: int, layer: int, head: int) -> np.ndarray:
    """Entries of N(0, 1/width)."""
    generator = np.random.default_rng(work.seeds.recipe("mimetic", layer, head))
    return generator.normal(size=(width, width)) / math.sqrt(width)
