"""What one scheme draws, to look at."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_initlab import registry
from keras_initlab.errors import InputError
from keras_initlab.fans import shape_fans
from keras_initlab.intake.schemes import label
from keras_initlab.models import seeded
from keras_initlab.plots.distributions import plot_distribution as plot_values
from keras_initlab.rng import isolated, seed_globals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_SHAPE = (256, 128)
_BAR = 40


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
    with isolated():
        seed_globals(seed)
        drawn = seeded(initializer, seed)(shape, dtype="float32")
    return keras.ops.convert_to_numpy(drawn)


def law_moments(scheme: Any, shape: tuple[int, ...]) -> tuple[float | None, float | None]:
    """Mean and standard deviation that a registered scheme claims; they hold for default arguments."""
    if not isinstance(scheme, str) or not scheme.startswith(registry.PREFIX):
        return None, None
    claims = registry.entry(scheme).claims
    return claims.mean, claims.std(shape_fans(shape)) if claims.std else None


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
