"""Frames and arrays in, matplotlib Axes out. Nothing here calls `show`."""

from keras_initlab.plots.curves import plot_losses, plot_metric
from keras_initlab.plots.distributions import plot_distribution

__all__ = ["plot_distribution", "plot_losses", "plot_metric"]
