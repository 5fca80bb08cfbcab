"""Gradients that come as rows of a table, as TensorFlow gives them for an embedding.

Keras's optimizers treat each row that comes by itself: Adam adds up the squares of a row that comes twice,
not the square of the sum. A stack of tables would have one dense gradient. So each member differentiates
its own loss, as its own training step would, and the rows of all members are those of one long table.
"""

from typing import Any

import keras

from keras_initlab.core.keras_private import parts
from keras_initlab.engines.setup import Setup


def tables(setup: Setup) -> frozenset[int]:
    """Positions of the trainable variables whose gradients come as rows, where the optimizer minds.

    Told by one backward pass; what only adds up the rows does not mind.
    """
    model, optimizer = setup.model, setup.optimizer
    layers = parts(model)
    if (
        keras.backend.backend() != "tensorflow"
        or (isinstance(optimizer, keras.optimizers.SGD) and optimizer.clipvalue is None)
        or not any(isinstance(layer, keras.layers.Embedding) or not is_keras_own(layer) for layer in layers)
    ):
        return frozenset()
    import tensorflow as tf

    with keras.StatelessScope(), tf.GradientTape() as tape:
        outputs = keras.tree.flatten(model(setup.training.first_batch()[0]))
        total = tf.add_n([tf.reduce_sum(tf.cast(output, "float32")) for output in outputs])
    gradients = tape.gradient(total, [variable.value for variable in model.trainable_variables])
    return frozenset(
        position for position, found in enumerate(gradients) if isinstance(found, tf.IndexedSlices)
    )


def is_keras_own(layer: keras.layers.Layer) -> bool:
    """Whether nobody else wrote the layer."""
    return type(layer).__module__.startswith("keras.")


def differentiate(members: Any, weights: list, state: list, batch: Any, shared: bool) -> tuple:
    """Losses, the state after the step, and the gradient for each of the members' variables."""
    import tensorflow as tf

    def step(trainable, state, batch):
        with tf.GradientTape() as tape:
            tape.watch(trainable)
            loss, after = members.template.step(trainable, state, batch, training=True)
            total = members.optimizer.scale_loss(loss)
        gradients = [_pieces(gradient) for gradient in tape.gradient(total, trainable)]
        return loss, after, gradients

    losses, after, gradients = members.each(step, weights, state, batch, shared)
    joined = [
        _joined(pieces, variable.value) for pieces, variable in zip(gradients, members.trainable, strict=True)
    ]
    return losses, after, joined


def _pieces(gradient: Any) -> dict[str, Any]:
    import tensorflow as tf

    if gradient is None:
        return {}
    if isinstance(gradient, tf.IndexedSlices):
        return {"rows": gradient.values, "places": gradient.indices}
    return {"whole": gradient}


def _joined(pieces: dict[str, Any], stacked: Any) -> Any:
    """The gradient of a variable that holds all members, from the stacked pieces of theirs."""
    import tensorflow as tf

    if "whole" in pieces:
        return tf.reshape(pieces["whole"], stacked.shape)
    if not pieces:
        return None
    rows, places = pieces["rows"], pieces["places"]
    size = rows.shape[0]
    first = tf.range(size, dtype=places.dtype)[:, None] * (stacked.shape[0] // size)
    return tf.IndexedSlices(
        tf.reshape(rows, [-1, *rows.shape[2:]]), tf.reshape(places + first, [-1]), tf.shape(stacked)
    )
