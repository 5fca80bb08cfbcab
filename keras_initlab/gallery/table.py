"""What is known of schemes: all as a table, one in sentences."""

import inspect
import re

import pandas as pd

from keras_initlab.core.errors import UnknownNameError
from keras_initlab.initializers.registry import PREFIX, entry, get, list_initializers


def catalogue(family: str | None = None, role: str | None = None) -> pd.DataFrame:
    """Schemes as a frame indexed by name: family, law, ranks, roles, use, avoid, reference, summary.

    Args:
        family: Only those of one family, such as "orthogonal".
        role: Only those meant for one kind of weight, such as "recurrent_kernel".

    Raises:
        UnknownNameError: If no scheme has this family or role; names those that exist.

    >>> catalogue().loc["initlab_uniform_sqrt_n", "family"]
    'scaling'
    >>> set(catalogue(family="embedding")["family"])
    {'embedding'}
    """
    found = [entry(name) for name in list_initializers()]
    for kind, asked, known in (
        ("family", family, {one.family for one in found}),
        ("role", role, {name for one in found for name in one.claims.roles}),
    ):
        if asked is not None and asked not in known:
            raise UnknownNameError(kind, asked, known, f"Give one of {', '.join(sorted(known))}.")
    rows = [
        {
            "name": one.name,
            "family": one.family,
            "law": one.claims.law,
            "ranks": one.claims.rank_text,
            "roles": ", ".join(one.claims.roles),
            "use": one.claims.use,
            "avoid": one.claims.avoid,
            "reference": one.claims.reference,
            "summary": one.summary,
        }
        for one in found
        if family in (None, one.family) and (role is None or role in one.claims.roles)
    ]
    return pd.DataFrame(rows).set_index("name")


def facts(name: str) -> tuple[str, dict[str, str]]:
    """The title of an initializer and what is known of it, by heading; empty where nothing is.

    Args:
        name: Any name that `get` takes, of Keras's own initializers too.

    Raises:
        UnknownNameError: If there is no such initializer; names the nearest that exists.

    >>> facts("he_normal")[1]["compare"]
    'initlab_he_normal, whose law is N(0, 2/fan_in)'
    """
    scheme = get(name)
    claims = getattr(scheme, "claims", None)
    kind = type(scheme)
    title = (
        f"{getattr(scheme, 'name', name)}: {(inspect.getdoc(kind) or kind.__name__).partition(chr(10))[0]}"
    )
    if claims is None:
        twin = PREFIX + re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
        known = twin in list_initializers()
        return title, {
            "class": f"{kind.__module__.partition('.')[0]}.initializers.{kind.__name__}",
            "compare": f"{twin}, whose law is {entry(twin).claims.law}" if known else "",
        }
    return title, {
        "law": claims.law,
        "for": f"{', '.join(claims.roles)}; {claims.rank_text}",
        "use": claims.use,
        "avoid": claims.avoid,
        "exactly": claims.exact_text,
        "reference": claims.reference,
    }
