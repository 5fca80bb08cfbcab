"""Verdicts follow from numbers alone: each limit, the layer where it starts, and what explains what."""

import math
from dataclasses import replace

import pytest

from keras_initlab.diagnosis.rows import Row
from keras_initlab.diagnosis.verdicts import Facts, judge


def table(q=(1.0,) * 5, G=(1.0,) * 5, **named):
    hidden = [
        Row(f"h{at}", "sums", q=one, G=two, classes=1.0, rank=20.0, **named)
        for at, (one, two) in enumerate(zip(q, G, strict=True))
    ]
    return (*hidden, Row("h4", "out", q=1.0, rank=20.0), Row("head", "sums", head=True, q=1.0, G=1.0))


FINE = Facts(table(), examples=64, rank=20.0, uniform=math.log(10), after=2.3, ratio=1.0)


def only(facts):
    (found,) = judge(facts)
    return found


def test_a_sound_start_has_no_verdict():
    assert judge(FINE) == ()


def test_the_gradient_over_depth():
    shrinking = tuple(10.0 ** (at - 4) for at in range(5))  # 1e-4 at the first, 1 at the last
    found = only(replace(FINE, rows=table(G=shrinking)))
    assert (found.kind, found.layer, found.measured) == ("vanishing", "h1", -4)
    assert found.severity == pytest.approx(0.5), "Adam forgives what is small: severe at 8 decades"
    assert only(replace(FINE, rows=table(G=shrinking), sgd=True)).severity == pytest.approx(4 / 2.5)
    growing = tuple(10.0 ** (4 - at) for at in range(5))
    found = only(replace(FINE, rows=table(G=growing)))
    assert (found.kind, found.layer, found.severity) == ("exploding", "h1", 1.0)


def test_layers_of_attention_and_heads_are_left_out():
    rows = table()
    side = Row("query", "sums", side=True, q=1e-9, G=1e-12, classes=0.1)
    assert judge(replace(FINE, rows=(side, *rows))) == ()
    assert judge(replace(FINE, rows=(*rows[:-1], replace(rows[-1], G=1e-9, classes=0.1)))) == ()


def test_a_head_of_zeros_is_no_vanishing_gradient():
    assert judge(replace(FINE, rows=table(G=(0.0,) * 5))) == ()


def test_the_signal_over_depth():
    found = only(replace(FINE, rows=table(q=(1.0, 1e-1, 1e-3, 1e-4, 1e-5))))
    assert (found.kind, found.layer, found.measured) == ("forward scale", "h2", -5)
    assert found.severity == pytest.approx(5 / 8)


def test_equal_units():
    rows = list(table())
    rows[2] = replace(rows[2], classes=0.02)
    rows[3] = replace(rows[3], classes=0.7)
    found = only(replace(FINE, rows=rows))
    assert (found.kind, found.layer, found.severity) == ("symmetric", "h2", 2.0)
    rows[2] = replace(rows[2], classes=1.0)
    assert only(replace(FINE, rows=rows)).severity == 0.5


def test_symmetry_explains_the_rest():
    rows = [replace(row, classes=0.02) if row.hidden else replace(row, rank=1.0) for row in table()]
    assert [one.kind for one in judge(replace(FINE, rows=rows, ratio=-1))] == ["symmetric"]


def test_alike_examples():
    rows = [replace(row, rank=1.2) if row.kind == "out" else row for row in table()]
    found = only(replace(FINE, rows=rows))
    assert (found.kind, found.severity) == ("collapsed", pytest.approx(1.25))
    assert judge(replace(FINE, rows=rows, rank=1.5)) == (), "the inputs differ in no more directions"
    assert judge(replace(FINE, rows=rows, examples=8)) == (), "too few examples to say"


@pytest.mark.parametrize(("kind", "value", "severity"), [("saturated", 0.3, 0.5), ("dead", 0.99, 1.1)])
def test_units_that_pass_no_gradient(kind, value, severity):
    rows = list(table())
    rows[1] = replace(rows[1], **{kind: value})
    found = only(replace(FINE, rows=rows))
    assert (found.kind, found.layer, found.severity) == (kind, "h1", pytest.approx(severity))
    rows[1] = replace(rows[1], **{kind: 0.2})
    assert judge(replace(FINE, rows=rows)) == ()


def test_the_loss_after_one_step():
    found = only(replace(FINE, after=36 * math.log(10)))
    assert (found.kind, found.layer, found.severity) == ("loss too high", "head", pytest.approx(2))
    assert only(replace(FINE, after=math.inf)).severity == 5
    assert judge(replace(FINE, after=1e9, uniform=math.nan)) == (), (
        "of a loss without a level nothing is said"
    )


def test_the_first_step():
    found = only(replace(FINE, ratio=0.25))
    assert (found.kind, found.word) == ("step too long", "doubtful")
    assert only(replace(FINE, ratio=-0.1)).word == "severe"
    vanishing = replace(FINE, ratio=0.1, rows=table(G=(1e-9, 1e-7, 1e-5, 1e-3, 1.0)))
    assert [one.kind for one in judge(vanishing)] == ["vanishing"], "there rounding decides"


def test_small_weights_under_sgd():
    found = only(replace(FINE, sgd=True, steps=3e3))
    assert (found.kind, found.severity) == ("slow", pytest.approx(1))
    assert judge(replace(FINE, sgd=True, steps=900)) == ()
    assert judge(replace(FINE, steps=1e9)) == (), "Adam's steps do not shrink with the gradient"


def test_the_worst_comes_first():
    rows = table(G=tuple(10.0 ** (3 * (at - 4)) for at in range(5)), q=(1, 1e-1, 1e-2, 1e-3, 1e-4))
    assert [one.kind for one in judge(replace(FINE, rows=rows))] == ["vanishing", "forward scale"]


def test_sums_of_another_size_than_theory_expects():
    rows = list(table())
    rows[2] = replace(rows[2], off=9.0, q_step=0.01)
    found = only(replace(FINE, rows=rows))
    assert (found.kind, found.layer, found.word) == ("disagrees with theory", "h2", "doubtful")
    rows[2] = replace(rows[2], off=3.0)
    assert judge(replace(FINE, rows=rows)) == ()
