"""Fans and seeds for any shape, path and seed."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_initlab.core.seeds import derive
from keras_initlab.initializers import RandomUniform
from keras_initlab.initializers.fans import shape_fans
from keras_initlab.testing.schemes import numpy

sizes = st.integers(1, 40)
shapes = st.lists(sizes, min_size=0, max_size=5).map(tuple)


@given(shapes)
def test_fans_are_those_of_keras(shape):
    assert shape_fans(shape) == keras.src.initializers.random_initializers.compute_fans(shape)


@given(st.lists(sizes, min_size=2, max_size=5).map(tuple))
def test_convolution_fans_share_the_receptive_field(shape):
    fans = shape_fans(shape)
    assert fans.fan_in * shape[-1] == fans.fan_out * shape[-2] == math.prod(shape)


@given(st.lists(sizes, min_size=2, max_size=5).map(tuple), st.data())
def test_axes_split_the_size(shape, data):
    cut = data.draw(st.integers(1, len(shape) - 1))
    axes = data.draw(st.permutations(range(len(shape))))
    fans = shape_fans(shape, axes[:cut], axes[cut:])
    assert fans.fan_in * fans.fan_out == math.prod(shape)
    assert fans == shape_fans(shape, [axis - len(shape) for axis in axes[:cut]], axes[cut:])


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_means_of_fans_are_ordered(fan_in, fan_out):
    fans = shape_fans((fan_in, fan_out))
    low, high = sorted((fan_in, fan_out))
    assert low <= fans.fan_geo_avg * (1 + 1e-12)
    assert fans.fan_geo_avg <= fans.fan_avg * (1 + 1e-12)
    assert fans.fan_avg <= high


parts = st.lists(st.one_of(st.text(max_size=5), st.integers(-5, 5)), max_size=4)


@given(st.integers(), parts, parts)
def test_derived_seeds_differ_exactly_when_the_parts_do(root, one, other):
    assert (derive(root, *one) == derive(root, *other)) == (one == other)


@given(st.integers(), parts)
def test_derived_seeds_fit_every_backend(root, path):
    assert 0 <= derive(root, *path) < 2**31


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a/b",), ("a", "b")), (("1",), (1,)), (("ab", "c"), ("a", "bc")), ((), ("",)), ((1, 23), (12, 3))],
)
def test_near_misses_do_not_collide(one, other):
    assert derive(0, *one) != derive(0, *other)


same_size = st.sampled_from([(4, 6), (6, 4), (24,), (1, 24), (24, 1), (2, 12), (4, 6, 1), (4, 7)])


@given(st.integers(0, 2**31 - 1), same_size, same_size)
def test_draws_agree_exactly_when_seed_and_shape_do(seed, shape, other):
    first, second = numpy(RandomUniform(seed=seed)(shape)), numpy(RandomUniform(seed=seed)(other))
    if shape == other:
        np.testing.assert_array_equal(first, second)
    else:
        assert not np.isclose(first.ravel()[:24], second.ravel()[:24]).all()
