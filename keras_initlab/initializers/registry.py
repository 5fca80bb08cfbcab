"""Names of schemes: name -> (class, claims)."""

import difflib
import importlib.metadata
import inspect
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np

from keras_initlab.core.errors import InputError, UnknownNameError
from keras_initlab.initializers.fans import Fans

PREFIX = "initlab_"
PACKAGE = "keras_initlab"
GROUP = "keras_initlab.initializers"


@dataclass(frozen=True)
class Claims:
    """What is true of a scheme with its default arguments; the conformance suite holds it to each.

    Attributes:
        law: The law in one line, as the field writes it.
        reference: Author, year and where to find it.
        mean: Expected value of every entry; None where it is no single number.
        std: Standard deviation of every entry as a function of the fans; None where it is none.
        bound: Largest magnitude as a function of the fans; None where there is none.
        distribution: The exact distribution of an entry, where it is one of these.
        exact: Maps the drawn values to residuals that are zero in exact arithmetic; its docstring
            says what it states.
        ranks: Lowest and highest rank that the scheme draws; None means any above.
        roles: Which weights it is meant for.
        shapes: Shapes to try it on, where the usual ones would not do.
        use: When it is the right choice, in one sentence.
        avoid: When it is not, and what to take instead, in one sentence.
    """

    law: str
    reference: str
    mean: float | None = None
    std: Callable[[Fans], float] | None = None
    bound: Callable[[Fans], float] | None = None
    distribution: Literal["normal", "truncated_normal", "uniform", "constant"] | None = None
    exact: Callable[[np.ndarray], Any] | None = None
    ranks: tuple[int, int | None] = (0, None)
    roles: tuple[str, ...] = ("kernel", "recurrent_kernel", "embeddings")
    shapes: tuple[tuple[int, ...], ...] = ()
    use: str = ""
    avoid: str = ""

    def allows(self, rank: int) -> bool:
        lowest, highest = self.ranks
        return lowest <= rank and (highest is None or rank <= highest)

    @property
    def exact_text(self) -> str:
        """What the exact property states; empty where there is none."""
        return (self.exact.__doc__ or "").strip() if self.exact else ""

    @property
    def rank_text(self) -> str:
        lowest, highest = self.ranks
        if highest is None:
            return "any rank" if lowest == 0 else f"rank {lowest} or more"
        return f"rank {lowest}" if lowest == highest else f"rank {lowest} to {highest}"


@dataclass(frozen=True)
class Entry:
    """One registered scheme: its full name, its class and what the class claims."""

    name: str
    cls: Any
    claims: Claims

    @property
    def family(self) -> str:
        """The room of `keras_initlab.initializers` that holds the class; for others, its module."""
        module = self.cls.__module__
        own = module.removeprefix("keras_initlab.initializers.")
        return own.partition(".")[0] if own != module else module.rpartition(".")[2]

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (self.cls.__doc__ or "").strip().partition("\n")[0]


_entries: dict[str, Entry] = {}
_plugins: dict[str, importlib.metadata.EntryPoint] = {}
_reserved: dict[str, Callable[[], str]] = {}


class _Plugin:
    """Stands for a third-party class in Keras's table of names until somebody asks for it."""

    def __init__(self, name: str):
        self.name = name

    def get_config(self) -> dict[str, Any]:
        return {}

    def from_config(self, config: dict[str, Any]) -> Any:
        _load_plugin(self.name)
        return _entries[self.name].cls.from_config(config)


class _Reserved:
    """Stands in Keras's table of names for what is no initializer, and says so."""

    def __init__(self, why: Callable[[], str]):
        self.why = why

    def get_config(self) -> dict[str, Any]:
        return {}

    def from_config(self, config: dict[str, Any]) -> Any:
        raise InputError(self.why())


def reserve(name: str, why: Callable[[], str]) -> None:
    """Keep a name (with its prefix) from being a scheme's; who asks for an initializer of it is told why.

    Raises:
        InputError: If the name is taken.
    """
    _refuse_taken(name, name.removeprefix(PREFIX))
    keras.saving.get_custom_objects()[name] = _Reserved(why)
    _reserved[name] = why


def release(name: str) -> None:
    """Take back `reserve`."""
    del keras.saving.get_custom_objects()[name], _reserved[name]


def register(name: str, *, claims: Claims) -> Callable[[Any], Any]:
    """Class decorator that makes an initializer known to Keras as `initlab_<name>`.

    Saved models refer to the class as `keras_initlab>ClassName`; layers take the string
    `"initlab_<name>"`. The class gets the attributes `name` (with the prefix) and `claims`.

    Args:
        name: The name without its prefix, in snake_case.
        claims: What is true of the scheme with its default arguments.

    Raises:
        InputError: If the name or the class name is taken, by this package, by Keras or by any other
            custom object.
    """
    full = PREFIX + name

    def decorate(cls: Any) -> Any:
        for key in (full, f"{PACKAGE}>{cls.__name__}"):
            _refuse_taken(key, name)
        keras.saving.register_keras_serializable(PACKAGE)(cls)
        keras.saving.get_custom_objects()[full] = cls
        cls.name = full
        cls.claims = claims
        _entries[full] = Entry(full, cls, claims)
        return cls

    return decorate


def _refuse_taken(key: str, name: str) -> None:
    owner = keras.saving.get_custom_objects().get(key) or getattr(keras.initializers, key, None)
    if owner is None or (isinstance(owner, _Plugin) and owner.name == PREFIX + name):
        return
    kind = "a recipe" if isinstance(owner, _Reserved) else repr(owner)
    raise InputError(f"The name {key!r} is taken by {kind}. Register yours under another name.")


def unregister(name: str) -> None:
    """Forget a scheme, so that a notebook cell that defines it can run again.

    Args:
        name: The registered name, with its prefix.

    Raises:
        UnknownNameError: If there is no such scheme.
    """
    cls = entry(name).cls
    table = keras.saving.get_custom_objects()
    for key in (name, f"{PACKAGE}>{cls.__name__}"):
        del table[key]
    del _entries[name]


def announce_plugins(points: Iterable[importlib.metadata.EntryPoint]) -> None:
    """Give every third-party scheme its name in Keras without importing it.

    An entry point of the group `keras_initlab.initializers` is one scheme:
    `name = "package.module:ClassName"`, the class being decorated with `register(name, ...)`.
    """
    table = keras.saving.get_custom_objects()
    for point in points:
        full = PREFIX + point.name
        keys = (full, f"{PACKAGE}>{point.attr}")
        if any(key in table for key in keys):
            warnings.warn(
                f"Plugin {point.name!r} ({point.value}) is left out: its name is taken.", stacklevel=2
            )
            continue
        _plugins[full] = point
        table.update(dict.fromkeys(keys, _Plugin(full)))


def _load_plugin(name: str) -> None:
    point = _plugins[name]
    try:
        point.load()
    except Exception as error:
        raise InputError(
            f"Plugin {point.name!r} ({point.value}) cannot be loaded: {type(error).__name__}: {error}. "
            "Repair or uninstall it."
        ) from error
    if name not in _entries:
        raise InputError(
            f"Plugin {point.name!r} ({point.value}) registers no scheme of that name. "
            f"Decorate its class with register({point.name!r}, ...)."
        )
    del _plugins[name]


def _load_plugins() -> None:
    for name in list(_plugins):
        try:
            _load_plugin(name)
        except InputError as error:
            warnings.warn(str(error), stacklevel=3)


def entry(name: str) -> Entry:
    """The class and claims registered under `name` (with its prefix).

    Raises:
        UnknownNameError: If there is no such scheme; names the nearest that exists.
    """
    if name in _plugins:
        _load_plugin(name)
    if name in _reserved:
        raise InputError(_reserved[name]())
    if name not in _entries:
        raise _unknown(name, [*_entries, *_plugins, *_reserved])
    return _entries[name]


def list_initializers() -> list[str]:
    """Names of all schemes of this package and of its plugins, sorted.

    A plugin that cannot be loaded is left out with a warning.

    >>> "initlab_he_normal" in list_initializers()
    True
    """
    _load_plugins()
    return sorted(_entries)


def get(identifier: Any) -> Any:
    """The initializer that `identifier` names.

    Args:
        identifier: A name (`"initlab_he_normal"`, `"he_normal"`), an initializer's class or
            instance, a Keras config (dict), a callable `(shape, dtype=None)`, or an array of the
            values themselves.

    Raises:
        UnknownNameError: For a name that neither this package nor Keras knows.
        InputError: For anything that is no initializer.

    >>> get("initlab_uniform_sqrt_n").name
    'initlab_uniform_sqrt_n'
    """
    if isinstance(identifier, str):
        return _by_name(identifier)
    if isinstance(identifier, dict):
        try:
            found = keras.initializers.deserialize(identifier)
        except (TypeError, ValueError, KeyError) as error:
            raise InputError(
                f"No initializer can be made of the config {identifier!r}: {error}. "
                "Give what keras.initializers.serialize returns."
            ) from error
        return get(found)
    if callable(identifier) and not isinstance(identifier, type):
        return identifier
    if isinstance(identifier, np.ndarray) or (
        isinstance(identifier, type) and issubclass(identifier, keras.initializers.Initializer)
    ):
        return keras.initializers.get(identifier)
    raise InputError(
        f"No initializer can be made of {identifier!r}. Give a name, a keras initializer, its class or "
        "config, or a callable (shape, dtype=None)."
    )


def make(name: str, arguments: Mapping[str, Any]) -> Any:
    """The initializer of a name with these arguments.

    Raises:
        UnknownNameError: For an unknown name, or an argument that it does not take; lists those it takes.
        InputError: If an argument is wrong or missing.

    >>> make("he_normal", {"seed": 1}).seed
    1
    """
    kind = type(get(name))
    known = list(inspect.signature(kind).parameters)
    for argument in arguments:
        if argument not in known:
            takes = f"It takes {', '.join(known)}." if known else "It takes none."
            raise UnknownNameError(f"argument of {name}", argument, known, takes)
    try:
        return kind(**arguments)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} cannot be made: {error}") from error


def _by_name(name: str) -> Any:
    if name.startswith(PREFIX):
        return entry(name).cls()
    try:
        return keras.initializers.get(name)
    except (TypeError, ValueError):
        keras_names = [
            known
            for known, owner in vars(keras.initializers).items()
            if isinstance(owner, type) and known.islower()
        ]
        raise _unknown(name, [*_entries, *_plugins, *keras_names]) from None


def _unknown(name: str, known: list[str]) -> UnknownNameError:
    hint = "'initlab list' shows all."
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()  # a class is asked for by its name, too
    if PREFIX + snake in known and name not in known:  # too far from a short name to be found as the nearest
        return UnknownNameError("initializer", name, [], f"Did you mean {PREFIX + snake!r}? {hint}")
    if snake != name and (near := difflib.get_close_matches(snake, known, n=1)):
        return UnknownNameError("initializer", name, [], f"Did you mean {near[0]!r}? {hint}")
    return UnknownNameError("initializer", name, known, hint)
