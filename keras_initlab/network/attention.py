"""The layers of a Transformer, and what the kernels of its attention are for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from keras_initlab.core.errors import InputError
from keras_initlab.network.branches import Branch
from keras_initlab.network.slots import Slot

_NAMES = {
    "query": "q|wq|query|queries|to_q|w_q",
    "key": "k|wk|key|keys|to_k|w_k",
    "value": "v|wv|value|values|to_v|w_v",
    "output": "o|wo|out|output|attention_output|c_proj|to_out|w_o",
}
_ROLES = {
    role: re.compile(rf"(^|/|_)({names})(_?(proj|projection|dense|linear))?(/|$)")
    for role, names in _NAMES.items()
}


@dataclass(frozen=True, eq=False)
class Attention:
    """The kernels of an attention branch."""

    query: Slot
    key: Slot
    value: Slot
    output: Slot


@dataclass(frozen=True, eq=False)
class Block:
    """One layer of a Transformer.

    Attributes:
        number: From 1, in the order in which the layers run, counted in its stack.
        attention: Its own attention and the branch that has it.
        cross: Those that take keys from elsewhere.
        forward: Its feed-forward branches.
    """

    number: int
    attention: tuple[Attention, Branch]
    cross: tuple[tuple[Attention, Branch], ...]
    forward: tuple[Branch, ...]

    @property
    def decodes(self) -> bool:
        return bool(self.cross)

    @property
    def branches(self) -> tuple[Branch, ...]:
        return (self.attention[1], *(branch for _, branch in self.cross), *self.forward)


def attention_of(branch: Branch) -> Attention | None:
    """The four kernels of a branch's attention; None where it has none."""
    if branch.attention is not None and branch.depth >= 4:
        query, key, value, output = (own[0] for own in branch.kernels[:4])
        return Attention(query, key, value, output)
    found: dict[str, Slot] = {}
    for own in branch.kernels:
        for slot in own:
            place = slot.path.removesuffix("/kernel").lower()
            for role, pattern in _ROLES.items():
                if role not in found and pattern.search(place):
                    found[role] = slot
                    break
    return Attention(**found) if len(found) == 4 else None


def blocks(found: Sequence[Branch]) -> list[Block]:
    """The branches of a Transformer, layer by layer: an attention, those across, and what feeds forward.

    Raises:
        InputError: If there is no attention, or a branch stands before the first.
    """
    made: list[Block] = []
    counts = {True: 0, False: 0}
    groups: list[list[tuple[Attention | None, Branch]]] = []
    for branch in found:
        attention = attention_of(branch)
        if attention is not None and not branch.cross:
            groups.append([])
        if not groups:
            raise InputError(
                f"The branch {branch.name!r} stands before the first attention: this is no Transformer. Take "
                "a recipe for residual nets, such as initlab_fixup."
            )
        groups[-1].append((attention, branch))
    if not groups:
        raise InputError(
            "No attention was found in the residual branches: take a recipe for residual nets, such as "
            "initlab_fixup."
        )
    for group in groups:
        attended = [(attention, branch) for attention, branch in group if attention is not None]
        decodes = len(attended) > 1
        counts[decodes] += 1
        forward = tuple(branch for attention, branch in group if attention is None)
        if not forward:
            raise InputError(
                f"The attention {group[0][1].name!r} is followed by no feed-forward branch, so layers cannot "
                "be counted: name the branches with branches=."
            )
        made.append(Block(counts[decodes], attended[0], tuple(attended[1:]), forward))
    return made
