"""Each number of a tensor against its definition: units, examples and places are told apart."""

import math

import numpy as np
import pytest

from keras_initlab.diagnosis import measures, tangents

RNG = np.random.default_rng(0)
A = RNG.normal(size=(7, 3, 5)) * np.arange(1, 6) + np.array([3.0, 0, 0, -1, 0])


def test_the_second_moment_splits_exactly():
    found = measures.forward(A)
    assert found.mean == pytest.approx(sum(A.ravel()) / A.size)
    assert found.second == pytest.approx(found.offset + found.pattern + found.signal)
    by_unit = np.array([A[:, :, unit].mean() for unit in range(5)])
    assert found.pattern == pytest.approx(((by_unit - by_unit.mean()) ** 2).mean())
    assert found.signal == pytest.approx(np.mean([A[:, :, unit].var() for unit in range(5)]))


def test_a_fixed_pattern_is_no_signal():
    """All examples alike but for rounding: the variance over units would hide that nothing is told apart."""
    alike = np.tile(RNG.normal(size=(1, 1, 50)), (8, 1, 1))
    found = measures.forward((alike * (1 + 1e-7 * RNG.normal(size=(8, 1, 50)))).astype("float32"))
    assert found.pattern > 0.5
    assert found.signal == pytest.approx(0, abs=1e-12)
    assert found.cosine == pytest.approx(1)
    assert found.rank == 0, "rounding is no direction"


def test_the_cosine_is_that_of_all_pairs():
    flat = A.reshape(7, -1)
    pairs = [flat[i] @ flat[j] for i in range(7) for j in range(7) if i != j]
    assert measures.forward(A).cosine == pytest.approx(np.mean(pairs) / (flat**2).sum(axis=1).mean())


def test_nothing_but_zeros_has_no_cosine_and_no_direction():
    found = measures.forward(np.zeros((4, 1, 3)))
    assert math.isnan(found.cosine)
    assert found.rank == 0


def test_the_rank_counts_directions():
    flat = np.concatenate([np.eye(6), -np.eye(6)])
    assert measures.rank(flat) == pytest.approx(6)
    lopsided = flat * np.array([100, 1, 1, 1, 1, 1])
    assert 1 < measures.rank(lopsided) < 1.01


def test_the_gradient_is_measured_example_by_example():
    """Half of the examples have a gradient: places and units are summed, examples averaged."""
    g = np.zeros((4, 2, 3))
    g[:2] = 1.0
    assert measures.gradient_size(g) == pytest.approx((6 + 6) / 4)


def test_equal_columns_are_one_class_and_near_ones_are_not():
    columns = RNG.normal(size=(40, 9))
    equal = columns.copy()
    equal[:, 3] = equal[:, 7] * (1 + 1e-8)
    assert measures.classes(columns) == 9
    assert measures.classes(equal) == 8
    near = columns.copy()
    near[:, 3] = near[:, 7] + 1e-2 * RNG.normal(size=40)
    assert measures.classes(near) == 9
    assert measures.classes(equal, RNG.normal(size=(1, 9)) * 1e-12) == 9, (
        "a small block counts by its own scale"
    )
    assert measures.classes(np.zeros((5, 8))) == 1


@pytest.mark.parametrize("places", [1, 4])
def test_products_are_those_of_the_gradients_written_out(places):
    x, g = RNG.normal(size=(6, places, 4)), RNG.normal(size=(6, places, 3))
    kernels = [sum(np.outer(x[n, s], g[n, s]) for s in range(places)).ravel() for n in range(6)]
    rows = np.array([np.concatenate([kernels[n], g[n].sum(axis=0)]) for n in range(6)])
    np.testing.assert_allclose(measures.products(x, g, bias=True), rows @ rows.T)
    np.testing.assert_allclose(measures.products(x, g, bias=False), np.array(kernels) @ np.array(kernels).T)
    np.testing.assert_allclose(measures.squares(x, g, bias=True), (rows**2).sum(axis=1))


def test_coherence_is_one_over_the_number_of_unrelated_gradients():
    rows = np.eye(8)
    of_mean = (rows.mean(axis=0) ** 2).sum()
    assert measures.coherence((rows**2).sum(axis=1), of_mean) == pytest.approx(1 / 8)
    assert measures.coherence(np.ones(8), 1.0) == 1


def test_singular_values_are_summed_up():
    rotation, _ = np.linalg.qr(RNG.normal(size=(5, 5)))
    found = tangents.jacobian([np.diag([4.0, 2.0, 1.0]) @ rotation[:3]])
    assert found == pytest.approx((21 / 3, 4.0, 2.0))
    assert tangents.jacobian([np.full((2, 2), np.nan)]) is None


def test_the_tangent_kernel_knows_its_targets():
    labels = np.eye(2)[[0, 0, 1, 1]]
    aligned = tangents.tangents(labels @ labels.T + 1e-3 * np.eye(4), labels)
    crossed = np.eye(2)[[0, 1, 0, 1]]
    assert aligned.alignment == pytest.approx(1, abs=1e-3)
    assert tangents.tangents(crossed @ crossed.T + 1e-3 * np.eye(4), labels).alignment == pytest.approx(
        0, abs=0.01
    )
    assert tangents.tangents(np.ones((3, 3)), None).condition == 1e12
