"""The command line: `initlab compare`, `initlab diagnose`, `initlab list`, `initlab show NAME`."""

import argparse
import shlex
import sys
from collections.abc import Sequence

from keras_initlab.cli import catalogue, compare, diagnose
from keras_initlab.cli.endings import FAILED, INTERRUPTED, OK, USAGE, fail
from keras_initlab.cli.notation import parse_initializers
from keras_initlab.core.errors import InputError

__all__ = ["FAILED", "INTERRUPTED", "OK", "USAGE", "main", "parse_initializers"]


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
        return fail(str(error), USAGE)
    except KeyboardInterrupt:
        return fail("interrupted before any run was finished", INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing more to say
        return FAILED
    except ModuleNotFoundError as error:
        if error.name not in {"tensorflow", "jax", "torch"}:
            raise
        return fail(
            f'Keras finds no {error.name}: pip install "keras-initlab[{error.name}]", or set KERAS_BACKEND '
            "to a backend that is installed.",
            FAILED,
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="initlab",
        description="Weight initializers for Keras 3, and fair comparisons between them.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    compare.add_to(commands)
    diagnose.add_to(commands)
    catalogue.add_to(commands)
    return parser
