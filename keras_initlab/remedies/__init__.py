"""What stands beside the start: batch normalization, dropout, noise, other orders of the data, ...

A remedy acts on what training sees, never on what is measured.
"""

from keras_initlab.remedies.disturbing import Augment, DataNoise
from keras_initlab.remedies.dropping import DropConnect, Dropout
from keras_initlab.remedies.inputs import Standardize, Whiten
from keras_initlab.remedies.labels import LabelNoise, LabelSmoothing
from keras_initlab.remedies.mixing import CutMix, Mixup
from keras_initlab.remedies.normalizing import BatchNorm
from keras_initlab.remedies.orders import Curriculum, Shuffle, Staircase
from keras_initlab.remedies.registry import RemedyClaims, in_order, list_remedies, register, remedy
from keras_initlab.remedies.remedy import Remedy, Subject
from keras_initlab.remedies.stepping import L1, L2, ClipNorm, GlobalClipNorm, GradientNoise, WeightDecay
from keras_initlab.results.stopping import GL, PQ, UP, LargestWeightChange, Patience, Window

__all__ = [
    "GL",
    "L1",
    "L2",
    "PQ",
    "UP",
    "Augment",
    "BatchNorm",
    "ClipNorm",
    "Curriculum",
    "CutMix",
    "DataNoise",
    "DropConnect",
    "Dropout",
    "GlobalClipNorm",
    "GradientNoise",
    "LabelNoise",
    "LabelSmoothing",
    "LargestWeightChange",
    "Mixup",
    "Patience",
    "Remedy",
    "RemedyClaims",
    "Shuffle",
    "Staircase",
    "Standardize",
    "Subject",
    "WeightDecay",
    "Whiten",
    "Window",
    "in_order",
    "list_remedies",
    "register",
    "remedy",
]
