"""Write catalogue.md and its pictures from the registry: `python docs/catalogue.py [FOLDER]`.

Keras runs on NumPy for it, so that every machine draws the same.
"""

import inspect
import os
import sys
from itertools import groupby
from pathlib import Path

os.environ["KERAS_BACKEND"] = "numpy"

import numpy as np

from keras_initlab.gallery import specimen as showing
from keras_initlab.initializers.registry import Entry, entry, list_initializers
from keras_initlab.results import characters

PICTURES = "pictures"
INTRODUCTION = """# The catalogue

{count} schemes, each usable as a string after `import keras_initlab`. Made by
`python docs/catalogue.py` from what the schemes claim; the conformance suite holds them to it.

A picture shows one draw: its histogram, or the weight itself where that says more (blue below zero, red
above, inputs down, outputs across; a tile holds the window of a convolution; large weights are cut off)."""

WIDTH, HEIGHT, BINS = 240, 60, 48  # of a histogram
LARGEST_CELL, TALLEST = 12, 120  # pixels, of a kernel
# From the most negative value to the most positive one, by way of zero.
COLOURS = ["#2166ac", "#5c97c6", "#9cc4de", "#d2e2ee", "#f4f4f4", "#f9dcd0", "#f2ab8e", "#d9735e", "#b2182b"]
STEPS = len(COLOURS) // 2


def page(entries: list[Entry]) -> str:
    """The catalogue as Markdown, by family."""
    families = [(family, list(found)) for family, found in groupby(entries, lambda found: found.family)]
    lines = [INTRODUCTION.format(count=len(entries)), ""]
    for family, found in families:
        lines += [f"## {family}", "", "| name | law |", "|---|---|"]
        lines += [f"| [`{one.name}`](#{one.name}) | {_cell(one.claims.law)} |" for one in found]
        lines += [""]
        for one in found:
            lines += _section(one)
    return "\n".join(lines)


def _section(found: Entry) -> list[str]:
    claims = found.claims
    text = inspect.getdoc(found.cls) or ""
    about, _, rest = text.partition("Draws")
    law, _, _ = rest.partition("\n\n")
    shape = showing.example_shape(found.name)
    lines = [f"### {found.name}", "", about.strip(), "", f"Draws{law}", ""]
    lines += [f"![one draw of shape {shape}]({PICTURES}/{found.name}.svg)", ""]
    facts = {
        "use": claims.use,
        "avoid": claims.avoid,
        "arguments": ", ".join(f"`{name}`" for name in inspect.signature(found.cls).parameters) or "none",
        "for": ", ".join(claims.roles),
        "draws": f"weights of {claims.rank_text}",
        "exactly": claims.exact_text,
        "reference": claims.reference,
    }
    return [*lines, *(f"- {name}: {fact}" for name, fact in facts.items() if fact), ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def picture(name: str) -> str:
    """One draw of a scheme as SVG."""
    shape = showing.example_shape(name)
    drawn = showing.values(name, shape, seed=0)
    body = kernel(drawn) if showing.has_pattern(name, drawn) else histogram(drawn)
    return _svg(*body, f"shape {shape}")


def histogram(drawn: np.ndarray) -> tuple[list[str], int, str]:
    """Bars as one path; the height of the picture is that of the tallest."""
    counts, edges = np.histogram(drawn, BINS)
    heights = np.rint(HEIGHT * counts / counts.max()).astype(int)
    steps = "".join(f"V{HEIGHT - height}h{WIDTH // BINS}" for height in heights)
    path = f'<path fill="#4477aa" d="M0 {HEIGHT}{steps}V{HEIGHT}z"/>'
    return [path], HEIGHT, f"{edges[0]:.2g} … {edges[-1]:.2g}"


def kernel(drawn: np.ndarray) -> tuple[list[str], int, str]:
    """Cells as strokes, one path per colour, with white lines between tiles."""
    flat, tile = characters.tiles(drawn)
    rows, columns = flat.shape
    paths = [f'<rect width="{columns}" height="{rows}" fill="{COLOURS[STEPS]}"/>']
    shades = characters.levels(flat, STEPS)
    for level in sorted(set(shades.ravel().tolist()) - {0}):
        runs = [f"M{start} {row + 0.5}h{length}" for row, start, length in _runs(shades == level)]
        paths.append(f'<path stroke="{COLOURS[level + STEPS]}" d="{"".join(runs)}"/>')
    if tile != (1, 1):
        lines = [f"M0 {row}h{columns}" for row in range(tile[0], rows, tile[0])]
        lines += [f"M{column} 0v{rows}" for column in range(tile[1], columns, tile[1])]
        paths.append(f'<path stroke="#fff" stroke-width=".3" d="{"".join(lines)}"/>')
    cell = min(LARGEST_CELL, WIDTH // columns, TALLEST // rows)
    group = [f'<g transform="scale({cell})">', *paths, "</g>"]
    return group, cell * rows, f"{flat.min():.2g} … {flat.max():.2g}"


def _runs(mask: np.ndarray) -> list[tuple[int, int, int]]:
    """Row, start and length of each run of true cells."""
    found = []
    for row, cells in enumerate(mask):
        change = np.flatnonzero(np.diff([False, *cells, False]))
        found += [(row, int(start), int(end - start)) for start, end in zip(*[iter(change)] * 2, strict=True)]
    return found


def _svg(body: list[str], height: int, scale: str, caption: str) -> str:
    size = f'width="{WIDTH}" height="{height + 14}" viewBox="0 0 {WIDTH} {height + 14}"'
    text = f'y="{height + 11}" font-family="sans-serif" font-size="10" fill="#888"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        *body,
        f"<text {text}>{scale}</text>",
        f'<text x="{WIDTH}" text-anchor="end" {text}>{caption}</text>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    """Page and pictures, the only ones of their kind in `folder` afterwards."""
    own = [one for one in map(entry, list_initializers()) if one.cls.__module__.startswith("keras_initlab.")]
    entries = sorted(own, key=lambda one: (one.family, one.name))
    (folder / PICTURES).mkdir(exist_ok=True)
    for old in (folder / PICTURES).glob("*.svg"):
        old.unlink()
    for found in entries:
        (folder / PICTURES / f"{found.name}.svg").write_text(picture(found.name), encoding="utf-8")
    (folder / "catalogue.md").write_text(page(entries), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
