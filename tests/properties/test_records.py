"""Any record survives the way to the disk and back."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from keras_initlab.trials.record import Record

SEEDS = st.dictionaries(st.text(), st.integers(0, 2**31 - 1), max_size=3)
NUMBERS = st.lists(st.floats(), max_size=5).map(tuple)
RECORDS = st.builds(
    Record,
    label=st.text(),
    replicate=st.integers(0, 10**6),
    status=st.sampled_from(["completed", "diverged", "failed"]),
    message=st.text(),
    step_losses=NUMBERS,
    epochs=st.dictionaries(st.text(), NUMBERS, max_size=3),
    seconds=st.floats(0, 1e9),
    seeds=SEEDS,
    engine=st.text(),
)


def comparable(record):
    """NaN equals NaN here."""
    return repr(record), [math.isnan(loss) for loss in record.step_losses]


@given(RECORDS)
def test_a_record_survives(record):
    line = json.dumps(record.to_fields(), allow_nan=False)
    assert "\n" not in line
    assert comparable(Record.from_fields(json.loads(line))) == comparable(record)
