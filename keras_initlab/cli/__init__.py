"""The command line: `initlab compare`, `initlab list`, `initlab show NAME`."""

import argparse
import ast
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_initlab import datasets
from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.core.optional import need

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from keras_initlab.results.comparison import Comparison

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

DEFAULT_OUT = "initlab-out"

_SEEDS = 2**31  # every backend has as many

# The published experiment leaves out the last, smaller batch: 2 x 429 steps.
_PUBLISHED: dict[str, Any] = {"batch_size": 128, "epochs": 2, "steps_per_epoch": 429}
_TRAINING = {"mnist": _PUBLISHED, "fashion_mnist": _PUBLISHED}
_OTHERWISE: dict[str, Any] = {"batch_size": 32, "epochs": 5, "steps_per_epoch": None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0 when all went well, 2 for a wrong argument, 1 for a failure, 130 after Ctrl-C.
    """
    given = sys.argv[1:] if arguments is None else arguments
    parsed = _parser().parse_args(given)
    parsed.command = shlex.join(["initlab", *given])
    try:
        return parsed.run(parsed)
    except InputError as error:
        return _fail(str(error), USAGE)
    except KeyboardInterrupt:
        return _fail("interrupted before any run was finished", INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing more to say
        return FAILED
    except ModuleNotFoundError as error:
        if error.name not in {"tensorflow", "jax", "torch"}:
            raise
        return _fail(
            f'Keras finds no {error.name}: pip install "keras-initlab[{error.name}]", or set KERAS_BACKEND '
            "to a backend that is installed.",
            FAILED,
        )


def _fail(message: str, code: int) -> int:
    print(f"initlab: {message}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="initlab",
        description="Weight initializers for Keras 3, and fair comparisons between them.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

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
        f"(default: write to {DEFAULT_OUT} at the end)",
    )
    compare.add_argument("--report", metavar="FILE", help="write one self-contained HTML page")
    compare.add_argument("--json", action="store_true", help="print the result as JSON")
    compare.set_defaults(run=_compare)

    list_ = commands.add_parser("list", help="list the initializers")
    list_.add_argument("--family", help="only one family, such as orthogonal")
    list_.add_argument("--role", help="only schemes for one kind of weight, such as recurrent_kernel")
    list_.add_argument("--json", action="store_true", help="print them as JSON")
    list_.set_defaults(run=_list)

    show = commands.add_parser("show", help="show an initializer's law and what it draws")
    show.add_argument("name", metavar="NAME")
    show.add_argument(
        "--shape", help="shape of the weight to draw, such as 256,128 (default: one that suits the scheme)"
    )
    show.add_argument("--seed", type=int, default=0)
    show.add_argument("--out", metavar="FILE", help="save the histogram as a picture")
    show.set_defaults(run=_show)
    return parser


def _compare(parsed: argparse.Namespace) -> int:
    import keras

    from keras_initlab import presets
    from keras_initlab.experiment.compare import compare

    if parsed.report:
        try:
            need("plotly", "--report", "keras-initlab[report]")
        except ImportError as error:
            return _fail(str(error), FAILED)
    data = datasets.load(parsed.data)
    training = _TRAINING.get(parsed.data, _OTHERWISE)
    initializers = parse_initializers(parsed.initializers) if parsed.initializers else presets.classic()
    usual = presets.CLASSIC_BASELINE if presets.CLASSIC_BASELINE in initializers else None
    result = compare(
        _model(parsed.model, data),
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
        run_dir=parsed.out,
    )
    keras.backend.clear_session(free_memory=False)
    out = Path(parsed.out or DEFAULT_OUT)
    result.config["command"] = parsed.command
    result.save(out)
    picture = out / "losses.png"
    _save(result.plot(), picture)
    if parsed.report:
        result.to_html(parsed.report)
    if parsed.json:
        print(result.to_json())
    else:
        _print(result, picture, parsed.report)
    if result.config.get("interrupted"):
        return _fail(f"interrupted; the finished runs are in {out}", INTERRUPTED)
    failed = [record for record in result.records if record.status == "failed"]
    if len(failed) == len(result.records):
        return _fail(f"every run failed: {failed[0].message}", FAILED)
    return OK


def _save(ax: "Axes", path: str | Path) -> None:
    figure = ax.get_figure(root=True)
    assert figure is not None  # our own axes are in one
    figure.savefig(path, dpi=150, bbox_inches="tight")


def _print(result: "Comparison", picture: Path, report: str | None) -> None:
    from rich.console import Console

    from keras_initlab.results.terminal import render

    Console().print(render(result))
    print(f"Plot of the first batches: {picture}")
    if report:
        print(f"Page with everything: {report}")
    print(f"All numbers: {picture.parent} (initlab.load reads it)")


def _model(name: str, data: datasets.Dataset) -> Any:
    import keras

    from keras_initlab import presets

    if name in presets.MODELS:
        return presets.build(name, data.x.shape[1:], data.classes)
    if not Path(name).is_file():
        raise UnknownNameError(
            "model", name, presets.MODELS, f"Give one of {', '.join(presets.MODELS)} or a .keras file."
        )
    return keras.saving.load_model(name)


def parse_initializers(texts: Sequence[str]) -> dict[str, Any]:
    """Initializers as the command line writes them: `name` or `name(argument=value, ...)`.

    Several may stand in one text, separated by commas. The text is read, never executed.

    Raises:
        InputError: If a text is neither.
        UnknownNameError: If a name is not known.
    """
    found: dict[str, Any] = {}
    for text in texts:
        for label, scheme in _parse(text):
            if label in found:
                raise InputError(f"The initializer {label!r} is given twice.")
            found[label] = scheme
    return found


def _parse(text: str) -> list[tuple[str, Any]]:
    from keras_initlab.initializers import registry

    wrong = f"--initializers has {text!r}: write a name or name(argument=value), such as he_normal."
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise InputError(wrong) from error
    found: list[tuple[str, Any]] = []
    for node in tree.elts if isinstance(tree, ast.Tuple) else [tree]:
        if isinstance(node, ast.Name):
            found.append((node.id, registry.get(node.id)))
            continue
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
            raise InputError(wrong)
        try:
            arguments = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
        except ValueError as error:
            raise InputError(wrong) from error
        kind = type(registry.get(node.func.id))
        try:
            found.append((ast.unparse(node), kind(**arguments)))
        except (TypeError, ValueError) as error:
            raise InputError(f"--initializers has {text!r}: {error}") from error
    return found


def _list(parsed: argparse.Namespace) -> int:
    from keras_initlab.gallery.table import catalogue
    from keras_initlab.results.export import rows

    frame = catalogue(parsed.family, parsed.role)
    if parsed.json:
        print(json.dumps(rows(frame.reset_index()), indent=1))
        return OK
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("name", "law", "family"):
        table.add_column(heading, no_wrap=heading == "name")
    for name, row in frame.iterrows():
        table.add_row(str(name), row["law"], row["family"])
    Console().print(table, markup=False)
    return OK


def _show(parsed: argparse.Namespace) -> int:
    from keras_initlab.gallery import specimen as showing
    from keras_initlab.initializers import registry

    entry = registry.entry(parsed.name)
    if not 0 <= parsed.seed < _SEEDS:
        raise InputError(f"--seed is {parsed.seed}: give a whole number from 0 to {_SEEDS - 1}.")
    shape = _shape(parsed.shape) if parsed.shape else showing.example_shape(parsed.name)
    drawn = showing.values(parsed.name, shape, parsed.seed)
    mean, std = showing.law_moments(parsed.name, shape)
    claims = entry.claims
    facts = {
        "law": claims.law,
        "for": f"{', '.join(claims.roles)}; {claims.rank_text}",
        "use": claims.use,
        "avoid": claims.avoid,
        "exactly": claims.exact_text,
        "reference": claims.reference,
        "claimed": "" if mean is None or std is None else f"mean {mean:.4g}, sd {std:.4g} at shape {shape}",
        "drawn": f"mean {drawn.mean():.4g}, sd {drawn.std():.4g}, from {drawn.min():.4g} to {drawn.max():.4g}"
        f" at shape {shape}",
    }
    print(f"{entry.name}: {entry.summary}")
    for heading, fact in facts.items():
        if fact:
            print(f"{heading + ':':<10} {fact}")
    print(showing.text_picture(parsed.name, drawn))
    if parsed.out:
        ax = showing.plot_distribution(parsed.name, shape, seed=parsed.seed)
        _save(ax, parsed.out)
        print(f"Picture: {parsed.out}")
    return OK


def _shape(text: str) -> tuple[int, ...]:
    sizes = [size.strip() for size in text.split(",")]
    if not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise InputError(f"--shape is {text!r}: write sizes of at least 1 with commas, such as 256,128.")
    return tuple(map(int, sizes))
