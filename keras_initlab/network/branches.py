"""The residual branches of a model, found in its flat graph or named by the user.

A residual addition joins a skip and one or several branches. The skip is the side with the fewest kernels: it
has none, or one projection and no activation; every branch has more. What adds up otherwise (features of two
towers, the levels of a pyramid) is none.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import own_variables, parts, projections
from keras_initlab.network.operations import PLAIN, PRODUCTS, is_bent, is_norm
from keras_initlab.network.roles import KERNEL_ROLES
from keras_initlab.network.slots import Slot
from keras_initlab.network.unrolled import ATTENTION, Graph, Node, unrolled


@dataclass(frozen=True, eq=False)
class Branch:
    """What is added to a skip.

    Attributes:
        number: From 1, in the order in which the additions run.
        name: Name of the addition.
        kernels: Its kernels, by layer or product, in the order in which they run.
        tail: What follows its last kernel, from the end: `scale`, `norm`, `activation`; with its slot.
        norms: Slots `gamma` and `beta` of all its norms.
        projection: Kernels of the skip.
        attention: The attention layer in it, if there is one.
        cross: Whether that takes its keys from elsewhere.
        normed: Whether a norm follows the addition.
        skip_scale: What the skip is multiplied by, where that is a number.
        tables: Embeddings on which it depends.
    """

    number: int
    name: str
    kernels: tuple[tuple[Slot, ...], ...]
    tail: tuple[tuple[str, Slot | None], ...] = ()
    norms: tuple[Slot, ...] = ()
    projection: tuple[Slot, ...] = ()
    attention: Any = None
    cross: bool = False
    normed: bool = False
    skip_scale: float = 1.0
    tables: tuple[Slot, ...] = ()

    @property
    def depth(self) -> int:
        """How many layers with kernels it has; an attention layer has four."""
        return len(self.kernels)


@dataclass(frozen=True, eq=False)
class Found:
    """The branches of a model.

    Attributes:
        branches: In the order in which they run.
        refused: Additions that are none -> why.
        unclear: Layers that could not be looked into -> why.
        head: Kernels of the last layer behind all branches; empty where there is none.
    """

    branches: tuple[Branch, ...]
    refused: dict[str, str]
    unclear: dict[str, str]
    head: tuple[Slot, ...] = ()

    @property
    def projections(self) -> int:
        """How many branches have a projection beside them."""
        return sum(bool(branch.projection) for branch in self.branches)

    @property
    def text(self) -> str:
        beside = f", {self.projections} beside a projection" if self.projections else ""
        more = f"; {len(self.refused)} other additions" if self.refused else ""
        return f"{len(self.branches)} residual branches{beside}{more}"


def branches(model: keras.Model, every: Sequence[Slot], named: Any = None) -> Found:
    """The residual branches of a model.

    Args:
        model: A built model.
        every: All its slots.
        named: A regular expression or several: weights whose paths match with the same text are one branch.
            None finds the branches in the graph.

    Raises:
        InputError: If there are none; says what was looked at, and how to name them.
    """
    found = find_branches(model, every) if named is None else _named(every, named)
    if found.branches:
        return found
    if named is not None:
        paths = ", ".join(slot.path for slot in every[:10])
        raise InputError(f"branches={named!r} matches no kernel. Paths are: {paths}, ...")
    seen = "".join(
        f" {kind}: " + "; ".join(f"{name} ({why})" for name, why in list(pairs.items())[:5]) + "."
        for kind, pairs in (
            ("Additions that are none", found.refused),
            ("Not looked into", found.unclear),
        )
        if pairs
    )
    raise InputError(
        f"No residual additions were found in the model {model.name!r}.{seen} Name the branches with "
        "branches=, a regular expression whose match in a weight's path says to which one it belongs, such "
        r"as branches='block_\d+'."
    )


def _named(every: Sequence[Slot], named: Any) -> Found:
    patterns = [named] if isinstance(named, str | re.Pattern) else list(named)
    groups: dict[Any, list[Slot]] = {}
    for slot in every:
        for place, pattern in enumerate(patterns):
            try:
                match = re.search(pattern, slot.path)
            except (re.error, TypeError) as error:
                raise InputError(
                    f"branches has {pattern!r}, which is no regular expression: {error}."
                ) from error
            if match:
                groups.setdefault((place, match[0]) if len(patterns) == 1 else place, []).append(slot)
                break
    made: list[Branch] = []
    for key, slots in groups.items():
        by_layer: dict[int, list[Slot]] = {}
        for slot in slots:
            if slot.role in KERNEL_ROLES:
                by_layer.setdefault(id(slot.layer), []).append(slot)
        norms = tuple(slot for slot in slots if slot.role in ("gamma", "beta", "scale"))
        last = max((slot.index for own in by_layer.values() for slot in own), default=-1)
        after = [slot for slot in norms if slot.index > last and slot.role != "beta"]
        tail = tuple(("norm", slot) for slot in after[-1:])
        name = key[1] if isinstance(key, tuple) else str(patterns[key])
        if by_layer:
            made.append(
                Branch(len(made) + 1, name, tuple(map(tuple, by_layer.values())), tail=tail, norms=norms)
            )
    inside = {slot.index for branch in made for own in branch.kernels for slot in own}
    behind = [slot for slot in every if slot.role in KERNEL_ROLES and slot.index > max(inside, default=0)]
    head = tuple(slot for slot in behind if slot.layer is behind[-1].layer)
    return Found(tuple(made), {}, {}, head)


def find_branches(model: keras.Model, every: Sequence[Slot]) -> Found:
    """The residual branches that the graph of a model shows; none where it shows none."""
    return _Finder(unrolled(model), every).run()


class _Finder:
    """Sets of nodes are whole numbers whose bits are the nodes' places."""

    def __init__(self, graph: Graph, every: Sequence[Slot]):
        self._graph, self._nodes = graph, graph.nodes
        self._slots = {id(slot.variable): slot for slot in every}
        self._maker: dict[int, int] = {}
        self._takers: dict[int, list[int]] = {}
        self._before: list[int] = []  # of each node, all that it depends on, itself included
        self._kernels: list[list[tuple[Slot, ...]]] = []
        for place, node in enumerate(self._nodes):
            before = 1 << place
            for tensor in node.inputs:
                self._takers.setdefault(tensor, []).append(place)
                if tensor in self._maker:
                    before |= self._before[self._maker[tensor]]
            self._before.append(before)
            for tensor in node.outputs:
                self._maker.setdefault(tensor, place)
            self._kernels.append(self._kernels_of(node))
        self._weighted = sum(1 << place for place, held in enumerate(self._kernels) if held)
        self._bent = sum(1 << place for place, node in enumerate(self._nodes) if is_bent(node.operation))

    def run(self) -> Found:
        made: list[Branch] = []
        refused: dict[str, str] = {}
        for place, node in enumerate(self._nodes):
            inputs = list(dict.fromkeys(node.inputs))
            if type(node.operation).__name__ != "Add" or len(inputs) < 2:
                continue
            sides = self._sides(inputs)
            if sides is None or not any(side & self._weighted for side in sides):
                continue
            counts = [self._count(side) for side in sides]
            skip = min(range(len(sides)), key=lambda at: (counts[at], sides[at].bit_count()))
            why = self._no_skip(sides[skip], counts[skip], counts[:skip] + counts[skip + 1 :])
            if why:
                refused[f"{node.name}#{place}" if node.name in refused else node.name] = why
                continue
            for at, side in enumerate(sides):
                if at != skip:
                    made.append(
                        self._branch(len(made) + 1, place, inputs[at], side, inputs[skip], sides[skip])
                    )
        last = max((place for place, held in enumerate(self._kernels) if held), default=-1)
        behind = last >= 0 and not any(
            self._kernels[last][-1] is own or set(self._kernels[last][-1]) & set(own)
            for branch in made
            for own in (*branch.kernels, branch.projection)
        )
        return Found(tuple(made), refused, self._graph.unclear, self._kernels[last][-1] if behind else ())

    def _sides(self, inputs: Sequence[int]) -> list[int] | None:
        """For each input of an addition the nodes between it and where all part; None if they never met."""
        before = [self._before[self._maker[one]] if one in self._maker else 0 for one in inputs]
        common = before[0]
        for one in before[1:]:
            common &= one
        forks = [
            tensor
            for tensor in self._takers
            if (tensor not in self._maker or common >> self._maker[tensor] & 1)
            and all(
                tensor == one
                or any(reach >> taker & 1 and not common >> taker & 1 for taker in self._takers[tensor])
                for one, reach in zip(inputs, before, strict=True)
            )
        ]
        if not forks:
            return None
        fork = max(forks, key=lambda tensor: self._maker.get(tensor, -1))
        after = self._after(fork)
        return [
            0 if one == fork else reach & after & ~common for one, reach in zip(inputs, before, strict=True)
        ]

    def _after(self, tensor: int) -> int:
        """All nodes that depend on a tensor."""
        reached, tensors = 0, {tensor}
        for place in range(min(self._takers[tensor]), len(self._nodes)):
            if tensors.intersection(self._nodes[place].inputs):
                reached |= 1 << place
                tensors.update(self._nodes[place].outputs)
        return reached

    def _count(self, side: int) -> int:
        return sum(len(self._kernels[place]) for place in _places(side & self._weighted))

    def _no_skip(self, side: int, count: int, others: Iterable[int]) -> str:
        if count > 1:
            return f"no side is a skip: each has kernels, the least {count}"
        if count and side & self._bent:
            return "the side with the fewest kernels has an activation"
        if any(other <= count for other in others):
            return "two sides have as few kernels"
        return ""

    def _branch(self, number: int, place: int, end: int, side: int, skip_end: int, skip_side: int) -> Branch:
        nodes = [self._nodes[at] for at in _places(side)]
        held = [kernels for at in _places(side & self._weighted) for kernels in self._kernels[at]]
        attention = next((node for node in nodes if isinstance(node.operation, ATTENTION)), None)
        return Branch(
            number,
            f"{getattr(self._nodes[place].owner, 'name', '')}/{self._nodes[place].name}".strip("/"),
            tuple(held),
            tuple(self._tail(end, side)),
            tuple(slot for node in nodes if is_norm(node.operation) for slot in self._slots_of(node)),
            tuple(
                slot
                for at in _places(skip_side & self._weighted)
                for own in self._kernels[at]
                for slot in own
            ),
            attention.operation if attention else None,
            attention is not None and attention.crosses,
            self._norm_follows(place),
            self._skip_scale(skip_end),
            tuple(
                slot
                for at in _places(self._before[place])
                for slot in self._slots_of(self._nodes[at])
                if slot.role == "embeddings"
            ),
        )

    def _tail(self, end: int, side: int) -> list[tuple[str, Slot | None]]:
        """What follows the last kernel of a branch, from its end backwards."""
        found: list[tuple[str, Slot | None]] = []
        tensor = end
        while tensor in self._maker and side >> self._maker[tensor] & 1:
            place = self._maker[tensor]
            node = self._nodes[place]
            if self._kernels[place]:
                if is_bent(node.operation):
                    found.append(("activation", None))
                break
            slots = [self._slots[id(one)] for one in node.variables if id(one) in self._slots]
            kind = type(node.operation).__name__
            if kind == "Multiply" and slots:
                found.append(("scale", slots[0]))
            elif kind == "LayerScale":
                found += [("scale", slot) for slot in self._slots_of(node)[:1]]
            elif is_norm(node.operation):
                gamma = [slot for slot in self._slots_of(node) if slot.role in ("gamma", "scale")]
                found.append(("norm", gamma[0] if gamma else None))
            elif is_bent(node.operation):
                found.append(("activation", None))
            elif len(node.inputs) != 1 and kind.lower() not in PLAIN and kind != "Add":
                found.append((kind.lower(), None))
                break
            if not node.inputs:
                break
            tensor = node.inputs[0]
        return found

    def _norm_follows(self, place: int) -> bool:
        node = self._nodes[place]
        while True:
            takers = [taker for tensor in node.outputs for taker in self._takers.get(tensor, ())]
            if not takers:
                return False
            following = self._nodes[takers[0]]
            if is_norm(following.operation):
                return len(takers) == 1
            if type(following.operation).__name__.lower() not in PLAIN or self._kernels[takers[0]]:
                return False
            node = following

    def _skip_scale(self, tensor: int) -> float:
        while tensor in self._maker:
            node = self._nodes[self._maker[tensor]]
            kind = type(node.operation).__name__
            if kind != "Cast":
                return node.constants[0] if kind == "Multiply" and node.constants else 1.0
            tensor = node.inputs[0]
        return 1.0

    def _kernels_of(self, node: Node) -> list[tuple[Slot, ...]]:
        """The kernels of a node, by layer in the order in which they run."""
        if isinstance(node.operation, ATTENTION):
            own = [self._own(layer) for layer in projections(node.operation)]
            return [kernels for kernels in own if kernels]
        if isinstance(node.operation, keras.Layer):
            by_layer = [self._own(layer) for layer in parts(node.operation)]
            return [kernels for kernels in by_layer if kernels]
        if type(node.operation).__name__ in PRODUCTS:
            held = [self._slots[id(one)] for one in node.variables if id(one) in self._slots]
            return [(slot,) for slot in held if slot.role in KERNEL_ROLES]
        return []

    def _own(self, layer: Any) -> tuple[Slot, ...]:
        variables = [one for own in own_variables(layer) for one in own]
        slots = [self._slots[id(one)] for one in variables if id(one) in self._slots]
        return tuple(slot for slot in slots if slot.role in KERNEL_ROLES)

    def _slots_of(self, node: Node) -> list[Slot]:
        if not isinstance(node.operation, keras.Layer):
            return []
        return [self._slots[id(one)] for one in own_variables(node.operation)[0] if id(one) in self._slots]


def _places(nodes: int) -> list[int]:
    return [place for place in range(nodes.bit_length()) if nodes >> place & 1]
