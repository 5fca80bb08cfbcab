"""What stands beside the start: batch normalization, dropout, noise, other orders of the data, ...

A remedy acts on what training sees, never on what is measured.
"""

from keras_initlab.remedies.dropping import Dropout
from keras_initlab.remedies.normalizing import BatchNorm
from keras_initlab.remedies.registry import RemedyClaims, list_remedies, register, remedy
from keras_initlab.remedies.remedy import Remedy, Subject
from keras_initlab.remedies.stepping import L1, L2, ClipNorm, GlobalClipNorm, GradientNoise, WeightDecay

__all__ = [
    "L1",
    "L2",
    "BatchNorm",
    "ClipNorm",
    "Dropout",
    "GlobalClipNorm",
    "GradientNoise",
    "Remedy",
    "RemedyClaims",
    "Subject",
    "WeightDecay",
    "list_remedies",
    "register",
    "remedy",
]
