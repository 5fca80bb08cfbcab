"""How commands end: their exit codes, their last line, the files they leave."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keras_initlab.core.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def fail(message: str, code: int) -> int:
    """Say on standard error what went wrong, and give the exit code back."""
    print(f"initlab: {message}", file=sys.stderr)
    return code


def require_folder(option: str, path: str) -> None:
    """Refuse a file to be written where there is no folder.

    Raises:
        InputError: If there is none.
    """
    folder = Path(path).parent
    if not folder.is_dir():
        raise InputError(f"{option} is {path!r}, but there is no folder {str(folder)!r}: make it first.")


def require_picture(option: str, path: str) -> None:
    """Refuse a file that no picture can be written to.

    Raises:
        InputError: If its folder is not there, or its ending is no picture's.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    require_folder(option, path)
    known = FigureCanvasBase.get_supported_filetypes()
    suffix = Path(path).suffix.removeprefix(".").lower()
    if suffix not in known:
        raise InputError(f"{option} is {path!r}: give a file that ends in .png, .svg or .pdf.")


def save(ax: "Axes", path: str | Path) -> None:
    """Write the figure of a plot as a picture."""
    figure = ax.get_figure(root=True)
    assert figure is not None  # our own axes are in one
    figure.savefig(path, dpi=150, bbox_inches="tight")
