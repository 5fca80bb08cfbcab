"""Which layers of a model are its heads."""

from collections.abc import Sequence

import keras

from keras_initlab.core.keras_private import inner
from keras_initlab.network.slots import Slot
from keras_initlab.network.unrolled import Graph


def heads_of(graph: Graph, kernels: Sequence[Slot]) -> set[int]:
    """The layers with a kernel of which no other such layer sees the output, by identity.

    Where the model's code cannot be followed, the last.
    """
    layers = {id(slot.layer) for slot in kernels}
    seen_by: dict[int, set[int]] = {}  # tensor -> the layers that it comes from, through none with a kernel
    heads: set[int] = set()
    for node in graph.nodes:
        before = {layer for one in node.inputs for layer in seen_by.get(one, ())}
        within = inner(node.operation) if isinstance(node.operation, keras.layers.Layer) else ()
        own = layers & {id(one) for one in (node.operation, *within)}
        if own:
            heads = (heads - before) | own
        seen_by.update(dict.fromkeys(node.outputs, own or before))
    return heads or {id(slot.layer) for slot in kernels[-1:]}
