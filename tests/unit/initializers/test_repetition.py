"""The schemes say once what they share."""

from collections import Counter
from pathlib import Path

import keras_initlab.initializers

FOLDER = Path(keras_initlab.initializers.__file__).parent


def test_few_lines_of_the_schemes_stand_eight_times_or_more():
    """A line counts if it has twelve characters or more and is no import, decorator or mere quotes."""
    lines = Counter(
        line
        for path in FOLDER.rglob("*.py")
        for line in map(str.strip, path.read_text(encoding="utf-8").splitlines())
        if len(line) >= 12 and not line.startswith(("import ", "from ", "@", '"""'))
    )
    repeated = {line: count for line, count in lines.items() if count >= 8}
    share = sum(repeated.values()) / lines.total()
    assert share <= 0.08, f"{share:.1%}: {repeated}"
