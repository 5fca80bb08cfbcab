"""Mistakes in what a grid says: contrasts, rescue, tolerance, tuned levels, stopping rules, pictures."""

from mutant import Mutant


def mistake(name: str, file: str, before: str, after: str, test: str) -> Mutant:
    return Mutant(
        name, f"keras_initlab/results/{file}", before, after, (f"tests/unit/results/test_{test}.py",)
    )


CONTRASTS, FAMILIES, TUNING = "contrasts.py", "families.py", "tuning.py"
FACTORS, FACTORIAL, CONTRASTED = "factors.py", "factorial.py", "contrasted.py"
STOPPING, STOPPED, PLOTS = "stopping.py", "stopped.py", "plots/grid.py"

MUTANTS = [
    mistake("effects add up", CONTRASTS, "(-1) ** sum(back)", "1", "contrasts"),
    mistake("effects are sums over cells", CONTRASTS, "sign / len(found)", "sign", "contrasts"),
    mistake(
        "half a corner is a corner",
        CONTRASTS,
        "if all(row is not None",
        "if any(row is not None",
        "contrasts",
    ),
    mistake("lost values are zero", CONTRASTS, "(missing > 0) | empty", "empty", "contrasts"),
    mistake("no cell is no difference", CONTRASTS, "(missing > 0) | empty", "missing > 0", "contrasts"),
    mistake("rounding is an effect", CONTRASTS, "np.where(rounding, 0.0, found)", "found", "contrasts"),
    mistake("no Holm", CONTRASTS, "stats.holm(p) if family else p", "p", "contrasts"),
    mistake("Holm without steps", "stats.py", "np.maximum.accumulate(", "np.positive(", "contrasts"),
    mistake("Holm from the last", "stats.py", "p.shape[-1] - np.arange", "1 + np.arange", "contrasts"),
    mistake(
        "verdicts on what is left", CONTRASTS, "whole & (adjusted < alpha)", "adjusted < alpha", "contrasts"
    ),
    mistake(
        "no change in those that are left",
        CONTRASTS,
        "whole & (np.nan_to_num(found) == 0)",
        "(np.nan_to_num(found) == 0)",
        "contrasts",
    ),
    mistake("rescued without a gap", CONTRASTS, "gap_low > -margin else", "True else", "contrasts"),
    mistake("rescued far behind", CONTRASTS, "gap_low > -margin else", "gap_low < margin else", "contrasts"),
    mistake("hurt is helped", CONTRASTS, 'return "hurt"', 'return "helped"', "contrasts"),
    mistake(
        "lost runs rank first",
        CONTRASTS,
        "np.isnan(values), np.inf,",
        "np.isnan(values), -np.inf,",
        "contrasts",
    ),
    mistake("ranks upside down", CONTRASTS, "-sign * values)", "sign * values)", "contrasts"),
    mistake(
        "a replicate judges its own choice",
        CONTRASTS,
        "np.delete(values, replicate, axis=1)",
        "values",
        "contrast_rates",
    ),
    mistake(
        "lost runs are chosen", CONTRASTS, "np.lexsort((-means, lost))", "np.argsort(-means)", "contrasts"
    ),
    mistake(
        "best levels are not corrected for",
        CONTRASTS,
        "np.full(mean.shape, alpha / count)",
        "np.full(mean.shape, alpha)",
        "contrast_rates",
    ),
    mistake(
        "the easiest level of the other",
        CONTRASTS,
        "nan=-np.inf).min(-1)",
        "nan=-np.inf).max(-1)",
        "contrast_rates",
    ),
    mistake(
        "one-sided p",
        CONTRASTS,
        "2 * np.minimum(better, worse)",
        "np.minimum(better, worse)",
        "contrast_rates",
    ),
    mistake(
        "widths to the next level",
        CONTRASTS,
        "np.clip((high - least) / (high - low), 0.0, 1.0)",
        "1.0",
        "contrasts",
    ),
    mistake("widths over lost runs", CONTRASTS, "np.isnan(ends).any()", "np.isnan(ends).all()", "contrasts"),
    mistake("ends are crossings", CONTRASTS, "bool((edges >= least).any())", "False", "contrasts"),
    mistake(
        "losses that fall are worse",
        FAMILIES,
        "int(cells.sign * judged.sign[place])",
        "int(judged.sign[place])",
        "contrasted",
    ),
    mistake(
        "stuck at the wrong level",
        FAMILIES,
        "takes_part & (at == label)",
        "takes_part & (at != label)",
        "contrasted",
    ),
    mistake("a gap at one level", FAMILIES, "good, reference\n", "good, level\n", "contrasted"),
    mistake("each level at full confidence", FAMILIES, "alpha / len(others)", "alpha", "contrasted"),
    mistake(
        "losses rescued upside down",
        FAMILIES,
        "cells.sign * contrasts.numbers(weight",
        "contrasts.numbers(weight",
        "contrasted",
    ),
    mistake(
        "power without a family",
        FAMILIES,
        "power, stats.ALPHA / family)",
        "power, stats.ALPHA)",
        "contrasted",
    ),
    mistake(
        "tolerance of one's own best",
        TUNING,
        "oriented).max(axis=0) - within",
        "oriented).min(axis=0) - within",
        "contrasted",
    ),
    mistake(
        "tolerance in steps",
        TUNING,
        "np.log10([levels[label] for label in order])",
        "np.arange(len(order)) * 1.0",
        "contrasted",
    ),
    mistake(
        "narrow is wide", TUNING, '{1: "wider", -1: "narrower"', '{-1: "wider", 1: "narrower"', "contrasted"
    ),
    mistake(
        "tuned losses upside down",
        TUNING,
        "(low, high) if sign > 0 else (-high, -low)",
        "(low, high)",
        "contrasted",
    ),
    mistake(
        "flattery is taken for truth",
        TUNING,
        "sample = stats.estimate(here)\n        mean = cells.sign * sample.mean",
        "sample = stats.estimate(here)\n        mean = cells.sign * _best_of_all(own)",
        "contrasted",
    ),
    mistake(
        "every metric compares",
        FACTORS,
        "return all(bare.startswith",
        "return True or all(bare.startswith",
        "grid",
    ),
    mistake("steps of any size compare", FACTORS, "len(lengths) > 1", "len(lengths) > 2", "grid"),
    mistake("on is the reference", FACTORS, "return self.labels[0]", "return self.labels[-1]", "grid"),
    mistake(
        "epochs of one length",
        FACTORS,
        'usual = factor.levels[label].get("steps_per_epoch", usual)',
        "pass",
        "grid",
    ),
    mistake("a cell that was not trained", FACTORS, "        if not kept:", "        if False:", "grid"),
    mistake(
        "linear losses",
        FACTORIAL,
        '"log" if loss and positive',
        '"linear" if loss and positive',
        "contrasted",
    ),
    mistake(
        "means of stuck runs",
        FACTORIAL,
        "np.where(cells.learned, cells.values, np.nan)",
        "cells.values",
        "grid_stuck",
    ),
    mistake(
        "interrupted runs are judged",
        FACTORIAL,
        'runs = self.runs[self.runs["status"] != "interrupted"]\n        column',
        "runs = self.runs\n        column",
        "grid_stuck",
    ),
    mistake(
        "baseline within the rows",
        CONTRASTED,
        "return [first, *(label for label in self.labels if label != first)]",
        "return self.labels",
        "contrasted",
    ),
    mistake(
        "a window upside down",
        STOPPING,
        "error[: -self.k] - error[self.k :] < self.d",
        "error[self.k :] - error[: -self.k] < self.d",
        "stopping",
    ),
    mistake("a window one epoch early", STOPPING, "< self.d, self.k + 1)", "< self.d, self.k)", "stopping"),
    mistake("patience that never resets", STOPPING, "best, wait = error, 0\n", "best = error\n", "stopping"),
    mistake(
        "patience without a margin", STOPPING, "error + self.min_delta < best", "error < best", "stopping"
    ),
    mistake("loss against the last", STOPPING, "np.fmin.accumulate(error)", "error[0]", "stopping"),
    mistake("progress in percent", STOPPING, "1000 * (strip.mean()", "100 * (strip.mean()", "stopping"),
    mistake("rises at any epoch", STOPPING, "[self.k - 1 :: self.k]", "[:: self.k]", "stopping"),
    mistake("any rise", STOPPING, ".all(axis=1)", ".any(axis=1)", "stopping"),
    mistake(
        "stopped too late to be cut",
        STOPPED,
        "step_losses=record.step_losses[:length]",
        "step_losses=record.step_losses",
        "stopped",
    ),
    mistake("stopped runs that diverged", STOPPED, '        status="completed",\n', "", "stopped"),
    mistake("accuracy is an error", STOPPED, "-sign * np.asarray", "np.asarray", "stopped"),
    mistake(
        "read as trained",
        STOPPED,
        "levels={**record.levels, FACTOR: label}",
        "levels=record.levels",
        "stopped",
    ),
    mistake("bright is bad", PLOTS, '"viridis" if sign > 0', '"viridis" if sign < 0', "grid_plots"),
    mistake("worst rows on top", PLOTS, "ascending=False", "ascending=True", "grid_plots"),
    mistake("crosses among the best", PLOTS, "0.985 if sign < 0", "0.985 if sign > 0", "grid_plots"),
    mistake(
        "intervals around zero",
        PLOTS,
        'starts[label] + np.array([one["low"]',
        'np.array([one["low"]',
        "grid_plots",
    ),
    mistake(
        "a page of any number of curves", "report/grid.py", "_CURVES = 40", "_CURVES = 4000", "grid_export"
    ),
    mistake("held levels are lost", FACTORS, "{**at, **config.get", "{**config.get", "grid"),
    mistake(
        "None is no level",
        FACTORS,
        "given is None or isinstance(given, Real)",
        "isinstance(given, Real)",
        "grid",
    ),
    mistake(
        "every run is a replicate", PLOTS, '.groupby(here["replicate"])', ".groupby(here.index)", "grid_plots"
    ),
    mistake("defaults in a rule's name", STOPPING, "!= one.default", "!= 99", "stopping"),
]
