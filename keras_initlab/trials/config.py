"""What a comparison was asked to do and what it ran on, as pure data."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCHEMA = 2
"""1 had its records in one file, without checksums."""

_IDENTITY = (
    "seed",
    "epochs",
    "steps_per_epoch",
    "batch_size",
    "fans",
    "optimizer",
    "backend",
    "dtype",
    "digest",
)
"""Fields in which two comparisons must agree for their runs to stand side by side."""


@dataclass(frozen=True)
class Config:
    """The configuration that stands beside the records. All values are JSON data.

    Attributes:
        labels: Label -> the initializer's class and arguments.
        replicates: Independent repetitions.
        seed: Root of all seeds.
        epochs: Passes over the data.
        steps_per_epoch: Batches per epoch.
        directions: Metric -> `up` or `down`, or None where Keras does not know.
        chance: What a constant answer would score, by metric; empty where nobody can say.
        slots: Path, shape and role of each weight under test.
        fans: Which fans the initializers were told.
        optimizer: The optimizer's arguments; by attribute where a model holds several.
        backend: Keras's backend.
        dtype: The model's dtype policy.
        versions: Package -> version.
        digest: Fingerprints of data, validation data and model.
        started: When, in UTC.
        batch_size: Examples per step; None for a data set, which decides itself.
        baseline: The label that others are compared with, if one was named.
        target_loss: Training loss for the steps-to-target column, if one was named.
        engine: Name of the engine, and why it was taken.
        groups: Which trials train together, in which order: the places of their labels by replicate.
        command: The command line that asked for it, if one did.
        interrupted: Whether it ended before all runs were finished.
    """

    labels: Mapping[str, Any]
    replicates: int
    seed: int
    epochs: int
    steps_per_epoch: int
    directions: Mapping[str, str | None] = field(default_factory=dict)
    chance: Mapping[str, float] = field(default_factory=dict)
    slots: Sequence[Mapping[str, Any]] = ()
    fans: str = "keras"
    optimizer: Any = None
    backend: str | None = None
    dtype: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    digest: Mapping[str, Any] | None = None
    started: str | None = None
    batch_size: int | None = None
    baseline: str | None = None
    target_loss: float | None = None
    engine: Mapping[str, str] | None = None
    groups: Sequence[Any] | None = None
    command: str | None = None
    interrupted: bool = False

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON data, with the schema they are written in."""
        fields = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        for name in ("chance", "groups", "command", "interrupted"):  # said only where it is so
            if not fields[name]:
                del fields[name]
        return {"schema": SCHEMA, **fields}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Config":
        """The configuration that `to_json` wrote; keys that are no field are left out."""
        known = {entry.name for entry in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in raw.items() if key in known})

    def differs_from(self, other: "Config") -> str | None:
        """What `self` holds that keeps the runs of `other` from standing beside its own; None if nothing."""
        for key in _IDENTITY:
            there, here = getattr(self, key), getattr(other, key)
            if there != here:
                return f"a comparison with another {key}: {there!r} there, {here!r} here"
        for label in self.labels.keys() & other.labels.keys():
            if self.labels[label] != other.labels[label]:
                return f"{label!r} as {self.labels[label]}, here it is {other.labels[label]}"
        return None

    def identity(self, label: str) -> str:
        """What a record says of the comparison that it belongs to: a hash of all that decides its numbers."""
        decisive = [[getattr(self, key) for key in _IDENTITY], self.labels.get(label)]
        text = json.dumps(decisive, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def joined_with(self, other: "Config") -> "Config":
        """`other`, which does not differ, with what `self` holds beside it."""
        return dataclasses.replace(
            other,
            labels={**self.labels, **other.labels},
            replicates=max(self.replicates, other.replicates),
            engine=self.engine,
            groups=self.groups,
        )
