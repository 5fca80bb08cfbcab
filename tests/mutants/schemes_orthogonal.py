"""Mistakes in the orthogonal schemes of convolutions, of graph networks and of sparse networks."""

from mutant import Mutant
from schemes import SCHEME_NUMBERS, scheme

NUMBERS = ("tests/golden/test_orthogonal_numbers.py",)
ROOM = "initializers/orthogonal"


def number(name: str, file: str, before: str, after: str) -> Mutant:
    """A mistake that the comparison with torch, scipy or Fourier transforms should notice."""
    return Mutant(name, f"keras_initlab/{ROOM}/{file}", before, after, NUMBERS)


MUTANTS = [
    scheme(
        "he_orthogonal keeps its means",
        f"{ROOM}/variants.py",
        "centred = Q - ops.mean(Q, axis=0)",
        "centred = Q",
        "he_orthogonal",
    ),
    number(
        "he_orthogonal by the biased variance", "variants.py", "axis=0) / (inputs - 1)", "axis=0) / inputs"
    ),
    scheme(
        "conv_orthogonal projects twice",
        f"{ROOM}/convolutions.py",
        "np.moveaxis(kernel - projected, axis, 0)",
        "np.moveaxis(projected, axis, 0)",
        "conv_orthogonal",
    ),
    number("conv_orthogonal hardly leaves one tap", "convolutions.py", "< 0.5]", "< 0.05]"),
    scheme(
        "conv_aware by Glorot's variance",
        f"{ROOM}/convolutions.py",
        "2 / (inputs * math.prod(window))",
        "1 / (inputs * math.prod(window))",
        "conv_aware",
    ),
    number(
        "conv_aware repeats a basis vector",
        "convolutions.py",
        "[:, :inputs]\n",
        "[:, :1].repeat(inputs, 1)\n",
    ),
    number(
        "conv_aware is always noisy", "convolutions.py", "rng.normal(0, self.noise,", "rng.normal(0, 0.05,"
    ),
    number("conv_aware has no noise", "convolutions.py", "rng.normal(0, self.noise,", "rng.normal(0, 0,"),
    scheme(
        "sparse_orthogonal mirrors and shears",
        f"{ROOM}/sparse.py",
        "[[cosine, -sine], [sine, cosine]]",
        "[[cosine, sine], [sine, cosine]]",
        "sparse_orthogonal",
    ),
    number(
        "sparse_orthogonal ignores its density",
        "sparse.py",
        "self.density * matrix.size",
        "0.1 * matrix.size",
    ),
    number("sparse_orthogonal turns by a quarter at most", "sparse.py", "2 * math.pi)", "math.pi / 2)"),
    Mutant(
        "orthogonal is not uniform",
        "keras_initlab/initializers/orthogonal/haar.py",
        "return Q * ops.expand_dims(signs, -2)",
        "return Q",
        ("tests/unit/initializers/test_orthogonal.py",),
    ),
    scheme(
        "orthogonal without QR",
        "initializers/orthogonal/haar.py",
        "Q, R = ops.qr(tall)",
        "Q, R = tall, ops.qr(tall)[1]",
        "initlab_orthogonal-",
    ),
    scheme(
        "scaled_orthogonal swaps inputs and outputs",
        "initializers/orthogonal/variants.py",
        "max(1.0, math.sqrt(outputs / inputs)) * super()",
        "max(1.0, math.sqrt(inputs / outputs)) * super()",
        "scaled_orthogonal",
    ),
    scheme(
        "glorot_orthogonal takes fan_in",
        "initializers/orthogonal/variants.py",
        "2 / ((inputs + outputs) * ops.var(Q))",
        "1 / (inputs * ops.var(Q))",
        "glorot_orthogonal",
    ),
    scheme(
        "haar_so mirrors",
        "initializers/orthogonal/variants.py",
        "ops.concatenate([-flip[:1], flip[1:]])",
        "flip",
        "haar_so",
    ),
    scheme(
        "per_gate_orthogonal is one matrix",
        "initializers/orthogonal/variants.py",
        "ops.transpose(blocks, (1, 0, 2))",
        "blocks",
        "per_gate_orthogonal",
    ),
    scheme(
        "delta_orthogonal is off centre",
        "initializers/orthogonal/convolutions.py",
        "before = [(size - 1) // 2 for size in window]",
        "before = [0 for size in window]",
        "delta_orthogonal",
    ),
    Mutant(
        "henaff turns by half the angles",
        "keras_initlab/initializers/orthogonal/rotations.py",
        "rng.uniform(-math.pi, math.pi, count)",
        "rng.uniform(0, math.pi, count)",
        SCHEME_NUMBERS,
    ),
    Mutant(
        "cayley turns by any angle",
        "keras_initlab/initializers/orthogonal/rotations.py",
        "rng.uniform(0, math.pi / 2, count)",
        "rng.uniform(0, math.pi, count)",
        SCHEME_NUMBERS,
    ),
    scheme(
        "rotations mirror",
        "initializers/orthogonal/rotations.py",
        "= -np.sin(angles)",
        "= np.sin(angles)",
        "henaff",
    ),
]
