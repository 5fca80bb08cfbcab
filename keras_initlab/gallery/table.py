"""What is known of schemes and recipes: all as a table, one in sentences."""

import inspect
import re
from typing import Any

import pandas as pd

from keras_initlab.core.errors import UnknownNameError
from keras_initlab.initializers.registry import PREFIX, entry, get, list_initializers
from keras_initlab.recipes.registry import list_recipes, named


def catalogue(family: str | None = None, role: str | None = None) -> pd.DataFrame:
    """Schemes and recipes as a frame indexed by name: kind, family, law, ranks, roles, use, avoid, reference,
    summary.

    The kind is `tensor` for a scheme, which draws one weight, and `model` for a recipe, which acts on a whole
    model: see `reinitialize`.

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
    rows = [*map(_of_scheme, list_initializers()), *map(_of_recipe, list_recipes())]
    for kind, asked, known in (
        ("family", family, {row["family"] for row in rows}),
        ("role", role, {name for row in rows if row["kind"] == "tensor" for name in row["roles"]}),
    ):
        if asked is not None and asked not in known:
            raise UnknownNameError(kind, asked, known, f"Give one of {', '.join(sorted(known))}.")
    chosen = [
        row | {"roles": ", ".join(row["roles"])}
        for row in rows
        if family in (None, row["family"]) and (role is None or role in row["roles"])
    ]
    return pd.DataFrame(chosen).set_index("name")


def _of_scheme(name: str) -> dict[str, Any]:
    one = entry(name)
    return {
        "name": name,
        "kind": "tensor",
        "family": one.family,
        "law": one.claims.law,
        "ranks": one.claims.rank_text,
        "roles": one.claims.roles,
        "use": one.claims.use,
        "avoid": one.claims.avoid,
        "reference": one.claims.reference,
        "summary": one.summary,
    }


def _of_recipe(name: str) -> dict[str, Any]:
    kind = named(name)
    return {
        "name": name,
        "kind": "model",
        "family": "recipes",
        "law": kind.claims.law,
        "ranks": "any rank",
        "roles": kind.claims.changes,
        "use": kind.claims.use,
        "avoid": kind.claims.avoid,
        "reference": kind.claims.reference,
        "summary": (kind.__doc__ or "").strip().partition("\n")[0],
    }


def facts(name: str) -> tuple[str, dict[str, str]]:
    """The title of an initializer and what is known of it, by heading; empty where nothing is.

    Args:
        name: Any name that `get` takes, of Keras's own initializers too.

    Raises:
        UnknownNameError: If there is no such initializer; names the nearest that exists.

    >>> facts("he_normal")[1]["compare"]
    'initlab_he_normal, whose law is N(0, 2/fan_in)'
    """
    if (recipe := named(name)) is not None:
        return _facts_of_recipe(recipe)
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


def _facts_of_recipe(kind: Any) -> tuple[str, dict[str, str]]:
    claims = kind.claims
    return f"{kind.name}: {(inspect.getdoc(kind) or kind.__name__).partition(chr(10))[0]}", {
        "law": claims.law,
        "acts on": f"a whole model: {kind.usage().removeprefix('initlab.')}",
        "changes": ", ".join(claims.changes),
        "needs": ", ".join(claims.needs) or "no data",
        "structure": claims.structure,
        "cost": claims.cost,
        "use": claims.use,
        "avoid": claims.avoid,
        "exactly": claims.exact_text,
        "reference": claims.reference,
    }
