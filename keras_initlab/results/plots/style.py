"""How initializers look: colours that colour-blind readers tell apart, dashes, and literal text."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito (2008), without the yellow (invisible on white), with a grey for the black (invisible on dark).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7F7F7F")
DASHES: tuple[tuple[float, ...], ...] = ((), (5, 1.5), (1.2, 1.2), (7, 1.5, 1.2, 1.5), (10, 3))
MARKERS = ("", "o", "s", "^", "D", "v", "P", "X")
LEGEND_INSIDE = 4  # initializers up to which the legend fits into the axes
LOG_FROM = 30.0  # a spread beyond which a linear axis hides the smaller half


@dataclass(frozen=True)
class Style:
    """Colour first, then dashes, then markers: 280 styles before one repeats."""

    colour: str
    dashes: tuple[float, ...]
    marker: str


def style(index: int) -> Style:
    """The look of the `index`-th initializer, the same in every figure of a comparison."""
    dashes, colour = divmod(index, len(COLOURS))
    marker, dash = divmod(dashes, len(DASHES))
    return Style(COLOURS[colour], DASHES[dash], MARKERS[marker % len(MARKERS)])


def figure_text(text: str) -> str:
    """`text` as matplotlib prints it literally: no mathematics, no glyph that its font lacks, and never
    hidden from a legend by a leading underscore."""
    glyphs = _glyphs()
    shown = "".join(char if ord(char) in glyphs else "\N{REPLACEMENT CHARACTER}" for char in text)
    shown = shown.replace("$", r"\$")
    return f"\N{ZERO WIDTH SPACE}{shown}" if shown.startswith("_") else shown


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    from matplotlib import font_manager

    return frozenset(font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap())


def new_axes(width: float = 8.0, height: float = 4.8) -> "Axes":
    """A new pyplot figure, so that a notebook shows it."""
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def wants_log(values: Sequence[float] | np.ndarray) -> bool:
    """Whether positive `values` span more than a factor of 30."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    return bool(len(finite) and finite.min() > 0 and finite.max() / finite.min() > LOG_FROM)


def set_spines(ax: "Axes") -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, alpha=0.25, linewidth=0.6)


def legend_beside(ax: "Axes", entries: int) -> None:
    """A legend that stays readable: inside for a few entries, beside the axes for more."""
    if entries <= LEGEND_INSIDE:
        ax.legend(fontsize=8, framealpha=0.85, handlelength=3)
    else:
        ax.legend(
            fontsize=8 if entries <= 16 else 6.5,
            loc="upper left",
            bbox_to_anchor=(1.01, 1.0),
            frameon=False,
            handlelength=3,
        )
