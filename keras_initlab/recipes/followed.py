"""The entries that a smaller model takes of a larger one, followed through its flat graph.

A kernel takes evenly spread outputs. Whoever reads these, flattened, joined or normed, takes the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import projections
from keras_initlab.network.operations import PRODUCTS, is_norm
from keras_initlab.network.unrolled import ATTENTION, Graph, Node
from keras_initlab.recipes.entries import Axes, Entries, joined, met, reshaped, split, spread


class Unknown(NamedTuple):
    """A tensor of which the entries are not known, since this operation.

    Even steps are still the same on both sides, until axes are joined or split.
    """

    since: str
    mixed: bool = False


SHAPING = ("Flatten", "Reshape", "ExpandDims", "Squeeze")
TURNING = ("Permute", "Transpose")
JOINING = ("Concatenate",)
REDUCING = ("Mean", "Max", "Min", "Sum", "Amax", "Amin")
CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D")
TRANSPOSED = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")
SEPARABLE = ("SeparableConv1D", "SeparableConv2D")
SCALING = ("PReLU", "LayerScale")
OPAQUE = (*PRODUCTS, "Flip", "Roll", "Sort", "Argsort", "Take", "TakeAlongAxis")
"""Operations behind which an axis is another one."""


class Counterpart(NamedTuple):
    """What a weight takes entries of.

    Attributes:
        path: Of the weight.
        shape: Of the larger model's.
    """

    path: str
    shape: tuple[int, ...]


class Followed:
    """The entries of every weight.

    Args:
        graph: The flat graph of the smaller model.
        counterparts: By identity of each variable that takes entries.

    Raises:
        InputError: If a weight reads what cannot be followed, or two choices meet.
    """

    def __init__(self, graph: Graph, counterparts: Mapping[int, Counterpart]):
        self._counterparts = counterparts
        self._chosen: dict[tuple[int, int], Entries] = {}
        self._known: dict[int, Axes | Unknown] = {}
        for node in graph.nodes:
            shapes = [graph.shapes[one][1:] for one in node.inputs]
            given = [
                self._known.setdefault(one, (None,) * len(shape))
                for one, shape in zip(node.inputs, shapes, strict=True)
            ]
            for one in node.outputs:
                after = graph.shapes[one][1:]
                made = self._through(node, given, shapes, after)
                fits = isinstance(made, Unknown) or len(made) == len(after)
                self._known[one] = made if fits else Unknown(node.name)

    def of(self, variable: Any, axis: int) -> np.ndarray:
        """Which entries a weight takes of its counterpart's axis."""
        found = self._chosen.get((id(variable), axis))
        larger = self._counterparts[id(variable)].shape[axis]
        return (found or spread(larger, variable.shape[axis])).indices

    def _outputs(self, variable: Any, axis: int) -> Entries | None:
        """Those of a kernel's outputs; None of one that takes nothing."""
        axis %= len(variable.shape)
        held = self._counterparts.get(id(variable))
        return held and spread(held.shape[axis], variable.shape[axis])

    def _reads(self, variable: Any, axis: int, given: Axes | Unknown, at: int = -1) -> None:
        """Let an axis of a weight take what an axis of a tensor has."""
        if isinstance(given, Unknown):
            self._refuse_mixed(variable, axis, given)
        elif given and given[at] is not None:
            self._take(variable, axis, given[at])

    def _refuse_mixed(self, variable: Any, axis: int, given: Unknown) -> None:
        held = self._counterparts.get(id(variable))
        if held and given.mixed and held.shape[axis] != variable.shape[axis]:
            raise InputError(
                f"{held.path} reads axes that were joined or split, and entries cannot be followed through "
                f"{given.since!r}: leave it out with layers=."
            )

    def _take(self, variable: Any, axis: int, entries: Entries | None) -> None:
        axis %= len(variable.shape)
        held = self._counterparts.get(id(variable))
        if held is None or entries is None:
            return
        if entries.size != held.shape[axis]:
            raise InputError(
                f"{held.path} reads entries of {entries.size} numbers, and teacher's counterpart, of shape "
                f"{held.shape}, reads {held.shape[axis]}: both need inputs of one size. Leave it out with "
                "layers=."
            )
        if self._chosen.setdefault((id(variable), axis), entries) != entries:
            raise InputError(
                f"{held.path} reads different entries of teacher's in two places: leave it out with layers=."
            )

    def _through(
        self,
        node: Node,
        given: Sequence[Axes | Unknown],
        shapes: Sequence[Sequence[int]],
        after: Sequence[int],
    ) -> Axes | Unknown:
        """What comes out of a node."""
        operation, kind = node.operation, type(node.operation).__name__
        if not given:  # a table or a token by itself
            alone = len(node.variables) == 1 and not isinstance(operation, keras.Layer)
            return self._held(node.variables[0], len(after)) if alone else Unknown(node.name)
        if isinstance(operation, ATTENTION):
            return self._attend(node)
        if isinstance(operation, keras.layers.Dense):
            return self._product(operation.kernel, given[0], len(after))
        if kind == "Matmul" and len(given) == len(node.variables) == 1:
            return self._product(node.variables[0], given[0], len(after))
        if kind == "EinsumDense":
            return self._contract(operation.equation, operation.kernel, given[0], len(after))
        if isinstance(operation, keras.layers.Embedding):
            return self._embed(operation, given[0], shapes[0], len(after))
        if kind in (*CONVOLUTIONS, *TRANSPOSED, *DEPTHWISE, *SEPARABLE):
            return self._convolve(operation, kind, given[0], len(after))
        known = [one for one in given if not isinstance(one, Unknown)]
        if len(known) < len(given):
            lost = next(one for one in given if isinstance(one, Unknown))
            rows = len(after) == 2 and kind in JOINING and operation.axis in (1, -2)
            return lost._replace(mixed=lost.mixed or (kind in (*SHAPING, *JOINING) and not rows))
        if kind == "Matmul" and len(known) == 2 and len(known[0]) == len(known[1]) > 1:
            return (*known[0][:-1], known[1][-1])
        if kind in OPAQUE:
            return Unknown(node.name)
        if kind in SHAPING:
            return _shaped(operation, known[0], shapes[0], after) or Unknown(node.name, mixed=True)
        if kind in TURNING:
            return _turned(operation, kind, known[0])
        if kind in JOINING:
            axis = operation.axis - (operation.axis > 0)
            along = joined([one[axis] for one in known], [shape[axis] for shape in shapes])
            rest = _agreed(node, [(*one[:axis], None, *one[axis:][1:]) for one in known], shapes, len(after))
            return (*rest[:axis], along, *rest[axis:][1:])
        if kind in REDUCING or kind.startswith("Global"):
            return _reduced(operation, kind, known[0], len(after))
        if kind == "GetItem" and tuple(shapes[0][-1:]) == tuple(after[-1:]) and not any(known[0][:-1]):
            return (*(None,) * (len(after) - 1), known[0][-1])
        return self._number_by_number(node, known, shapes, after)

    def _number_by_number(
        self, node: Node, given: Sequence[Axes], shapes: Sequence[Sequence[int]], after: Sequence[int]
    ) -> Axes | Unknown:
        """Through norms, activations, additions, pools and whatever else keeps each axis with entries."""
        layer = isinstance(node.operation, keras.Layer)
        held = [*node.variables, *(node.operation.weights if layer else ())]
        scales = is_norm(node.operation) or type(node.operation).__name__ in SCALING
        if layer and held and not scales:
            return Unknown(node.name)
        if max(map(len, shapes)) > len(after):
            return Unknown(node.name, mixed=True)
        made = _agreed(node, given, shapes, len(after))
        for axis in range(len(after)):
            sizes = [shape[axis - len(after)] for shape in shapes if len(shape) >= len(after) - axis]
            if made[axis] is not None and after[axis] not in sizes:
                return Unknown(node.name, mixed=True)
        for variable in held:
            for axis in range(len(variable.shape)):
                at = axis - len(variable.shape)
                if len(variable.shape) == 1 and layer:
                    own = np.ravel(getattr(node.operation, "axis", -1))[0]
                    at = int(own) - (own > 0)
                if -at <= len(after) and variable.shape[axis] == after[at]:
                    self._reads(variable, axis, made, at)
        return made

    def _held(self, variable: Any, rank: int) -> Axes:
        """What a weight is as a tensor, by its last axes."""
        axes = [self._outputs(variable, axis) for axis in range(len(variable.shape))][-rank:]
        return (*(None,) * (rank - len(axes)), *axes)

    def _embed(self, layer: Any, given: Axes | Unknown, shape: Sequence[int], rank: int) -> Axes:
        """A table, or the way back to words."""
        if rank > len(shape):
            return (*(None,) * (rank - 1), self._outputs(layer.embeddings, 1))
        table, axis = (layer.embeddings, 1) if layer.tie_weights else (layer.reverse_embeddings, 0)
        self._reads(table, axis, given)
        return (None,) * rank

    def _product(self, kernel: Any, given: Axes | Unknown, rank: int) -> Axes:
        self._reads(kernel, 0, given)
        before = (None,) * (rank - 1) if isinstance(given, Unknown) else given[:-1]
        return (*before, self._outputs(kernel, -1))

    def _convolve(self, layer: Any, kind: str, given: Axes | Unknown, rank: int) -> Axes | Unknown:
        first = getattr(layer, "data_format", "channels_last") == "channels_first"
        channels = 0 if first else -1
        kernel = layer.kernel if kind not in SEPARABLE else layer.depthwise_kernel
        if kind in (*DEPTHWISE, *SEPARABLE):
            self._reads(kernel, -2, given, channels)
            many, each = self._read_as(kernel, -2), self._outputs(kernel, -1)
            shape = tuple(kernel.shape[-2:])
            along = reshaped((many, each), shape, (shape[0] * shape[1],))
            if along is None:
                return Unknown(layer.path, mixed=True)
            made = along[0]
            if kind in SEPARABLE:
                self._take(layer.pointwise_kernel, -2, made)
                made = self._outputs(layer.pointwise_kernel, -1)
            elif layer.use_bias:
                self._take(layer.bias, 0, made)
        else:
            inputs, outputs = (-1, -2) if kind in TRANSPOSED else (-2, -1)
            made = self._outputs(kernel, outputs)
            if getattr(layer, "groups", 1) > 1:
                self._grouped(layer, given, channels, made)
            else:
                self._reads(kernel, inputs, given, channels)
        return tuple(made if at == channels % rank else None for at in range(rank))

    def _read_as(self, variable: Any, axis: int) -> Entries | None:
        """What an axis of a weight takes by now."""
        axis %= len(variable.shape)
        return self._chosen.get((id(variable), axis)) or self._outputs(variable, axis)

    def _grouped(self, layer: Any, given: Axes | Unknown, channels: int, made: Entries | None) -> None:
        """Each group of channels takes the same entries of its own counterpart."""
        if isinstance(given, Unknown):
            return self._reads(layer.kernel, -2, given._replace(mixed=True))
        held, came = self._counterparts.get(id(layer.kernel)), given[channels]
        if held is None or came is None or made is None:
            return None
        each, groups = layer.kernel.shape[-2], max(1, came.size // held.shape[-2])
        inputs = split(came, (groups, held.shape[-2]), (layer.groups, each))
        outputs = split(made, (groups, made.size // groups), (layer.groups, -1))
        if inputs is None or outputs is None or inputs[0] != outputs[0]:
            raise InputError(
                f"The {layer.groups} groups of {layer.path} do not take the same entries of teacher's: "
                "leave it out with layers=."
            )
        return self._take(layer.kernel, -2, inputs[1])

    def _contract(self, equation: str, kernel: Any, given: Axes | Unknown, rank: int) -> Axes:
        """Through a product with a kernel, letter by letter from the last; the first is the examples'."""
        operands, result = equation.replace(" ", "").replace("...", "").split("->")
        inputs, inner = operands.split(",")
        for axis, letter in enumerate(inner):
            if letter in inputs:
                self._reads(kernel, axis, given, inputs.index(letter) - len(inputs))
        found: dict[str, Entries | None] = {}
        if not isinstance(given, Unknown):
            found.update(zip(inputs[::-1], given[::-1], strict=False))
        found |= {one: self._outputs(kernel, axis) for axis, one in enumerate(inner) if one not in inputs}
        last = [found.get(letter) for letter in result][-rank:]
        return (*(None,) * (rank - len(last)), *last)

    def _attend(self, node: Node) -> Axes:
        """Queries, keys and values read what comes to each."""
        *reading, output = projections(node.operation)
        for layer, number in zip(reading, node.attended, strict=True):
            self._reads(layer.kernel, 0, self._known[number])
        return (None, self._outputs(output.kernel, -1))


def _agreed(node: Node, given: Sequence[Axes], shapes: Sequence[Sequence[int]], rank: int) -> Axes:
    """The entries of tensors that meet.

    Raises:
        InputError: If they are different ones.
    """
    made = met(given, shapes, rank)
    if made is None:
        raise InputError(
            f"{node.name} brings together different entries of teacher's: leave layers before it out with "
            "layers=."
        )
    return made


def _shaped(operation: Any, axes: Axes, before: Sequence[int], after: Sequence[int]) -> Axes | None:
    if type(operation).__name__ == "Flatten" and operation.data_format == "channels_first":
        axes, before = (*axes[1:], *axes[:1]), (*before[1:], *before[:1])
    return reshaped(axes, tuple(before), tuple(after))


def _turned(operation: Any, kind: str, axes: Axes) -> Axes:
    order = operation.dims if kind == "Permute" else operation.axes
    if order is None:
        return axes[::-1]
    order = order if kind == "Permute" else order[1:]
    return tuple(axes[axis - 1] for axis in order)


def _reduced(operation: Any, kind: str, axes: Axes, rank: int) -> Axes | Unknown:
    if kind.startswith("Global"):
        first = operation.data_format == "channels_first"
        gone = set(range(1, len(axes)) if first else range(len(axes) - 1))
    elif operation.axis is None:
        return Unknown(operation.name, mixed=True)
    else:
        gone = {(axis - 1) if axis > 0 else axis + len(axes) for axis in np.ravel(operation.axis).tolist()}
    left = [None if at in gone else one for at, one in enumerate(axes)]
    return tuple(left) if rank == len(axes) else tuple(one for at, one in enumerate(left) if at not in gone)
