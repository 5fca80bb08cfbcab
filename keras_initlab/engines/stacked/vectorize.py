"""Two operations of Keras's metrics that TensorFlow's `vectorized_map` lacks a rule for.

Without a rule it runs a loop over the members, and warns.
"""

import functools


@functools.cache
def vectorize_metrics() -> None:
    """Register the rules, once; an operation that TensorFlow has learnt since keeps its own."""
    import tensorflow as tf
    from tensorflow.python.ops.parallel_for import pfor

    def bitcast(inputs):  # in Keras's argmax, and so in accuracies
        return pfor.wrap(tf.bitcast(inputs.stacked_input(0), inputs.get_attr("type")), True)

    def in_top_k(inputs):
        inputs.stack_inputs([0, 1])
        predictions, targets = inputs.stacked_input(0), inputs.stacked_input(1)
        flat = tf.reshape(predictions, [-1, tf.shape(predictions)[-1]])
        found = tf.math.in_top_k(tf.reshape(targets, [-1]), flat, inputs.unstacked_input(2))
        return pfor.wrap(tf.reshape(found, tf.shape(targets)), True)

    for operation, rule in {"Bitcast": bitcast, "InTopKV2": in_top_k}.items():
        if operation not in pfor._pfor_converter_registry:
            pfor.RegisterPFor(operation)(rule)
