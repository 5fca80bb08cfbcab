"""Biases that open or close the gates of a recurrent layer."""

import math
from typing import Any

import numpy as np

from keras_initlab.core.arguments import above, finite, one_of
from keras_initlab.initializers import kinds
from keras_initlab.initializers.base import RandomScheme, Scheme, Shape
from keras_initlab.initializers.registry import Claims, register


def forget_ones(values: np.ndarray) -> np.ndarray:
    """One for the second of four gates, zero for the others."""
    gates = values.reshape(4, -1)
    return gates - np.array([0, 1, 0, 0])[:, None]


def opposite_gates(values: np.ndarray) -> np.ndarray:
    """The input gate has minus the forget gate's biases; cell and output gate have none."""
    into, forget, cell, out = values.reshape(4, -1)
    return np.concatenate([into + forget, cell, out])


def chrono_range(values: np.ndarray) -> np.ndarray:
    """As opposite gates, with forget biases in [0, ln 99]."""
    forget = values.reshape(4, -1)[1]
    beyond = np.maximum(0, np.maximum(-forget, forget - math.log(99)))
    return np.concatenate([opposite_gates(values), beyond])


def _lstm_units(scheme: Scheme, shape: Shape) -> int:
    """Units of an LSTM whose bias has `shape`."""
    if len(shape) != 1 or shape[0] % 4:
        raise scheme.refusal(shape, "the bias of an LSTM, (4 · units,)")
    return shape[0] // 4


class GateBias(RandomScheme):
    """Base of the biases that set how long each unit remembers.

    Args:
        cell: `"lstm"` or `"gru"`.
    """

    def __init__(self, cell: str = "lstm", *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.cell = one_of("cell", cell, ("lstm", "gru"))

    def remember(self, shape: Shape, units: int) -> np.ndarray:
        """Biases of the gate that keeps the state, drawn for a bias of `shape`."""
        raise NotImplementedError

    def draw(self, shape: Shape) -> Any:
        if self.cell == "lstm":
            units = _lstm_units(self, shape)
            forget = self.remember(shape, units)
            return np.concatenate([-forget, forget, np.zeros(2 * units)])
        if shape[-1] % 3 or shape[:-1] not in ((), (2,)):
            raise self.refusal(shape, "the bias of a GRU, (3 · units,) or (2, 3 · units)")
        bias = np.zeros(shape)
        units = shape[-1] // 3
        # Of the two rows one is the recurrent kernel's; Keras adds them up.
        bias.reshape(-1, shape[-1])[0, :units] = self.remember(shape, units)
        return bias


@register(
    "forget_bias",
    claims=kinds.bias(
        law="1 for the forget gate, 0 for the others",
        reference="Jozefowicz et al. 2015, ICML, section 4",
        bound=lambda fans: 1.0,
        exact=forget_ones,
        shapes=((80,), (12,)),
        use="For LSTMs by default: Keras's unit_forget_bias=True said as an initializer, of any value",
        avoid="Where the length of the dependences is known: take initlab_chrono_bias",
    ),
)
class ForgetBias(Scheme):
    """Bias of an LSTM that starts by remembering.

    Draws `value` for the second of four gates (Keras's order is input, forget, cell, output) and zero for
    the others. Build the layer with `unit_forget_bias=False`.

    Args:
        value: The forget gate's bias.

    Shapes: rank 1, `(4 · units,)`.

    Raises:
        InputError: If `value` is not finite, or the shape is no LSTM's.

    Reference: Jozefowicz, Zaremba & Sutskever 2015, ICML, section 4.

    >>> np.asarray(ForgetBias()((4,))).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """

    def __init__(self, value: float = 1.0):
        self.value = finite("value", value)

    def draw(self, shape: Shape) -> Any:
        units = _lstm_units(self, shape)
        return np.repeat([0.0, self.value, 0.0, 0.0], units)


@register(
    "chrono_bias",
    claims=Claims(
        law="b_forget = ln U[1, T-1], b_input = -b_forget, others 0; T = 100",
        reference="Tallec & Ollivier 2018, arXiv:1804.11188",
        exact=chrono_range,
        ranks=(1, 2),
        roles=("bias",),
        shapes=((800,), (12,)),
        use="For LSTM and GRU on sequences whose longest dependence is known, up to its timescale",
        avoid="Where dependences are short (initlab_forget_bias) or unknown (initlab_uniform_gate_bias)",
    ),
)
class ChronoBias(GateBias):
    """Bias of an LSTM or GRU whose memories last up to a given number of steps.

    Draws `b_forget = ln(u)`, `u ~ U[1, timescale - 1)`, and `b_input = -b_forget`; the other gates have
    none. Build the LSTM with `unit_forget_bias=False`. A GRU has one gate for both, which Keras calls
    update and which keeps the state where it is open: `b_update = ln(u)`.

    Args:
        timescale: T, the longest dependence in steps. Above 2.

    Shapes: LSTM `(4 · units,)`; GRU `(2, 3 · units)`, or `(3 · units,)` with `reset_after=False`.

    Raises:
        InputError: If `timescale <= 2`, `cell` is another, or the shape is not that cell's.

    Reference: Tallec & Ollivier 2018, arXiv:1804.11188, section 2.

    >>> bias = np.asarray(ChronoBias(seed=0)((4,)))
    >>> bool(bias[0] == -bias[1])
    True
    """

    def __init__(self, timescale: float = 100.0, *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.timescale = above("timescale", timescale, 2)

    def remember(self, shape: Shape, units: int) -> np.ndarray:
        return np.log(self.generator(shape).uniform(1, self.timescale - 1, units))


@register(
    "uniform_gate_bias",
    claims=Claims(
        law="b_forget = logit U[1/d, 1-1/d], b_input = -b_forget, others 0; d units",
        reference="Gu et al. 2020, arXiv:1910.09890",
        exact=opposite_gates,
        ranks=(1, 2),
        roles=("bias",),
        shapes=((800,), (12,)),
        use="For LSTM and GRU on dependences of unknown length: memories of all lengths up to the units",
        avoid="For layers of few units, whose memories stay short: take initlab_chrono_bias",
    ),
)
class UniformGateBias(GateBias):
    """Bias of an LSTM or GRU whose forget gates are spread evenly between closed and open.

    Draws `b_forget = ln(u / (1 - u))`, `u ~ U[1/d, 1 - 1/d)` with `d` units, and `b_input = -b_forget`;
    the other gates have none. Build the LSTM with `unit_forget_bias=False`. A GRU has `b_update` alone.

    Shapes: LSTM `(4 · units,)`; GRU `(2, 3 · units)`, or `(3 · units,)` with `reset_after=False`; of three
        units or more.

    Raises:
        InputError: If `cell` is another, the shape is not that cell's, or has fewer units.

    Reference: Gu et al. 2020, Improving the gating mechanism of recurrent neural networks,
    arXiv:1910.09890.

    >>> tuple(UniformGateBias(seed=0)((64,)).shape)
    (64,)
    """

    def remember(self, shape: Shape, units: int) -> np.ndarray:
        if units < 3:
            raise self.refusal(shape, "three units or more")
        open_ = self.generator(shape).uniform(1 / units, 1 - 1 / units, units)
        return np.log(open_ / (1 - open_))
