"""Recurrent schemes by what they do in Keras's layers, and against torch and scipy."""

import keras
import numpy as np
import pytest
import torch
from scipy import stats

import keras_initlab as initlab
from keras_initlab import initializers as schemes
from keras_initlab.testing.schemes import numpy


def test_irnn_is_torchs_eye_and_holds_the_state():
    kernel = numpy(schemes.Irnn(0.5)((4, 4)))
    np.testing.assert_array_equal(kernel, 0.5 * torch.nn.init.eye_(torch.empty(4, 4)))
    layer = keras.layers.SimpleRNN(4, activation="relu", recurrent_initializer="initlab_irnn")
    state = np.array([[0.5, 2.0, 0.0, 7.0]], "float32")
    np.testing.assert_array_equal(numpy(layer(np.zeros((1, 50, 3)), initial_state=state)), state)


def test_a_delay_line_passes_a_signal_on():
    """An impulse on the first unit is at unit k after k steps, faded k times, and then gone."""
    line = schemes.Reservoir(0.5, topology="delay_line")
    layer = keras.layers.SimpleRNN(4, "linear", return_sequences=True, recurrent_initializer=line)
    layer.build((None, 6, 1))
    layer.set_weights([np.array([[1.0, 0, 0, 0]]), layer.get_weights()[1], np.zeros(4)])
    impulse = np.array([1.0, 0, 0, 0, 0, 0]).reshape(1, 6, 1)
    expected = np.zeros((6, 4))
    expected[range(4), range(4)] = 0.5 ** np.arange(4)
    np.testing.assert_allclose(numpy(layer(impulse))[0], expected, atol=1e-7)


def test_a_ring_brings_it_back():
    """The eigenvalues are radius times the roots of unity; NumPy's roots of x⁵ - radius⁵ are those."""
    found = np.linalg.eigvals(numpy(schemes.Reservoir(0.8, topology="ring")((5, 5))))
    expected = np.roots([1, 0, 0, 0, 0, -(0.8**5)])
    assert np.abs(found[:, None] - expected).min(axis=0).max() < 1e-6


@pytest.mark.parametrize("reset_after", [True, False])
def test_chrono_bias_sets_how_long_a_gru_remembers(reset_after):
    """Without kernels a step multiplies the state by z; 1/(1-z) is uniform on [2, T]."""
    layer = keras.layers.GRU(
        2000,
        reset_after=reset_after,
        kernel_initializer="zeros",
        recurrent_initializer="zeros",
        bias_initializer=schemes.ChronoBias(100, cell="gru", seed=0),
    )
    kept = numpy(layer(np.zeros((1, 1, 1), "float32"), initial_state=np.ones((1, 2000), "float32")))[0]
    assert stats.kstest(1 / (1 - kept), stats.uniform(2, 98).cdf).pvalue > 1e-6


def test_uniform_gate_bias_spreads_the_gates_of_a_gru():
    bias = numpy(schemes.UniformGateBias("gru", seed=0)((2, 6000)))
    kept = 1 / (1 + np.exp(-bias[0, :2000]))
    assert stats.kstest(kept, stats.uniform(0, 1).cdf).pvalue > 1e-6
    assert not bias[0, 2000:].any()
    assert not bias[1].any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schemes.Irnn()((4, 12)), "as many rows as columns"),
        (
            lambda: schemes.Reservoir(topology="star"),
            "topology is 'star': give one of 'sparse', 'ring', 'delay_line'",
        ),
        (lambda: schemes.ChronoBias(cell="rnn"), "cell is 'rnn': give one of 'lstm', 'gru'"),
        (lambda: schemes.ChronoBias()((2, 12)), "the bias of an LSTM, (4 · units,); got shape (2, 12)"),
        (
            lambda: schemes.ChronoBias(cell="gru")((3, 12)),
            "(3 · units,) or (2, 3 · units); got shape (3, 12)",
        ),
        (lambda: schemes.UniformGateBias("gru")((4,)), "the bias of a GRU"),
    ],
)
def test_refusals_say_what_is_needed(make, message):
    with pytest.raises(initlab.InputError) as caught:
        make()
    assert message in str(caught.value)
