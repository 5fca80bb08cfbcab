"""A model at work: what a recipe draws and writes through, and what tells the account of it."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import in_full_precision
from keras_initlab.core.rng import Generators
from keras_initlab.core.seeds import Seeds
from keras_initlab.initializers.adapting import label, resolve
from keras_initlab.network.drawing import check_rank, check_value, draw
from keras_initlab.network.slots import Slot, all_slots
from keras_initlab.network.snapshot import Snapshot, carried_states
from keras_initlab.recipes.account import Account, Beside, Redrawn


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

    def freeze(self, slot: Slot) -> None:
        """Let a weight that was put stay from now on."""
        slot.variable.trainable = False
        self.annotate(slot, "frozen")

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
