"""Mistakes in the rule by which a comparison goes on until it is settled."""

from mutant import Mutant


def mistake(name: str, file: str, before: str, after: str, test: str = "results/test_settling") -> Mutant:
    return Mutant(name, f"keras_initlab/{file}", before, after, (f"tests/unit/{test}.py",))


def trained(name: str, before: str, after: str, test: str) -> Mutant:
    path = f"tests/conformance/test_settling.py::{test}"
    return Mutant(name, "keras_initlab/experiment/settling.py", before, after, (path,), "jax")


RULE, JUDGING, OUTCOMES = "results/settling.py", "results/judging.py", "results/outcomes.py"
LOOKS, PLANNED = "trials/settling.py", "trials/test_settling"

MUTANTS = [
    mistake("no spending", RULE, "stage.share * alpha", "alpha"),
    mistake("as if there were one comparison", JUDGING, "max(1, values.shape[-2] - 1)", "1"),
    mistake(
        "dropped labels are judged again",
        RULE,
        "stage.labels[..., :, None] & stage.labels[..., None, :] & ~",
        "~",
    ),
    mistake("one of a pair is enough", RULE, "[..., :, None] & stage", "[..., :, None] | stage"),
    mistake("what is decided is judged again", RULE, " & ~is_settled(found, margin)\n", "\n"),
    mistake("margin squared", RULE, "(found.high < margin)", "(found.high < margin**2)"),
    mistake("equivalent on one side", RULE, "(-margin < found.low) & ", ""),
    mistake("equivalent without the lost runs", RULE, "(found.n_values == found.n) & ", ""),
    mistake(
        "baseline swapped",
        RULE,
        "~is_settled(found, margin)[..., :, baseline]",
        "~is_settled(found, margin)[..., :, -1]",
    ),
    mistake("three runs are as sure as five", RULE, "stage.n < SURE", "stage.n < 0"),
    mistake("the best need not be settled", RULE, "~(bound < margin)", "~(bound < np.inf)"),
    mistake(
        "who was beaten may be best",
        RULE,
        "standing = ~np.any(found.better, axis=-2)",
        "standing = itself.any(-2)",
    ),
    mistake("any rival is the first", RULE, "-np.inf).max(-2)", "-np.inf).min(-2)"),
    mistake("a coarse metric is certain", JUDGING, "np.maximum(sd, resolution)", "sd"),
    mistake("a look with runs missing counts", OUTCOMES, "if not ran[part, : look.n].all() or", "if"),
    mistake("p as if it were the only look", OUTCOMES, "scale * float(judged.p[at])", "float(judged.p[at])"),
    mistake("chances of winning as if it were the only look", OUTCOMES, "1 - share)", "confidence)"),
    mistake(
        "means as if it were the only look",
        "results/evidence.py",
        "1 - look.share * (1 - confidence)",
        "confidence",
    ),
    mistake("nothing is kept back", LOOKS, "(1 - KEPT) * (1 - sum", "(1 - sum", PLANNED),
    mistake("more replicates, more error", LOOKS, "(1 - sum(look.share for look in before))", "1", PLANNED),
    mistake("looks forget who went on", LOOKS, "(*self.stages, tuple(labels))", "(tuple(labels),)", PLANNED),
    mistake("another margin will do", "trials/config.py", "there.margin, here.margin", "0, 0", PLANNED),
    trained(
        "all go on",
        "[label for label in trained if label in open_]",
        "list(trained)",
        "test_who_is_equivalent_trains_no_further_and_the_others_run_as_ever",
    ),
    trained(
        "a budget is no end",
        "interrupted() or spent() > goal.budget)",
        "interrupted())",
        "test_a_budget_ends_it_and_it_goes_on_later",
    ),
    trained(
        "later looks are taken for the last",
        "if not missing:",
        "if True:",
        "test_it_goes_on_from_any_moment_with_the_same_decisions",
    ),
]
