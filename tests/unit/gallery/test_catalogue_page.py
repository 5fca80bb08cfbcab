"""docs/catalogue.md and its pictures say what the registry says."""

import difflib
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import keras_initlab as initlab

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    subprocess.run([sys.executable, DOCS / "catalogue.py", folder], cwd=DOCS.parent, check=True)
    return folder


def test_page_is_fresh(written):
    page = (written / "catalogue.md").read_text(encoding="utf-8")
    assert (DOCS / "catalogue.md").read_text(encoding="utf-8") == page, "run: python docs/catalogue.py"


def likeness(one, other):
    """1 for equal pictures. Another machine's LAPACK may move a bar by a pixel, or a cell by a shade."""
    numbers = [re.findall(r"[a-zA-Z]?-?[\d.]+", picture) for picture in (one, other)]
    return 1.0 if one == other else difflib.SequenceMatcher(None, *numbers, autojunk=False).ratio()


def test_pictures_are_fresh(written):
    committed, fresh = (
        {path.name: path.read_text(encoding="utf-8") for path in (folder / "pictures").iterdir()}
        for folder in (DOCS, written)
    )
    assert committed.keys() == fresh.keys(), "run: python docs/catalogue.py"
    stale = [name for name in fresh if likeness(committed[name], fresh[name]) < 0.95]
    assert not stale, "run: python docs/catalogue.py"
    normal, truncated = (fresh[f"initlab_he_normal{twin}.svg"] for twin in ("", "_truncated"))
    assert likeness(normal, truncated) < 0.95


def test_every_scheme_has_a_section_and_a_picture_of_its_draw(written):
    page = (written / "catalogue.md").read_text(encoding="utf-8")
    for name in initlab.list_initializers():
        section = page.split(f"### {name}\n")[1].split("\n#")[0]
        assert f"(pictures/{name}.svg)" in section
        assert ElementTree.parse(written / "pictures" / f"{name}.svg").getroot().tag.endswith("svg")


def test_a_histogram_has_the_form_of_its_law(written):
    def heights(name):
        path = (written / "pictures" / f"{name}.svg").read_text().split('d="M0 60')[1].split("z")[0]
        return [60 - int(step.split("h")[0]) for step in path.split("V")[1:-1]]

    uniform, normal = heights("initlab_he_uniform"), heights("initlab_he_normal")
    assert (
        min(uniform) > 42
    )  # 683 of 32,768 draws in each of 48 bins, give or take 26; the fullest is 60 high
    assert max(normal[:6] + normal[-6:]) < 5  # three standard deviations away
    assert max(normal) == 60


def test_a_kernel_is_shown_cell_by_cell(written):
    picture = (written / "pictures" / "initlab_identity.svg").read_text()
    diagonal = "".join(f"M{place} {place}.5h1" for place in range(30))
    assert f'<path stroke="#b2182b" d="{diagonal}"/>' in picture
    assert picture.count("<path") == 1
