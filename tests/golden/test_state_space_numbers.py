"""State-space schemes against the equation that defines them, by scipy's polynomials and quadrature."""

import numpy as np
import pytest
import scipy.linalg
from numpy.polynomial import laguerre, legendre
from scipy import stats

import keras_initlab as initlab
from keras_initlab import initializers as schemes
from keras_initlab.testing.schemes import numpy

SIZE = 7
WINDOW = 3.0


def projected(basis, slopes, weights):
    """∫ p_n p_j' over the measure, from values of the basis and its slopes at the nodes."""
    return basis @ (weights * slopes).T


def legendre_basis(norms):
    """Nodes and weights on [0, 1], p_n(x) = norm_n P_n(2x - 1) there, and its slopes."""
    nodes, weights = legendre.leggauss(40)
    unit = np.eye(SIZE)
    values = np.array([legendre.legval(nodes, row) for row in unit]) * norms[:, None]
    slopes = np.array([2 * legendre.legval(nodes, legendre.legder(row)) for row in unit]) * norms[:, None]
    ends = np.array([legendre.legval([-1.0, 1.0], row) for row in unit]) * norms[:, None]
    return (nodes + 1) / 2, weights / 2, values, slopes, ends


def matches(state_matrix, measure, expected_matrix, expected_input, window=WINDOW):
    found = numpy(state_matrix((SIZE, SIZE)))
    np.testing.assert_allclose(found, expected_matrix, atol=1e-5 * np.abs(expected_matrix).max())
    vector = numpy(schemes.HippoInput(measure, window)((SIZE,)))
    np.testing.assert_allclose(vector, expected_input, rtol=1e-6)


def test_legt_follows_the_coefficients_of_polynomials():
    """For f = p_j now, c = e_j: dc/dt = ∫ f' p_n must be A e_j + B f, with f = p_j(1) at the present."""
    _, weights, values, slopes, ends = legendre_basis(np.sqrt(2 * np.arange(SIZE) + 1))
    B = ends[:, 1] / WINDOW
    A = projected(values, slopes, weights) / WINDOW - np.outer(B, ends[:, 1])
    matches(schemes.HippoLegt(WINDOW), "legt", A, B)


def test_legs_follows_the_coefficients_of_polynomials():
    """All of the past is [0, 1] at t = 1: t dc/dt = ∫ x f' p_n."""
    nodes, weights, values, slopes, ends = legendre_basis(np.sqrt(2 * np.arange(SIZE) + 1))
    A = projected(values, nodes * slopes, weights) - np.outer(ends[:, 1], ends[:, 1])
    matches(schemes.HippoLegs(), "legs", A, ends[:, 1])


def test_lmu_is_a_delay_line():
    """The input a time r θ ago is Σ m_n P_n(2r - 1): for P_j, dm_n/dt = -(2n + 1)/θ ∫ P_n P_j'."""
    _, weights, values, slopes, ends = legendre_basis(np.ones(SIZE))
    order = (2 * np.arange(SIZE) + 1)[:, None]
    B = order[:, 0] * ends[:, 0] / WINDOW
    A = -order * projected(values, slopes, weights) / WINDOW - np.outer(B, ends[:, 0])
    matches(schemes.HippoLmu(WINDOW), "lmu", A, B)


def test_lmu_delays_a_sine():
    """A pulse of the differential equation, solved by scipy's matrix exponential: the far end lags by θ."""
    size, steps, window = 12, 2000, 1.0
    A = numpy(schemes.HippoLmu(window)((size, size)))
    B = numpy(schemes.HippoInput("lmu", window)((size,)))
    step = 3.0 / steps
    block = scipy.linalg.expm(step * np.block([[A, B[:, None]], [np.zeros((1, size + 1))]]))
    state, time = np.zeros(size), step * np.arange(steps)
    for now in time:
        state = block[:size, :size] @ state + block[:size, size] * np.sin(2 * (now + step / 2))
    assert state.sum() == pytest.approx(np.sin(2 * (3.0 - window)), abs=2e-3)


def test_lagt_follows_the_coefficients_of_polynomials():
    """The past of age s weighs exp(-s): for f = L_j(s), dc/dt = -∫ L_j' L_n exp(-s)."""
    nodes, weights = laguerre.laggauss(40)
    unit = np.eye(SIZE)
    values = np.array([laguerre.lagval(nodes, row) for row in unit])
    slopes = np.array([laguerre.lagval(nodes, laguerre.lagder(row)) for row in unit])
    A = -projected(values, slopes, weights) - 1
    matches(schemes.HippoLagt(WINDOW), "lagt", A / WINDOW, np.ones(SIZE) / WINDOW)


def test_fourier_follows_the_coefficients_of_waves():
    """As for LegT, and twice what a wave has at the present leaves and enters."""
    nodes = np.arange(64) / 64
    waves, slopes, now = [np.ones(64)], [np.zeros(64)], [1.0]
    for k in range(1, SIZE // 2 + 1):
        angle = 2 * np.pi * k
        waves += [np.sqrt(2) * np.cos(angle * nodes), np.sqrt(2) * np.sin(angle * nodes)]
        slopes += [-angle * waves[-1], angle * waves[-2]]
        now += [np.sqrt(2), 0.0]
    now = np.array(now)
    A = projected(np.array(waves), np.array(slopes), np.full(64, 1 / 64)) - 2 * np.outer(now, now)
    matches(schemes.HippoFourier(WINDOW), "fourier", A / WINDOW, 2 * now / WINDOW)


def test_fourier_sees_what_leaves_the_window():
    """For f(x) = x, whose ends differ, dc/dt is that of the mean alone, 1; without the factor 2 it is ½."""
    size, nodes = 101, (np.arange(20000) + 0.5) / 20000
    angle = 2 * np.pi * np.arange(1, size // 2 + 1)[:, None] * nodes
    pairs = np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    coefficients = np.concatenate([[nodes.mean()], (pairs * nodes).mean(axis=-1).ravel()])
    A, B = numpy(schemes.HippoFourier()((size, size))), numpy(schemes.HippoInput("fourier")((size,)))
    slope = A @ coefficients + B
    np.testing.assert_allclose(slope, np.eye(size)[0], atol=1e-3)


def test_s4d_inv_comes_near_the_eigenvalues_of_legs():
    """LegS plus a rank-one term is normal; the upper half of its spectrum by NumPy, largest first."""
    A = numpy(schemes.HippoLegs()((128, 128)))
    vector = np.sqrt(np.arange(128) + 0.5)
    spectrum = np.linalg.eigvals(A + np.outer(vector, vector))
    np.testing.assert_allclose(spectrum.real, -0.5, atol=0.02)
    imaginary = np.sort(spectrum.imag)[::-1][:64]
    np.testing.assert_allclose(numpy(schemes.S4dImag("inv")((64,)))[:4], imaginary[:4], rtol=0.06)


def test_s4d_lin_comes_near_the_eigenvalues_of_fourier():
    spectrum = np.linalg.eigvals(numpy(schemes.HippoFourier(window=2.0)((101, 101))))
    imaginary = np.sort(spectrum.imag[spectrum.imag > 0])
    np.testing.assert_allclose(np.diff(imaginary)[2:20], np.diff(numpy(schemes.S4dImag()((19,)))), rtol=0.02)


def test_lru_phases_are_uniform_up_to_the_largest():
    phases = np.exp(numpy(schemes.LruPhase(np.pi / 10, seed=0)((4000,))))
    assert stats.kstest(phases, stats.uniform(0, np.pi / 10).cdf).pvalue > 1e-6


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schemes.HippoLegt()((3, 4)), "as many rows as columns"),
        (lambda: schemes.HippoInput("legd"), "measure is 'legd': give one of 'legs', 'legt'"),
        (lambda: schemes.LruPhase(7.0), "largest is 7.0: give at most 2π radians"),
    ],
)
def test_refusals_say_what_is_needed(make, message):
    with pytest.raises(initlab.InputError) as caught:
        make()
    assert message in str(caught.value)
