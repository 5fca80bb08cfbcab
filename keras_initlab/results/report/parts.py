"""What pages are made of: files beside this one, tables of text, pictures as data."""

import base64
import html
import io
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any


def file(name: str) -> str:
    """A file of this folder."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def html_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of text under their names."""
    header = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>"


def picture(
    draw: Callable[..., Any], width: float, height: float, title: str, panels: int | None = None
) -> str:
    """A figure with its caption.

    Args:
        draw: Draws into `ax`: axes, or a list of so many as there are panels.
        width: In inches.
        height: In inches.
        title: The caption.
        panels: How many axes side by side; None for one.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    draw(ax=figure.add_subplot() if panels is None else list(figure.subplots(1, panels)))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    alt = html.escape(title, quote=True)
    image = f'<img alt="{alt}" src="data:image/png;base64,{encoded}">'
    return f"<figure><figcaption>{alt}</figcaption>{image}</figure>"
