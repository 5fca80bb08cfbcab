"""The step that is foretold is the one that an optimizer takes in training."""

import keras
import numpy as np
import pytest

from keras_initlab.diagnosis import step
from keras_initlab.diagnosis.step import first_step
from keras_initlab.testing.schemes import numpy

RNG = np.random.default_rng(0)
SHAPES = ((7, 3), (3,), (2, 2, 3, 5))


def values():
    return [RNG.normal(size=shape).astype("float32") for shape in SHAPES]


OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.1),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: keras.optimizers.Adam(0.01),
    "adamw": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.01),
    "clipped each": lambda: keras.optimizers.SGD(0.1, clipnorm=0.5),
    "clipped together": lambda: keras.optimizers.SGD(0.1, global_clipnorm=0.5),
    "couples weights": lambda: keras.optimizers.Adafactor(0.1),
}


@pytest.mark.parametrize("together", [2**22, 25])
@pytest.mark.parametrize("case", OPTIMIZERS)
def test_it_is_the_step_of_training(case, together, monkeypatch):
    """Of all weights at once, and of a few at a time."""
    monkeypatch.setattr(step, "_TOGETHER", together)
    starts, gradients = values(), values()
    variables = [keras.Variable(start) for start in starts]
    found = first_step(OPTIMIZERS[case], variables, [one.value for one in variables], gradients)
    for variable, start in zip(variables, starts, strict=True):
        np.testing.assert_array_equal(numpy(variable), start)
    optimizer = OPTIMIZERS[case]()
    optimizer.build(variables)
    optimizer.apply([keras.ops.convert_to_tensor(one) for one in gradients], variables)
    for got, variable in zip(found, variables, strict=True):
        np.testing.assert_allclose(got, numpy(variable), rtol=1e-5, atol=1e-7)


def test_scaling_a_loss_changes_no_step():
    variables = [keras.Variable(start) for start in values()]
    given = [one.value for one in variables]
    gradients = values()
    plain = first_step(lambda: keras.optimizers.SGD(0.1), variables, given, gradients)

    def scaled():
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))

    for one, other in zip(plain, first_step(scaled, variables, given, gradients), strict=True):
        np.testing.assert_array_equal(one, other)
