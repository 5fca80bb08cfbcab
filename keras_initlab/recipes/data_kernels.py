"""Kernels made of a layer's inputs: principal directions, and means of clusters."""

import math
from typing import Any

import keras
import numpy as np

PLACES, NUMBERS = 20_000, 2**25
"""At most so many inputs, and so many numbers of them, are looked at for one kernel."""

LEAST = 1e-6
"""Sum of squares along a direction below which the inputs have none."""

SMOOTH = 1e-3
"""What is added to it before its root is divided by."""

SWEEPS = 20


def patches(layer: Any, inputs: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """What each output of a Dense layer or a convolution sees, a row each, in the order of the kernel.

    Args:
        layer: A Dense layer, or a convolution whose channels are the last axis.
        inputs: What comes to it.
        generator: Chooses among them where there are too many.
    """
    if isinstance(layer, keras.layers.Dense):
        rows = inputs.reshape(-1, inputs.shape[-1])
        return rows[_chosen(len(rows), rows.shape[1], generator)]
    axes = tuple(range(1, inputs.ndim - 1))
    reaches = [
        (size - 1) * dilation + 1
        for size, dilation in zip(layer.kernel_size, layer.dilation_rate, strict=True)
    ]
    added = [
        _added(layer.padding, *one)
        for one in zip((inputs.shape[axis] for axis in axes), reaches, layer.strides, strict=True)
    ]
    padded = np.pad(inputs, [(0, 0), *added, (0, 0)])
    seen = np.lib.stride_tricks.sliding_window_view(padded, reaches, axes)
    steps = [slice(None), *(slice(None, None, stride) for stride in layer.strides), slice(None)]
    seen = seen[(*steps, *(slice(None, None, dilation) for dilation in layer.dilation_rate))]
    places = seen.shape[: len(axes) + 1]
    width = math.prod(layer.kernel_size) * inputs.shape[-1]
    chosen = _chosen(math.prod(places), width, generator)
    rows = seen[np.unravel_index(chosen, places)]  # channels first, then the window
    return np.moveaxis(rows, 1, -1).reshape(len(chosen), width)


def _chosen(count: int, width: int, generator: np.random.Generator) -> np.ndarray:
    most = max(1, min(PLACES, NUMBERS // width))
    return np.arange(count) if count <= most else np.sort(generator.choice(count, most, replace=False))


def _added(padding: str, size: int, reach: int, stride: int) -> tuple[int, int]:
    """How many zeros stand before and after an axis."""
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return reach - 1, 0
    missing = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return missing // 2, missing - missing // 2


def whitening(rows: np.ndarray, count: int) -> np.ndarray:
    """Up to `count` principal directions of centred rows as columns, largest first, each over its root."""
    squares, directions = np.linalg.eigh(rows.T @ rows)
    kept = [at for at in np.argsort(squares)[::-1][:count] if squares[at] >= LEAST]
    return directions[:, kept] / np.sqrt(squares[kept] + SMOOTH)


def principal(rows: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """A kernel whose columns are the principal directions of rows, with the signs of a draw along them.

    Columns beyond those directions keep their draw.

    >>> rows = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> principal(rows, np.array([[1.0, 1.0, 7.0], [2.0, 1.0, 7.0]])).round(3).tolist()
    [[0.236, 0.0, 7.0], [0.0, 0.707, 7.0]]
    """
    found = whitening(rows - rows.mean(axis=0), drawn.shape[1])
    signs = np.where((found * drawn[:, : found.shape[1]]).sum(axis=0) < 0, -1.0, 1.0)
    return np.concatenate([found * signs, drawn[:, found.shape[1] :]], axis=1)


def clustered(rows: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """A kernel whose columns are means of clusters of whitened rows of length 1, taken back to the inputs."""
    centred = rows - rows.mean(axis=0)
    back = whitening(centred, count)
    white = centred @ back
    lengths = np.linalg.norm(white, axis=1, keepdims=True)
    white = (white / np.where(lengths, lengths, 1.0))[lengths[:, 0] > 0]
    if len(white) < count:
        return np.zeros((rows.shape[1], 0))
    return back @ k_means(white, white[generator.choice(len(white), count, replace=False)]).T


def k_means(rows: np.ndarray, centres: np.ndarray, sweeps: int = SWEEPS) -> np.ndarray:
    """The centres after some sweeps of Lloyd's algorithm; one that is nobody's nearest stays.

    >>> k_means(np.array([[0.0], [1.0], [10.0]]), np.array([[1.0], [2.0]])).ravel().tolist()
    [0.5, 10.0]
    """
    for _ in range(sweeps):
        nearest = ((centres**2).sum(axis=1) - 2 * rows @ centres.T).argmin(axis=1)
        counts = np.bincount(nearest, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, rows)
        moved = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres)
        if np.array_equal(moved, centres):
            break
        centres = moved
    return centres


def of_inputs(
    kind: str, rows: np.ndarray, drawn: np.ndarray, generator: np.random.Generator
) -> np.ndarray | None:
    """A kernel (inputs, outputs) by its kind, `pca` or `k_means`; None where the rows are too few."""
    count = drawn.shape[1]
    if len(rows) < count:
        return None
    made = principal(rows, drawn) if kind == "pca" else clustered(rows, count, generator)
    return made if made.shape == drawn.shape else None
