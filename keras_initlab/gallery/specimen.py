"""What one scheme draws, to look at."""

import inspect
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.core.rng import isolated
from keras_initlab.initializers import registry
from keras_initlab.initializers.adapting import label, seeded
from keras_initlab.initializers.fans import shape_fans
from keras_initlab.results.plots.distributions import plot_distribution as plot_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_SHAPE = (256, 128)
# For schemes that name no shapes of their own: the first that they can draw.
_SHAPES = (DEFAULT_SHAPE, (3, 3, 8, 16), (256,))
_BAR = 40
_CELLS = (30, 60)  # rows and columns of a kernel that are shown


def plot_distribution(
    scheme: Any, shape: Sequence[int] = DEFAULT_SHAPE, *, seed: int = 0, ax: "Axes | None" = None
) -> "Axes":
    """Histogram of one draw of an initializer; for a scheme by name with its law's mean and deviation.

    Args:
        scheme: A name, instance, class, config or callable.
        shape: Shape of the weight to draw.
        seed: Seed of the draw.
        ax: Where to draw; a new figure by default.

    Raises:
        InputError: If there is no such initializer or it does not draw this shape.

    >>> ax = plot_distribution("initlab_uniform_sqrt_n", (256, 128))
    >>> ax.get_xlabel()
    'weight'
    """
    shape = tuple(shape)
    mean, std = law_moments(scheme, shape)
    return plot_values(values(scheme, shape, seed), f"{label(scheme)} {shape}", mean, std, ax=ax)


def values(scheme: Any, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """One draw of an initializer, as `plot_distribution` shows it."""
    initializer = registry.get(scheme)
    with isolated() as generators:
        generators.seed(seed)
        drawn = seeded(initializer, seed)(shape, dtype="float32")
    return keras.ops.convert_to_numpy(drawn)


def law_moments(scheme: Any, shape: tuple[int, ...]) -> tuple[float | None, float | None]:
    """Mean and standard deviation that a registered scheme claims; they hold for default arguments."""
    if not isinstance(scheme, str) or not scheme.startswith(registry.PREFIX):
        return None, None
    claims = registry.entry(scheme).claims
    return claims.mean, claims.std(shape_fans(shape)) if claims.std else None


def example_shape(name: str) -> tuple[int, ...]:
    """The shape on which a registered scheme is shown.

    >>> example_shape("initlab_he_normal"), example_shape("initlab_dirac")
    ((256, 128), (3, 3, 8, 16))
    """
    claims = registry.entry(name).claims
    if claims.shapes:
        return max(claims.shapes, key=lambda shape: (math.prod(shape), shape[-1]))
    return next(shape for shape in _SHAPES if claims.allows(len(shape)))


def has_pattern(name: str, drawn: np.ndarray) -> bool:
    """Whether a draw of a registered scheme says more as a kernel than as a histogram."""
    if drawn.min() == drawn.max():
        return False
    found = registry.entry(name)
    random = "seed" in inspect.signature(found.cls).parameters
    return not random or found.family == "structured" or float(np.mean(drawn == 0)) > 0.5


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


def text_picture(name: str, drawn: np.ndarray) -> str:
    """The kernel or the histogram of a draw in plain characters."""
    return text_kernel(drawn) if has_pattern(name, drawn) else text_histogram(drawn)


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
