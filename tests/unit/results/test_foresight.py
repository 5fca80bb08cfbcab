"""What was foreseen stands beside what happened, and the numbers are those of hand and SciPy."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import keras_initlab as initlab
from keras_initlab.results import report
from keras_initlab.results.comparison import Comparison
from keras_initlab.results.foresight import area
from keras_initlab.trials.record import Record
from tests.results import config, made_up

WORDS = ("fine", "doubtful", "severe")
RISKS = {"a": 0.0, "b": 0.4, "c": 3.0, "d": 1.2}


def row(risk, **changes):
    word = "severe" if risk >= 1 else "doubtful" if risk else "fine"
    told = {"schema": 1, "word": word, "risk": risk, "severity": risk, "verdicts": "vanishing" * bool(risk)}
    return told | {"layer": "dense:pre", "loss": 2.3} | changes


def run(label, replicate, losses, risk, **changes):
    record = Record(label, replicate, "completed", "", tuple(losses), {"loss": (losses[-1],)})
    return replace(record, foreseen={} if risk is None else row(risk), **changes)


def falling(end):
    return np.linspace(2.3, end, 60).tolist()


ENDS = {"a": 0.1, "b": 0.5, "c": 2.29, "d": 1.0}  # c hardly learns


def compared(ends=ENDS, risks=RISKS, replicates=2, **changes):
    found = [
        run(label, replicate, falling(end + 0.01 * replicate), risks[label])
        for label, end in ends.items()
        for replicate in range(replicates)
    ]
    return Comparison(found, config(list(ends), chance={"loss": 2.3}, **changes))


def test_every_run_is_called_something_and_has_an_end():
    found = compared().foreseen()
    assert found.trials["word"].groupby("initializer").first().to_dict() == {
        "a": "fine",
        "b": "doubtful",
        "c": "severe",
        "d": "severe",
    }
    assert found.trials.index[found.trials["failed"]].tolist() == [("c", 0), ("c", 1)]
    counts = found.calibration[["failed", "n"]].to_dict("index")
    assert counts == {
        "fine": {"failed": 0, "n": 2},
        "doubtful": {"failed": 0, "n": 2},
        "severe": {"failed": 2, "n": 4},
    }
    assert (found.precision, found.recall) == (0.5, 1.0)
    low, high = stats.binomtest(2, 4).proportion_ci()
    assert found.calibration.loc["severe", ["share", "low", "high"]].tolist() == [0.5, low, high]


def test_ranks_and_their_correlation():
    found = compared().foreseen()
    assert found.trials["foreseen_rank"].tolist() == [1.5, 1.5, 3.5, 3.5, 7.5, 7.5, 5.5, 5.5]
    assert found.trials["rank"].tolist() == [1, 2, 3, 4, 7.5, 7.5, 5, 6], "failed runs tie behind all others"
    wanted = stats.spearmanr(found.trials["foreseen_rank"], found.trials["rank"]).statistic
    assert found.correlation.value == pytest.approx(wanted)
    assert found.correlation.low <= found.correlation.value <= found.correlation.high <= 1
    assert found.auc.value == 1


def test_the_area_is_the_share_of_pairs_in_the_right_order():
    rng = np.random.default_rng(0)
    risk, failed = rng.integers(0, 5, 40).astype(float), rng.random(40) < 0.4
    bad, good = risk[failed][:, None], risk[~failed][None]
    assert area(risk, failed) == pytest.approx(((bad > good) + 0.5 * (bad == good)).mean())
    assert math.isnan(area(risk, np.zeros(40, bool)))


def test_intervals_are_of_initializers_and_not_of_runs():
    """A run again and again is no new evidence."""
    rng = np.random.default_rng(0)
    ends = {f"law {at}": end for at, end in enumerate(rng.uniform(0.1, 1.9, 12))}
    risks = {label: float(end + rng.normal(0, 0.5)) for label, end in ends.items()}
    one, many = (np.ptp(compared(ends, risks, count).foreseen().correlation[1:]) for count in (1, 8))
    assert many > 0.7 * one  # of runs it would be 0.35


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_lost_runs_have_failed(status):
    result = compared()
    records = [replace(one, status=status) if one.label == "a" else one for one in result.records]
    found = Comparison(records, result.config).foreseen()
    assert found.trials.loc["a", "failed"].all()
    assert found.calibration.loc["fine", "failed"] == 2


def test_where_nothing_is_known_of_chance_only_lost_runs_have_failed():
    result = compared()
    config_ = {key: value for key, value in result.config.items() if key != "chance"}
    trials = Comparison(result.records, config_).foreseen().trials
    assert trials.index[trials["failed"]].tolist() == [("c", 1)], "which is flat, and so stuck"


def test_interrupted_runs_and_those_that_nobody_diagnosed_are_left_out():
    result = compared()
    records = [replace(one, status="interrupted") if one.name == ("b", 1) else one for one in result.records]
    records[0] = replace(records[0], foreseen={})
    found = Comparison(records, result.config).foreseen()
    assert len(found.trials) == 6
    assert found.calibration["n"].tolist() == [1, 1, 4]


def test_without_a_diagnosis_it_is_one_clear_error():
    with pytest.raises(initlab.InputError, match=r"call compare\(..., diagnose=True\)"):
        made_up().foreseen()


def test_a_later_form_is_refused():
    result = compared()
    records = [replace(one, foreseen=row(1.0, schema=2)) for one in result.records]
    with pytest.raises(initlab.InputError, match="in form 2; this one reads 1"):
        Comparison(records, result.config).foreseen()


def test_it_is_said_in_words():
    text = repr(compared().foreseen())
    assert "of 2 called fine 0 failed, of 2 called doubtful 0 failed, of 4 called severe 2 failed" in text
    assert "Failed here means lost, or a mean of the last 20 losses that is not below nine tenths" in text
    assert "Rank correlation of risk and outcome 0." in text
    note = "Foreseen before training: of 2 called fine 0 failed"
    assert any(line.startswith(note) for line in json.loads(compared().to_json())["notes"])


def test_json_and_tables_hold_it_only_where_it_is(tmp_path):
    def strict(text):
        return json.loads(text, parse_constant=pytest.fail)

    with_, without = compared(), made_up(["a", "b"])
    told = strict(with_.to_json())["foreseen"]
    assert told["calibration"][2]["failed"] == 2
    assert [one["measure"] for one in told["measures"]] == ["correlation", "auc"]
    assert len(told["trials"]) == 8
    assert set(strict(without.to_json())) == {"summary", "pairs", "runs", "notes", "config"}
    with_.to_csv(tmp_path / "with")
    without.to_csv(tmp_path / "without")
    assert (tmp_path / "with" / "foreseen.csv").exists()
    assert not (tmp_path / "without" / "foreseen.csv").exists()


def test_records_survive_the_disk_and_say_nothing_where_nothing_was_foreseen(tmp_path):
    result = compared()
    result.save(tmp_path)
    assert initlab.load(tmp_path).foreseen().trials.equals(result.foreseen().trials)
    assert "foreseen" not in made_up(["a"]).records[0].to_fields()


def test_the_page_has_a_section_only_where_it_is():
    page = report.page(compared())
    section = page.split('<section id="foreseen">')[1].split("</section>")[0]
    assert "of 4 called severe 2 failed" in section
    assert 'alt="Risk before training and first losses"' in section
    assert section.count("<tr>") == 9
    assert 'id="foreseen"' not in report.page(made_up(["a", "b"]))


def test_it_is_drawn():
    ax = compared().plot_foreseen()
    assert sorted(text.get_text() for text in ax.get_legend().get_texts()) == [
        "doubtful: 2 learned",
        "fine: 2 learned",
        "severe: 2 failed",
        "severe: 2 learned",
    ]
