"""A diagnosis in words: verdict first, then the profile, the layers, and each line to write once."""

import re
from dataclasses import replace

import numpy as np
import pytest

from keras_initlab.diagnosis import calibration, words
from keras_initlab.diagnosis.report import Diagnoses, Diagnosis, Step
from keras_initlab.diagnosis.rows import Row
from keras_initlab.diagnosis.verdicts import Facts


def net(q, g, **changes):
    """Sums of layers of these second moments and squared gradients."""
    rows = [
        Row(f"a rather long name of a block/h{at}:pre", "sums", q=a, G=b, classes=1.0, rank=20.0, **changes)
        for at, (a, b) in enumerate(zip(q, g, strict=True))
    ]
    return [*rows, Row("head", "sums", head=True, q=1.0, G=1.0, classes=1.0)]


def found(q, g, cures=None, step=True, label="", **changes):
    facts = Facts(net(q, g, **changes), 64, rank=20.0)
    return Diagnosis(label, facts, 2.3, 2.3, Step(2.3, 2.2, 0.1, 0.1) if step else None, cures=cures or {})


FINE = found(np.ones(5), np.ones(5))
LINE = 'initlab.reinitialize(model, "he_normal", seed=0)'
VANISHING = found(
    np.logspace(0, -12, 10), np.logspace(-9, 0, 10), dict.fromkeys(("vanishing", "forward scale"), LINE)
)


def test_the_verdict_comes_first_and_the_line_to_write_last():
    text = words.lines(VANISHING)
    assert text[0].startswith("severe start: forward scale, vanishing. Loss 2.3, after one step 2.2")
    order = [
        "severe start",
        "signal ",
        "gradient ",
        "1. forward scale",
        "2. vanishing",
        "worst layers",
        "-> ",
    ]
    places = [next(at for at, line in enumerate(text) if line.startswith(start)) for start in order]
    assert places == sorted(places)
    assert text[-1] == f"-> 1, 2: {LINE}", "one line for both, once"


def test_sizes_are_lengths_and_not_squares():
    text = "\n".join(words.lines(VANISHING))
    (gradient,) = re.findall(r"^gradient +(\S+) (.*), 11 layers$", text, re.M)
    assert gradient[1] == "10^-4.5 to 10^0.0"


def test_the_layers_that_verdicts_name_stand_with_their_numbers():
    text = words.lines(VANISHING)
    at = next(at for at, line in enumerate(text) if line.startswith("worst layers"))
    assert text[at].split()[2:] == ["q", "cosine", "G", "dead", "saturated", "classes"]
    assert len(text[at + 1].rsplit(maxsplit=6)[1:]) == 6
    assert max(map(len, text)) <= 80


@pytest.mark.parametrize("layers", [1, 2, 41, 225])
def test_any_depth_fits_into_80_columns(layers):
    sizes = np.logspace(0, -9, layers)
    for one in (found(sizes, sizes), found(0 * sizes, sizes), found(sizes, np.inf * np.ones(layers))):
        text = words.lines(replace(one, label="x" * 50, notes=("a note " * 30,)))
        assert max(map(len, text)) <= 80


def test_a_profile_keeps_its_ends_and_shows_what_is_missing():
    assert words.profile([0.0, 1.0, 2.0, 3.0]) == "▁▃▆█"
    long = words.profile(list(range(225)))
    assert (len(long), long[0], long[-1]) == (40, "▁", "█")
    assert words.profile([1.0, float("-inf"), 1.0]) == "▁·▁"
    assert words.profile([0.0, 0.1]) == "▁▂", "a tenth of a decade looks flat"


def test_experience_is_quoted_at_the_two_ends_only(monkeypatch):
    row = {"held_out": True, "counts": {"fine": [1, 50], "doubtful": [7, 20], "severe": [45, 50]}}
    seen = {"workloads": [row, row, row | {"held_out": False}]}
    monkeypatch.setattr(calibration, "measured", lambda: seen)
    assert "Of starts called severe 90 of 100 failed in experiments held out." in words.lines(VANISHING)
    assert "Of starts called fine 2 of 100 failed in experiments held out." in words.lines(FINE)
    doubtful = found(np.ones(5), np.logspace(-3, 0, 5))
    assert doubtful.word == "doubtful"
    for one in (doubtful, found(np.ones(5), np.ones(5), step=False)):
        assert not any("Of starts" in line for line in words.lines(one))


def test_pages_say_the_same_and_let_nothing_out(tmp_path):
    name = "<script>alert(1)</script>"
    both = Diagnoses({name: replace(VANISHING, label=name), "fine": FINE})
    for one in (replace(VANISHING, label=name), both):
        one.to_html(tmp_path / "page.html")
        page = (tmp_path / "page.html").read_text("utf-8")
        assert name not in page
        assert "&lt;script&gt;alert(1)" in page
        assert LINE.replace('"', "&quot;") in page
        assert page.count('src="data:image/png;base64,') == 1
        assert not re.findall(r'(?:src|href)="(?!data:)', page)
        assert "default-src 'none'" in page
        assert page.count("All layers") == (2 if one is both else 1)
    assert page.index("fine</td>") < page.index("severe</td>"), "the least risky first"
