"""Mistakes in what a diagnosis measures, expects and says."""

from mutant import Mutant

MEASURES = "keras_initlab/diagnosis/measures.py"
THEORY = "keras_initlab/diagnosis/theory.py"
VERDICTS = "keras_initlab/diagnosis/verdicts.py"
RECORDING = "keras_initlab/network/recording.py"
SUBJECT = "keras_initlab/diagnosis/subject.py"
ROWS = "keras_initlab/diagnosis/rows.py"
PROPAGATION = "keras_initlab/diagnosis/propagation.py"
PROBE = "keras_initlab/network/probe.py"


def pure(name: str, file: str, before: str, after: str, room: str) -> Mutant:
    return Mutant(name, file, before, after, (f"tests/unit/diagnosis/{room}.py", "-k", "not training"))


def whole(name: str, file: str, before: str, after: str, *select: str) -> Mutant:
    """Seen in a pass of a model."""
    return Mutant(name, file, before, after, select, "torch")


PASSES = ("tests/unit/network/test_probe.py", "-k", "by_hand or later_use or exception or shared")
FOUND = "tests/unit/experiment/test_diagnose.py"
TRAPS = "tests/unit/experiment/test_diagnose_traps.py"
TIME = "tests/unit/diagnosis/test_time_and_attention.py"
WITHIN = "tests/unit/diagnosis/test_propagation.py"

MUTANTS = [
    pure(
        "variance over units passes for signal",
        MEASURES,
        "signal=float(a.var(axis=(0, 1)).mean())",
        "signal=float(a.var(axis=2).mean())",
        "test_measures",
    ),
    pure("rounding is a direction", MEASURES, "if differ else 0.0", "", "test_measures"),
    pure(
        "places averaged in gradients",
        MEASURES,
        ".sum(axis=1).mean())",
        ".mean(axis=1).mean())",
        "test_measures",
    ),
    pure("an example is its own pair", MEASURES, "- squares) / ((ex", ") / ((ex", "test_measures"),
    pure("ranks of what is not squared", MEASURES, "/ (gram**2).sum()", "/ gram.sum()", "test_measures"),
    pure("one shadow for all units", MEASURES, "> _EQUAL", "> 1e9", "test_measures"),
    pure("bias left out of products", MEASURES, "(x @ x.T + bias)", "(x @ x.T)", "test_measures"),
    pure(
        "places mixed in products",
        MEASURES,
        '"nsi,nsj->nij", x, g',
        '"nsi,nsj->nij", x, np.ones_like(g)',
        "test_measures",
    ),
    pure(
        "theory without bias",
        THEORY,
        "taken.second + bias_square",
        "taken.second",
        "test_theory",
    ),
    pure(
        "theory with a bias of its own for each example",
        THEORY,
        "taken.cosine + bias_square",
        "taken.cosine",
        "test_theory",
    ),
    pure("slopes not squared", THEORY, "(2 * step)) ** 2)", "(2 * step)))", "test_theory"),
    pure("the rest of the series lost", THEORY, "+ rest * ", "+ 0 * ", "test_theory"),
    pure(
        "standard deviation for variance",
        THEORY,
        "scale = math.sqrt(taken.second)",
        "scale = taken.second",
        "test_theory",
    ),
    pure(
        "heads count as hidden",
        ROWS,
        "and not self.head and",
        "and",
        "test_verdicts",
    ),
    pure("attention counts as hidden", ROWS, "and not self.side", "", "test_verdicts"),
    pure("SGD forgives like Adam", VERDICTS, "SGD if self.sgd else ADAM", "ADAM", "test_verdicts"),
    pure("vanishing where it explodes", VERDICTS, '("vanishing", -1)', '("vanishing", 1)', "test_verdicts"),
    pure("collapse of few inputs", VERDICTS, "outs.rank < facts.rank / 2", "True", "test_verdicts"),
    pure(
        "rounding is a long step",
        VERDICTS,
        'if not symmetric and not any(one.kind == "vanishing" for one in found):',
        "if True:",
        "test_verdicts",
    ),
    whole(
        "the sums after the activation",
        RECORDING,
        "return activation(sums, *more",
        "return sums + 0 * activation(sums, *more",
        *PASSES,
    ),
    whole("calls stay watched", RECORDING, 'delete_untracked(operation, "call")', "pass", *PASSES),
    Mutant(
        "logits end at a tap",
        RECORDING,
        "carry_over(value, marked)",
        "pass",
        ("tests/unit/network/test_probe.py", "-k", "softmax"),
        "tensorflow",
    ),
    whole(
        "activations stay watched",
        RECORDING,
        'set_untracked(operation, "activation", activation)',
        "pass",
        *PASSES,
    ),
    whole(
        "gradients of the mean",
        SUBJECT,
        "return 1.0 if self._summed else float(self._examples)",
        "return 1.0",
        FOUND,
        "-k",
        "coherence",
    ),
    whole(
        "the replicate ignored",
        "keras_initlab/experiment/diagnose.py",
        "Seeds(seed, at)",
        "Seeds(seed, 0)",
        FOUND,
        "-k",
        "entrants",
    ),
    whole(
        "others not started anew",
        "keras_initlab/experiment/diagnose.py",
        "restarted(model, tested)",
        "{}",
        FOUND,
        "-k",
        "entrants",
    ),
    whole(
        "theory of one kernel for the next",
        "keras_initlab/diagnosis/propagation.py",
        "self._slopes[at] = after.slope",
        "self._slopes[at] = 1.0",
        FOUND,
        "-k",
        "theory",
    ),
    whole(
        "a block's factor without the way around",
        PROPAGATION,
        "Passage(at, 1 + factor)",
        "Passage(at, factor)",
        "tests/unit/diagnosis/test_propagation.py",
        "-k",
        "residual-tanh",
    ),
    whole(
        "sums of dependent parts as if they were independent",
        PROPAGATION,
        "or len(free) > 1 ",
        "",
        "tests/unit/diagnosis/test_propagation.py",
        "-k",
        "dependent",
    ),
    whole(
        "a recurrent layer begins with zeros of its own",
        RECORDING,
        'return named | {"initial_state": noted}',
        "return named",
        TIME,
        "-k",
        "by_the_state",
    ),
    whole("all steps for the last", ROWS, "g[:, -1]", "g", TIME, "-k", "by_the_state"),
    whole(
        "masked places might be attended to",
        MEASURES,
        "counts = there.sum(axis=1)",
        "counts = np.full(len(there), there.shape[1])",
        TIME,
        "-k",
        "entropy",
    ),
    whole(
        "weights of attention go on as its output",
        RECORDING,
        "made, shares = made",
        "shares, made = made",
        TIME,
        "-k",
        "attention",
    ),
    whole(
        "what leaks is looked into again",
        PROBE,
        "bool(self.raised) and ",
        "False and ",
        TRAPS,
        "-k",
        "outside",
    ),
    Mutant(
        "one program for training and prediction",
        PROBE,
        "(name, training), keras",
        "(name, True), keras",
        (TRAPS, "-k", "batch_statistics"),
        "jax",
    ),
    Mutant(
        "leaks of loops are not met",
        PROBE,
        "self._compiled.clear()",
        "raise first",
        (TRAPS, "-k", "leaks"),
        "jax",
    ),
    whole(
        "clipped together and updated apart",
        "keras_initlab/diagnosis/step.py",
        " or optimizer.global_clipnorm",
        "",
        "tests/unit/diagnosis/test_step.py",
    ),
    whole("squares scaled as norms", SUBJECT, "self._scale**2", "self._scale", FOUND, "-k", "coherence"),
    pure("norms without the bias", MEASURES, "(axis=(1, 2)) + bias)", "(axis=(1, 2)))", "test_measures"),
    whole(
        "recipes write all layers",
        "keras_initlab/experiment/diagnose.py",
        "layers=layers, roles=roles)",
        ")",
        FOUND,
        "-k",
        "entrants",
    ),
    whole(
        "recipes look at the first batch alone",
        "keras_initlab/experiment/diagnose.py",
        "steps=None if all_batches else 1",
        "steps=1",
        TRAPS,
        "-k",
        "data_set",
    ),
    whole(
        "a convolution's factor without its window",
        PROPAGATION,
        "slot.fans.fan_in * float((value**2)",
        "value.shape[-2] * float((value**2)",
        WITHIN,
        "-k",
        "circular-tanh or shrinking-tanh",
    ),
    whole(
        "padding counted as numbers",
        PROPAGATION,
        "1.0 if taken is None else covered",
        "1.0 if True else covered",
        WITHIN,
        "-k",
        "padding",
    ),
    whole(
        "theory without the slope of the second layer",
        PROPAGATION,
        "factor = square * slope",
        "factor = square",
        WITHIN,
        "-k",
        "dense-relu",
    ),
    pure(
        "experience quoted for the middle",
        "keras_initlab/diagnosis/words.py",
        ' or found.word == "doubtful"',
        "",
        "test_words",
    ),
    pure(
        "counts of nets that limits were set on",
        "keras_initlab/diagnosis/calibration.py",
        'if row["held_out"] == held_out]\n    return',
        "]\n    return",
        "test_words",
    ),
]
