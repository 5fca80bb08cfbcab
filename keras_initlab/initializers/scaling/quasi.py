"""Fan-scaled laws drawn from quasi-random points."""

import math
from typing import Any

import numpy as np

from keras_initlab.core.arguments import one_of
from keras_initlab.initializers.base import TRUNCATED_STD, Shape
from keras_initlab.initializers.fans import as_matrix
from keras_initlab.initializers.registry import register
from keras_initlab.initializers.scaling import laws
from keras_initlab.initializers.scaling.family import VarianceScaling

SEQUENCES = ("sobol", "halton")
SOBOL_DIMENSIONS = 21201


def one_in_every_stratum(values: np.ndarray) -> np.ndarray:
    """With 2^m inputs, each unit has exactly one weight in every 2^-m-quantile of the law."""
    from scipy import stats

    matrix = as_matrix(values)
    inputs = len(matrix)
    strata = np.floor(stats.norm.cdf(matrix * math.sqrt(inputs)) * inputs)
    return np.sort(strata, axis=0) - np.arange(inputs)[:, None]


@register(
    "quasi_random",
    claims=laws.normal(
        law="quantiles of variance scale / fan at scrambled Sobol points, by default of N(0, 1/fan_in)",
        reference="Miranskyy et al. 2024, arXiv:2408.02654; scrambled as in scipy.stats.qmc",
        std=lambda fans: 1 / math.sqrt(fans.fan_in),
        exact=one_in_every_stratum,
        ranks=(2, None),
        shapes=((64, 400), (4, 4, 8, 60)),
        use="For small layers, where chance makes the weights of some units larger than those of others",
        avoid="For kernels of many million weights, which gain nothing and draw slowly: take "
        "initlab_variance_scaling",
    ),
)
class QuasiRandom(VarianceScaling):
    """Any fan-scaled law, drawn evenly rather than independently.

    Each unit is a dimension of the sequence and each input a point, so that every unit's weights
    follow the law far more closely than chance would have it. The authors' own code lays one dimension
    row by row over the kernel, which makes a unit's weights nearly equal where the number of units is
    a power of two.

    Draws `W = F⁻¹(u)`, `F` the distribution function of zero mean and variance `scale / n`, `n` the fan
    that `mode` names, `u` a sequence in [0, 1)^outputs scrambled by the seed.

    Args:
        sequence: `"sobol"`, which keeps closest to the law but correlates a few pairs of units, up to 0.4
            with four times as many inputs as units and 0.8 with as many; or `"halton"`, which correlates
            none more than chance does.
        distribution: `"untruncated_normal"`, `"truncated_normal"` (cut at two deviations, variance
            restored) or `"uniform"`.
        input_axes: Axes of the weight that are inputs; None means all but the last.

    Shapes: rank 2 or more, seen as the matrix (inputs, outputs); with Sobol points at most 21201
    outputs.

    Raises:
        InputError: If `scale` is not positive, `sequence`, `mode` or `distribution` is none of those
            named, the rank is below 2, the axes do not name every axis once, or there are too many
            outputs.

    Reference: Miranskyy et al. 2024, On Using Quasirandom Sequences in Machine Learning for Model Weight
    Initialization, arXiv:2408.02654.

    >>> bool(abs(np.asarray(QuasiRandom(seed=0)((64, 4))).mean()) < 1e-2)
    True
    """

    def __init__(
        self,
        sequence: str = "sobol",
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "untruncated_normal",
        *rest: Any,
        **common: Any,
    ):
        super().__init__(scale, mode, distribution, *rest, **common)
        self.sequence = one_of("sequence", sequence, SEQUENCES)

    def draw(self, shape: Shape) -> Any:
        from scipy import stats

        inputs, outputs = self.matrix_shape(shape)
        points = self._points(shape, inputs, outputs)
        if self.distribution == "uniform":
            standard = math.sqrt(3) * (2 * points - 1)
        elif self.distribution == "truncated_normal":
            low, high = stats.norm.cdf([-2, 2])
            standard = stats.norm.ppf(low + (high - low) * points) / TRUNCATED_STD
        else:
            standard = stats.norm.ppf(points)
        return self.from_matrix(self.std(shape) * standard, shape)

    def _points(self, shape: Shape, inputs: int, outputs: int) -> np.ndarray:
        """Points (rows) of the scrambled sequence, within (0, 1)."""
        from scipy.stats import qmc

        rng = self.generator(shape)
        if self.sequence == "halton":
            points = qmc.Halton(outputs, seed=rng).random(inputs)
        elif outputs > SOBOL_DIMENSIONS:
            raise self.refusal(shape, f'at most {SOBOL_DIMENSIONS} outputs, or sequence="halton"')
        else:
            points = qmc.Sobol(outputs, seed=rng).random_base2(math.ceil(math.log2(inputs)))[:inputs]
        return np.clip(points, 2**-32, 1 - 2**-32)
