"""Labels on one line, short enough for their place."""

import itertools
from collections.abc import Iterable

LABEL_LENGTH = 34


def short(label: str, length: int = LABEL_LENGTH) -> str:
    """`label` on one line, its middle left out if it is long (differences sit at both ends)."""
    line = " ".join(label.split())
    if len(line) <= length:
        return line
    tail = (length - 1) // 2
    return f"{line[: length - 1 - tail]}…{line[-tail:]}"


def short_labels(labels: Iterable[str], length: int = LABEL_LENGTH) -> dict[str, str]:
    """Each label shortened; those that would look alike are numbered.

    >>> short_labels(["a" * 50, "a" * 60], 8)
    {'aaaa...': 'aaaa…aaa', 'aaaa...': 'aa…a (2)'}
    """
    result: dict[str, str] = {}
    for label in labels:
        marks = itertools.chain([""], (f" ({number})" for number in itertools.count(2)))
        texts = (short(label, length - len(mark)) + mark for mark in marks)
        result[label] = next(text for text in texts if text not in result.values())
    return result
