"""The code in docs/diagnosis.md runs as it stands, and finds what the page says; so does the example."""

import re
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "diagnosis.md").read_text(encoding="utf-8")


def test_the_example_finds_what_the_page_shows():
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(compile(block, "diagnosis.md", "exec"), names)
    # Both are as severe to two digits: which comes first depends on the backend's draw.
    assert {one.kind for one in names["found"].verdicts} == {"forward scale", "vanishing"}
    assert names["found"].word == "severe"
    words = names["result"].foreseen().trials["word"]
    assert (words["zeros"] == "severe").all()
    assert (words["initlab_he_normal"] != "severe").all()


def test_the_story_of_depth_is_told_to_its_end(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["depth.py", "--shrink", "6", "--out", str(tmp_path)])
    runpy.run_path(str(ROOT / "examples" / "depth.py"), run_name="__main__")
    told = capsys.readouterr().out
    assert re.search(r"zeros +severe .* symmetric", told)
    assert "measured / expected, 5 layers of 33" in told
    assert (tmp_path / "depth.png").read_bytes().startswith(b"\x89PNG")
