"""Mistakes in the gains of activations."""

from mutant import Mutant

GAINS = ("tests/golden/test_gains.py",)

MUTANTS = [
    Mutant(
        "activations that mix entries are taken",
        "keras_initlab/initializers/gains.py",
        "not np.allclose(among, alone, rtol=1e-5)",
        "False",
        GAINS,
        backend="torch",
    ),
    Mutant(
        "a flat activation has an edge of chaos",
        "keras_initlab/initializers/gains.py",
        "    if slope < FLAT:",
        "    if slope < 0:",
        GAINS,
        backend="torch",
    ),
    Mutant(
        "gain forward without its root",
        "keras_initlab/initializers/gains.py",
        "return 1 / math.sqrt(powers[kind])",
        "return 1 / powers[kind]",
        GAINS,
        backend="torch",
    ),
    Mutant(
        "gain std keeps the mean",
        "keras_initlab/initializers/gains.py",
        "second - first**2",
        "second",
        GAINS,
        backend="torch",
    ),
    Mutant(
        "edge of chaos by the signal",
        "keras_initlab/initializers/gains.py",
        "weight_variance = 1 / slope",
        "weight_variance = 1 / second",
        GAINS,
        backend="torch",
    ),
    Mutant(
        "panels are not split at kinks",
        "keras_initlab/initializers/gains.py",
        "for _ in range(40):",
        "for _ in range(1):",
        GAINS,
        backend="torch",
    ),
    Mutant(
        "depth scale without its logarithm",
        "keras_initlab/initializers/gains.py",
        "rate = abs(math.log(",
        "rate = abs((",
        GAINS,
        backend="torch",
    ),
]
