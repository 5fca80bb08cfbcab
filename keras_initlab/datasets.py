"""The data of the presets: embedded digits, MNIST and Fashion-MNIST, or a file of your own."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from keras_initlab.core.errors import InputError, UnknownNameError

NAMES = ("digits", "mnist", "fashion_mnist")

_HELD_OUT = 5000  # the first images of the training set, as in the published experiment


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and validation arrays with class labels."""

    name: str
    x: np.ndarray
    y: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray

    @property
    def classes(self) -> int:
        return int(max(self.y.max(), self.y_val.max())) + 1


def load(name: str) -> Dataset:
    """A data set by name, or from an `.npz` file.

    `digits` are the UCI optical digits (1,797 images of 8x8 pixels, the last 297 held out).
    `mnist` and `fashion_mnist` come through `keras.datasets`; the first 5,000 training images are held
    out and the other 55,000 train. Pixels are scaled to [0, 1]. A file holds `x`, `y` and, if it
    likes, `x_val`, `y_val` (or Keras's `x_train`, `y_train`, `x_test`, `y_test`); without validation
    data the last fifth is held out.

    Raises:
        UnknownNameError: If the name is neither a data set nor a file.
        InputError: If the file does not hold such arrays, or the download is out of reach.

    >>> load("digits").x.shape
    (1500, 8, 8)
    """
    if name == "digits":
        return _digits()
    if name in NAMES:
        return _from_keras(name)
    if Path(name).is_file():
        return _from_file(Path(name))
    raise UnknownNameError(
        "data set", name, NAMES, "Give one of 'digits', 'mnist', 'fashion_mnist' or a file."
    )


def _digits() -> Dataset:
    with resources.files("keras_initlab").joinpath("data/digits.npz").open("rb") as file:
        arrays = np.load(file)
        x, y = arrays["x"].astype("float32") / 16, arrays["y"]
    return Dataset("digits", x[:1500], y[:1500], x[1500:], y[1500:])


def _from_keras(name: str) -> Dataset:
    import keras

    try:
        (x, y), _ = getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises a bare Exception where the download fails
        raise InputError(
            f"The data set {name!r} is neither in Keras's cache nor could it be downloaded: {error}"
        ) from error
    x = x.astype("float32") / 255
    return Dataset(name, x[_HELD_OUT:], y[_HELD_OUT:], x[:_HELD_OUT], y[:_HELD_OUT])


def _from_file(path: Path) -> Dataset:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = dict(arrays)
    except (ValueError, OSError) as error:
        raise InputError(f"{str(path)!r} is not an .npz file of plain arrays: {error}") from error
    for names in (("x", "y", "x_val", "y_val"), ("x_train", "y_train", "x_test", "y_test")):
        if names[0] in found and names[1] in found:
            there = names if all(name in found for name in names) else names[:2]
            parts = [found[name] for name in there]
            break
    else:
        raise InputError(f"{str(path)!r} holds {sorted(found)}: it needs the arrays 'x' and 'y'.")
    for x, y in zip(parts[::2], parts[1::2], strict=True):
        _check_file(path, x, y)
    x, y = parts[:2]
    if len(parts) == 4:
        return Dataset(path.stem, *parts)
    if len(x) < 2:
        raise InputError(f"{str(path)!r} holds one example: it needs two or more, one of them held out.")
    cut = max(1, len(x) * 4 // 5)
    return Dataset(path.stem, x[:cut], y[:cut], x[cut:], y[cut:])


def _check_file(path: Path, x: np.ndarray, y: np.ndarray) -> None:
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y) or not len(x):
        raise InputError(f"{str(path)!r} holds x of shape {x.shape} and y of shape {y.shape}: one y per x.")
    if y.dtype.kind not in "biuf" or not np.isfinite(y).all():
        raise InputError(
            f"{str(path)!r} holds y of type {y.dtype} with values that are no class numbers: give "
            "np.unique(y, return_inverse=True)[1]."
        )
    if y.size != len(y):
        raise InputError(
            f"{str(path)!r} holds y of shape {y.shape}: give class numbers, such as y.argmax(-1)."
        )
