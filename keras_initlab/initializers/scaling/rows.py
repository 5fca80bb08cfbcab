"""Laws with an exact property of the whole kernel or of each unit's weights."""

import math
from typing import Any

import numpy as np
from keras import ops

from keras_initlab.core.arguments import fraction, positive, whole
from keras_initlab.initializers.base import FanScaled, Gained, MatrixScheme, RandomScheme, Shape
from keras_initlab.initializers.fans import as_matrix
from keras_initlab.initializers.registry import Claims, register


def unit_columns(values: np.ndarray) -> np.ndarray:
    """The weights of every unit have norm 1."""
    return np.linalg.norm(values.reshape(-1, values.shape[-1]), axis=0) - 1


def nguyen_widrow_norms(values: np.ndarray) -> np.ndarray:
    """The weights of every unit have norm 0.7 · units^(1/inputs)."""
    inputs, units = values.shape
    return np.linalg.norm(values, axis=0) - 0.7 * units ** (1 / inputs)


def one_magnitude(values: np.ndarray) -> np.ndarray:
    """Every magnitude is 1/√fan_in."""
    return np.abs(values) * math.sqrt(values.size / values.shape[-1]) - 1


def spectral_norm(values: np.ndarray) -> np.ndarray:
    """The largest singular value is √(outputs/inputs)."""
    matrix = as_matrix(values)
    return np.asarray(np.linalg.norm(matrix, 2) - math.sqrt(matrix.shape[1] / matrix.shape[0]))


def nine_in_ten_zero(values: np.ndarray) -> np.ndarray:
    """Every unit has exactly ⌈0.9 · inputs⌉ weights that are zero."""
    matrix = as_matrix(values)
    return (matrix == 0).sum(axis=0) - math.ceil(0.9 * matrix.shape[0])


def fifteen_connections(values: np.ndarray) -> np.ndarray:
    """Every unit has exactly 15 weights that are not zero."""
    return (values.reshape(-1, values.shape[-1]) != 0).sum(axis=0) - 15


@register(
    "normc",
    claims=Claims(
        law="normal, each unit's weights rescaled to norm 1",
        reference="OpenAI Baselines, normc_initializer",
        mean=0.0,
        bound=lambda fans: 1.0,
        exact=unit_columns,
        ranks=(2, None),
        use="For small policy and value networks, above all their heads at a gain such as 0.01",
        avoid="Before ReLU in deep nets, where unit norms halve the signal's power: take initlab_he_normal",
    ),
)
class Normc(Gained, RandomScheme):
    """Normal directions of equal length: each unit's weights have one given norm.

    Draws `W = gain · Z / ‖Z‖`, `Z ~ N(0, 1)`, with the norm taken over each unit's inputs.

    Args:
        gain: The norm. Positive.

    Shapes: rank 2 or more; the last axis counts units.

    Raises:
        InputError: If `gain` is not positive, or the rank is below 2.

    Reference: OpenAI Baselines, normc_initializer.

    >>> bool(abs((np.asarray(Normc(seed=0)((50, 4))) ** 2).sum() - 4) < 1e-4)
    True
    """

    def unit(self, shape: Shape) -> Any:
        return _unit_columns(self.normal(shape))


def _unit_columns(values: Any) -> Any:
    inputs = tuple(range(len(values.shape) - 1))
    return values / ops.sqrt(ops.sum(ops.square(values), axis=inputs, keepdims=True))


@register(
    "nguyen_widrow",
    claims=Claims(
        law="uniform, each unit's weights rescaled to norm β = 0.7 · units^(1/inputs)",
        reference="Nguyen & Widrow 1990, IJCNN, vol. 3, pp. 21-26",
        mean=0.0,
        exact=nguyen_widrow_norms,
        ranks=(2, 2),
        roles=("kernel",),
        shapes=((4, 16), (60, 400)),
        use="For the hidden layer of a shallow tanh net on few inputs scaled to [-1, 1]",
        avoid="With many inputs or layers, where it is no better than initlab_glorot_normal",
    ),
)
class NguyenWidrow(Gained, RandomScheme):
    """Spreads the active regions of tanh units evenly over inputs in [-1, 1].

    Draws `w ~ U[-1, 1)` and rescales each unit's weights to norm `β = 0.7 · units^(1 / inputs)`. The
    method also draws biases from `U[-β, β)`: `initlab_random_uniform` with these ends.

    Shapes: rank 2, `(inputs, units)`.

    Raises:
        InputError: If `gain` is not positive, or the rank is not 2.

    Reference: Nguyen & Widrow 1990, Improving the learning speed of 2-layer neural networks, IJCNN.

    >>> W = np.asarray(NguyenWidrow(seed=0)((4, 16)))
    >>> round(float((W[:, 0] ** 2).sum()) ** 0.5, 4)
    1.4
    """

    def draw(self, shape: Shape) -> Any:
        inputs, units = shape
        return self.gain * 0.7 * units ** (1 / inputs) * _unit_columns(self.uniform(shape, -1.0, 1.0))


@register(
    "signed_constant",
    claims=Claims(
        law="±1/√fan_in with equal chances",
        reference="Zhou et al. 2019, arXiv:1905.01067; Ramanujan et al. 2020, arXiv:1911.13299",
        mean=0.0,
        std=lambda fans: 1 / math.sqrt(fans.fan_in),
        exact=one_magnitude,
        shapes=((60, 400), (3, 3, 16, 60)),
        use="For lottery tickets, pruning masks and other studies of what signs alone can do",
        avoid="Where magnitudes should differ from the start: take initlab_lecun_normal",
    ),
)
class SignedConstant(FanScaled):
    """One magnitude, random signs: what is left of a law when only its signs matter.

    Draws `W = ± gain / √fan_in`, both signs with equal chances.

    Args:
        gain: Multiplies every weight. Positive, dimensionless; √2 suits ReLU.

    Reference: Zhou et al. 2019, arXiv:1905.01067; Ramanujan et al. 2020, arXiv:1911.13299.

    >>> bool((abs(np.asarray(SignedConstant(seed=0)((25, 4)))) == 0.2).all())
    True
    """

    def draw(self, shape: Shape) -> Any:
        std = self.std(shape)
        return ops.where(self.uniform(shape, -1.0, 1.0) < 0, -std, std)


@register(
    "spectral",
    claims=Claims(
        law="normal, rescaled to spectral norm √(outputs/inputs)",
        reference="Yang, Simon & Bernstein 2023, arXiv:2310.17813",
        mean=0.0,
        exact=spectral_norm,
        ranks=(2, None),
        shapes=((60, 400), (400, 60)),
        use="For widths from a small model to a large one with learning rates scaled alike",
        avoid="Where each output should keep unit variance: take initlab_lecun_normal",
    ),
)
class Spectral(MatrixScheme):
    """Normal kernel whose spectral norm is what lets features learn at every width.

    Draws `W = gain · √(outputs / inputs) · Z / ‖Z‖₂`, `Z ~ N(0, 1)`.

    Reference: Yang, Simon & Bernstein 2023, arXiv:2310.17813, condition 1.

    >>> round(float(np.linalg.norm(np.asarray(Spectral(seed=0)((4, 36))), 2)), 4)
    3.0
    """

    def draw(self, shape: Shape) -> Any:
        inputs, outputs = self.matrix_shape(shape)
        Z = self.normal((inputs, outputs), seed=self.seed_for(shape))
        largest = ops.max(ops.svd(Z, compute_uv=False))
        return self.from_matrix(self.gain * math.sqrt(outputs / inputs) / largest * Z, shape)


@register(
    "sparse",
    claims=Claims(
        law="N(0, 0.01²), of each unit's weights ⌈0.9 · inputs⌉ are zero",
        reference="Martens 2010, ICML, section 5; with proportions as in torch.nn.init.sparse_",
        mean=0.0,
        exact=nine_in_ten_zero,
        ranks=(2, None),
        shapes=((60, 400), (3, 3, 16, 60)),
        use="For shallow nets of saturating units with many inputs, a fixed share of which is heard",
        avoid="In deep nets, where its small deviation loses the signal: take initlab_sparse_orthogonal",
    ),
)
class Sparse(RandomScheme):
    """Each unit listens to a fixed share of its inputs.

    Draws `N(0, stddev²)` and sets `⌈sparsity · inputs⌉` randomly chosen weights of each unit to zero.
    PyTorch's `sparse_` counts along the units of each input instead.

    Args:
        sparsity: Share of zeros, between 0 and 1.
        stddev: Standard deviation of the others. Positive.

    Shapes: rank 2 or more; the last axis counts units.

    Raises:
        InputError: If `sparsity` does not lie between 0 and 1, `stddev` is not positive, or the rank is
            below 2.

    Reference: Martens 2010, Deep learning via Hessian-free optimization, ICML.

    >>> int((np.asarray(Sparse(0.5, seed=0)((10, 3))) == 0).sum())
    15
    """

    def __init__(self, sparsity: float = 0.9, stddev: float = 0.01, seed: Any = None):
        super().__init__(seed)
        self.sparsity = fraction("sparsity", sparsity)
        self.stddev = positive("stddev", stddev)

    def draw(self, shape: Shape) -> Any:
        inputs = math.prod(shape[:-1])
        kept = inputs - math.ceil(self.sparsity * inputs)
        return _sparse(self.generator(shape), shape, kept, self.stddev)


@register(
    "sparse_martens",
    claims=Claims(
        law="15 weights of each unit N(0, 1), the others zero",
        reference="Martens 2010, ICML, section 5",
        mean=0.0,
        exact=fifteen_connections,
        ranks=(2, None),
        shapes=((60, 400), (3, 3, 16, 60)),
        use="For deep sigmoid or tanh nets whose units must differ although they have many inputs",
        avoid="Before ReLU, or where the variance of signals must keep: take initlab_sparse_orthogonal",
    ),
)
class SparseMartens(RandomScheme):
    """Each unit listens to a fixed number of inputs, however many there are.

    Draws `connections` randomly chosen weights of each unit from `N(0, 1)`; the others are zero. A unit
    with fewer inputs listens to all.

    Args:
        connections: Number of weights that are not zero. At least 1.

    Shapes: rank 2 or more; the last axis counts units.

    Raises:
        InputError: If `connections` is not a whole number, or the rank is below 2.

    Reference: Martens 2010, Deep learning via Hessian-free optimization, ICML, section 5.

    >>> int((np.asarray(SparseMartens(4, seed=0)((10, 3))) != 0).sum())
    12
    """

    def __init__(self, connections: int = 15, seed: Any = None):
        super().__init__(seed)
        self.connections = whole("connections", connections)

    def draw(self, shape: Shape) -> Any:
        kept = min(self.connections, math.prod(shape[:-1]))
        return _sparse(self.generator(shape), shape, kept, 1.0)


def _sparse(rng: np.random.Generator, shape: Shape, kept: int, std: float) -> np.ndarray:
    """Normal values of which each unit (column) keeps `kept`, at random places."""
    matrix = np.zeros((math.prod(shape[:-1]), shape[-1]))
    matrix[:kept] = rng.normal(0, std, (kept, shape[-1]))
    return rng.permuted(matrix, axis=0).reshape(shape)
