"""What holds of all remedies."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from keras_initlab import remedies
from keras_initlab.core.seeds import Seeds
from keras_initlab.remedies import registry
from tests.unit.remedies.subjects import data, pictures, subject

NEEDING = {"augment": (keras.layers.RandomFlip("horizontal"),), "curriculum": (np.arange(24.0),)}
EVERY = {name: registry.named(name)(*NEEDING.get(name, ())) for name in remedies.list_remedies()}
CHANGING = {"batch_norm", "standardize", "whiten"}
"""They change what the model computes when it is measured, for that is what they are."""


@pytest.fixture(scope="module")
def original():
    return pictures()


def measured(given):
    x, y = given.validation.epoch(Seeds(0, 0), 0)[0]
    return given.model.evaluate(x, y, verbose=0, return_dict=True)


@pytest.fixture(scope="module")
def before(original):
    return measured(subject(original))


@pytest.mark.parametrize("name", sorted(EVERY.keys() - CHANGING - {"drop_connect"}))
def test_what_is_measured_means_the_same_with_it(name, original, before):
    given = subject(original, epochs=2)
    after = EVERY[name].apply(given)
    assert measured(after) == pytest.approx(before, rel=1e-5)
    if EVERY[name].claims.place == "optimizer":
        assert after is given


@pytest.mark.parametrize("name", EVERY)
def test_it_says_what_it_is(name):
    one = EVERY[name]
    claims = one.claims
    assert one.name == name
    assert claims.law
    assert any(character.isdigit() for character in claims.reference), "author and year"
    assert claims.place in ("data", "graph", "optimizer")
    json.dumps(one.get_config())
    hash(one.structure)
    assert one.label().startswith(type(one).__name__)
    assert claims.default == (name not in NEEDING)
    assert not claims.strength or claims.strength in {field.name for field in dataclasses.fields(one)}
    if one.scalars():
        off = one.off()
        assert (off.structure, off.scalars().keys()) == (one.structure, {name})
    else:
        assert one.off() is None
    if claims.default and not one.claims.strength:
        assert remedies.remedy(name, True).get_config() == one.get_config()
    assert remedies.remedy("anything", one) is one
    assert (name in registry.ORDER) == (claims.place != "optimizer")


@pytest.mark.parametrize("name", [name for name in EVERY if EVERY[name].claims.place == "data"])
def test_what_training_meets_depends_on_the_seeds_alone(name, original):
    source = EVERY[name].apply(subject(original, epochs=2)).training

    def batches(seeds, epoch):
        return [leaf for step in range(source.steps) for leaf in source.epoch(seeds, epoch)[step]]

    def same(one, other):
        return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))

    first = batches(Seeds(1, 0), 1)
    assert [leaf.shape[0] for leaf in first[::2]] == [8, 8, 8]
    batches(Seeds(1, 1), 0)
    assert same(batches(Seeds(1, 0), 1), first), "whatever was read in between"
    assert same([leaf for step in range(2) for leaf in source.head(2).epoch(Seeds(1, 0), 1)[step]], first[:4])
    assert not same(batches(Seeds(1, 0), 0), first)
    assert not same(batches(Seeds(1, 1), 1), first)
    assert len(source.rows(Seeds(1, 0), 5)[0]) == 5
    assert source.first_batch()[1].shape == first[1].shape
    assert source.digest() == subject(original).training.digest() or name in ("standardize", "whiten", *SOFT)
    assert len(np.concatenate(source.targets())) == len(data(original)[0])


SOFT = ("label_smoothing", "mixup", "cutmix")
