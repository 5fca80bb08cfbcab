"""Mistakes in what is done to a built model."""

from mutant import Mutant

REDRAW = "keras_initlab/recipes/reinitialize.py"
LINT = "keras_initlab/diagnosis/lint.py"
FANS = "keras_initlab/network/layer_fans.py"
DRAWING = "keras_initlab/network/drawing.py"
ADAPTING = "keras_initlab/initializers/adapting.py"
PORTABLE = "keras_initlab/network/portable.py"
FOLLOWING = "keras_initlab/network/following.py"
USAGE = "keras_initlab/network/usage.py"
CONTRACTION = "keras_initlab/network/contraction.py"
ROLES_FILE = "keras_initlab/network/roles.py"
DEPTH = "keras_initlab/diagnosis/depth.py"
LAWS = "keras_initlab/diagnosis/laws.py"
USED = "network/test_usage"
DEEP = "diagnosis/test_depth"
REINITIALIZE = "recipes/test_reinitialize"
LINTED = "diagnosis/test_lint"
TRUE_FANS = "network/test_layer_fans"
COPIED = "network/test_portable"


def mistake(name: str, file: str, before: str, after: str, room: str) -> Mutant:
    return Mutant(name, file, before, after, (f"tests/unit/{room}.py", "-k", "not training"))


MUTANTS = [
    mistake(
        "one seed for all weights",
        "keras_initlab/recipes/work.py",
        "seeds.draw(*slot.seed_path), generators, fans)",
        "seeds.draw(), generators, fans)",
        REINITIALIZE,
    ),
    mistake("seed ignored", REDRAW, "Seeds(seed, 0)", "Seeds(0, 0)", REINITIALIZE),
    mistake("the last pattern wins", REDRAW, "if slot.index not in of_slot]", "]", REINITIALIZE),
    mistake(
        "roles ignored",
        REDRAW,
        "under_test(model, layers, roles)",
        "under_test(model, layers, None)",
        REINITIALIZE,
    ),
    mistake(
        "layers ignored",
        REDRAW,
        "under_test(model, layers, roles)",
        "under_test(model, None, roles)",
        REINITIALIZE,
    ),
    mistake("infinite values pass", REDRAW, "if not math.isfinite(std):", "if False:", REINITIALIZE),
    mistake(
        "fans as Keras counts",
        DRAWING,
        'if fans == "layer" else 1.0',
        'if fans == "" else 1.0',
        REINITIALIZE,
    ),
    mistake(
        "fans always true",
        DRAWING,
        'if fans == "layer" else 1.0',
        "if fans else 1.0",
        REINITIALIZE,
    ),
    mistake(
        "factor squared",
        ADAPTING,
        "return math.sqrt(max(1, read)",
        "return (max(1, read)",
        REINITIALIZE,
    ),
    mistake(
        "factor upside down",
        ADAPTING,
        "scheme.std_with(fans) / scheme.std(shape)",
        "scheme.std(shape) / scheme.std_with(fans)",
        REINITIALIZE,
    ),
    mistake(
        "wrapped laws not told",
        ADAPTING,
        "return fan_factor(scheme.inner, shape, fans)",
        "return 1.0",
        REINITIALIZE,
    ),
    Mutant(
        "drawn in half precision",
        DRAWING,
        'keras.backend.result_type(dtype, "float32")',
        "dtype",
        ("tests/unit/recipes/test_reinitialize.py", "-k", "half_precision"),
        backend="jax",
    ),
    mistake(
        "a callable draws from the user's generator",
        DRAWING,
        "if not is_self_contained(scheme):",
        "if False:",
        REINITIALIZE,
    ),
    mistake(
        "looking moves the random state",
        LINT,
        "with isolated() as",
        "with __import__('contextlib').nullcontext() as",
        LINTED,
    ),
    mistake("gates not counted", FANS, "(*shape[:-1], shape[-1] // count)", "shape", TRUE_FANS),
    mistake(
        "a table has its rows as inputs",
        FANS,
        "Fans(1, shape[1])",
        "Fans(shape[0], shape[1])",
        TRUE_FANS,
    ),
    mistake(
        "the stride of a transposed kernel not counted",
        FANS,
        "Fans(_share(last * taps, math.prod(layer.strides)), second",
        "Fans(_share(last * taps, 1), second",
        TRUE_FANS,
    ),
    mistake(
        "a separable bias has the first kernel's fans",
        FANS,
        'own.get("pointwise_kernel") or next',
        "next",
        TRUE_FANS,
    ),
    mistake("the hook ignored", FANS, "if said is None else said", "", TRUE_FANS),
    mistake(
        "shared generators flagged",
        LINT,
        "and not isinstance(generators[0], int))",
        "and False)",
        LINTED,
    ),
    mistake(
        "copies of a generator missed",
        LINT,
        '("generator", first_seed(seed))',
        '("generator", id(seed))',
        LINTED,
    ),
    mistake(
        "our folded seeds flagged",
        LINT,
        "if isinstance(scheme, RandomScheme):",
        "if False:",
        LINTED,
    ),
    mistake("strides flagged", LINT, "fans.fan_out * skipped)", "fans.fan_out)", LINTED),
    mistake("all fans right", LINT, "if abs(ratio - 1) > TOLERATED:", "if ratio < 0:", LINTED),
    mistake("ratio upside down", LINT, "ratio = 1 / fan_factor(", "ratio = fan_factor(", LINTED),
    mistake("gain forgotten", LINT, "scale *= scheme.gain**2", "pass", LINTED),
    mistake("a few layers are deep", LINT, "DEEP = 5", "DEEP = 4", LINTED),
    mistake("deep nets are deeper", LINT, "DEEP = 5", "DEEP = 6", LINTED),
    mistake("constant heads of one unit flagged", LINT, "one.slot.shape[-1] > 1 and ", "", LINTED),
    mistake("labels break out", LINT, "html.escape(found.where)", "found.where", LINTED),
    mistake(
        "normalization overlooked",
        FOLLOWING,
        'if "Normalization" in',
        'if "nothing" in',
        LINTED,
    ),
    mistake(
        "branches overlooked",
        FOLLOWING,
        "if len(following) != 1:",
        "if not following:",
        LINTED,
    ),
    mistake(
        "layers between overlooked",
        FOLLOWING,
        "elif not passes_on(operation):",
        "else:",
        LINTED,
    ),
    mistake(
        "weights not copied",
        PORTABLE,
        "_copy_values(model.variables, copy.variables)",
        "pass",
        COPIED,
    ),
    mistake(
        "scale without gain",
        PORTABLE,
        "scheme.scale * scheme.gain**2",
        "scheme.scale",
        COPIED,
    ),
    mistake(
        "own deviations taken for the family's",
        PORTABLE,
        "(kind.std, kind.draw) == (FanScaled.std, FanScaled.draw)",
        "True",
        COPIED,
    ),
    mistake("code that makes schemes passes", PORTABLE, "_require_free(copy)", "pass", COPIED),
    mistake("names are left", PORTABLE, 'key.endswith("initializer")', "False", COPIED),
    mistake(
        "additions make kernels",
        USAGE,
        "self._met.add(variable)\n            if type",
        "self._multiplied[variable] = None\n            if type",
        USED,
    ),
    mistake("experts count as outputs", CONTRACTION, "if part[0] > min(inputs)]", "]", USED),
    mistake(
        "shared axes count",
        CONTRACTION,
        '"shared" if letter in elsewhere',
        '"new" if letter in elsewhere',
        USED,
    ),
    mistake(
        "a transpose overlooked", CONTRACTION, 'if kind == "Transpose":', 'if kind == "transpose":', USED
    ),
    mistake("heads overlooked", CONTRACTION, "return _reshaped(axes, shape, out)", "return None", USED),
    mistake("looking leaves its lists", USAGE, "if len(held) != len(before):", "if False:", USED),
    mistake("looking moves the states", USAGE, "keras.StatelessScope(), ", "", USED),
    mistake("guesses pass for facts", ROLES_FILE, 'else "kernel"), True', 'else "kernel"), False', USED),
    mistake(
        "products of weights count", USAGE, "self._unclear.add(variable)", "self._met.add(variable)", USED
    ),
    mistake("shares pass for kernels", USAGE, ' or type(operation).__name__ == "Softmax"', "", USED),
    mistake("weights of one name share fans", FANS, "names.count(variable.name) > 1", "False", TRUE_FANS),
    mistake(
        "kernels under LoRA start anew",
        "keras_initlab/network/selection.py",
        " or (made_trainable and not slot.variable.trainable)",
        "",
        "network/test_slots",
    ),
    mistake("gradients overlooked", DEPTH, "backward *= slope * ", "backward *= ", DEEP),
    mistake("means overlooked", DEPTH, "fans.fan_in * alike)", "0)", DEEP),
    mistake("fixes not checked", LAWS, "if not paths & blamed(drawn):", "if True:", DEEP),
    mistake("one fix for all", LAWS, "_FOR_RELU if after in RELUS else", "", DEEP),
    mistake("gates alarm", LINT, "note=count > 1,", "note=False,", DEEP),
]
