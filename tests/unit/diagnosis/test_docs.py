"""The code in docs/diagnosis.md runs as it stands, and finds what the page says."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[3] / "docs" / "diagnosis.md").read_text(encoding="utf-8")


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
