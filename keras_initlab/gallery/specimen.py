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
from keras_initlab.results.characters import text_histogram, text_kernel
from keras_initlab.results.plots.distributions import plot_distribution as plot_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_SHAPE = (256, 128)
# For schemes that name no shapes of their own: the first that they can draw.
_SHAPES = (DEFAULT_SHAPE, (3, 3, 8, 16), (256,))


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
        try:
            drawn = seeded(initializer, seed)(shape, dtype="float32")
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{label(scheme)} cannot draw shape {shape}: {str(error) or type(error).__name__} "
                "Give a shape that it can."
            ) from error
    return keras.ops.convert_to_numpy(drawn)


def law_moments(scheme: Any, shape: tuple[int, ...]) -> tuple[float | None, float | None]:
    """Mean and standard deviation that a registered scheme claims; they hold for default arguments."""
    claims = getattr(registry.get(scheme), "claims", None) if isinstance(scheme, str) else None
    if claims is None:
        return None, None
    return claims.mean, claims.std(shape_fans(shape)) if claims.std else None


def example_shape(name: str) -> tuple[int, ...]:
    """The shape on which an initializer is shown.

    >>> example_shape("initlab_he_normal"), example_shape("initlab_dirac"), example_shape("he_normal")
    ((256, 128), (3, 3, 8, 16), (256, 128))
    """
    claims = getattr(registry.get(name), "claims", None)
    if claims is None:
        return DEFAULT_SHAPE
    if claims.shapes:
        return max(claims.shapes, key=lambda shape: (math.prod(shape), shape[-1]))
    return next(shape for shape in _SHAPES if claims.allows(len(shape)))


def has_pattern(name: str, drawn: np.ndarray) -> bool:
    """Whether a draw of an initializer says more as a kernel than as a histogram."""
    if drawn.min() == drawn.max():
        return False
    kind = type(registry.get(name))
    random = "seed" in inspect.signature(kind).parameters
    structured = kind.__module__.startswith("keras_initlab.initializers.structured.")
    return not random or structured or float(np.mean(drawn == 0)) > 0.5


def text_picture(name: str, drawn: np.ndarray) -> str:
    """The kernel or the histogram of a draw in plain characters."""
    return text_kernel(drawn) if has_pattern(name, drawn) else text_histogram(drawn)
