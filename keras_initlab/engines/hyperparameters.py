"""Numbers of the optimizer that differ between trials: variables, with a value for each member of a stack.

What stands in Python is baked into a compiled step. So both engines hold these numbers in variables of the
optimizer, and both compute with them here: regularization, clipping and decay mean the same in each.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

from keras_initlab.core.keras_private import decays, plain_class, trained_variables
from keras_initlab.core.rng import generator_start
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.lending import fresh_optimizer, remade

NEUTRAL = {
    "weight_decay": 0.0,
    "clipnorm": math.inf,
    "global_clipnorm": math.inf,
    "l1": 0.0,
    "l2": 0.0,
    "gradient_noise": 0.0,
}
"""The numbers beside the learning rate that can be held, with the value that has no effect."""

NUMBERS = ("learning_rate", *NEUTRAL)

NOISE_DECAY = 0.55
"""How fast the variance of gradient noise falls: eta / (1 + t) ** .55 (Neelakantan et al. 2015)."""


def own_number(optimizer: keras.optimizers.Optimizer, name: str) -> float:
    """What an optimizer itself has for a number; the neutral value where it has none."""
    if name == "learning_rate":
        return float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    found = getattr(optimizer, name, None)
    return NEUTRAL[name] if found is None else float(found)


def in_a_stack(optimizer: keras.optimizers.Optimizer, held: Collection[str]) -> tuple[str, ...]:
    """The numbers that a stack has to hold: those that differ, and those that Keras would apply to all
    members as to one model."""
    coupling = {"clipnorm", "global_clipnorm"} | ({"weight_decay"} if "learning_rate" in held else set())
    own = [name for name in coupling - set(held) if own_number(optimizer, name) != NEUTRAL[name]]
    return (*held, *sorted(own))


def shapes(names: Collection[str]) -> bool:
    """Whether the gradients themselves are changed, as dense arrays."""
    return not set(names) <= {"learning_rate", "weight_decay"}


def couples(names: Collection[str]) -> bool:
    """Whether an update with these numbers asks for more of a weight than its gradient: its shape or name."""
    return not set(names) <= {"learning_rate"}


class Held(keras.optimizers.Optimizer):
    """Mixed in before an optimizer's class. Everything but `apply`, `build` and `update_step` is Keras's."""

    held: SimpleNamespace

    def hold(self, names: Collection[str], size: int | None, penalized: Sequence[bool]) -> None:
        """Before `build`: which numbers, for how many members (None: one model without a member axis), and
        which of the variables are kernels, that L1 and L2 pull at."""
        self.held = SimpleNamespace(
            names=tuple(names), size=size, penalized=tuple(penalized), values={}, noise=None
        )
        if "learning_rate" in names:
            self.learning_rate = lambda: self.held.values["learning_rate"].value
        for name in ("weight_decay", "clipnorm", "global_clipnorm"):
            if name in names:
                setattr(self, name, None)

    def build(self, variables: Any) -> None:
        super().build(variables)
        shape = () if self.held.size is None else (self.held.size,)
        for name in self.held.names:
            self.held.values[name] = self.add_variable(shape, name=name)
        if "gradient_noise" in self.held.names:
            self.held.noise = self.add_variable((*shape, 2), dtype="uint32", name="noise")

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        variables = trained_variables(self) if trainable_variables is None else list(trainable_variables)
        if shapes(self.held.names):
            grads = self._shaped(grads, variables)
        if "weight_decay" in self.held.names:
            self._decay([variable for g, variable in zip(grads, variables, strict=True) if g is not None])
        super().apply(grads, trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if "learning_rate" in self.held.names:
            learning_rate = self._column("learning_rate", variable)
        super().update_step(gradient, variable, learning_rate)

    def _column(self, name: str, variable: Any) -> Any:
        """A number so that it meets the member axis alone: left to itself it would meet the last one.

        A table holds the rows of all members one below another.
        """
        value = keras.ops.cast(self.held.values[name].value, variable.dtype)
        if self.held.size is None:
            return value
        rows = variable.shape[0] // self.held.size
        value = keras.ops.repeat(value, rows) if rows > 1 else value
        return keras.ops.reshape(value, (-1, *(1,) * (len(variable.shape) - 1)))

    def _shaped(self, grads: Sequence[Any], variables: Sequence[Any]) -> list[Any]:
        scale = self.loss_scale_factor or 1.0
        found = [None if g is None else keras.ops.convert_to_tensor(g) / scale for g in grads]
        for position, variable in enumerate(variables):
            if found[position] is None or not self.held.penalized[position]:
                continue
            if "l2" in self.held.names:
                found[position] += 2 * self._column("l2", variable) * variable
            if "l1" in self.held.names:
                found[position] += self._column("l1", variable) * keras.ops.sign(variable)
        if "clipnorm" in self.held.names or "global_clipnorm" in self.held.names:
            found = list(self._clipped(found, variables))
        if "gradient_noise" in self.held.names:
            found = [
                None if g is None else g + self._noise(variable)
                for g, variable in zip(found, variables, strict=True)
            ]
        return [None if g is None else g * scale for g in found]

    def _clipped(self, grads: Sequence[Any], variables: Sequence[Any]) -> Iterator[Any]:
        first = 0 if self.held.size is None else 1
        squares = [
            None if g is None else keras.ops.sum(keras.ops.square(g), tuple(range(first, len(g.shape))))
            for g in grads
        ]
        total = keras.ops.sqrt(sum(one for one in squares if one is not None))
        for gradient, square in zip(grads, squares, strict=True):
            if gradient is None:
                yield None
                continue
            for name, norm in (("clipnorm", keras.ops.sqrt(square)), ("global_clipnorm", total)):
                if name not in self.held.names:
                    continue
                limit = self.held.values[name].value
                shrunk = keras.ops.where(norm > limit, limit / keras.ops.where(norm > limit, norm, 1), 1)
                shrunk = shrunk + (norm - norm)  # NaN where the norm is no number, as in Keras
                shrunk = keras.ops.cast(shrunk, gradient.dtype)
                gradient = gradient * keras.ops.reshape(
                    shrunk, (*shrunk.shape, *(1,) * (len(gradient.shape) - first))
                )
            yield gradient

    def _noise(self, variable: Any) -> Any:
        """Normal noise: the same draw for all members, each with its own strength."""
        shape = variable.shape if self.held.size is None else variable.shape[1:]
        drawn = keras.random.normal(shape, dtype=variable.dtype, seed=_Stream(self.held.noise))
        time = keras.ops.cast(self.iterations, variable.dtype)
        variance = self._column("gradient_noise", variable) / (1 + time) ** NOISE_DECAY
        return keras.ops.sqrt(variance) * drawn

    def _decay(self, variables: Sequence[Any]) -> None:
        for variable in variables:
            if decays(self, variable):
                rate = keras.ops.cast(self.learning_rate, variable.dtype)
                if "learning_rate" in self.held.names:
                    rate = self._column("learning_rate", variable)
                variable.assign(variable - variable * self._column("weight_decay", variable) * rate)


class _Stream(keras.random.SeedGenerator):
    """A stream of seeds whose state is a variable of the optimizer; of members that share it, the first's."""

    def __init__(self, held: keras.Variable):
        self._held = held

    def next(self, ordered: bool = True) -> Any:
        state = keras.ops.convert_to_tensor(self._held.value)
        self._held.assign(state + keras.ops.convert_to_tensor(np.array([0, 1], "uint32")))
        return state if len(state.shape) == 1 else state[0]


def holding(
    optimizer: keras.optimizers.Optimizer,
    names: Collection[str],
    size: int | None,
    penalized: Sequence[bool],
) -> keras.optimizers.Optimizer:
    """A fresh optimizer like this one that holds the named numbers in variables; not built.

    Args:
        optimizer: Whose class and configuration it takes.
        names: Of `NUMBERS`; without any it is a plain one.
        size: Members of a stack; None for a model that trains alone.
        penalized: For each variable that it will be built for, whether L1 and L2 pull at it.
    """
    if not names:
        return fresh_optimizer(optimizer)
    kind = plain_class(optimizer)
    made = remade(optimizer, type(kind.__name__, (Held, kind), {}))
    made.hold(names, size, penalized)
    return made


def set_numbers(
    optimizer: Any, numbers: Sequence[Mapping[str, float]], seeds: Seeds, begins: bool = True
) -> None:
    """Give a built optimizer the numbers of its members, or of the one trial; and what its noise begins with.

    Args:
        optimizer: Made by `holding`.
        numbers: Of each member.
        seeds: Of the replicate, for gradient noise.
        begins: Whether training begins, and with it the stream of noise.
    """
    held = getattr(optimizer, "held", None)
    if held is None:
        return
    alone = held.size is None
    for name, variable in held.values.items():
        values = np.array([one[name] for one in numbers], "float32")
        variable.assign(values[0] if alone else values)
    if begins and held.noise is not None:
        start = generator_start(held.noise, seeds.remedy("gradient_noise"))
        held.noise.assign(start if alone else np.broadcast_to(start, held.noise.shape))
