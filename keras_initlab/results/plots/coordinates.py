"""What layers put out against the width of the model."""

from typing import TYPE_CHECKING

from keras_initlab.results.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def plot_coordinates(frame: "pd.DataFrame", step: int | None = None) -> "list[Axes]":
    """Mean size of each layer's sums over the width, one panel for each parametrization.

    Args:
        frame: Columns `parametrization`, `width`, `step`, `layer` and `size`.
        step: After how many steps; by default the last.
    """
    from matplotlib import pyplot

    kinds = list(dict.fromkeys(frame["parametrization"]))
    _, axes = pyplot.subplots(
        1, len(kinds), figsize=(4.6 * len(kinds), 4), sharey=True, squeeze=False, layout="constrained"
    )
    step = int(frame["step"].max()) if step is None else step
    for ax, kind in zip(axes[0], kinds, strict=True):
        shown = frame[(frame["parametrization"] == kind) & (frame["step"] == step)]
        layers = list(dict.fromkeys(shown["layer"]))
        for at, layer in enumerate(layers):
            rows = shown[shown["layer"] == layer].sort_values("width")
            look = style.style(at)
            (line,) = ax.plot(
                rows["width"],
                rows["size"],
                color=look.colour,
                marker=look.marker or ".",
                label=style.figure_text(layer),
            )
            if look.dashes:
                line.set_dashes(look.dashes)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_xlabel("width")
        ax.set_title(f"{kind}, after {step} steps", fontsize=10)
        style.set_spines(ax)
    axes[0][0].set_ylabel("mean |sums| of a layer")
    style.legend_beside(axes[0][-1], len(layers))
    return list(axes[0])
