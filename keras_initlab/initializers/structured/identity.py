"""Kernels that copy their inputs."""

import math
from typing import Any

import numpy as np

from keras_initlab.core.arguments import whole
from keras_initlab.initializers import kinds
from keras_initlab.initializers.base import AxesAware, Gained, Shape
from keras_initlab.initializers.fans import as_matrix
from keras_initlab.initializers.registry import Claims, register


def copies_inputs(values: np.ndarray) -> np.ndarray:
    """Ones where input and output have the same index, at the centre tap; zeros elsewhere."""
    *window, inputs, outputs = values.shape
    expected = np.zeros(values.shape)
    centre = tuple((size - 1) // 2 for size in window)
    for index in range(min(inputs, outputs)):
        expected[(*centre, index, index)] = 1
    return values - expected


def at_centre(matrix: np.ndarray, shape: Shape) -> np.ndarray:
    """A kernel of `shape` with `matrix` at its centre tap and zeros elsewhere."""
    kernel = np.zeros(shape)
    kernel[tuple((size - 1) // 2 for size in shape[:-2])] = matrix
    return kernel


class FixedMatrix(Gained, AxesAware):
    """Base of the kernels without randomness that are a matrix of inputs by outputs.

    Args:
        input_axes: Axes of the weight that are inputs; None means Keras's convention.

    Shapes: rank 2 or more; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, the rank is below 2, or the axes do not
            name every axis once.
    """

    seed = None  # EinsumDense copies it into the config of any descendant of VarianceScaling

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**{name: value for name, value in config.items() if name != "seed"})

    def matrix(self, inputs: int, outputs: int) -> np.ndarray:
        """The law for a gain of one."""
        raise NotImplementedError

    def unit(self, shape: Shape) -> Any:
        return self.from_matrix(self.matrix(*self.matrix_shape(shape)), shape)


@register(
    "identity",
    claims=Claims(
        law="W = gain · I, padded with zeros or cut",
        reference="Le et al. 2015, arXiv:1504.00941; Zagoruyko & Komodakis 2017, arXiv:1706.00388",
        bound=lambda fans: 1.0,
        exact=copies_inputs,
        ranks=(2, None),
        roles=("kernel", "recurrent_kernel"),
        use="For layers that should pass their input on at first: square kernels, linear or ReLU",
        avoid="Where outputs outnumber inputs, the added units stay dead: take initlab_idinit there",
    ),
)
class Identity(FixedMatrix):
    """Each output copies the input of the same index.

    Draws `W = gain · I`, padded with zeros if there are more outputs than inputs or the reverse. A
    convolution has it at its centre tap, `(size - 1) // 2` for padding "same", and zeros elsewhere.

    Args:
        gain: The diagonal. Positive, dimensionless.

    Reference: Le et al. 2015, arXiv:1504.00941 (as the recurrent kernel of a ReLU network);
    Zagoruyko & Komodakis 2017, arXiv:1706.00388 (convolutions).

    >>> np.asarray(Identity()((2, 3))).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """

    def matrix(self, inputs: int, outputs: int) -> np.ndarray:
        return np.eye(inputs, outputs)

    def unit(self, shape: Shape) -> Any:
        if self.input_axes is not None:
            return super().unit(shape)
        return at_centre(self.matrix(*shape[-2:]), shape)


@register(
    "dirac",
    claims=kinds.convolution(
        law="identity at the centre tap, group by group",
        reference="Zagoruyko & Komodakis 2017, arXiv:1706.00388",
        bound=lambda fans: 1.0,
        exact=copies_inputs,
        use="For convolutions in deep plain nets that should start as the identity, grouped ones included",
        avoid="Where channels are added, the new ones stay dead: take initlab_delta_orthogonal there",
    ),
)
class Dirac(Gained):
    """Convolution that passes its input through.

    Draws one at the centre tap, `(size - 1) // 2`, where input and output have the same index within
    their group; zeros elsewhere. PyTorch's centre is `size // 2`, another one for even sizes.

    Args:
        gain: The ones. Positive, dimensionless.
        groups: Groups of the convolution; each passes its own channels.

    Shapes: rank 3 to 5, `(*window, in / groups, out)`.

    Raises:
        InputError: If `gain` is not positive, the outputs are no multiple of `groups`, or the rank is
            another.

    Reference: Zagoruyko & Komodakis 2017, arXiv:1706.00388.

    >>> [float(value) for value in np.asarray(Dirac()((3, 1, 2)))[:, 0, 0]]
    [0.0, 1.0, 0.0]
    """

    def __init__(self, gain: float = 1.0, groups: int = 1):
        super().__init__(gain)
        self.groups = whole("groups", groups)

    def unit(self, shape: Shape) -> Any:
        *_, inputs, outputs = shape
        if outputs % self.groups:
            raise self.refusal(shape, f"outputs that are a multiple of {self.groups} groups")
        tap = np.eye(inputs, outputs // self.groups)
        return at_centre(np.tile(tap, self.groups), shape)


def repeated_identity(values: np.ndarray) -> np.ndarray:
    """Identities side by side along the longer of inputs and outputs, the last one cut."""
    matrix = as_matrix(values)
    rows, columns = matrix.shape
    order = min(rows, columns)
    copies = np.tile(np.eye(order), (-(-rows // order), -(-columns // order)))
    return matrix - copies[:rows, :columns]


@register(
    "idinit",
    claims=Claims(
        law="gain where input ≡ output mod min(inputs, outputs), zeros elsewhere",
        reference="Pan et al. 2025, IDInit, arXiv:2503.04626",
        bound=lambda fans: 1.0,
        exact=repeated_identity,
        ranks=(2, None),
        roles=("kernel",),
        use="For residual networks without normalization: non-square kernels too pass on every input",
        avoid="With SGD without momentum, which hardly leaves an identity: take initlab_orthogonal",
    ),
)
class Idinit(FixedMatrix):
    """Identity that fills a kernel of any shape.

    Where `identity` pads with zeros, the identity starts again. A convolution is the matrix of its
    window and input channels by its outputs, so that different outputs copy different taps.

    Draws `W_ij = gain` where `i ≡ j mod min(inputs, outputs)` and zeros elsewhere.

    Args:
        gain: The paper's τ. Positive, dimensionless; 1 keeps the size of linear units, √2 that of ReLU's.

    Reference: Pan et al. 2025, arXiv:2503.04626, the identity-preserving law. Its noise of 1e-6 is
    left out; the last layer of a branch takes `idinit_zero`.

    >>> np.asarray(Idinit()((2, 5))).tolist()
    [[1.0, 0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0, 0.0]]
    """

    def matrix(self, inputs: int, outputs: int) -> np.ndarray:
        order = min(inputs, outputs)
        return np.equal.outer(np.arange(inputs) % order, np.arange(outputs) % order).astype(float)


def one_less_others(values: np.ndarray) -> np.ndarray:
    """Output o is a millionth of input o less the next one, or of fewer outputs, less all others ≡ o."""
    matrix = 1e6 * as_matrix(values)
    inputs, outputs = matrix.shape
    output = np.arange(outputs)
    others = 1 if outputs >= inputs else -(-(inputs - output) // outputs) - 1  # of each output
    taken = matrix[output % inputs, output] - 1
    sums = [matrix.sum(axis=0) - 1 + others, np.abs(matrix).sum(axis=0) - 1 - others]
    return np.concatenate([taken, *sums, (matrix**2).sum(axis=0) - 1 - others])


@register(
    "idinit_zero",
    claims=Claims(
        law="gain at input o mod inputs and -gain at the next, of fewer outputs at all others ≡ o, for "
        "output o; gain = 1e-6",
        reference="Pan et al. 2025, IDInit, arXiv:2503.04626",
        bound=lambda fans: 1e-6,
        exact=one_less_others,
        ranks=(2, None),
        roles=("kernel",),
        shapes=((60, 400), (64, 64), (60, 30), (64, 40), (60, 20)),
        use="For the last kernel of a residual branch: the block is the identity, yet no unit is dead",
        avoid="For any other kernel, which it silences: take initlab_idinit there",
    ),
)
class IdinitZero(FixedMatrix):
    """Almost zero, without the dead units of zero.

    An output is a millionth of one input less others. Where outputs are as many as inputs or more, or half
    as many, it is the difference of two, so that inputs of equal mean give it mean zero. Between half and
    all, some outputs are of one input alone; below half, they are one less two or more.

    Draws, for output `o` and at least as many outputs as inputs, `gain` at input `o mod inputs` and
    `-gain` at input `(o + 1) mod inputs`; for fewer outputs, `gain` at input `o` and `-gain` at the
    others that are `o` modulo the outputs. Zeros elsewhere.

    Args:
        gain: The paper's ε. Positive, dimensionless.

    Shapes: rank 2 or more; `(*receptive_field, in, out)` by Keras's convention; two inputs or more.

    Raises:
        InputError: If `gain` is not a positive finite number, the rank is below 2, there is but one
            input, or the axes do not name every axis once.

    Reference: Pan et al. 2025, arXiv:2503.04626, the zero-preserving law (for fewer outputs as ported).

    >>> (1e6 * np.asarray(IdinitZero()((2, 3)))).round(3).tolist()
    [[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]]
    """

    def __init__(self, gain: float = 1e-6, *rest: Any, **common: Any):
        super().__init__(gain, *rest, **common)

    def matrix(self, inputs: int, outputs: int) -> np.ndarray:
        if inputs < 2:
            raise self.refusal((inputs, outputs), "two inputs or more")
        rows, columns = np.arange(inputs)[:, None], np.arange(outputs)
        if outputs < inputs:
            return np.where(rows % outputs == columns, np.where(rows < outputs, 1.0, -1.0), 0.0)
        plus, minus = rows == columns % inputs, rows == (columns + 1) % inputs
        return plus.astype(float) - minus.astype(float)


def hadamard_entries(values: np.ndarray) -> np.ndarray:
    """The identity where outputs <= inputs, and else ± 1/√p with p the next power of two; one tap."""
    *window, inputs, outputs = values.shape
    if outputs <= inputs:
        return copies_inputs(values)
    expected = np.zeros(values.shape)
    expected[tuple((size - 1) // 2 for size in window)] = 2.0 ** (-math.ceil(math.log2(outputs)) / 2)
    return np.abs(values) - expected


@register(
    "zero_hadamard",
    claims=Claims(
        law="I cut to size; where units are added, I · H/√p · I with H the Hadamard matrix of order p",
        reference="Zhao et al. 2022, ZerO, arXiv:2110.12661",
        bound=lambda fans: 1.0,
        exact=hadamard_entries,
        ranks=(2, 5),
        roles=("kernel",),
        shapes=((400, 60), (60, 400), (64, 64), (3, 3, 16, 60), (4, 5, 3)),
        use="For runs that must repeat without any seed, in residual nets whose branches end in zeros",
        avoid="Without skip connections or normalization: take initlab_orthogonal, in convolutions "
        "initlab_delta_orthogonal",
    ),
)
class ZeroHadamard(Gained):
    """Start without any randomness whose symmetry is broken by a Hadamard matrix.

    Draws `W = gain · I` (cut) where outputs are as many as inputs or fewer, and else
    `gain · I · H_p / √p · I` with `p` the power of two that holds the outputs. A convolution has it at its
    centre tap, `(size - 1) // 2` for padding "same", and zeros elsewhere.

    Shapes: rank 2 to 5, `(*window, in, out)`.

    Raises:
        InputError: If `gain` is not positive, or the rank is another.

    Reference: Zhao, Schäfer & Anandkumar 2022, arXiv:2110.12661, algorithms 1 and 2. The scale 1/√p is that
    of the authors' code; the first algorithm as printed has √(2/p).

    >>> np.asarray(ZeroHadamard()((2, 4))).tolist()
    [[0.5, 0.5, 0.5, 0.5], [0.5, -0.5, 0.5, -0.5]]
    """

    def unit(self, shape: Shape) -> Any:
        return at_centre(self.matrix(*shape[-2:]), shape)

    def matrix(self, inputs: int, outputs: int) -> np.ndarray:
        """The law for a gain of one."""
        if outputs <= inputs:
            return np.eye(inputs, outputs)
        order = math.ceil(math.log2(outputs))
        index = np.arange(2**order)
        # Sylvester's matrix: the sign is the parity of the bits that row and column share.
        shared = index[:inputs, None] & index[None, :outputs]
        parity: Any = np.zeros_like(shared)
        for bit in range(order):
            parity = parity ^ ((shared >> bit) & 1)
        return (1 - 2 * parity) / 2 ** (order / 2)
