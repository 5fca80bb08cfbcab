"""Mistakes in how data are told apart."""

from mutant import Mutant

SOURCES = "keras_initlab/engines/sources.py"
FINGERPRINTS = ("tests/properties/test_fingerprints.py",)

MUTANTS = [
    Mutant(
        "fingerprint without the type",
        SOURCES,
        'f"{array.shape}{array.dtype}"',
        'f"{array.shape}"',
        FINGERPRINTS,
    ),
    Mutant(
        "fingerprint without the shape",
        SOURCES,
        'f"{array.shape}{array.dtype}"',
        'f"{array.dtype}"',
        FINGERPRINTS,
    ),
]
