"""What a class of schemes leaves to its bases: the end of its signature, and parts of its docstring."""

import functools
import inspect
from collections.abc import Iterable

SECTIONS = ("Args:", "Shapes:", "Raises:")


class Signature:
    """The attribute `__signature__` of classes; their instances are called with a shape, and have none."""

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        if instance is not None:
            raise AttributeError("__signature__")
        return signature(owner)


@functools.cache
def signature(kind: type) -> inspect.Signature:
    """The arguments that a class names and, where it takes `*rest, **common`, those of its next base."""
    found: dict[str, inspect.Parameter] = {}
    for base in kind.__mro__:
        if "__init__" in vars(base):
            _, *parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
            named = [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
            found |= {one.name: one for one in named if one.name not in found}
            if len(named) == len(parameters):
                break
    return inspect.Signature(list(found.values()))


class Docstring:
    """The attribute `__doc__` of a class, put together when asked for: importing must not wait."""

    def __init__(self, own: str):
        self.own = own

    def __get__(self, instance: object, owner: type) -> str:
        return docstring(owner)


@functools.cache
def docstring(kind: type) -> str:
    """The docstring of a class with the sections and the arguments that only its bases describe."""
    texts = [_paragraphs(base) for base in kind.__mro__]
    sections = {name: _first(texts, name) for name in SECTIONS}
    described: dict[str, str] = {}
    for text in texts:
        described = _arguments(_first([text], "Args:")) | described
    known = [described[name] for name in signature(kind).parameters if name in described]
    sections["Args:"] = "\n".join(["Args:", *known]) if known else ""
    own = [one for one in texts[0] if not one.startswith(SECTIONS)]
    ends = [place for place, one in enumerate(own) if one.startswith(("Reference:", ">>> "))]
    place = ends[0] if ends else len(own)
    return "\n\n".join([*own[:place], *filter(None, sections.values()), *own[place:]])


def _paragraphs(kind: type) -> list[str]:
    text = vars(kind).get("__doc__")
    return inspect.cleandoc(getattr(text, "own", text) or "").split("\n\n")


def _first(texts: Iterable[list[str]], section: str) -> str:
    return next((one for text in texts for one in text if one.startswith(section)), "")


def _arguments(section: str) -> dict[str, str]:
    """Name -> its lines, of the lines below `Args:`."""
    found: dict[str, str] = {}
    for line in section.splitlines()[1:]:
        if not line.startswith("     "):
            name = line.strip().partition(":")[0]
            found[name] = line
        else:
            found[name] += f"\n{line}"
    return found
