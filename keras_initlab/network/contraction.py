"""What an operation of Keras does with the axes of a weight that reaches it, read from the operation.

A weight seldom arrives as it was made: it is transposed, split, or given the axes of heads. `Axes` says, for
each axis of the tensor that arrives, which axes of the weight it holds and how much of each.
"""

import math
from collections.abc import Sequence
from typing import Any

from keras_initlab.initializers.fans import Fans

Axes = list[list[tuple[int, int]]]
"""For each axis of a tensor, the (axis of the weight, size) that it holds, the slowest first."""


_PARTS = ("Split", "ArraySplit", "Hsplit", "Vsplit", "Dsplit", "Slice")


def whole(shape: Sequence[int]) -> Axes:
    """The weight itself."""
    return [[(axis, size)] for axis, size in enumerate(shape)]


def moved(
    operation: Any, axes: Axes, shape: Sequence[int], out: Sequence[int], key: Any = None
) -> Axes | None:
    """Where the weight's axes are in the output of an operation; None where that cannot be told."""
    kind, rank = type(operation).__name__, len(shape)
    if kind == "Transpose":
        return [axes[axis] for axis in operation.axes or reversed(range(rank))]
    if kind == "Swapaxes":
        order = list(axes)
        one, other = operation.axis1, operation.axis2
        order[one], order[other] = order[other], order[one]
        return order
    if kind == "Moveaxis":
        return _moveaxis(axes, operation.source, operation.destination)
    if kind == "Unstack":
        return [held for axis, held in enumerate(axes) if axis != operation.axis % rank]
    if kind == "GetItem":
        return _picked(axes, shape, out, key)
    if kind in ("Take", "TakeAlongAxis") and operation.axis is not None:
        axis = operation.axis % rank
        return [*axes[:axis], *[[] for _ in range(len(out) - rank + 1)], *axes[axis + 1 :]]
    if math.prod(shape) == math.prod(out) and tuple(shape) != tuple(out):
        return _reshaped(axes, shape, out)
    if len(out) < rank or (math.prod(out) < math.prod(shape) and kind not in _PARTS):
        return None  # a norm or another number taken from the weight
    return [[]] * (len(out) - rank) + _cut(axes, shape, out[len(out) - rank :])


def _cut(axes: Axes, shape: Sequence[int], out: Sequence[int]) -> Axes:
    """The axes after a split or a slice; what a broadcast repeats is not the weight's."""
    return [
        [(held[0][0], after)] if len(held) == 1 and after < before else held
        for held, before, after in zip(axes, shape, out, strict=True)
    ]


def _moveaxis(axes: Axes, source: Any, destination: Any) -> Axes:
    pairs = zip(_listed(source), _listed(destination), strict=True)
    where = {destination % len(axes): source % len(axes) for source, destination in pairs}
    others = iter(axis for axis in range(len(axes)) if axis not in where.values())
    return [axes[where[axis] if axis in where else next(others)] for axis in range(len(axes))]


def _listed(axes: Any) -> list[int]:
    return [axes] if isinstance(axes, int) else list(axes)


def _picked(axes: Axes, shape: Sequence[int], out: Sequence[int], key: Any) -> Axes:
    keys = list(key) if isinstance(key, tuple | list) else [key]
    named = sum(1 for entry in keys if entry is not None and entry is not Ellipsis)
    if Ellipsis not in keys:
        keys.append(Ellipsis)
    found: Axes = []
    axis = 0
    for entry in keys:
        if entry is None:
            found.append([])
        elif entry is Ellipsis:
            rest = len(axes) - named
            found += axes[axis : axis + rest]
            axis += rest
        else:
            if isinstance(entry, slice):
                found += _cut([axes[axis]], [shape[axis]], [out[len(found)]])
            axis += 1
    return found


def _reshaped(axes: Axes, shape: Sequence[int], out: Sequence[int]) -> Axes | None:
    if [math.prod(size for _, size in held) for held in axes] != list(shape):
        return None  # something repeats the weight
    left = [part for held in axes for part in held if part[1] != 1]
    found: Axes = []
    for size in out:
        held: list[tuple[int, int]] = []
        while size > 1:
            axis, most = left.pop(0)
            taken = math.gcd(size, most)
            if taken not in (size, most):
                return None
            held.append((axis, taken))
            if taken < most:
                left.insert(0, (axis, most // taken))
            size //= taken
        found.append(held)
    return found


def parts_played(operation: Any, position: int, operands: Sequence[Any]) -> list[str] | None:
    """Whether each axis of an operand is summed over, new in the output, or shared with another operand.

    None for an operation that multiplies no matrices.
    """
    kind = type(operation).__name__
    ranks = [len(operand.shape) for operand in operands]
    rank = ranks[position]
    if kind == "Einsum":
        return _einsum(operation.subscripts, position, ranks)
    if len(operands) != 2 or rank == 0:
        return None
    other = ranks[1 - position]
    if kind in ("Matmul", "Dot"):
        summed = rank - 1 if position == 0 or rank == 1 else rank - 2
        found = ["new"] * rank
        found[summed] = "summed"
        if kind == "Matmul":
            for axis in range(rank - 2):
                if rank - axis <= other and operands[1 - position].shape[axis - rank] != 1:
                    found[axis] = "shared"
        return found
    if kind == "Inner":
        return ["new"] * (rank - 1) + ["summed"]
    if kind == "Tensordot":
        axes = operation.axes
        if isinstance(axes, int):
            summed_axes = list(range(axes) if position else range(rank - axes, rank))
        else:
            summed_axes = [axis % rank for axis in _listed(axes[position])]
        return ["summed" if axis in summed_axes else "new" for axis in range(rank)]
    return None


def _einsum(subscripts: str, position: int, ranks: Sequence[int]) -> list[str]:
    inputs, _, result = subscripts.replace(" ", "").partition("->")
    if "->" not in subscripts:
        letters = inputs.replace(",", "").replace(".", "")
        result = "..." + "".join(letter for letter in letters if letters.count(letter) == 1)
    terms = inputs.split(",")
    elsewhere = "".join(terms[:position] + terms[position + 1 :])
    roles = {
        letter: "summed" if letter not in result else "shared" if letter in elsewhere else "new"
        for letter in terms[position]
    }
    before, dots, after = terms[position].partition("...")
    spread = ["shared"] * (ranks[position] - len(before) - len(after)) if dots else []
    return [roles[letter] for letter in before] + spread + [roles[letter] for letter in after]


def contracted(axes: Axes, played: Sequence[str]) -> Fans | None:
    """Fans of a weight whose axes play these parts in a product; None where nothing is summed.

    Summed axes are inputs and new ones outputs, but for new ones that stand before the inputs while others
    follow them: `(experts, in, out)` holds one kernel for each expert.
    """
    of: dict[str, list[tuple[int, int]]] = {"summed": [], "new": [], "shared": []}
    for held, part in zip(axes, played, strict=True):
        of[part] += held
    if "summed" not in played:
        return None
    inputs = [axis for axis, _ in of["summed"]]
    new = of["new"]
    if inputs and any(axis > max(inputs) for axis, _ in new):
        new = [part for part in new if part[0] > min(inputs)]
    return Fans(math.prod(size for _, size in of["summed"]), math.prod(size for _, size in new))


def convolved(operation: Any, position: int, operands: Sequence[Any]) -> Fans | None:
    """Fans of a kernel in a convolution of `keras.ops`; None for other operations and operands."""
    kind = type(operation).__name__
    if kind not in ("Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose") or position == 0:
        return None
    *window, one, other = operands[position].shape
    taps = math.prod(window)
    strides = operation.strides
    stride = strides ** len(window) if isinstance(strides, int) else math.prod(strides)
    if kind == "ConvTranspose":  # (*window, out, in)
        return Fans(max(1, round(other * taps / stride)), one * taps)
    if kind == "DepthwiseConv" or (kind == "SeparableConv" and position == 1):
        return Fans(taps, max(1, round(taps * other / stride)))
    stride = stride if kind == "Conv" else 1  # the pointwise kernel is shown every place that is left
    return Fans(taps * one, max(1, round(taps * other / stride)))
