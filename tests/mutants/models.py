"""Mistakes in what is done to a built model."""

from mutant import Mutant

REDRAW = "keras_initlab/recipes/reinitialize.py"
LINT = "keras_initlab/diagnosis/lint.py"
FANS = "keras_initlab/initializers/fans.py"
MODELS = "keras_initlab/network/slots.py"
PORTABLE = "keras_initlab/network/portable.py"
FOLLOWING = "keras_initlab/network/following.py"


def mistake(name: str, file: str, before: str, after: str, room: str) -> Mutant:
    return Mutant(name, file, before, after, (f"tests/unit/test_{room}.py", "-k", "not training"))


MUTANTS = [
    mistake("one seed for all weights", REDRAW, "draw_seed(*slot.seed_path)", "draw_seed()", "reinitialize"),
    mistake("seed ignored", REDRAW, "Trial(name, 0, seed)", "Trial(name, 0, 0)", "reinitialize"),
    mistake("the last pattern wins", REDRAW, "if slot.index not in of_slot]", "]", "reinitialize"),
    mistake(
        "roles ignored",
        REDRAW,
        "under_test(model, layers, roles)",
        "under_test(model, layers, None)",
        "reinitialize",
    ),
    mistake(
        "layers ignored",
        REDRAW,
        "under_test(model, layers, roles)",
        "under_test(model, None, roles)",
        "reinitialize",
    ),
    mistake("infinite values pass", REDRAW, "if not math.isfinite(std):", "if False:", "reinitialize"),
    mistake(
        "fans as Keras counts",
        MODELS,
        'if fans == "layer" else 1.0',
        'if fans == "" else 1.0',
        "reinitialize",
    ),
    mistake("fans always true", MODELS, 'if fans == "layer" else 1.0', "if fans else 1.0", "reinitialize"),
    mistake(
        "factor squared", MODELS, "return math.sqrt(max(1, read)", "return (max(1, read)", "reinitialize"
    ),
    mistake(
        "factor upside down",
        MODELS,
        "scheme.std_with(fans) / scheme.std(shape)",
        "scheme.std(shape) / scheme.std_with(fans)",
        "reinitialize",
    ),
    mistake(
        "wrapped laws not told",
        MODELS,
        "return fan_factor(scheme.inner, shape, fans)",
        "return 1.0",
        "reinitialize",
    ),
    Mutant(
        "drawn in half precision",
        MODELS,
        'keras.backend.result_type(dtype, "float32")',
        "dtype",
        ("tests/unit/recipes/test_reinitialize.py", "-k", "half_precision"),
        backend="jax",
    ),
    mistake(
        "a callable draws from the user's generator",
        MODELS,
        "if not _is_self_contained(scheme):",
        "if False:",
        "reinitialize",
    ),
    mistake("looking moves the random state", LINT, "with isolated():", "if True:", "lint"),
    mistake("gates not counted", FANS, "(*shape[:-1], shape[-1] // gates)", "shape", "fans"),
    mistake("a table has its rows as inputs", FANS, "Fans(1, shape[1])", "Fans(shape[0], shape[1])", "fans"),
    mistake(
        "the stride of a transposed kernel not counted",
        FANS,
        "Fans(_share(last * taps, math.prod(layer.strides)), second",
        "Fans(_share(last * taps, 1), second",
        "fans",
    ),
    mistake(
        "a separable bias has the first kernel's fans",
        FANS,
        'own.get("pointwise_kernel") or next',
        "next",
        "fans",
    ),
    mistake("the hook ignored", FANS, 'hasattr(layer, "weight_fans")', "False", "fans"),
    mistake(
        "shared generators flagged", LINT, "and not isinstance(generators[0], int))", "and False)", "lint"
    ),
    mistake(
        "copies of a generator missed",
        LINT,
        '("generator", seed._initial_seed)',
        '("generator", id(seed))',
        "lint",
    ),
    mistake("our folded seeds flagged", LINT, "if isinstance(scheme, RandomScheme):", "if False:", "lint"),
    mistake("strides flagged", LINT, "fans.fan_out * skipped)", "fans.fan_out)", "lint"),
    mistake("all fans right", LINT, "if abs(ratio - 1) > TOLERATED:", "if ratio < 0:", "lint"),
    mistake("ratio upside down", LINT, "ratio = 1 / fan_factor(", "ratio = fan_factor(", "lint"),
    mistake("gain forgotten", LINT, "scale *= scheme.gain**2", "pass", "lint"),
    mistake("a few layers are deep", LINT, "DEEP = 5", "DEEP = 4", "lint"),
    mistake("deep nets are deeper", LINT, "DEEP = 5", "DEEP = 6", "lint"),
    mistake("constant heads of one unit flagged", LINT, "slot.shape[-1] > 1 and ", "", "lint"),
    mistake("labels break out", LINT, "html.escape(found.where)", "found.where", "lint"),
    mistake("normalization overlooked", FOLLOWING, 'if "Normalization" in', 'if "nothing" in', "lint"),
    mistake("branches overlooked", FOLLOWING, "if len(following) != 1:", "if not following:", "lint"),
    mistake("layers between overlooked", FOLLOWING, "elif not module.startswith(_PASSING):", "else:", "lint"),
    mistake(
        "weights not copied", PORTABLE, "_copy_values(model.variables, copy.variables)", "pass", "portable"
    ),
    mistake("scale without gain", PORTABLE, "scheme.scale * scheme.gain**2", "scheme.scale", "portable"),
    mistake(
        "own deviations taken for the family's",
        PORTABLE,
        "(kind.std, kind.draw) == (FanScaled.std, FanScaled.draw)",
        "True",
        "portable",
    ),
    mistake("code that makes schemes passes", PORTABLE, "_require_free(copy)", "pass", "portable"),
    mistake("names are left", PORTABLE, 'key.endswith("initializer")', "False", "portable"),
]
