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


LATER = {
    "shuffle": True,
    "model": [{"class": "Dense", "config": {"units": 3}, "tested": ["kernel"]}],
    "loss": {"given": "mse"},
    "callbacks": "none",
}
NOW = dataclasses.replace(ONE, **LATER, versions={"keras": "3.15.1", "python": "3.11.7", "processor": "A"})


def test_what_a_folder_of_before_does_not_know_is_not_compared_and_stays_unknown():
    before = Config.from_json(WRITTEN_BEFORE)
    same = {key: getattr(before, key) for key in ("backend", "dtype", "batch_size")}
    now = dataclasses.replace(NOW, **same, labels={"a": ZEROS | {"code": "0a"}, "b": ZEROS})
    assert before.differs_from(now) is None
    assert now.differs_from(before) is not None
    joined = before.joined_with(now)
    assert {key: getattr(joined, key) for key in LATER} == dict.fromkeys(LATER)
    assert joined.labels == {"a": ZEROS, "b": ZEROS}
    assert joined.versions == NOW.versions
    assert joined.identity("a") == before.identity("a") == "ee65f4d971d2ac84"  # as the version before had it
    assert joined.differs_from(now) is None


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"shuffle": False}, "another shuffle: True there, False here"),
        ({"loss": {"given": "mae"}}, r"another loss (loss.given): 'mse' there, 'mae' here"),
        ({"model": []}, "another model (layer 0, Dense): {'class': 'Dense', 'config'"),
        ({"model": [LATER["model"][0] | {"tested": []}]}, "roles (layer 0, Dense: tested[0]): 'kernel'"),
        ({"digest": ONE.digest | {"model": "told by the layers"}}, None),
        ({"labels": {"a": ZEROS | {"code": {"code": "0a"}}}}, "'a' with another code: None there, {'"),
    ],
)  # fmt: skip
def test_what_was_noted_later_counts_where_it_is_known(changes, wanted):
    found = NOW.differs_from(dataclasses.replace(NOW, **changes))
    assert found is None if wanted is None else wanted in found
    assert NOW.identity("a") != ONE.identity("a")


def test_an_argument_that_only_one_version_of_keras_has_does_not_count():
    layer = LATER["model"][0]
    more = dataclasses.replace(NOW, model=[layer | {"config": {"units": 3, "quantized": None, "new": 1}}])
    assert "config.new" in NOW.differs_from(more)
    assert NOW.differs_from(dataclasses.replace(more, versions={"keras": "4.0"})) is None
    fewer = dataclasses.replace(NOW, model=[layer | {"tested": []}], versions={"keras": "4.0"})
    assert "layers or roles" in NOW.differs_from(fewer)
    joined = NOW.joined_with(dataclasses.replace(more, versions={"keras": "4.0"}))
    assert joined.identity("a") == NOW.identity("a")


def test_two_versions_of_python_are_named_where_code_differs():
    schemes = [{"a": {"callable": "f", "code": {"function": "f", "code": code}}} for code in "12"]
    one, other = (dataclasses.replace(NOW, labels=labels) for labels in schemes)
    assert "Python" not in one.differs_from(other)
    newer = dataclasses.replace(other, versions={"python": "3.12.1"})
    assert "(Python 3.11.7 there, 3.12.1 here, which write the same code otherwise)" in one.differs_from(
        newer
    )


def test_who_made_it_is_told_but_never_refused():
    other = dataclasses.replace(NOW, backend="jax", versions={"keras": "4.0", "jax": "1.0", "processor": "B"})
    assert NOW.differs_from(dataclasses.replace(other, backend=None)) is None
    assert other.made_with == {"keras": "4.0", "jax": "1.0", "processor": "B"}
    assert NOW.made_otherwise(other) == "keras 3.15.1 there, 4.0 here, processor A there, B here"
    assert ONE.made_otherwise(other) == NOW.made_otherwise(NOW) == ""


def test_joined_it_has_the_labels_of_both_and_the_most_replicates():
    more = dataclasses.replace(ONE, labels={"b": ZEROS}, replicates=2)
    joined = ONE.joined_with(more)
    assert list(joined.labels) == ["a", "b"]
    assert joined.replicates == 3
