"""Names of remedies: name -> class with claims."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from keras_initlab.core.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from keras_initlab.remedies.remedy import Remedy

Place = Literal["data", "graph", "optimizer"]


@dataclass(frozen=True)
class RemedyClaims:
    """What is true of a remedy.

    Attributes:
        law: The law in one line, as the field writes it.
        reference: Author, year and where to find it.
        place: Where it acts: on the training data, in the model's graph, in the optimizer's step.
        strength: The argument that a bare number stands for; empty where none does.
        default: Whether it can be made without arguments, as the level True asks for.
        same_loss: Whether the training loss is the same measure with it and without.
    """

    law: str
    reference: str
    place: Place
    strength: str = ""
    default: bool = True
    same_loss: bool = True


ORDER = (
    *("standardize", "whiten", "shuffle", "curriculum"),  # need arrays
    *("label_noise", "label_smoothing", "mixup", "cutmix"),
    *("data_noise", "augment"),  # the last one stands next to the inputs
    *("batch_norm", "drop_connect", "dropout"),
)
"""In which order remedies are applied, whatever order they are named in; others come after them."""

_remedies: dict[str, type["Remedy"]] = {}

R = TypeVar("R", bound="type[Remedy]")


def register(name: str, *, claims: RemedyClaims) -> Callable[[R], R]:
    """Class decorator that makes a remedy known by name: the class gets the attributes `name` and `claims`.

    Args:
        name: In snake_case.
        claims: What is true of it.

    Raises:
        InputError: If the name is taken.
    """

    def decorate(cls: R) -> R:
        taken = _remedies.get(name)
        if taken is not None and taken.__qualname__ != cls.__qualname__:  # a notebook cell may run again
            raise InputError(f"The remedy {name!r} is there already: give another name.")
        cls.name, cls.claims = name, claims
        _remedies[name] = cls
        return cls

    return decorate


def list_remedies() -> list[str]:
    """Names of all remedies, sorted.

    >>> "batch_norm" in list_remedies()
    True
    """
    return sorted(_remedies)


def named(name: str) -> type["Remedy"]:
    """The class of that name.

    Raises:
        UnknownNameError: If there is none.
    """
    if name not in _remedies:
        raise UnknownNameError("remedy", name, _remedies, "initlab.remedies.list_remedies() has all.")
    return _remedies[name]


def in_order(remedies: Iterable["Remedy"]) -> list["Remedy"]:
    """Remedies in the order in which they are applied.

    >>> from keras_initlab.remedies import Dropout, L2, Mixup, Standardize
    >>> [one.name for one in in_order([L2(), Dropout(), Mixup(), Standardize()])]
    ['standardize', 'mixup', 'dropout', 'l2']
    """
    return sorted(remedies, key=lambda one: ORDER.index(one.name) if one.name in ORDER else len(ORDER))


def remedy(name: str, level: Any) -> "Remedy | None":
    """The remedy that a level of a factor stands for; None for its absence.

    Args:
        name: The factor's name, which is the remedy's where the level is no remedy itself.
        level: None, False or 0: off. True: its default. A number: its strength. A remedy's name: that one's
            default. A remedy: itself.

    Raises:
        UnknownNameError: If there is no remedy of that name.
        InputError: If the level does not make one.

    >>> remedy("dropout", 0.2), remedy("dropout", 0), remedy("remedy", "l2").name
    (Dropout(rate=0.2), None, 'l2')
    """
    from keras_initlab.remedies.remedy import Remedy

    if isinstance(level, Remedy):
        return level
    if isinstance(level, str) and level in _remedies:
        return named(level).make(True)
    return None if level is None else named(name).make(level)
