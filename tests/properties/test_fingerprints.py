"""Data of another shape, type, value or order have another fingerprint; the same data have the same."""

import numpy as np
import pytest

from keras_initlab.engines.sources import fingerprint

BITS = np.array([[0, 1, 2], [3, 4, 5]], dtype="int32")


@pytest.mark.parametrize(
    "other",
    [
        BITS.view("float32"),
        BITS.view("uint32"),
        BITS.view(">i4"),
        BITS.astype("int64"),
        BITS.reshape(3, 2),
        BITS.ravel(),
        BITS[:, ::-1],
        BITS.T,
        BITS + 1,
    ],
    ids=["float32", "uint32", "byte order", "int64", "shape", "rank", "order", "transposed", "values"],
)
def test_another_type_shape_order_or_value_has_another_fingerprint(other):
    assert fingerprint([other]) != fingerprint([BITS])


def test_equal_bytes_of_another_type_differ():
    """Zeros have the same bytes in every type of four bytes, and are other data."""
    marks = {fingerprint([np.zeros(6, dtype)]) for dtype in ("int32", "uint32", "float32")}
    assert len(marks) == 3


def test_where_one_array_ends_counts():
    assert fingerprint([BITS[:1], BITS[1:]]) != fingerprint([BITS])
    assert fingerprint([BITS, BITS + 1]) != fingerprint([BITS + 1, BITS])


def test_how_data_lie_in_memory_does_not_count():
    assert fingerprint([np.asfortranarray(BITS)]) == fingerprint([BITS])
    assert fingerprint([np.repeat(BITS, 2, axis=0)[::2]]) == fingerprint([BITS])
