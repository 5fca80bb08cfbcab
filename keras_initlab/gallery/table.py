"""Schemes as a table."""

import pandas as pd

from keras_initlab.core.errors import UnknownNameError
from keras_initlab.initializers.registry import entry, list_initializers


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
