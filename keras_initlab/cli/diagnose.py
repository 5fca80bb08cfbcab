"""`initlab diagnose`: says what will go wrong with a model before it is trained."""

import argparse
from typing import Any

from keras_initlab import datasets
from keras_initlab.cli.endings import FAILED, OK, require_picture, save
from keras_initlab.cli.notation import parse_initializers, read_model


def add_to(commands: Any) -> None:
    """Add the command to those of the parser."""
    diagnose = commands.add_parser(
        "diagnose",
        help="say what will go wrong with a model before it is trained",
        description="Looks at one forward and one backward pass of a model that is not trained yet, and says "
        "what will go wrong, in which layer, why, and what to write instead. Nothing is trained.",
    )
    diagnose.add_argument(
        "--data",
        default="digits",
        help="digits, mnist, fashion_mnist or FILE.npz with x and y (default: digits)",
    )
    diagnose.add_argument("--model", default="mlp", help="mlp, deep_tanh, cnn or FILE.keras (default: mlp)")
    diagnose.add_argument(
        "--initializers",
        nargs="+",
        metavar="NAME",
        help="diagnose the model as each would start it, written as for compare (default: as it is)",
    )
    diagnose.add_argument("--examples", type=int, default=64, help="how many to look at (default: 64)")
    diagnose.add_argument(
        "--optimizer", default="auto", help="whose first step is meant (default: the model's)"
    )
    diagnose.add_argument("--replicate", type=int, default=0, help="which of compare's to draw (default: 0)")
    diagnose.add_argument(
        "--replicates", type=int, default=1, help="draws of each initializer, to average (default: 1)"
    )
    diagnose.add_argument("--seed", type=int, default=0, help="root of all seeds (default: 0)")
    diagnose.add_argument("--out", metavar="FILE", help="save the profile by depth as a picture")
    diagnose.add_argument("--json", action="store_true", help="print all numbers as JSON")
    diagnose.add_argument(
        "--check",
        action="store_true",
        help="exit with code 1 if a start is severe, for continuous integration",
    )
    diagnose.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Diagnose, print what was found, and give the exit code back."""
    from keras_initlab.diagnosis.report import Diagnosis
    from keras_initlab.experiment.diagnose import diagnose

    if parsed.out:
        require_picture("--out", parsed.out)
    data = datasets.load(parsed.data)
    found = diagnose(
        read_model(parsed.model, data),
        data.x,
        data.y,
        initializers=parse_initializers(parsed.initializers) if parsed.initializers else None,
        examples=parsed.examples,
        optimizer=parsed.optimizer,
        replicate=parsed.replicate,
        replicates=parsed.replicates,
        seed=parsed.seed,
    )
    print(found.to_json() if parsed.json else found)
    if parsed.out:
        save(found.plot()[0], parsed.out)
        if not parsed.json:
            print(f"Picture: {parsed.out}")
    every = (
        [found] if isinstance(found, Diagnosis) else [one for draws in found.draws.values() for one in draws]
    )
    return FAILED if parsed.check and any(one.word == "severe" for one in every) else OK
