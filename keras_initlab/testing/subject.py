"""What a check of schemes is about: a registered name, a class or an instance, and what it claims."""

import contextlib
import dataclasses
import inspect
import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.initializers.fans import Fans
from keras_initlab.initializers.registry import Claims, Entry, entry

# Shapes on which a wrong law is far away: fan_in and fan_out differ by far more than the sampling error.
SHAPES = ((4096,), (60, 400), (5, 24, 60), (3, 3, 16, 60), (3, 3, 3, 4, 30))
SEED = 1234
NUMBERS = {"mean": None, "std": None, "bound": None, "distribution": None, "exact": None}
"""What a class claims of its default arguments alone."""


@dataclasses.dataclass(frozen=True)
class Subject(Entry):
    """A class with the arguments to make it with.

    Attributes:
        arguments: Config of the instances to check, the seed left out.
        identifier: What Keras finds it by: its name, or None where it is not registered or has other
            than its default arguments.
    """

    arguments: dict[str, Any]
    identifier: str | None

    def make(self, **changes: Any) -> Any:
        """An instance, seeded if the scheme is random."""
        seed = {"seed": SEED} if self.takes("seed") else {}
        return self.cls.from_config({**self.arguments, **seed, **changes})

    def takes(self, argument: str) -> bool:
        return argument in inspect.signature(self.cls).parameters

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes to try the scheme on: its own, or the usual ones of the ranks that it claims."""
        return self.claims.shapes or tuple(shape for shape in SHAPES if self.claims.allows(len(shape)))

    @contextlib.contextmanager
    def known(self) -> Iterator[None]:
        """Let Keras find the class by its name, registered or not."""
        found = keras.saving.get_registered_object(keras.saving.get_registered_name(self.cls))
        with keras.saving.custom_object_scope({} if found is self.cls else {self.cls.__name__: self.cls}):
            yield


def subject(scheme: Any, claims: Claims | None = None) -> Subject:
    """The subject that a name, a class or an instance stands for.

    Raises:
        UnknownNameError: If no scheme is registered under the name.
        InputError: If it is neither a name nor a class or an instance of `keras.initializers.Initializer`.
    """
    if isinstance(scheme, Subject):
        return scheme
    if isinstance(scheme, str):
        scheme = entry(scheme).cls
    if isinstance(scheme, type):
        scheme = scheme()
    if not isinstance(scheme, keras.initializers.Initializer):
        raise InputError(
            f"scheme is {scheme!r}: give a registered name, or a class or an instance of "
            "keras.initializers.Initializer."
        )
    cls: Any = type(scheme)
    arguments = {name: value for name, value in scheme.get_config().items() if name != "seed"}
    usual = _is_usual(cls, arguments)
    if claims is None:
        claims = getattr(cls, "claims", Claims(law="", reference=""))
        claims = claims if usual else dataclasses.replace(claims, **NUMBERS)
    name = getattr(cls, "name", cls.__name__)
    return Subject(name, cls, claims, arguments, name if usual and _is_registered(name, cls) else None)


def _is_registered(name: str, cls: Any) -> bool:
    try:
        return entry(name).cls is cls
    except UnknownNameError:
        return False


def _is_usual(cls: Any, arguments: dict[str, Any]) -> bool:
    """Whether a class has these arguments by itself."""
    try:
        usual = cls().get_config()
    except TypeError:  # it has required arguments
        return False
    return arguments == {name: value for name, value in usual.items() if name != "seed"}


def fans(shape: tuple[int, ...]) -> Fans:
    """Keras's convention said in another way than by the function that the schemes use."""
    size = math.prod(shape)
    return Fans(size // shape[-1], size // shape[-2]) if len(shape) > 1 else Fans(size, size)


def numpy(values: Any) -> np.ndarray:
    """Values of any float dtype as float64."""
    return keras.ops.convert_to_numpy(keras.ops.cast(values, "float32")).astype("float64")
