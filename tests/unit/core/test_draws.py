"""Numbers that are drawn together are those that would be drawn alone."""

import keras
import numpy as np
import pytest

from keras_initlab.core.draws import JOINED, drawn

SHAPES = [(), (1,), (0, 3), (3, 5), (7, 3, 3), (64, 64), (4096,), (65, 63), (17, 1000), (300, 300)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("law", ["normal", "truncated_normal", "uniform"])
def test_the_values_are_those_of_keras_to_the_bit(law, shape):
    draw = getattr(keras.random, law)
    expected = keras.ops.convert_to_numpy(draw(shape, 0.5, 2.0, dtype="float32", seed=7))
    found = keras.ops.convert_to_numpy(drawn(draw, shape, 0.5, 2.0, 7))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_a_generator_moves_on_by_one():
    one, other = keras.random.SeedGenerator(3), keras.random.SeedGenerator(3)
    for _ in range(2):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(drawn(keras.random.normal, (3, 4), 0.0, 1.0, one)),
            keras.ops.convert_to_numpy(keras.random.normal((3, 4), 0.0, 1.0, dtype="float32", seed=other)),
        )


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX traces and shares compiled draws")
def test_inside_a_compiled_function_and_without_numbers_by_place(monkeypatch):
    import jax

    expected = np.asarray(keras.random.normal((3, 4), 0.0, 1.0, dtype="float32", seed=7))
    compiled = jax.jit(lambda: drawn(keras.random.normal, (3, 4), 0.0, 1.0, 7))()
    np.testing.assert_array_equal(np.asarray(compiled), expected)
    asked = []

    def draw(shape, *rest, **named):
        asked.append(shape)
        return keras.random.normal(shape, *rest, **named)

    drawn(draw, (3, 4), 0.0, 1.0, 7)
    drawn(draw, (300, 300), 0.0, 1.0, 7)
    with jax.threefry_partitionable(False):
        drawn(draw, (3, 4), 0.0, 1.0, 7)
    assert asked == [(JOINED[0],), (300, 300), (3, 4)]
