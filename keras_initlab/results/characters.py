"""A weight drawn in plain characters."""

import math

import numpy as np

from keras_initlab.core.errors import InputError

_BAR = 40
_CELLS = (30, 60)  # rows and columns of a kernel that are shown


def tiles(drawn: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """A weight laid out flat: a tile per input (down) and output (across), which holds the window.

    What exceeds 30 rows and 60 columns is cut off, whole tiles at a time.

    Returns:
        The rows and columns, and the size of a tile, (1, 1) for a matrix.

    >>> flat, tile = tiles(np.zeros((3, 2, 8, 16)))
    >>> flat.shape, tile
    ((24, 32), (3, 2))
    """
    *window, inputs, outputs = (1,) * (2 - drawn.ndim) + drawn.shape
    tile = (math.prod(window[:-1]), window[-1] if window else 1)
    laid = drawn.reshape(*tile, inputs, outputs).transpose(2, 0, 3, 1)
    flat = laid.reshape(inputs * tile[0], outputs * tile[1])
    rows, columns = (size * max(1, limit // size) for size, limit in zip(tile, _CELLS, strict=True))
    return flat[:rows, :columns], tile


def levels(values: np.ndarray, steps: int) -> np.ndarray:
    """Whole numbers from `-steps` to `steps`, in proportion to the values.

    >>> levels(np.array([-2.0, 0.1, 1.0]), 2)
    array([-2,  0,  1])
    """
    largest = np.abs(values).max(initial=0)
    return np.rint(steps * values / (largest or 1)).astype(int)


def text_kernel(drawn: np.ndarray) -> str:
    """The kernel in plain characters, inputs down and outputs across.

    >>> print(text_kernel(np.array([[1.0, 0.0, -0.4], [0.0, -1.0, 0.4]])))
    # . -
    . = +
    # near 1, + about half, . near 0, - about -half, = near -1
    """
    flat, _ = tiles(np.asarray(drawn, dtype=float))
    lines = [" ".join("=-.+#"[level + 2] for level in row) for row in levels(flat, 2)]
    largest = f"{np.abs(flat).max(initial=0):.3g}"
    return "\n".join([*lines, f"# near {largest}, + about half, . near 0, - about -half, = near -{largest}"])


def text_histogram(drawn: np.ndarray, bins: int = 15) -> str:
    """A histogram of plain characters, 60 columns wide.

    >>> print(text_histogram(np.array([0.0, 1.0, 1.0]), bins=2))
         0.25 | ####################
         0.75 | ########################################

    Raises:
        InputError: If there is nothing to count.
    """
    flat = np.asarray(drawn, dtype=float).ravel()
    if not flat.size:
        raise InputError(f"There is nothing to show in a draw of shape {np.shape(drawn)}.")
    if flat.min() == flat.max():
        return f"{flat[0]:9.3g} | {'#' * _BAR} all values"
    counts, edges = np.histogram(flat, bins=bins)
    lines = [
        f"{(low + high) / 2:9.3g} | {'#' * round(_BAR * count / counts.max())}"
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    return "\n".join(lines)
