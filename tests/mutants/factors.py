"""Mistakes in what is varied beside the start: numbers of members, levels, cells, folders."""

from mutant import Mutant

NUMBERS = "keras_initlab/engines/hyperparameters.py"
STACKED = "keras_initlab/engines/stacked/engine.py"
FACTORS = "keras_initlab/experiment/factors.py"
LEVELS = "keras_initlab/experiment/levels.py"
INTAKE = "keras_initlab/experiment/intake.py"
SCHEDULE = "keras_initlab/experiment/schedule.py"
CONFIG = "keras_initlab/trials/config.py"
HELD = "tests/conformance/test_engines_held.py"
CROSSED = "tests/conformance/test_factors.py"
RESUMING = "tests/conformance/test_engines_resuming.py"
LAWS = "tests/unit/remedies/test_stepping.py"


def mistake(name: str, file: str, before: str, after: str, where: str, test: str) -> Mutant:
    return Mutant(name, file, before, after, (where, "-k", test), backend="torch")


MUTANTS = [
    mistake(
        "a rate meets the last axis",
        NUMBERS,
        "return keras.ops.reshape(value, (-1, *(1,) * (len(variable.shape) - 1)))",
        "return value",
        HELD,
        "last_axis",
    ),
    mistake(
        "all members have the first rate",
        NUMBERS,
        "values[0] if alone else values)",
        "values[0])",
        HELD,
        "adam",
    ),
    mistake(
        "a member keeps the optimizer's own number",
        STACKED,
        "{**own, **self._setup.numbers.get(trial.levels, {})}",
        "own",
        HELD,
        "adam",
    ),
    mistake(
        "a decay of the optimizer's own meets rates as they are",
        NUMBERS,
        '{"weight_decay"} if',
        "set() if",
        HELD,
        "decay",
    ),
    mistake(
        "the optimizer's own clipping couples members",
        NUMBERS,
        'coupling = {"clipnorm", "global_clipnorm"} |',
        "coupling = set() |",
        HELD,
        "own",
    ),
    mistake(
        "L2 is half of what it is", NUMBERS, "found[position] += 2 *", "found[position] += 1 *", LAWS, "l2"
    ),
    mistake("L1 pulls at all alike", NUMBERS, "keras.ops.sign(variable)", "1.0", LAWS, "l1"),
    mistake(
        "biases are penalized", NUMBERS, "or not self.held.penalized[position]", "", HELD, "kernels_alone"
    ),
    mistake("noise falls faster", NUMBERS, "NOISE_DECAY = 0.55", "NOISE_DECAY = 1.0", LAWS, "noise"),
    mistake(
        "noise has eta as its deviation",
        NUMBERS,
        "keras.ops.sqrt(variance) * drawn",
        "variance * drawn",
        LAWS,
        "noise",
    ),
    mistake(
        "each weight is clipped by the norm of all",
        NUMBERS,
        '("clipnorm", keras.ops.sqrt(square))',
        '("clipnorm", total)',
        LAWS,
        "clipping",
    ),
    mistake(
        "nothing is clipped",
        NUMBERS,
        "gradient = gradient * keras.ops.reshape(",
        "gradient = 1.0 * gradient + 0 * keras.ops.reshape(",
        LAWS,
        "clipping",
    ),
    mistake(
        "decay without the rate",
        NUMBERS,
        '* self._column("weight_decay", variable) * rate',
        '* self._column("weight_decay", variable)',
        LAWS,
        "decay",
    ),
    mistake(
        "the stream of noise begins anew",
        STACKED,
        "trials[0].seeds, values.optimizer is None)",
        "trials[0].seeds)",
        RESUMING,
        "gradient_noise and stacked",
    ),
    mistake(
        "replicates share their noise",
        "keras_initlab/engines/stacked/groups.py",
        'and "gradient_noise" not in setup.held',
        "and True",
        HELD,
        "noise",
    ),
    mistake(
        "the last level is the reference",
        LEVELS,
        "reference = {name: next(iter(factor.levels))",
        "reference = {name: list(factor.levels)[-1]",
        CROSSED,
        "list_of_grids",
    ),
    mistake(
        "each strength has a program of its own",
        FACTORS,
        "if other is not None and other.off() is not None:",
        "if False:",
        CROSSED,
        "one_program",
    ),
    mistake(
        "strengths are not told to the model",
        INTAKE,
        "strengths(ready) if structure.remedies else {}",
        "{}",
        CROSSED,
        "levels_of_a_remedy",
    ),
    mistake(
        "a batch size is not heeded",
        INTAKE,
        '_part(structure.arguments, "batch_size")',
        "{}",
        CROSSED,
        "each_cell",
    ),
    mistake(
        "a level is no part of the identity",
        CONFIG,
        "[name, self.factors[name][level]] for name, level in beside",
        "[name] for name, level in beside",
        CROSSED,
        "identity",
    ),
    mistake(
        "a level may change its meaning",
        CONFIG,
        "for level in levels.keys() & other.factors[name].keys():",
        "for level in ():",
        CROSSED,
        "identity",
    ),
    mistake(
        "more levels forget those of before",
        CONFIG,
        "for key, one in other.factors[name].items() if key not in levels",
        "for key, one in ()",
        CROSSED,
        "more_levels",
    ),
    mistake("groups forget the levels", SCHEDULE, "tuple(sorted(levels))", "()", CROSSED, "more_levels"),
    mistake(
        "losses that do not compare pass without validation",
        FACTORS,
        "if not factor.same_loss:",
        "if False:",
        CROSSED,
        "forbid",
    ),
]
