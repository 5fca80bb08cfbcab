"""What every recipe is: a small configured object that gives a whole model new weights, or none of it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from keras_initlab.core.arguments import whole
from keras_initlab.core.errors import InputError, gist
from keras_initlab.core.keras_private import in_full_precision
from keras_initlab.core.rng import Generators, isolated
from keras_initlab.core.seeds import Seeds
from keras_initlab.initializers.adapting import label, resolve, written
from keras_initlab.network.drawing import check_rank, check_value, draw
from keras_initlab.network.selection import Layers, matching, nothing_matches, under_test
from keras_initlab.network.slots import Slot, all_slots, slots
from keras_initlab.network.snapshot import Snapshot, carried_states
from keras_initlab.recipes import probing
from keras_initlab.recipes.account import Account, Beside, Redrawn
from keras_initlab.recipes.registry import RecipeClaims, named

PROBE = 256
"""Rows of data that a recipe looks at."""


class Work:
    """A model that a recipe works on: it draws, puts values, and leaves weights with a reason.

    Args:
        model: A built model.
        chosen: The slots that may be written.
        seeds: Of all draws.
        generators: The global ones.
        x: The examples to look at; None without data.
        y: Their targets.

    Attributes:
        every: All slots of the model, those that may not be written included.
    """

    def __init__(
        self,
        model: keras.Model,
        chosen: Sequence[Slot],
        seeds: Seeds,
        generators: Generators,
        x: Any = None,
        y: Any = None,
        every: Sequence[Slot] | None = None,
    ):
        self.model, self.seeds = model, seeds
        self.x, self.y = x, y
        self.every = all_slots(model) if every is None else every
        self._generators = generators
        self._chosen = {slot.index for slot in chosen}
        variables = [*model.variables, *carried_states(model)]
        self._snapshot = Snapshot(variables)
        self._before = dict(zip(map(id, variables), self._snapshot.values, strict=True))
        self._rows: dict[int, dict[str, Any]] = {}
        self._left: dict[str, str] = {}
        self._said: list[str] = []
        self.structure: list[str] = []

    @property
    def slots(self) -> list[Slot]:
        """Those that may be written, in the model's order."""
        return [slot for slot in self.every if slot.index in self._chosen]

    def by_layer(self, roles: Sequence[str]) -> list[tuple[Any, list[Slot]]]:
        """Each layer with those of its slots that may be written and have one of these roles.

        Of the frozen ones the account says that they stay.
        """
        found: dict[int, tuple[Any, list[Slot]]] = {}
        for slot in self.every:
            if slot.role in roles and self.may_write(slot):
                found.setdefault(id(slot.layer), (slot.layer, []))[1].append(slot)
            elif slot.role in roles and not slot.variable.trainable:
                self.leave(slot, "frozen")
        return list(found.values())

    def of(self, layer: Any) -> list[Slot]:
        """The slots of a layer itself, those that may not be written included."""
        return [slot for slot in self.every if slot.layer is layer]

    def may_write(self, slot: Slot) -> bool:
        return slot.index in self._chosen

    def value(self, slot: Slot) -> np.ndarray:
        """What the weight is now, in float64."""
        with in_full_precision():
            return wide(slot.variable.value)

    def draw(self, slot: Slot, scheme: Any) -> Any:
        """What a scheme draws for the slot: the draw of `reinitialize`, with true fans.

        Raises:
            InputError: If it cannot, or draws what does not fit.
        """
        name = label(scheme)
        return drawn(name, resolve(name, scheme), slot, self.seeds, self._generators, "layer")

    def put(
        self,
        slot: Slot,
        value: Any,
        scheme: Any,
        *,
        factor: float | None = None,
        block: str = "",
        note: str = "",
    ) -> None:
        """Give a weight its value, and say so in the account.

        Args:
            slot: Which; it must be among those that may be written.
            value: An array or a tensor; without `factor`, as it is to be.
            scheme: What drew it, or in words what it is.
            factor: By what the value is multiplied.
            block: The residual branch that it belongs to.
            note: What else is to be known.

        Raises:
            InputError: If the recipe may not write it, or the value is not finite.
        """
        if not self.may_write(slot):
            raise InputError(
                f"The recipe has to set {slot.path}, which it may not: the weight is frozen, or layers= or "
                "roles= leave it out. Unfreeze it, or include it."
            )
        array = wide(value) * (1.0 if factor is None else factor)
        if not np.isfinite(array).all():
            raise InputError(f"The recipe would set {slot.path} to NaN or infinite values.")
        with in_full_precision():
            slot.variable.assign(array.astype("float64" if slot.variable.dtype == "float64" else "float32"))
        self._rows[slot.index] = {
            "scheme": scheme if isinstance(scheme, str) else label(scheme),
            "factor": factor,
            "block": block,
            "note": note,
        }

    def scale(self, slot: Slot, factor: float) -> None:
        """Multiply a weight that was put; what the account says of it stays."""
        row = dict(self._rows[slot.index])
        scheme, before = row.pop("scheme"), row.pop("factor")
        self.put(slot, self.value(slot) * factor, scheme, **row)
        self._rows[slot.index]["factor"] = before and before * factor

    def annotate(self, slot: Slot, note: str) -> None:
        """Add to what is to be known of a weight that was put."""
        row = self._rows[slot.index]
        row["note"] = "; ".join(filter(None, (row["note"], note)))

    def leave(self, slot: Slot, why: str) -> None:
        """Say that a weight stays as it was."""
        self._left[slot.path] = why

    def say(self, line: str) -> None:
        """Something for the account that belongs to no weight."""
        self._said.append(line)

    def account(self) -> Account:
        """What was changed so far."""
        rows = []
        for slot in self.every:
            if slot.index in self._rows:
                before = np.asarray(self._before[id(slot.variable)]).astype("float64")
                rows.append(
                    Redrawn(
                        slot.path,
                        slot.role,
                        slot.shape,
                        slot.fans,
                        std=float(self.value(slot).std()),
                        guessed=slot.guessed,
                        before=float(before.std()),
                        **self._rows[slot.index],
                    )
                )
        probe = 0 if self.x is None else len(keras.tree.flatten(self.x)[0])
        return Account(rows, Beside(dict(self._left), tuple(self.structure), probe, tuple(self._said)))

    def restore(self) -> None:
        """Give every variable the value that it had."""
        self._snapshot.restore()


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
                there = ", ".join(self.needs)
                raise InputError(
                    f"{name} is missing: {self.name} looks at data; call "
                    f"initlab.reinitialize(model, {self.name!r}, {there})."
                )

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
        chosen = {
            one.name: getattr(self, one.name)
            for one in dataclasses.fields(self)
            if one.repr and getattr(self, one.name) != one.default
        }
        schemes = keras.initializers.Initializer
        shown = {name: written(one) if isinstance(one, schemes) else one for name, one in chosen.items()}
        inner = ", ".join(f"{name}={value}" for name, value in shown.items())
        return f"{type(self).__name__}({inner})" if inner else type(self).__name__


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
        needed = ", ".join(f"{name}=..." for name in _required(kind))
        advice = f"; give initlab.recipes.{kind.__name__}({needed})" if needed else ""
        raise InputError(f"{kind.__name__} cannot be made: {error}{advice}.") from error


def _required(kind: type[Recipe]) -> list[str]:
    """The arguments without which a recipe cannot be made."""
    return [one.name for one in dataclasses.fields(kind) if one.default is dataclasses.MISSING]


def wide(value: Any) -> np.ndarray:
    """An array or a tensor of any precision as a float64 array on the host."""
    if keras.ops.is_tensor(value) and keras.backend.standardize_dtype(value.dtype) != "float64":
        value = keras.ops.cast(value, "float32")  # NumPy has no bfloat16
    return np.asarray(keras.ops.convert_to_numpy(value), "float64")


def drawn(name: str, scheme: Callable, slot: Slot, seeds: Seeds, generators: Generators, fans: str) -> Any:
    """What a scheme draws for a slot.

    Raises:
        InputError: If it cannot, or draws what does not fit.
    """
    check_rank(name, scheme, slot)
    try:
        value = draw(scheme, slot, seeds.draw(*slot.seed_path), generators, fans)
    except Exception as error:
        raise InputError(
            f"The initializer {name!r} cannot draw {slot.path} of shape {slot.shape}: "
            f"{type(error).__name__}: {error}"
        ) from error
    check_value(name, slot, value)
    return value
