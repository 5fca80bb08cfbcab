"""`initlab compare`: trains, prints a table, writes a folder."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_initlab import datasets
from keras_initlab.cli.endings import FAILED, INTERRUPTED, OK, fail, require_folder, save
from keras_initlab.cli.notation import parse_factors, parse_initializers, read_model
from keras_initlab.core.errors import InputError, NotSavedError
from keras_initlab.core.optional import need
from keras_initlab.trials.plan import MANY_RUNS

if TYPE_CHECKING:
    from keras_initlab.results.comparison import Comparison, Grid

DEFAULT_OUT = "initlab-out"

# The published experiment leaves out the last, smaller batch: 2 x 429 steps.
_PUBLISHED: dict[str, Any] = {"batch_size": 128, "epochs": 2, "steps_per_epoch": 429}
_TRAINING = {"mnist": _PUBLISHED, "fashion_mnist": _PUBLISHED}
_OTHERWISE: dict[str, Any] = {"batch_size": 32, "epochs": 5, "steps_per_epoch": None}


def add_to(commands: Any) -> None:
    """Add the command to those of the parser."""
    compare = commands.add_parser(
        "compare",
        help="train identical models that differ in their initial weights",
        description="Trains identical models that differ in nothing but their initial weights, and prints "
        "which initializer is better, by how much, and whether the evidence is enough. Without arguments: "
        "the classic initializers on embedded handwritten digits.",
    )
    compare.add_argument(
        "--data",
        default="digits",
        help="digits, mnist, fashion_mnist or FILE.npz with x and y (default: digits)",
    )
    compare.add_argument("--model", default="mlp", help="mlp, deep_tanh, cnn or FILE.keras (default: mlp)")
    compare.add_argument(
        "--initializers",
        nargs="+",
        metavar="NAME",
        help="names, with arguments in parentheses if need be: he_normal "
        "'initlab_random_uniform(minval=-0.1, maxval=0.1)' (default: the ten of the published experiment)",
    )
    compare.add_argument("--epochs", type=int, help="default: 2 for mnist and fashion_mnist, else 5")
    compare.add_argument("--batch-size", type=int, help="default: 128 for mnist and fashion_mnist, else 32")
    compare.add_argument("--replicates", type=int, default=5, help="independent repetitions (default: 5)")
    compare.add_argument("--seed", type=int, default=0, help="root of all seeds (default: 0)")
    compare.add_argument("--engine", default="auto", help="auto, or the name of an engine")
    compare.add_argument("--baseline", metavar="LABEL", help="the initializer that others are compared with")
    compare.add_argument(
        "--out",
        metavar="DIR",
        help="write each finished run there at once, and go on from what is there already "
        f"(default: a new folder: {DEFAULT_OUT}, {DEFAULT_OUT}-2, ...)",
    )
    compare.add_argument(
        "--share",
        action="store_true",
        help="let other processes run the same command at the same time; each takes what nobody has taken",
    )
    compare.add_argument(
        "--diagnose",
        action="store_true",
        help="say of each run what will go wrong before it is trained, and lay that beside what happened",
    )
    compare.add_argument(
        "--factor",
        action="append",
        default=[],
        metavar="NAME=LEVELS",
        help="vary something beside the start; may be given several times: learning_rate=1e-4,1e-3,1e-2, "
        "batch_norm=off,on, dropout=0,0.5, batch_size=32,128, optimizer=sgd,adam",
    )
    compare.add_argument(
        "--max-runs", type=int, default=MANY_RUNS, help=f"runs of a grid at most (default: {MANY_RUNS})"
    )
    compare.add_argument(
        "--until",
        metavar="settled",
        help="settled: begin with --replicates and go on with what is open, until each initializer is "
        "better, worse or equivalent within --margin",
    )
    compare.add_argument("--margin", type=float, help="the difference that does not matter, such as 0.005")
    compare.add_argument("--max-replicates", type=int, help="replicates at most with --until (default: 40)")
    compare.add_argument("--budget", metavar="TIME", help="time for training with --until: 90s, 10min or 2h")
    compare.add_argument("--report", metavar="FILE", help="write one self-contained HTML page")
    compare.add_argument("--json", action="store_true", help="print the result as JSON")
    compare.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Run the comparison asked for, print and write what it found, and give the exit code back."""
    import keras

    from keras_initlab import presets
    from keras_initlab.experiment.compare import compare

    if parsed.report:
        try:
            need("plotly", "--report", "keras-initlab[report]")
        except ImportError as error:
            return fail(str(error), FAILED)
        require_folder("--report", parsed.report)
    data = datasets.load(parsed.data)
    training = _TRAINING.get(parsed.data, _OTHERWISE)
    initializers = parse_initializers(parsed.initializers) if parsed.initializers else presets.classic()
    usual = presets.CLASSIC_BASELINE if presets.CLASSIC_BASELINE in initializers else None
    if parsed.share and not parsed.out:
        raise InputError("--share without --out: name the folder that the processes share.")
    out = Path(parsed.out) if parsed.out else _new_folder()
    try:
        result = compare(
            read_model(parsed.model, data),
            initializers,
            data.x,
            data.y,
            validation_data=(data.x_val, data.y_val),
            batch_size=training["batch_size"] if parsed.batch_size is None else parsed.batch_size,
            epochs=training["epochs"] if parsed.epochs is None else parsed.epochs,
            # Another batch size makes other steps: then an epoch is all of the data.
            steps_per_epoch=training["steps_per_epoch"] if parsed.batch_size is None else None,
            replicates=parsed.replicates,
            seed=parsed.seed,
            baseline=parsed.baseline or usual,
            engine=parsed.engine,
            run_dir=out,
            share=parsed.share,
            diagnose=parsed.diagnose,
            factors=parse_factors(parsed.factor) if parsed.factor else None,
            max_runs=parsed.max_runs,
            until=parsed.until,
            margin=parsed.margin,
            max_replicates=parsed.max_replicates,
            budget=parsed.budget,
        )
    except NotSavedError as error:
        _print_table(error.comparison)
        return fail(str(error), FAILED)
    keras.backend.clear_session(free_memory=False)
    result.config["command"] = parsed.command
    if not parsed.share:  # others may still write there
        result.save(out)
    picture = _draw(result, out)
    if parsed.report:
        result.to_html(parsed.report)
    if parsed.json:
        print(result.to_json())
    else:
        _print(result, picture, parsed.report)
    if result.config.get("interrupted"):
        return fail(f"interrupted; the finished runs are in {out}", INTERRUPTED)
    failed = [record for record in result.records if record.status == "failed"]
    if failed and len(failed) == len(result.records):
        return fail(f"every run failed: {failed[0].message}", FAILED)
    return OK


def _draw(result: "Comparison | Grid", out: Path) -> Path:
    """The picture that a comparison is looked at by: early losses, or of a grid its first factor."""
    from keras_initlab.results.comparison import Grid

    if isinstance(result, Grid):
        save(result.plot_grid("initializer", next(iter(result.factors))), out / "grid.png")
        return out / "grid.png"
    save(result.plot(), out / "losses.png")
    return out / "losses.png"


def _new_folder() -> Path:
    """The first of the default folders that is not there yet: no result takes the place of another."""
    out, number = Path(DEFAULT_OUT), 1
    while out.exists():
        number += 1
        out = Path(f"{DEFAULT_OUT}-{number}")
    if number > 1:
        print(f"{DEFAULT_OUT} is there already: this result goes to {out}", file=sys.stderr)
    return out


def _print_table(result: Any) -> None:
    from rich.console import Console

    from keras_initlab.results import grid_words, terminal
    from keras_initlab.results.comparison import Grid

    Console().print((grid_words if isinstance(result, Grid) else terminal).render(result))


def _print(result: "Comparison | Grid", picture: Path, report: str | None) -> None:
    _print_table(result)
    print(f"{'Plot of the first batches' if picture.stem == 'losses' else 'Heat map'}: {picture}")
    if report:
        print(f"Page with everything: {report}")
    print(f"All numbers: {picture.parent} (initlab.load reads it)")
