"""Errors that say what failed, what came, and what to do."""

import difflib
import re
from collections.abc import Iterable


class InputError(ValueError):
    """An argument that cannot work, found before any training starts."""


class UnknownNameError(InputError, KeyError):
    """A name that is not among those that exist, with the nearest one that is."""

    def __init__(self, kind: str, name: object, known: Iterable[str], hint: str):
        near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        super().__init__(f"Unknown {kind} {name!r}.{guess} {hint}")

    def __str__(self) -> str:  # KeyError would quote the message
        return str(self.args[0])


class SameLawWarning(UserWarning):
    """Two initializers of a comparison draw the same weights."""


class GuessedRoleWarning(UserWarning):
    """A weight is under test because its name and shape look like those of a kernel."""


class RunDirWarning(UserWarning):
    """Something in a comparison's folder could not be read or written; what was finished is kept."""


class NotSavedError(OSError):
    """Finished runs that found no room on the disk.

    Attributes:
        comparison: The result with all of them.
    """

    def __init__(self, message: str, comparison: object):
        super().__init__(message)
        self.comparison = comparison


def gist(error: BaseException) -> str:
    """The kind of an error and the first line of it that says something.

    >>> gist(ValueError("Exception encountered when calling Dense.call().\\n\\nwrong rank"))
    'ValueError: wrong rank'
    """
    text = re.sub(r"\x1b\[\d*m|\{\{.*?\}\}|\[Op:.*", "", str(error))
    lines = [line.strip() for line in text.splitlines()]
    telling = [line for line in lines if line and not line.startswith("Exception encountered")]
    line = telling[0] if telling else ""
    return f"{type(error).__name__}: {line[:300]}".removesuffix(": ")
