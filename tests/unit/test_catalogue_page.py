"""docs/catalogue.md says what the registry says."""

import runpy
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "catalogue.md"


def test_page_is_fresh():
    page = runpy.run_path(str(PAGE.with_suffix(".py")))["page"]()
    assert PAGE.read_text(encoding="utf-8") == page, "run: python docs/catalogue.py"
