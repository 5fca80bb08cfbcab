"""`initlab list` and `initlab show`: what there is, and what one initializer draws."""

import argparse
import json
import math
from typing import Any

from keras_initlab.cli.endings import OK, require_picture, save
from keras_initlab.core.errors import InputError

_SEEDS = 2**31  # every backend has as many

_MOST_NUMBERS = 2**26  # 256 MB of float32


def add_to(commands: Any) -> None:
    """Add the commands to those of the parser."""
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
    for heading in ("name", "acts on", "law", "family"):
        table.add_column(heading, no_wrap=heading == "name")
    for name, row in frame.iterrows():
        table.add_row(str(name), row["kind"], row["law"], row["family"])
    Console().print(table, markup=False)
    return OK


def _show(parsed: argparse.Namespace) -> int:
    from keras_initlab.gallery import specimen as showing
    from keras_initlab.gallery.table import facts
    from keras_initlab.recipes.registry import named

    title, known = facts(parsed.name)
    if not 0 <= parsed.seed < _SEEDS:
        raise InputError(f"--seed is {parsed.seed}: give a whole number from 0 to {_SEEDS - 1}.")
    if named(parsed.name) is not None:
        if parsed.out or parsed.shape:
            raise InputError(f"{parsed.name} acts on a whole model: it draws no one weight to show.")
        _print(title, known)
        return OK
    if parsed.out:
        require_picture("--out", parsed.out)
    shape = _shape(parsed.shape) if parsed.shape else showing.example_shape(parsed.name)
    drawn = showing.values(parsed.name, shape, parsed.seed)
    mean, std = showing.law_moments(parsed.name, shape)
    known |= {
        "claimed": "" if mean is None or std is None else f"mean {mean:.4g}, sd {std:.4g} at shape {shape}",
        "drawn": f"mean {drawn.mean():.4g}, sd {drawn.std():.4g}, from {drawn.min():.4g} to {drawn.max():.4g}"
        f" at shape {shape}",
    }
    _print(title, known)
    print(showing.text_picture(parsed.name, drawn))
    if parsed.out:
        ax = showing.plot_distribution(parsed.name, shape, seed=parsed.seed)
        save(ax, parsed.out)
        print(f"Picture: {parsed.out}")
    return OK


def _print(title: str, known: dict[str, str]) -> None:
    print(title)
    for heading, fact in known.items():
        if fact:
            print(f"{heading + ':':<10} {fact}")


def _shape(text: str) -> tuple[int, ...]:
    sizes = [size.strip() for size in text.split(",")]
    if not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise InputError(f"--shape is {text!r}: write sizes of at least 1 with commas, such as 256,128.")
    shape = tuple(map(int, sizes))
    if math.prod(shape) > _MOST_NUMBERS:
        raise InputError(
            f"--shape is {text!r}, which is {math.prod(shape)} numbers: at most {_MOST_NUMBERS}."
        )
    return shape
