"""Whether what a model's layers put out keeps its size while its width grows: the test of μP."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_initlab.core.arguments import refused, whole
from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import given_loss_weights, parts
from keras_initlab.core.rng import isolated
from keras_initlab.network.taps import Met, forward
from keras_initlab.recipes.mup import Mup, mup_optimizer
from keras_initlab.recipes.reinitialize import reinitialize

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROWS = 64


@dataclass(frozen=True, eq=False)
class CoordinateCheck:
    """How large the sums of each layer are, at every width and after every step.

    Prints the slopes, and what could not be measured.

    Attributes:
        frame: Columns `parametrization` (`standard` or `mup`), `width`, `step` (0 is the start), `layer` and
            `size`, the mean of |sums| over examples and units.
    """

    frame: "pd.DataFrame"

    @property
    def slopes(self) -> "pd.Series":
        """Power of the width with which each layer's sums grow, after the last step; 0 is flat.

        Indexed by parametrization and layer; NaN where `unmeasured` says why.
        """
        import pandas as pd

        found = {
            key: math.nan
            if _without_size(rows)
            else float(np.polyfit(np.log(rows["width"]), np.log(rows["size"]), 1)[0])
            for key, rows in self._last
        }
        return pd.Series(found, name="slope").rename_axis(["parametrization", "layer"])

    @property
    def unmeasured(self) -> list[str]:
        """A line for each slope that is NaN: at which widths the layer's sums are all 0, or not finite."""
        return [
            f"{kind}, {layer}: no slope, its sums are 0, NaN or infinite at width {', '.join(map(str, at))}"
            for (kind, layer), rows in self._last
            if (at := _without_size(rows))
        ]

    @property
    def _last(self) -> Any:
        last = self.frame[self.frame["step"] == self.frame["step"].max()]
        return last.groupby(["parametrization", "layer"], sort=False)

    def plot(self, step: int | None = None) -> "list[Axes]":
        """Sizes over the width, a line for each layer and a panel for each parametrization.

        Args:
            step: After how many steps; by default the last.

        Raises:
            InputError: If the layers were not measured after that step.
        """
        measured = sorted(set(self.frame["step"].tolist()))
        if step is not None and step not in measured:
            raise refused("step", step, f"one of {', '.join(map(str, measured))}")
        from keras_initlab.results.plots.coordinates import plot_coordinates

        return plot_coordinates(self.frame, step)

    def __str__(self) -> str:
        return "\n".join([str(self.slopes.unstack("parametrization").round(3)), *self.unmeasured])

    __repr__ = __str__


def _without_size(rows: "pd.DataFrame") -> list[int]:
    """The widths at which the sums have no logarithm."""
    return rows["width"][~(np.isfinite(rows["size"]) & (rows["size"] > 0))].tolist()


def coordinate_check(
    build: Callable[[int], keras.Model],
    widths: Sequence[int],
    x: Any = None,
    y: Any = None,
    *,
    steps: int = 3,
    base: Any = "initlab_lecun_normal",
    seed: int = 0,
) -> CoordinateCheck:
    """Train models of several widths for a few steps, as they are and under μP, and measure their layers.

    Under μP no layer's sums grow with the width; with one learning rate for all weights they do. The
    narrowest model is the base, in which both are the same.

    Args:
        build: Makes a compiled model of a given width.
        widths: At least two, increasing.
        x: Inputs of one batch; by default 64 Gaussian ones.
        y: Targets; by default chance classes for a loss of whole-numbered classes, else Gaussian ones.
        steps: How many steps of the compiled optimizer.
        base: The scheme that draws the kernels.
        seed: Root of all seeds.

    Raises:
        InputError: If an argument cannot work, a model is not compiled, or μP does not know its optimizer.

    >>> def build(width):
    ...     layers = [keras.layers.Dense(width, "relu"), keras.layers.Dense(width, "relu")]
    ...     model = keras.Sequential([keras.Input((8,)), *layers, keras.layers.Dense(1)])
    ...     model.compile("sgd", "mse")
    ...     return model
    >>> check = coordinate_check(build, (8, 16), steps=0)
    >>> len(check.frame)
    12
    """
    import pandas as pd

    steps = whole("steps", steps, 0)
    if not callable(build):
        raise InputError(f"build is {build!r}: give a function of a width that returns a compiled model.")
    if not isinstance(widths, Sequence):
        raise InputError(f"widths is {widths!r}: give at least two, increasing.")
    listed = [whole("widths", width) for width in widths]
    if len(listed) < 2 or sorted(set(listed)) != listed:
        raise InputError(f"widths is {widths!r}: give at least two, increasing.")
    narrow = build(listed[0])
    if not isinstance(narrow, keras.Model) or not narrow.compiled:
        raise InputError(f"build({listed[0]}) gave no compiled model: compile it, for its optimizer trains.")
    x, y = _batch(narrow, x, y, seed)
    rows: list[dict[str, Any]] = []
    with isolated() as generators:
        for kind in ("standard", "mup"):
            for width in listed:
                generators.seed(seed)
                model = build(width)
                if kind == "mup":
                    optimizer = mup_optimizer(model, narrow, model.optimizer)
                    ways = {"run_eagerly": model.run_eagerly, "jit_compile": bool(model.jit_compile)}
                    model.compile(optimizer, model.loss, given_loss_weights(model), **ways)
                    reinitialize(model, Mup(narrow, base), seed=seed)
                else:
                    reinitialize(model, base, seed=seed)
                for step in range(steps + 1):
                    sizes = _sizes(model, x)
                    rows += [
                        {"parametrization": kind, "width": width, "step": step, "layer": layer, "size": size}
                        for layer, size in sizes.items()
                    ]
                    if step < steps:
                        model.train_on_batch(x, y)
    return CoordinateCheck(pd.DataFrame(rows))


def _batch(model: keras.Model, x: Any, y: Any, seed: int) -> tuple[Any, Any]:
    """What came, or chance data that fit the model."""
    if model.loss is None:
        raise InputError("The model is compiled without a loss, which it has to train on.")
    generator = np.random.default_rng(seed)
    inputs, outputs = (list(getattr(model, side, None) or []) for side in ("inputs", "outputs"))
    if (x is None or y is None) and not (len(inputs) == len(outputs) == 1):
        raise InputError(
            "x and y are missing: they are made up only for a graph of one input and one output."
        )
    if x is None:
        if "float" not in inputs[0].dtype or None in inputs[0].shape[1:]:
            raise InputError(
                f"x is missing: none is made up for inputs of {inputs[0].dtype} and shape {inputs[0].shape}."
            )
        x = generator.normal(size=(ROWS, *inputs[0].shape[1:])).astype("float32")
    if y is None:
        shape = (len(x), *outputs[0].shape[1:])
        kind = (
            model.loss
            if isinstance(model.loss, str)
            else getattr(model.loss, "__name__", type(model.loss).__name__)
        )
        if "sparse" in kind.lower():
            y = generator.integers(0, shape[-1], shape[:-1])
        elif "binary" in kind.lower():
            y = generator.integers(0, 2, shape).astype("float32")
        elif "categorical" in kind.lower():
            y = np.eye(shape[-1], dtype="float32")[generator.integers(0, shape[-1], shape[:-1])]
        else:
            y = generator.normal(size=shape).astype("float32")
    return x, y


def _sizes(model: keras.Model, x: Any) -> dict[str, float]:
    """Mean of |sums| of each layer with a kernel, in the order in which they run, numbered by name."""
    found: dict[str, float] = {}

    def note(met: Met) -> Any:
        sums = keras.ops.convert_to_numpy(keras.ops.cast(met.sums(), "float32"))
        found[f"{len(found) + 1} {type(met.layer).__name__}"] = float(np.abs(sums).mean())
        return met.go_on()

    forward(model, x, [layer for layer in parts(model) if hasattr(layer, "kernel")], note)
    return found
