"""What a comparison was asked to do and what it ran on, as pure data."""

import dataclasses
import hashlib
import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keras_initlab.trials.plan import Cell
from keras_initlab.trials.settling import Settling

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

_LATER = (
    "shuffle",
    "model",
    "loss",
    "metrics",
    "optimizer_class",
    "jit_compile",
    "precision",
    "callbacks",
)
"""The same, but unknown (None) in folders that were begun before they were noted."""

_ARGUMENTS = {
    "digest.data": "x, y, sample_weight or class_weight",
    "digest.validation": "validation_data",
    "digest.model": "model, layers or roles",
    "optimizer_class": "optimizer",
    "model.tested": "layers or roles",
    "model.restarted": "layers or roles",
}
"""What decides a field, where `compare` calls it otherwise."""

_SILENT = (
    *("chance", "groups", "command", "interrupted", "elsewhere", "weight_changes"),
    *("factors", "cells", "settling"),
)
"""Said only where it is so."""

_LONGEST = 60  # letters of a value in a message


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
        elsewhere: How many runs were under way in other processes that share the folder.
        shuffle: Whether arrays come in a new order in each epoch.
        model: Each layer and model inside it: class, arguments, the user's own code, weights under test and
            restarted by role, and a fingerprint of the weights that keep their values.
        loss: The losses with their arguments and weights.
        metrics: The metrics with their arguments, and what they are called.
        optimizer_class: By attribute, the class and the weights that are spared from decay.
        jit_compile: Whether the model is compiled by XLA.
        precision: How exactly the backend multiplies.
        callbacks: The code of the function that makes them; `none` without.
        weight_changes: Whether the largest change of a weight over each epoch was recorded.
        factors: What was varied beside the start: by factor, its levels by label, the reference first.
        cells: Which combinations of levels were trained, each with a label for every factor, where these are
            not all.
        settling: The rule by which it goes on until it is settled, its looks and how far it has come, as
            `Settling.to_json` has it; None for as many replicates as were asked for.
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
    elsewhere: int = 0
    shuffle: bool | None = None
    model: Sequence[Mapping[str, Any]] | None = None
    loss: Mapping[str, Any] | None = None
    metrics: Mapping[str, Any] | None = None
    optimizer_class: Mapping[str, Any] | None = None
    jit_compile: bool | None = None
    precision: Mapping[str, Any] | None = None
    callbacks: Any = None
    weight_changes: bool = False
    factors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cells: Sequence[Mapping[str, str]] = ()
    settling: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON data, with the schema they are written in."""
        fields = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        for name in _SILENT:
            if not fields[name]:
                del fields[name]
        for name in _LATER:
            if fields[name] is None:
                del fields[name]
        return {"schema": SCHEMA, **fields}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Config":
        """The configuration that `to_json` wrote; keys that are no field are left out."""
        known = {entry.name for entry in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in raw.items() if key in known})

    def differs_from(self, other: "Config") -> str | None:
        """What `self` holds that keeps the runs of `other` from standing beside its own; None if nothing.

        What `self` does not know is not compared. Between two versions of Keras, arguments that only one has
        do not count.
        """
        skewed = self.versions.get("keras") != other.versions.get("keras")
        whole = [key for key in _IDENTITY if key != "digest"]
        whole += [key for key in _LATER if getattr(self, key) is not None]
        pairs = [(key, getattr(self, key), getattr(other, key)) for key in whole]
        for key in ("data", "validation") if self.model is not None else ("data", "validation", "model"):
            there, here = ((config.digest or {}).get(key) for config in (self, other))
            pairs.append((f"digest.{key}", there, here))
        for pair in pairs:
            difference = _difference(*pair, skewed)
            if difference:
                return "a comparison with another " + self._said(*difference, other)
        if self.weight_changes != other.weight_changes:
            return (
                f"a comparison with weight_changes={self.weight_changes}, here it is {other.weight_changes}"
            )
        if self.factors.keys() != other.factors.keys():
            names = [", ".join(map(repr, config.factors)) or "none" for config in (self, other)]
            return f"a comparison with other factors: {names[0]} there, {names[1]} here"
        for name, levels in self.factors.items():
            for level in levels.keys() & other.factors[name].keys():
                difference = _difference("", levels[level], other.factors[name][level], skewed)
                if difference:
                    return f"the level {level!r} of {name!r} as {difference[1]}, here it is {difference[2]}"
        settling = self._settles_otherwise(other)
        if settling:
            return f"a comparison with another {settling}"
        for label in self.labels.keys() & other.labels.keys():
            there, here = self.labels[label], other.labels[label]
            difference = _difference(
                "", there, here if self._knows_code(there) else _without_code(here), skewed
            )
            if difference and difference[0].startswith(".code"):
                path, then, now = difference
                return f"{label!r} with another {self._said(path[1:], then, now, other)}"
            if difference:
                return f"{label!r} as {there}, here it is {here}"
        return None

    def _settles_otherwise(self, other: "Config") -> str:
        """In which argument another rule is asked for than that by which `self` goes on."""
        if self.settling is None:
            return ""
        if other.settling is None:
            return "until: 'settled' there, None here"
        there, here = (Settling.from_json(config.settling) for config in (self, other) if config.settling)
        told = {
            "margin": (there.margin, here.margin),
            "replicates": (there.looks[0].n, here.looks[0].n),
            "baseline": (self.baseline, other.baseline),
            "initializers": (sorted(self.labels), sorted(other.labels)),
        }
        differing = ((name, *pair) for name, pair in told.items() if pair[0] != pair[1])
        return next((f"{name}: {then} there, {now} here" for name, then, now in differing), "")

    def _knows_code(self, scheme: Any) -> bool:
        return self.model is not None or (isinstance(scheme, Mapping) and "code" in scheme)

    def _said(self, path: str, there: Any, here: Any, other: "Config") -> str:
        """The argument, where in it, and both values."""
        place = re.sub(r"\[\d+\]", "", path)
        argument = next((name for field, name in _ARGUMENTS.items() if place.startswith(field)), None)
        argument = argument or re.split(r"(?<!^)[.\[]", path)[0]
        where = "" if path == argument or path.startswith("digest") else f" ({self._place(path)})"
        said = f"{argument}{where}: {_short(there)} there, {_short(here)} here"
        python = [config.versions.get("python") for config in (self, other)]
        if "code" in place and python[0] != python[1]:
            said += f" (Python {python[0]} there, {python[1]} here, which write the same code otherwise)"
        if place.endswith(".kept"):
            said += (
                " (the values of weights that are not drawn anew: load them, or call "
                "keras.utils.set_random_seed before the model is built)"
            )
        return said

    def _place(self, path: str) -> str:
        layer = re.match(r"model\[(\d+)\]\.?(.*)", path)
        if layer is None or self.model is None or int(layer[1]) >= len(self.model):
            return path
        return f"layer {layer[1]}, {self.model[int(layer[1])].get('class')}: {layer[2]}".removesuffix(": ")

    def identities(self) -> dict[Cell, str]:
        """What the records of each cell say of the comparison that they belong to."""
        levels = [[(name, label) for label in self.factors[name]] for name in sorted(self.factors)]
        found: dict[Cell, str] = {}
        for label in self.labels:
            start = self.identity(label)
            for beside in itertools.product(*levels):
                told = [start, *([name, self.factors[name][level]] for name, level in beside)]
                found[label, *beside] = _hashed(told) if beside else start
        return found

    def identity(self, label: str) -> str:
        """What a record says of the comparison that it belongs to: a hash of all that decides its numbers.

        Where there are factors, its levels are added to that.
        """
        decisive = [[getattr(self, key) for key in _IDENTITY], self.labels.get(label)]
        known = {key: getattr(self, key) for key in _LATER if getattr(self, key) is not None}
        return _hashed([*decisive, known] if known else decisive)

    def joined_with(self, other: "Config") -> "Config":
        """`other`, which does not differ, with what `self` holds beside it; what decides stays as it was said
        first, so that the records of before keep their identity."""
        return dataclasses.replace(
            other,
            labels={
                **self.labels,
                **{key: one for key, one in other.labels.items() if key not in self.labels},
            },
            factors={
                name: {
                    **levels,
                    **{key: one for key, one in other.factors[name].items() if key not in levels},
                }
                for name, levels in self.factors.items()
            },
            cells=self._cells_with(other),
            replicates=max(self.replicates, other.replicates),
            engine=self.engine,
            groups=self.groups,
            settling=self._settling_with(other),
            **{key: getattr(self, key) for key in (*_IDENTITY, *_LATER)},
        )

    def _settling_with(self, other: "Config") -> Mapping[str, Any] | None:
        """The rule of whoever has come further, with all looks that either planned."""
        if self.settling is None or other.settling is None:
            return other.settling
        there, here = (Settling.from_json(config) for config in (self.settling, other.settling))
        if len(here.stages) > len(there.stages):
            return other.settling
        return there.extended(here.looks[-1].n).to_json()

    def _cells_with(self, other: "Config") -> Sequence[Mapping[str, str]]:
        """The combinations of levels that either trains; none said where that is all of them."""
        if not self.cells and not other.cells:
            return ()
        both = [*self.all_cells(), *other.all_cells()]
        different = {tuple(sorted(cell.items())): cell for cell in both}
        levels = {name: {*self.factors[name], *other.factors[name]} for name in self.factors}
        return () if len(different) == math.prod(map(len, levels.values())) else list(different.values())

    def all_cells(self) -> list[Mapping[str, str]]:
        """The combinations of levels that are trained."""
        combined = itertools.product(*self.factors.values())
        return list(self.cells) or [dict(zip(self.factors, levels, strict=True)) for levels in combined]

    def made_otherwise(self, other: "Config") -> str:
        """Which versions or processors differ, in words; empty if none does."""
        here = other.made_with
        return ", ".join(
            f"{name} {version} there, {here[name]} here"
            for name, version in self.made_with.items()
            if here.get(name, version) != version
        )

    @property
    def made_with(self) -> dict[str, str]:
        """What may change the last digits: versions of Keras and the backend, and the processor."""
        return {
            name: self.versions[name]
            for name in ("keras", self.backend, "processor")
            if name is not None and name in self.versions
        }


def _hashed(data: Any) -> str:
    return hashlib.blake2b(json.dumps(data, sort_keys=True).encode(), digest_size=8).hexdigest()


def _difference(path: str, there: Any, here: Any, skewed: bool) -> tuple[str, Any, Any] | None:
    """The first place where two pieces of JSON data differ, with both values; None if they do not.

    Of the arguments of Keras's objects, those count that both have where the versions are `skewed`.
    """
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        arguments = ".config" in path or path.partition(".")[0] == "optimizer"
        keys = [key for key in there if key in here] if skewed and arguments else {**there, **here}
        inner = [(f"{path}.{key}", there.get(key), here.get(key)) for key in keys]
    elif isinstance(there, list | tuple) and isinstance(here, list | tuple):
        pairs = itertools.zip_longest(there, here, fillvalue="nothing")
        inner = [(f"{path}[{index}]", *pair) for index, pair in enumerate(pairs)]
    else:
        return (path, there, here) if there != here else None
    return next((found for one in inner if (found := _difference(*one, skewed))), None)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _without_code(scheme: Any) -> Any:
    if isinstance(scheme, Mapping):
        return {key: part for key, part in scheme.items() if key != "code"}
    return scheme
