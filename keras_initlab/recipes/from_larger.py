"""A small model out of the weights of a large one."""

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.network.heads import heads_of
from keras_initlab.network.roles import KERNEL_ROLES, same_role
from keras_initlab.network.slots import Slot, all_slots
from keras_initlab.network.unrolled import unrolled
from keras_initlab.recipes.examples import small_relu_net, wide_relu_net
from keras_initlab.recipes.followed import Counterpart, Followed
from keras_initlab.recipes.recipe import Recipe
from keras_initlab.recipes.registry import RecipeClaims, register
from keras_initlab.recipes.work import Work


@register(
    "from_larger",
    claims=RecipeClaims(
        law="W[i, j] = teacher's W[aᵢ, bⱼ], evenly spread entries of its first layers; the head stays",
        reference="Xu et al. 2024, arXiv:2311.18823",
        changes=("*",),
        random=False,
        example=small_relu_net,
        arguments=lambda: {"teacher": wide_relu_net()},
        use="For a small model of a family of which a larger one is trained",
        avoid="Where teacher and student have other layers, or another order of them",
    ),
)
@dataclass(frozen=True)
class FromLarger(Recipe):
    """Weight selection: a model takes evenly spread entries of a larger, trained one.

    Weights are paired in their order: a student of fewer layers has the teacher's first. Of each axis of n_t
    entries it takes n_s: every (n_t/n_s)-th where that is whole, else those nearest to even steps. Who reads
    a layer's outputs takes those that this layer took, behind `Flatten`, `Concatenate` and norms too. The
    heads stay: layers with a kernel behind which no other has one.

    Args:
        teacher: A built model of the same kinds of layers, none narrower.

    Raises:
        InputError: If a weight has no counterpart, the counterpart is smaller, or it reads what cannot be
            followed to the layers that chose.

    Reference: Xu et al. 2024, arXiv:2311.18823, section 3.

    >>> teacher, student = wide_relu_net(), small_relu_net()
    >>> account = FromLarger(teacher).apply(student)
    >>> one, other = (net.layers[1].get_weights()[0] for net in (student, teacher))
    >>> bool((one == other[::4, ::4]).all()), account.skipped["head/kernel"]
    (True, 'the head')
    """

    teacher: Any = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.teacher, keras.Model) or not self.teacher.built:
            raise InputError(f"teacher is {self.teacher!r}: give a built model.")

    def change(self, work: Work) -> None:
        graph = unrolled(work.model)
        kernels = [slot for slot in work.every if slot.role in KERNEL_ROLES]
        heads = heads_of(graph, kernels)
        theirs = [slot for slot in all_slots(self.teacher) if "seed" not in slot.role]
        ours = [slot for slot in work.every if "seed" not in slot.role]
        pairs: list[tuple[Slot, Slot]] = []
        for place, slot in enumerate(ours):
            if id(slot.layer) in heads:
                work.leave(slot, "the head")
            elif not work.may_write(slot):
                work.leave(slot, "it may not be written: frozen, no weight that trains, or left out")
            else:
                pairs.append((slot, _counterpart(slot, theirs[place] if place < len(theirs) else None)))
        followed = Followed(
            graph, {id(slot.variable): Counterpart(slot.path, other.shape) for slot, other in pairs}
        )
        for slot, other in pairs:
            value = np.asarray(keras.ops.convert_to_numpy(other.variable), "float64")
            for axis in range(value.ndim):
                value = value.take(followed.of(slot.variable, axis), axis)
            work.put(slot, value, "entries of teacher's", note=other.path)
        for name, why in graph.unclear.items():
            work.say(f"not looked into: {name} ({why}); its entries are taken by even steps on every axis")


def _counterpart(slot: Slot, other: Slot | None) -> Slot:
    """The teacher's weight that stands where this one does.

    Raises:
        InputError: If it is none that entries can be taken of.
    """
    if other is None or not same_role(other.role, slot.role) or len(other.shape) != len(slot.shape):
        there = f"{other.path}, a {other.role} of shape {other.shape}" if other else "nothing"
        raise InputError(
            f"{slot.path}, a {slot.role} of shape {slot.shape}, meets {there} in teacher: both need the "
            "same layers in the same order."
        )
    gated = "Cell" in type(slot.layer).__name__ and slot.shape != other.shape
    if gated or any(size > larger for size, larger in zip(slot.shape, other.shape, strict=True)):
        why = "its gates share an axis" if gated else "it is larger"
        raise InputError(
            f"{slot.path} has shape {slot.shape}, and teacher's {other.path} {other.shape}: {why}. Leave "
            "it out with layers=."
        )
    return other
