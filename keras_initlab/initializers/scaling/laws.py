"""Claims of the laws with zero mean and variance = gain² · scale / fan."""

import math
from collections.abc import Callable
from typing import Any

from keras_initlab.initializers.base import TRUNCATED_STD
from keras_initlab.initializers.fans import Fans
from keras_initlab.initializers.registry import Claims

LECUN = "LeCun et al. 1998, Efficient BackProp, section 4.6"
GLOROT = "Glorot & Bengio 2010, eqs. 12 and 16, proceedings.mlr.press/v9/glorot10a"
HE = "He et al. 2015, eq. 10, arXiv:1502.01852"

FanLaw = Callable[[Fans], float]


def uniform(law: str, limit: FanLaw, reference: str, **more: Any) -> Claims:
    """Claims of a uniform law within ± `limit`."""
    return Claims(
        law=law,
        reference=reference,
        mean=0.0,
        std=lambda fans: limit(fans) / math.sqrt(3),
        bound=limit,
        distribution="uniform",
        **more,
    )


def normal(law: str, std: FanLaw, reference: str, **more: Any) -> Claims:
    """Claims of a normal law."""
    return Claims(
        law=law,
        reference=reference,
        mean=0.0,
        std=std,
        distribution="normal",
        **more,
    )


def truncated(law: str, std: FanLaw, reference: str, **more: Any) -> Claims:
    """Claims of a normal law cut at two deviations and widened to have `std` again."""
    return Claims(
        law=law,
        reference=reference,
        mean=0.0,
        std=std,
        bound=lambda fans: 2 * std(fans) / TRUNCATED_STD,
        distribution="truncated_normal",
        **more,
    )
