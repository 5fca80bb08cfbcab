"""What every remedy is: a small configured object that gives a comparison's model or data a changed twin."""

import dataclasses
import inspect
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.engines.sources import Source, fingerprint
from keras_initlab.remedies.registry import RemedyClaims


@dataclass(frozen=True, eq=False)
class Subject:
    """What a remedy acts on. Nothing in it is ever changed; a remedy gives back another.

    Attributes:
        model: Built and compiled.
        training: Where the training batches come from.
        validation: Where the validation batches come from, if any.
        strengths: By name of a scalar, the variables of inserted layers that hold it. They are not trained,
            and members of one program may differ in them.
        epochs: How often the training data are gone through.
    """

    model: keras.Model
    training: Source
    validation: Source | None = None
    strengths: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    epochs: int = 1


@dataclass(frozen=True)
class Remedy:
    """Base of all remedies: a dataclass of its arguments that defines `act`.

    A remedy is data: it prints, compares, and goes into a comparison's folder by its arguments. It acts on
    what training sees, never on what is measured.
    """

    name: ClassVar[str] = "unregistered remedy"
    claims: ClassVar[RemedyClaims] = RemedyClaims("", "", "data")

    def apply(self, subject: Subject) -> Subject:
        """The subject with this remedy; the one that was given stays as it is.

        Raises:
            InputError: If it cannot be used there, with what to do instead.
        """
        reason = self.why_not(subject)
        if reason is not None:
            raise InputError(f"{self.name} cannot be used: {reason}")
        return self.act(subject)

    def why_not(self, subject: Subject) -> str | None:
        """The reason why it cannot be used there, with what to do instead; None if it can."""
        return None

    def act(self, subject: Subject) -> Subject:
        """The subject with this remedy, which `why_not` has let pass."""
        return subject

    def scalars(self) -> Mapping[str, float]:
        """Numbers in which members of one program may differ, by name.

        >>> from keras_initlab.remedies import Dropout
        >>> Dropout(0.5).scalars()
        {'dropout': 0.5}
        """
        if self.claims.place == "data" or not self.claims.strength:
            return {}
        return {self.name: getattr(self, self.claims.strength)}

    def off(self) -> Self | None:
        """The same structure without effect; None where only the absence of the remedy is off."""
        return dataclasses.replace(self, **{self.claims.strength: 0.0}) if self.scalars() else None

    @property
    def structure(self) -> Hashable:
        """What two levels must have in common to train in one program: all but the scalars."""
        free = {self.claims.strength} if self.scalars() else set()
        config = {name: value for name, value in self.get_config().items() if name not in free}
        functions = [id(value) for value in vars(self).values() if inspect.isroutine(value)]
        return self.name, json.dumps(config, sort_keys=True), *functions

    @classmethod
    def make(cls, level: Any) -> Self | None:
        """What a level of the factor with its name stands for: True its default, a number its strength.

        Raises:
            InputError: If it does not stand for one.
        """
        if level is None or (isinstance(level, bool | np.bool_ | int | float | np.number) and level == 0):
            return None
        if isinstance(level, bool | np.bool_):
            return cls.default()
        if isinstance(level, int | float | np.number):
            if not cls.claims.strength:
                raise InputError(
                    f"{cls.name} is {level!r}: it has no strength; give True, False or "
                    f"initlab.remedies.{cls.__name__}(...)."
                )
            return cls(**{cls.claims.strength: level})
        raise InputError(
            f"{cls.name} is {level!r}: give True, False, a number or initlab.remedies.{cls.__name__}(...)."
        )

    @classmethod
    def default(cls) -> Self:
        """The remedy with its default arguments.

        Raises:
            InputError: If it has none.
        """
        needed = [one.name for one in dataclasses.fields(cls) if one.default is dataclasses.MISSING]
        if needed:
            given = ", ".join(f"{name}=..." for name in needed)
            raise InputError(
                f"{cls.name} is True, but has no default: give initlab.remedies.{cls.__name__}({given})."
            )
        return cls()

    def get_config(self) -> dict[str, Any]:
        """The arguments by name, as JSON data; arrays and functions as what tells them from others."""
        return {one.name: _written(getattr(self, one.name)) for one in dataclasses.fields(self)}

    def label(self) -> str:
        """How it is called where nobody named it: its class with the arguments that are not usual.

        >>> from keras_initlab.remedies import Dropout
        >>> Dropout(0.2).label()
        'Dropout(0.2)'
        """
        shown = []
        for one in dataclasses.fields(self):
            value = getattr(self, one.name)
            if one.name == self.claims.strength:
                shown.append(f"{value:g}")
            elif not isinstance(value, np.ndarray) and value != one.default:
                shown.append(f"{one.name}={_told(value)}")
        inner = ", ".join(shown)
        return f"{type(self).__name__}({inner})" if inner else type(self).__name__


def _written(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"array": fingerprint([value])}
    if isinstance(value, keras.layers.Layer):
        return keras.saving.serialize_keras_object(value)
    if isinstance(value, tuple | list):
        return [_written(one) for one in value]
    if dataclasses.is_dataclass(value):
        return {
            type(value).__name__: {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
        }
    if callable(value):
        return {"function": getattr(value, "__qualname__", repr(value))}
    return value


def _told(value: Any) -> str:
    """An argument in few words."""
    if isinstance(value, tuple):
        return "+".join(map(_told, value))
    if isinstance(value, keras.layers.Layer):
        return type(value).__name__
    return getattr(value, "__name__", str(value))
