"""How often verdicts were right: what `benchmarks/foresight.py` has counted, and the words made of it."""

import functools
import json
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

WORDS = ("fine", "doubtful", "severe")


@functools.cache
def measured() -> Mapping[str, Any]:
    """What was measured last: for each workload the starts called so, how many failed, and how well risk told
    these from the others."""
    return json.loads(resources.files(__package__).joinpath("calibration.json").read_text(encoding="utf-8"))


def counts(found: Mapping[str, Any], held_out: bool) -> dict[str, tuple[int, int]]:
    """Word -> how many failed, of how many; over the workloads on which limits were set, or the others."""
    rows = [row["counts"] for row in found["workloads"] if row["held_out"] == held_out]
    return {word: (sum(row[word][0] for row in rows), sum(row[word][1] for row in rows)) for word in WORDS}


def said(word: str) -> str:
    """What became of starts that were called so; empty where nothing is measured.

    >>> said("severe").endswith("failed in experiments held out.")
    True
    """
    failed, n = counts(measured(), held_out=True)[word]
    return f"Of starts called {word} {failed} of {n} failed in experiments held out." if n else ""


def table(found: Mapping[str, Any]) -> str:
    """The table of docs/diagnosis.md: starts and how many of them failed."""
    lines = []
    for held_out, title in ((False, "looked at when limits were set"), (True, "held out")):
        rows = [row for row in found["workloads"] if row["held_out"] == held_out]
        if rows:
            lines += ["", *_block(title, rows, counts(found, held_out))]
    return "\n".join(lines[1:])


def _block(
    title: str, rows: Iterable[Mapping[str, Any]], total: Mapping[str, tuple[int, int]]
) -> Iterable[str]:
    yield f"| {title} | " + " | ".join(f"{word}: failed" for word in WORDS) + " | area | rank correlation |"
    yield "|---|" + "---|" * (len(WORDS) + 2)
    for row in rows:
        cells = _cells(row["counts"])
        for name in ("auc", "correlation"):
            value, low, high = row[name]
            cells.append(f"{value:.3f} [{low:.2f}, {high:.2f}]")
        yield f"| {row['name']} | " + " | ".join(cells) + " |"
    severe, failed = total["severe"], sum(one[0] for one in total.values())
    shares = f"precision {_share(*severe)} | recall {_share(severe[0], failed)}"
    yield f"| all | {' | '.join(_cells(total))} | {shares} |"


def _cells(held: Mapping[str, Any]) -> list[str]:
    return ["{1}: {0}".format(*held[word]) for word in WORDS]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "-"
