"""Mistakes in the recurrent kernels, the biases of gates and the state-space schemes."""

from mutant import Mutant
from schemes import SCHEME_NUMBERS, scheme

RECURRENT = "keras_initlab/initializers/recurrent/"
NUMBERS = ("tests/golden/test_recurrent_numbers.py",)
STATE_SPACE = "keras_initlab/initializers/state_space/"
EQUATIONS = ("tests/golden/test_state_space_numbers.py",)

MUTANTS = [
    scheme(
        "irnn is all ones",
        "initializers/recurrent/kernels.py",
        "np.eye(self.side(shape))",
        "np.ones(2 * (self.side(shape),))",
        "initlab_irnn",
    ),
    Mutant(
        "the delay line runs backwards",
        RECURRENT + "kernels.py",
        "np.eye(units, k=1)",
        "np.eye(units, k=-1)",
        NUMBERS,
    ),
    Mutant(
        "the ring is open",
        RECURRENT + "kernels.py",
        "np.roll(np.eye(units), 1, axis=1)",
        "np.eye(units, k=1)",
        NUMBERS,
    ),
    Mutant(
        "a GRU's gate is closed",
        RECURRENT + "gates.py",
        "[0, :units] = self.remember(shape, units)",
        "[0, :units] = -self.remember(shape, units)",
        NUMBERS,
    ),
    Mutant(
        "a GRU's bias counts twice",
        RECURRENT + "gates.py",
        "bias.reshape(-1, shape[-1])[0, :units]",
        "bias.reshape(-1, shape[-1])[:, :units]",
        NUMBERS,
    ),
    Mutant(
        "hippo_legt has no signs above",
        STATE_SPACE + "hippo.py",
        "kept * np.outer(signs, signs))",
        "kept)",
        EQUATIONS,
    ),
    Mutant(
        "hippo_lmu has its signs above",
        STATE_SPACE + "hippo.py",
        "np.where(np.tri(size) > 0, np.outer(_signs(size), _signs(size)), 1)",
        "np.where(np.tri(size) > 0, 1, np.outer(_signs(size), _signs(size)))",
        EQUATIONS,
    ),
    Mutant(
        "hippo_lagt is that of S4's code",
        STATE_SPACE + "hippo.py",
        "return 0.0 - np.tri(size)",
        "return 0.5 * np.eye(size) - np.tri(size)",
        EQUATIONS,
    ),
    Mutant(
        "hippo_fourier takes one end for the mean of both",
        STATE_SPACE + "hippo.py",
        "turning - 2 * np.outer(waves, waves)",
        "turning - np.outer(waves, waves)",
        EQUATIONS,
    ),
    scheme(
        "hippo_fourier turns backwards",
        "initializers/state_space/hippo.py",
        "np.diag(step, 1) - np.diag(step, -1)",
        "np.diag(step, -1) - np.diag(step, 1)",
        "hippo_fourier",
    ),
    Mutant(
        "hippo_input of lmu keeps its sign",
        STATE_SPACE + "hippo.py",
        "_lengths(size) ** 2 * _signs(size) / self.window",
        "_lengths(size) ** 2 / self.window",
        EQUATIONS,
    ),
    Mutant(
        "hippo_input forgets its window",
        STATE_SPACE + "hippo.py",
        '"legt": _lengths(size) / self.window',
        '"legt": _lengths(size)',
        EQUATIONS,
    ),
    Mutant(
        "s4d_imag counts one of each pair as all",
        STATE_SPACE + "diagonal.py",
        "size, n = 2 * shape[-1], np.arange(shape[-1])",
        "size, n = shape[-1], np.arange(shape[-1])",
        EQUATIONS,
    ),
    Mutant(
        "lru_phase ignores the largest",
        STATE_SPACE + "diagonal.py",
        "np.log(u * self.largest)",
        "np.log(u * 2 * math.pi)",
        EQUATIONS,
    ),
    scheme(
        "np_rnn without the identity",
        "initializers/recurrent/kernels.py",
        "R.T @ R / units + np.eye(units)",
        "R.T @ R / units - np.eye(units)",
        "np_rnn",
    ),
    scheme(
        "reservoir by norm",
        "initializers/recurrent/kernels.py",
        "radius = np.abs(np.linalg.eigvals(kernel)).max()",
        "radius = np.linalg.norm(kernel, 2)",
        "reservoir",
    ),
    scheme(
        "forget_bias on the cell",
        "initializers/recurrent/gates.py",
        "[0.0, self.value, 0.0, 0.0]",
        "[0.0, 0.0, self.value, 0.0]",
        "forget_bias",
    ),
    Mutant(
        "chrono_bias without its logarithm",
        "keras_initlab/initializers/recurrent/gates.py",
        "np.log(self.generator(shape).uniform(1, self.timescale - 1, units))",
        "self.generator(shape).uniform(1, self.timescale - 1, units)",
        SCHEME_NUMBERS,
    ),
    Mutant(
        "uniform_gate_bias is not a logit",
        "keras_initlab/initializers/recurrent/gates.py",
        "np.log(open_ / (1 - open_))",
        "np.log(open_)",
        SCHEME_NUMBERS,
    ),
    scheme(
        "hippo_legs on the wrong side",
        "initializers/state_space/hippo.py",
        "np.tril(np.outer(root, root), -1)",
        "np.triu(np.outer(root, root), 1)",
        "hippo",
    ),
    scheme(
        "s4d_real counts from zero",
        "initializers/state_space/diagonal.py",
        "-np.arange(1.0, shape[-1] + 1), shape)",
        "-np.arange(0.0, shape[-1]), shape)",
        "s4d_real",
    ),
    scheme(
        "s4d_imag swaps its spacings",
        "initializers/state_space/diagonal.py",
        'lin if self.spacing == "lin" else inv',
        'inv if self.spacing == "lin" else lin',
        "s4d_imag",
    ),
    scheme(
        "lru_ring is uniform in the radius",
        "initializers/state_space/diagonal.py",
        "u * (self.outer**2 - self.inner**2) + self.inner**2",
        "(u * (self.outer - self.inner) + self.inner) ** 2",
        "lru_ring",
    ),
    scheme(
        "mamba_dt without the inverse softplus",
        "initializers/state_space/diagonal.py",
        "return steps + np.log(-np.expm1(-steps))",
        "return np.log(steps)",
        "mamba_dt",
    ),
    scheme(
        "mamba_a_log counts from two",
        "initializers/state_space/diagonal.py",
        "np.log(np.arange(1.0, shape[-1] + 1))",
        "np.log(np.arange(2.0, shape[-1] + 2))",
        "mamba_a_log",
    ),
]
