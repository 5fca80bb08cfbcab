"""The page as text; `tests/e2e/test_report.py` opens it."""

import ast
import builtins
import json
import re

import pytest

from keras_initlab.results import report
from keras_initlab.results.comparison import Comparison
from tests.results import TEN, config, made_up


@pytest.fixture
def no_plotly(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **keywords):
        if name.split(".")[0] == "plotly":
            raise ModuleNotFoundError("No module named 'plotly'", name="plotly")
        return real(name, *arguments, **keywords)

    monkeypatch.setattr("keras_initlab.core.optional.importlib.import_module", lambda name: without(name))


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page).group(1))


def test_the_page_names_nothing_outside_itself():
    page = report.page(made_up(TEN[:2]))
    own = page.split("<script>")[0]
    assert not re.findall(r'(?:src|href)="(?!data:)', own)
    assert "default-src 'none'" in own


def test_no_label_leaves_its_place():
    label = "</script ><!--<script>"
    page = report.page(made_up([label, "b"]))
    assert label not in page
    assert data_of(page)["initializers"][0]["name"].startswith(label)
    assert "<" not in page.split('id="data">')[1].split("</script>")[0]


def test_curves_are_thinned_and_the_data_are_not():
    result = made_up(TEN[:2], steps=2000, diverged={TEN[1]: 2})
    views = data_of(report.page(result))["views"]
    assert [view["title"] for view in views[:2]] == ["Loss, first 100 batches", "Loss, all batches"]
    whole = views[1]
    assert len(whole["steps"]) == report.POINTS
    assert whole["steps"][-1] == 2000
    assert [len(run) for run in whole["curves"][0]["runs"]] == [report.POINTS] * 5
    assert len(whole["curves"][1]["runs"][0]) < 5
    assert len(result.curves.query("split == 'batch' and replicate == 4")) == 4000


def test_what_a_command_line_ran_is_what_repeats_it():
    assert report.repeat({"command": "initlab compare --seed 3"}) == "initlab compare --seed 3"


def test_a_call_is_repeated_by_a_call_that_parses():
    text = report.repeat(config(["it's '''odd''' \\", "<b>"], baseline="<b>"))
    tree = ast.parse(text)
    loads = tree.body[1].value
    assert list(json.loads(ast.literal_eval(loads.args[0]))) == ["it's '''odd''' \\", "<b>"]
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in tree.body[2].value.keywords}
    assert (given["replicates"], given["seed"], given["baseline"]) == ("5", "0", "'<b>'")


def test_every_run_is_listed_with_its_status_and_seeds():
    page = report.page(made_up(TEN[:2], diverged={TEN[0]: 1}))
    assert page.count("The loss became nan at step 61.") == 1
    assert page.count("<td>order 7</td>") == 9


def test_a_result_without_runs_is_a_page():
    assert "No run has finished" in report.page(Comparison([], config(["a"])))


def test_a_missing_plotly_is_answered_with_advice(no_plotly, tmp_path):
    with pytest.raises(ImportError, match=r'to_html needs plotly: pip install "keras-initlab\[report\]"'):
        made_up(TEN[:2]).to_html(tmp_path / "page.html")
