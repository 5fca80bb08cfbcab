"""Frames and arrays in, matplotlib Axes out. Nothing here calls `show`."""

from keras_initlab.results.plots.curves import loss_view, metric_view, plot_curves
from keras_initlab.results.plots.depth import plot_depth
from keras_initlab.results.plots.differences import plot_pairs, plot_replicates, plot_wins
from keras_initlab.results.plots.distributions import plot_distribution, plot_weights
from keras_initlab.results.plots.foreseen import plot_foreseen
from keras_initlab.results.plots.grid import places, plot_grid, plot_interaction, plot_sensitivity
from keras_initlab.results.plots.ranks import plot_ranks

__all__ = [
    "loss_view",
    "metric_view",
    "places",
    "plot_curves",
    "plot_depth",
    "plot_distribution",
    "plot_foreseen",
    "plot_grid",
    "plot_interaction",
    "plot_pairs",
    "plot_ranks",
    "plot_replicates",
    "plot_sensitivity",
    "plot_weights",
    "plot_wins",
]
