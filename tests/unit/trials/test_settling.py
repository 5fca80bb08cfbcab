"""Looks are fixed in advance, and what they may cost never adds up to more than there is."""

import itertools
import re
from dataclasses import replace

import pytest

from keras_initlab.trials.config import Config
from keras_initlab.trials.settling import Look, Settling, planned


@pytest.mark.parametrize("first", [1, 2, 3, 5, 10, 40])
@pytest.mark.parametrize("last", [40, 41, 50])
def test_looks_begin_with_the_first_and_end_with_the_last(first, last):
    counts = [look.n for look in planned((), first, last)]
    assert (counts[0], counts[-1]) == (first, last)
    assert all(one < other <= 1.5 * one + 1 for one, other in itertools.pairwise(counts))


def test_the_error_is_spent_in_proportion_to_the_replicates():
    looks = planned((), 3, 40)
    assert [look.n for look in looks] == [3, 5, 8, 12, 18, 27, 40]
    spent = list(itertools.accumulate(look.share for look in looks))
    assert spent == pytest.approx([0.8 * look.n / 40 for look in looks])


def test_more_replicates_spend_what_was_kept_and_change_no_look_of_before():
    looks = planned((), 5, 10)
    for last in (10, 11, 40, 400, 401):
        longer = planned(looks, 0, last)
        assert (longer[: len(looks)], longer[-1].n) == (looks, last)
        looks = longer
        assert sum(look.share for look in looks) < 1
    assert sum(look.share for look in looks) == pytest.approx(1 - 0.2**5)


def test_fewer_replicates_leave_the_looks_as_they_are():
    rule = Settling(0.1, planned((), 5, 40))
    assert rule.extended(20) == rule.extended(40) == rule


def test_a_rule_is_json_and_back():
    rule = Settling(0.1, planned((), 3, 8), {"val_accuracy": 0.01}, (("a", "b"), ("b",)), "budget")
    assert Settling.from_json(rule.to_json()) == rule
    assert [(look.n, labels) for look, labels in rule.begun] == [(3, ("a", "b")), (5, ("b",))]
    assert rule.ahead == Look(8, pytest.approx(0.3))
    on = rule.going_on(["b"])
    assert (on.stages[-1], on.ended, on.ahead) == (("b",), "", None)


def asked(last=8, **changes):
    rule = Settling(0.1, planned((), 3, last), stages=(("a", "b"),))
    return replace(Config({"a": 1, "b": 2}, 3, 0, 1, 1, settling=rule.to_json()), **changes)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (asked(settling=None), "until: 'settled' there, None here"),
        (asked(settling=Settling(0.2, planned((), 3, 8)).to_json()), "margin: 0.1 there, 0.2 here"),
        (asked(settling=Settling(0.1, planned((), 4, 8)).to_json()), "replicates: 3 there, 4 here"),
        (asked(baseline="b"), "baseline: None there, b here"),
        (asked(labels={"a": 1, "c": 2}), r"initializers: \['a', 'b'\] there, \['a', 'c'\] here"),
    ],
)
def test_a_folder_goes_on_by_its_own_rule_only(other, said):
    assert re.fullmatch(f"a comparison with another {said}", asked().differs_from(other))


def test_a_folder_goes_on_where_it_stopped_with_more_looks():
    before = asked()
    before = replace(before, settling=Settling.from_json(before.settling).going_on(["b"]).to_json())
    assert before.differs_from(asked(20)) is None
    joined = Settling.from_json(before.joined_with(asked(20)).settling)
    assert joined.stages == (("a", "b"), ("b",))
    assert [look.n for look in joined.looks] == [3, 5, 8, 12, 18, 20]
    assert asked().joined_with(before).settling == before.settling, "who came further"


def test_a_comparison_of_fixed_replicates_can_go_on_until_it_is_settled():
    fixed = asked(settling=None)
    assert fixed.differs_from(asked()) is None
    assert fixed.joined_with(asked()).settling == asked().settling
