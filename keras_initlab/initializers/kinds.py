"""Claims of the schemes for one kind of weight: its rank and its role said once."""

from functools import partial

from keras_initlab.initializers.registry import Claims

convolution = partial(Claims, ranks=(3, 5), roles=("kernel",))
recurrent = partial(Claims, ranks=(2, 2), roles=("recurrent_kernel",))
bias = partial(Claims, ranks=(1, 1), roles=("bias",))
state = partial(Claims, ranks=(1, None), roles=("kernel",))  # along the last axis
