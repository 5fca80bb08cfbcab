"""Mistakes in the schemes of a fixed structure."""

from mutant import Mutant
from schemes import SCHEME_NUMBERS, scheme

STRUCTURED = "keras_initlab/initializers/structured/"
NUMBERS = ("tests/golden/test_structured_numbers.py",)

MUTANTS = [
    scheme(
        "idinit repeats along the longer side only once",
        "initializers/structured/identity.py",
        "np.arange(inputs) % order, np.arange(outputs) % order",
        "np.arange(inputs), np.arange(outputs)",
        "initlab_idinit-",
    ),
    Mutant(
        "idinit_zero adds its inputs",
        STRUCTURED + "identity.py",
        "plus.astype(float) - minus.astype(float)",
        "plus.astype(float) + minus.astype(float)",
        NUMBERS,
    ),
    scheme(
        "idinit_zero of fewer outputs takes one input only",
        "initializers/structured/identity.py",
        "np.where(rows < outputs, 1.0, -1.0)",
        "np.where(rows < outputs, 1.0, -(rows < 2 * outputs))",
        "initlab_idinit_zero",
    ),
    Mutant(
        "sinusoidal has an even number of blocks",
        STRUCTURED + "banks.py",
        "(blocks + 1 - blocks % 2)",
        "(blocks + blocks % 2)",
        NUMBERS,
    ),
    Mutant(
        "sinusoidal always takes the phases of the paper",
        STRUCTURED + "banks.py",
        "if self.full_rank:",
        "if not self.full_rank:",
        NUMBERS,
    ),
    scheme(
        "sinusoidal scaled by its inputs",
        "initializers/structured/banks.py",
        "math.sqrt(2 / (inputs + outputs)) / spread",
        "math.sqrt(2 / inputs) / spread",
        "initlab_sinusoidal",
    ),
    Mutant(
        "gabor turns the other way",
        STRUCTURED + "banks.py",
        "column * np.cos(angle) + row * np.sin(angle)",
        "column * np.cos(angle) - row * np.sin(angle)",
        NUMBERS,
    ),
    scheme(
        "gabor keeps its mean",
        "initializers/structured/banks.py",
        "filters = filters - filters.mean(axis=(0, 1))",
        "filters = filters - 0 * filters.mean(axis=(0, 1))",
        "initlab_gabor",
    ),
    Mutant(
        "icnr repeats for the wrong shuffle",
        STRUCTURED + "pixels.py",
        'if self.upsampling == "pixel_shuffle":',
        'if self.upsampling == "depth_to_space":',
        NUMBERS,
    ),
    Mutant(
        "icnr tiles the taps of a transposed kernel",
        STRUCTURED + "pixels.py",
        "kernel = ops.repeat(kernel, self.factor, axis)",
        "kernel = ops.concatenate([kernel] * self.factor, axis)",
        NUMBERS,
    ),
    scheme(
        "identity fills the window",
        "initializers/structured/identity.py",
        "kernel[tuple((size - 1) // 2 for size in shape[:-2])] = matrix",
        "kernel[...] = matrix",
        "initlab_identity",
    ),
    Mutant(
        "dirac mixes its groups",
        "keras_initlab/initializers/structured/identity.py",
        "np.tile(tap, self.groups)",
        "np.repeat(tap, self.groups, axis=1)",
        SCHEME_NUMBERS,
    ),
    scheme(
        "zero_hadamard without its scale",
        "initializers/structured/identity.py",
        "/ 2 ** (order / 2)",
        "/ 2**order",
        "zero_hadamard",
    ),
    scheme(
        "bilinear mixes channels",
        "initializers/structured/pixels.py",
        "kernel: Any = self.gain * np.eye(inputs, outputs)",
        "kernel: Any = self.gain * np.ones((inputs, outputs))",
        "bilinear",
    ),
    scheme(
        "dct without its first factor",
        "initializers/structured/banks.py",
        "cosine[:, 0] /= math.sqrt(2)",
        "pass",
        "initlab_dct",
    ),
    Mutant(
        "sincos by the wrong width",
        "keras_initlab/initializers/structured/banks.py",
        "-np.arange(half) / half",
        "-np.arange(half) / width",
        SCHEME_NUMBERS,
    ),
]
