"""What was foreseen against what happened."""

from typing import TYPE_CHECKING

import pandas as pd

from keras_initlab.results.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {"fine": style.COLOURS[2], "doubtful": style.COLOURS[5], "severe": style.COLOURS[1]}
_LEAST = 0.1  # of a risk, below which the axis is linear


def plot_foreseen(trials: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Risk before training against the mean loss of the first 100 steps; crosses failed.

    Args:
        trials: `Foresight.trials`.
        ax: Axes to draw into; new ones by default.
    """
    ax = ax or style.new_axes(7.2, 4.2)
    drawn = trials[trials["first_100"].notna()]
    for word, colour in _COLOURS.items():
        for failed, marker, fate in ((False, "o", "learned"), (True, "x", "failed")):
            own = drawn[(drawn["word"] == word) & (drawn["failed"] == failed)]
            if len(own):
                ax.scatter(
                    own["risk"],
                    own["first_100"],
                    s=26,
                    color=colour,
                    marker=marker,
                    linewidths=1.4,
                    alpha=0.8,
                    label=f"{word}: {len(own)} {fate}",
                )
    ax.set_xscale("symlog", linthresh=_LEAST, linscale=0.3)
    ax.set_xlim(left=-_LEAST / 5)
    if style.wants_log(drawn["first_100"].to_numpy()):
        ax.set_yscale("log")
    ax.set_xlabel("risk seen before training (severe from 1 on)")
    ax.set_ylabel("mean loss of the first 100 steps")
    if missing := len(trials) - len(drawn):
        ax.set_title(f"{missing} runs ended before their 100th step and are not drawn", fontsize=9)
    style.set_spines(ax)
    if len(drawn):
        ax.legend(fontsize=8, framealpha=0.85)
    return ax
