"""The same feed inside TensorFlow's graph: no Python between two steps."""

from typing import Any

import keras
import tensorflow as tf

from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.sources import Arrays, Batch


class GraphFeed:
    """Batches gathered by `tf.data` from arrays, in the order that `begin` sets."""

    def __init__(self, source: Arrays):
        self._source = source
        self._order = tf.Variable(tf.range(source.examples, dtype="int64"), trainable=False)
        tensors = keras.tree.map_structure(tf.convert_to_tensor, source.data)
        size = source.batch_size

        def gather(step: Any) -> Batch:
            chosen = self._order[step * size : (step + 1) * size]
            return keras.tree.map_structure(lambda tensor: tf.gather(tensor, chosen), tensors)

        self.fit_input = tf.data.Dataset.range(source.steps).map(gather).prefetch(tf.data.AUTOTUNE)

    def begin(self, seeds: Seeds, epoch: int) -> None:
        self._order.assign(self._source.order(seeds, epoch))
