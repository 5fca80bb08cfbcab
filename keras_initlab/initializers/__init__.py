"""The schemes: each is a law for one tensor."""

from keras_initlab.initializers.base import FanScaled, RandomScheme, Scheme
from keras_initlab.initializers.orthogonal import Orthogonal
from keras_initlab.initializers.plain import (
    Constant,
    Ones,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    Zeros,
)
from keras_initlab.initializers.scaling.family import VarianceScaling
from keras_initlab.initializers.scaling.glorot import (
    GlorotNormal,
    GlorotNormalTruncated,
    GlorotUniform,
    HeFanAvgNormal,
)
from keras_initlab.initializers.scaling.he import HeNormal, HeNormalTruncated, HeUniform
from keras_initlab.initializers.scaling.lecun import (
    LecunNormal,
    LecunNormalTruncated,
    LecunUniform,
    NormalSqrtN,
    UniformSqrtN,
    XavierSimple,
)
from keras_initlab.initializers.structured import Identity

__all__ = [
    "Constant",
    "FanScaled",
    "GlorotNormal",
    "GlorotNormalTruncated",
    "GlorotUniform",
    "HeFanAvgNormal",
    "HeNormal",
    "HeNormalTruncated",
    "HeUniform",
    "Identity",
    "LecunNormal",
    "LecunNormalTruncated",
    "LecunUniform",
    "NormalSqrtN",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomScheme",
    "RandomUniform",
    "Scheme",
    "TruncatedNormal",
    "UniformSqrtN",
    "VarianceScaling",
    "XavierSimple",
    "Zeros",
]
