"""The configuration as a value: JSON and back, and what two comparisons must have in common."""

import dataclasses
import json

import pytest

from keras_initlab.trials.config import SCHEMA, Config

ZEROS = {"class_name": "Zeros", "config": {}}
ONE = Config(
    labels={"a": ZEROS},
    replicates=3,
    seed=1,
    epochs=2,
    steps_per_epoch=4,
    directions={"loss": "down", "mine": None},
    slots=[{"path": "head/kernel", "shape": [4, 3], "role": "kernel"}],
    optimizer={"learning_rate": 0.1},
    digest={"data": "0a", "validation": None, "model": "1b"},
    engine={"name": "sequential", "reason": "asked for"},
)

# What the version before wrote (0.1.0, before the configuration had a type).
WRITTEN_BEFORE = {
    "schema": 1,
    "labels": {"a": ZEROS},
    "replicates": 3,
    "seed": 1,
    "epochs": 2,
    "steps_per_epoch": 4,
    "directions": {"loss": "down", "mine": None},
    "slots": [{"path": "head/kernel", "shape": [4, 3], "role": "kernel"}],
    "fans": "keras",
    "optimizer": {"learning_rate": 0.1},
    "backend": "jax",
    "dtype": "float32",
    "versions": {"keras": "3.15.1"},
    "digest": {"data": "0a", "validation": None, "model": "1b"},
    "started": "2026-11-24T17:20:07+00:00",
    "batch_size": 16,
    "baseline": None,
    "target_loss": None,
    "engine": {"name": "sequential", "reason": "asked for"},
}


def test_it_round_trips_through_json():
    assert Config.from_json(json.loads(json.dumps(ONE.to_json()))) == ONE


def test_it_reads_and_writes_what_the_version_before_wrote():
    found = Config.from_json(WRITTEN_BEFORE)
    assert found.to_json() == WRITTEN_BEFORE | {"schema": SCHEMA}
    assert list(found.to_json()) == list(WRITTEN_BEFORE)
    assert (
        found.differs_from(Config.from_json(WRITTEN_BEFORE | {"started": "later", "replicates": 9})) is None
    )


def test_an_end_before_the_end_and_a_command_are_said_only_where_they_are():
    said = dataclasses.replace(ONE, interrupted=True, command="initlab compare").to_json()
    assert set(said) - set(ONE.to_json()) == {"interrupted", "command"}


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"seed": 2}, "a comparison with another seed: 1 there, 2 here"),
        ({"epochs": 3}, "a comparison with another epochs: 2 there, 3 here"),
        ({"steps_per_epoch": 5}, "another steps_per_epoch"),
        ({"batch_size": 5}, "another batch_size: None there, 5 here"),
        ({"fans": "layer"}, "another fans"),
        ({"optimizer": {"learning_rate": 0.2}}, "another optimizer"),
        ({"backend": "torch"}, "another backend"),
        ({"dtype": "float16"}, "another dtype"),
        ({"digest": {}}, "another x, y, sample_weight or class_weight: '0a' there, None here"),
        ({"digest": ONE.digest | {"validation": "2c"}}, "another validation_data: None there, '2c' here"),
        ({"digest": ONE.digest | {"model": "2c"}}, "another model, layers or roles: '1b' there, '2c' here"),
        ({"labels": {"a": "else"}}, "'a' as {'class_name': 'Zeros', 'config': {}}, here it is else"),
        ({"labels": {"b": "else"}}, None),
        ({"replicates": 9, "baseline": "a", "started": "later", "versions": {}}, None),
    ],
)
def test_what_two_comparisons_must_have_in_common(changes, wanted):
    found = ONE.differs_from(dataclasses.replace(ONE, **changes))
    assert found is None if wanted is None else wanted in found


def test_joined_it_has_the_labels_of_both_and_the_most_replicates():
    more = dataclasses.replace(ONE, labels={"b": ZEROS}, replicates=2)
    joined = ONE.joined_with(more)
    assert list(joined.labels) == ["a", "b"]
    assert joined.replicates == 3
