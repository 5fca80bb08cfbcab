"""What every recipe is: a small configured object that gives a whole model new weights, or none of it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras

from keras_initlab.core.arguments import whole
from keras_initlab.core.errors import InputError, gist
from keras_initlab.core.rng import Generators, isolated
from keras_initlab.core.seeds import Seeds
from keras_initlab.initializers.adapting import written
from keras_initlab.network.selection import Layers, matching, nothing_matches, under_test
from keras_initlab.network.slots import Slot, slots
from keras_initlab.recipes import probing
from keras_initlab.recipes.account import Account
from keras_initlab.recipes.registry import RecipeClaims, named
from keras_initlab.recipes.work import Work

PROBE = 256
"""Rows of data that a recipe looks at."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Base of all recipes: a dataclass of its arguments that defines `change`.

    A recipe is data: it prints, compares, and goes into a comparison's folder by its arguments.
    """

    name: ClassVar[str] = "unregistered recipe"
    claims: ClassVar[RecipeClaims] = RecipeClaims("", "", ())

    def change(self, work: Work) -> None:
        """Give the model its new weights, through `work.put` alone.

        Raises:
            InputError: If the model has not what the recipe is about; it is then put back by the caller.
        """
        raise NotImplementedError

    def apply(
        self,
        model: keras.Model,
        x: Any = None,
        y: Any = None,
        *,
        seed: int = 0,
        layers: Layers = None,
        roles: Any = None,
    ) -> Account:
        """Give a built model new weights, in place; an exception leaves it as it was.

        Args:
            model: A built model.
            x: Inputs, where the recipe needs data: arrays as in `fit`, or a data set of batches.
            y: Targets.
            seed: Root of all seeds, at least 0.
            layers: Which layers, as in `reinitialize`.
            roles: Which kinds of weights; by default all that the recipe changes.

        Returns:
            What was changed, and what was not and why.

        Raises:
            InputError: If the recipe cannot work on this model, or misses data.
        """
        seeds = Seeds(whole("seed", seed, 0), 0)
        chosen = self.writable(model, layers, roles)
        self.require(x, y)
        data = probing.given(x, y, seeds, self.rows) if self.rows else ()
        with isolated() as generators:
            return self.work(model, chosen, seeds, generators, data)

    @property
    def rows(self) -> int:
        """How many rows of data it looks at; 0 for a recipe that needs none."""
        return getattr(self, "probe", PROBE) if self.needs else 0

    @property
    def needs(self) -> tuple[str, ...]:
        """Data that it cannot do without, as its arguments are."""
        return self.claims.needs

    def require(self, x: Any, y: Any) -> None:
        """Refuse to work without the data that are needed.

        Raises:
            InputError: If they are missing.
        """
        for name, value in (("x", x), ("y", y)):
            if name in self.needs and value is None:
                raise InputError(f"{name} is missing: {self.name} looks at data; call {self.written_call()}.")

    def writable(self, model: keras.Model, layers: Layers, roles: Any) -> list[Slot]:
        """The slots that it may write: trainable, of the layers and roles that are asked for.

        Raises:
            InputError: If none is left.
        """
        if roles is not None:
            asked = under_test(model, layers, roles)
            found = [slot for slot in asked if self._changes(slot)]
        else:
            found = [slot for slot in matching(model, slots(model), layers) if self._changes(slot)]
        if not found:
            raise nothing_matches(
                f"what {self.name} changes ({', '.join(self.claims.changes)}) with layers={layers!r} and "
                f"roles={roles!r}",
                slots(model),
            )
        return found

    def _changes(self, slot: Slot) -> bool:
        return slot.role in self.claims.changes or "*" in self.claims.changes

    def work(
        self,
        model: keras.Model,
        chosen: Sequence[Slot],
        seeds: Seeds,
        generators: Generators,
        data: Sequence[Any] = (),
        every: Sequence[Slot] | None = None,
    ) -> Account:
        """Change the model; all or nothing.

        Args:
            model: A built model.
            chosen: The slots that may be written.
            seeds: Of all draws.
            generators: The global ones.
            data: The examples to look at, and their targets; empty without data.
            every: All slots of the model, where they are known.

        Raises:
            InputError: If that cannot be done.
        """
        x, y, *_ = (*data, None, None)
        if x is not None:
            probing.check_finite(x)
        work = Work(model, chosen, seeds, generators, x, y, every)
        try:
            self.change(work)
            return work.account()
        except InputError:
            work.restore()
            raise
        except Exception as error:
            work.restore()
            raise InputError(f"{self.name} cannot work on the model {model.name!r}: {gist(error)}") from error
        except BaseException:
            work.restore()
            raise

    def get_config(self) -> dict[str, Any]:
        """The arguments by name."""
        return {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}

    def label(self) -> str:
        """How it is called where nobody named it: its class with the arguments that are not usual."""
        schemes = keras.initializers.Initializer
        shown = {
            name: written(one) if isinstance(one, schemes) else one for name, one in self._unusual.items()
        }
        inner = ", ".join(f"{name}={value}" for name, value in shown.items())
        return f"{type(self).__name__}({inner})" if inner else type(self).__name__

    @classmethod
    def usage(cls) -> str:
        """The line that uses it, with `...` for each argument that it cannot do without."""
        return _call(cls, _needed(cls), cls.claims.needs)

    def written_call(self) -> str:
        """The line that uses it as it is, with `...` for models and the like that it was given."""
        schemes = keras.initializers.Initializer
        shown = {
            name: written(one) if isinstance(one, schemes) else repr(one)
            for name, one in self._unusual.items()
        }
        return _call(type(self), _needed(type(self)) | shown, self.needs)

    @property
    def _unusual(self) -> dict[str, Any]:
        """The arguments that can be shown and are not the usual ones."""
        return {
            one.name: getattr(self, one.name)
            for one in dataclasses.fields(self)
            if one.repr and getattr(self, one.name) != one.default
        }


def find(given: Any) -> Recipe | None:
    """The recipe that `given` is or names (name, class, instance, config); None if it is none.

    Raises:
        InputError: If the arguments of a config do not fit.

    >>> find("initlab_lsuv").name, find("he_normal")
    ('initlab_lsuv', None)
    """
    if isinstance(given, Recipe):
        return given
    if isinstance(given, type) and issubclass(given, Recipe):
        return _made(given, {})
    if isinstance(given, Mapping) and given.keys() == {"recipe", "config"}:
        kind = named(given["recipe"])
        return kind and _made(kind, given["config"])
    kind = named(given)
    return kind and _made(kind, {})


def _made(kind: type[Recipe], arguments: Mapping[str, Any]) -> Recipe:
    try:
        return kind(**arguments)
    except TypeError as error:
        raise InputError(f"{kind.__name__} cannot be made: {error}; call {kind.usage()}.") from error


def _needed(kind: type[Recipe]) -> dict[str, str]:
    """The arguments without which a recipe cannot be made, each `...`."""
    missing = dataclasses.MISSING
    fields = [one for one in dataclasses.fields(kind) if one.default is one.default_factory is missing]
    return {one.name: "..." for one in fields}


def _call(kind: type[Recipe], arguments: Mapping[str, str], needs: Sequence[str]) -> str:
    """The line that uses a recipe: by its name where it takes no arguments."""
    home = kind.__module__
    home = "initlab.recipes" if home.startswith(f"{__package__}.") else home
    inner = ", ".join(f"{name}={value}" for name, value in arguments.items())
    by_name = named(kind.name) is kind and not arguments
    made = repr(kind.name) if by_name else f"{home}.{kind.__qualname__}({inner})"
    return f"initlab.reinitialize(model, {', '.join((made, *needs))})"
