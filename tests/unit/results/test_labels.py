"""Shortened labels fit their place and never look alike."""

from hypothesis import given
from hypothesis import strategies as st

from keras_initlab.results.labels import short_labels


@given(st.lists(st.text("ab \n(2)…", min_size=1, max_size=30), unique=True, max_size=12), st.integers(12, 20))
def test_no_two_look_alike_and_all_fit(labels, length):
    texts = short_labels(labels, length)
    assert list(texts) == labels
    assert len(set(texts.values())) == len(labels)
    assert all(len(text) <= length and "\n" not in text for text in texts.values())


def test_a_label_that_looks_like_a_numbered_one_is_numbered_itself():
    first, second = "x" * 40, "x" * 50
    third = short_labels([first, second])[second]
    assert short_labels([first, second, third])[third].endswith("x (2) (2)")
