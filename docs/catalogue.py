"""Write catalogue.md from the registry: `python docs/catalogue.py`."""

import inspect
from itertools import groupby
from pathlib import Path

from keras_initlab.registry import Entry, entry, list_initializers

PAGE = Path(__file__).with_suffix(".md")


def page() -> str:
    """The catalogue as Markdown, by family."""
    entries = sorted(map(entry, list_initializers()), key=lambda found: (found.family, found.name))
    families = [(family, list(found)) for family, found in groupby(entries, lambda found: found.family)]
    lines = [
        "# The catalogue",
        "",
        f"{len(entries)} schemes, each usable as a string after `import keras_initlab`. Made by",
        "`python docs/catalogue.py` from what the schemes claim; the conformance suite holds them to it.",
        "",
    ]
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
    lines = [f"### {found.name}", "", about.strip(), "", f"Draws{law}", ""]
    facts = {
        "arguments": ", ".join(f"`{name}`" for name in inspect.signature(found.cls).parameters) or "none",
        "for": ", ".join(claims.roles),
        "draws": f"weights of {claims.rank_text}",
        "exactly": (claims.exact.__doc__ or "").strip() if claims.exact else "",
        "reference": claims.reference,
    }
    return [*lines, *(f"- {name}: {fact}" for name, fact in facts.items() if fact), ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
