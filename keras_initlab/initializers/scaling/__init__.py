"""Laws scaled by the fans: zero mean, variance = gain² · scale / fan.

Fans follow Keras's convention from the shape alone, unless `input_axes` and `output_axes` are given;
EinsumDense and the attention layers of Keras 3.15 and newer give theirs.
"""
