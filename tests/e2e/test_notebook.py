"""The example notebook runs in a real Jupyter kernel and is committed with its outputs."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

PATH = Path(__file__).parents[2] / "examples" / "compare_initializers.ipynb"


@pytest.fixture(scope="module")
def committed():
    return nbformat.read(PATH, as_version=4)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    notebook = nbformat.read(PATH, as_version=4)
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "jax")  # the quickest to compile such small networks
        patch.delenv("MPLBACKEND", raising=False)  # the kernel chooses its own
        patch.setenv("PYTHONPATH", str(PATH.parents[1]))
        client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}})
        client.execute()
    assert (folder / "deep-tanh.html").is_file()
    return notebook


def outputs(notebook, kind):
    """The outputs of that MIME type, cell by cell."""
    cells = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    return [[out["data"][kind] for out in found if kind in out.get("data", {})] for found in cells]


@pytest.mark.slow
def test_it_runs_and_shows_what_the_committed_one_shows(committed, executed):
    for kind in ("image/png", "text/html"):
        assert [len(found) for found in outputs(executed, kind)] == [
            len(found) for found in outputs(committed, kind)
        ]


@pytest.mark.slow
def test_progress_is_one_live_bar(executed):
    bars = [[html for html in found if "<progress" in html] for found in outputs(executed, "text/html")]
    assert [len(found) for found in bars if found] == [1, 1, 1, 1]
    assert "60/60 runs" in bars[3][0]


def test_the_committed_outputs_tell_the_story(committed):
    texts = ["".join(found) for found in outputs(committed, "text/plain")]
    ranked = [line.split() for line in texts[3].splitlines() if re.match(r" +\d+ \w", line)]
    verdicts = {cells[1]: cells[-2] for cells in ranked if cells[1] in ("Glorot", "zeros", "ones")}
    assert verdicts == {"Glorot": "baseline", "ones": "worse", "zeros": "worse"}
    assert texts[-1].startswith("Best(orthogonal")
    assert sum(map(len, outputs(committed, "image/png"))) == 6
    assert not [
        out for cell in committed.cells for out in cell.get("outputs", []) if out.output_type == "error"
    ]
