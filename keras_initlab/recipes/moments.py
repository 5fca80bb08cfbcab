"""Unit variance of every layer's sums, by theory instead of data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np

from keras_initlab.core.arguments import one_of, positive
from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import is_activation, parts, projections
from keras_initlab.network.moments import MeanVariance, follow_moments, variance_for
from keras_initlab.network.roles import KERNEL_ROLES
from keras_initlab.network.slots import Slot
from keras_initlab.network.unrolled import ATTENTION, Graph, Node, unrolled
from keras_initlab.recipes.chains import zero_all_biases
from keras_initlab.recipes.examples import small_relu_net
from keras_initlab.recipes.recipe import Recipe
from keras_initlab.recipes.registry import RecipeClaims, register
from keras_initlab.recipes.work import Work


def unit_sums(model: Any, x: Any) -> list[float]:
    """Mean square of each kernel · inputs · their second moment is 1, with ReLUs between."""
    found, second = [], 1.0
    for layer in model.layers:
        kernel = np.asarray(keras.ops.convert_to_numpy(layer.kernel), "float64")
        found.append((kernel**2).mean() * kernel.shape[0] * second - 1)
        second = 0.5  # of a ReLU on unit sums
    return found


@register(
    "moments",
    claims=RecipeClaims(
        law="E W² = v/(n_in · E x²), with moments of x followed through the graph, without data; b = 0",
        reference="Bingham & Miikkulainen 2023, AutoInit, arXiv:2109.08958",
        changes=(*KERNEL_ROLES, "bias"),
        example=small_relu_net,
        exact=unit_sums,
        use="For nets of any activations, additions, joins and poolings, where no data are at hand",
        avoid="For pictures behind overlapping windows, whose neighbours are alike: take initlab_lsuv",
    ),
)
@dataclass(frozen=True)
class Moments(Recipe):
    """Unit variance of every layer's sums, foreseen from the graph.

    Mean and variance go through the model from inputs of mean 0 and `variance`: through activations by
    quadrature, additions, averages, joins, norms, poolings, and padding, which dilutes. Each kernel is drawn
    from `base` and brought to the mean square v/(n_in · E x²). Exact for wide layers and independent inputs;
    in a picture neighbours are alike, and pooling keeps more than this foresees. In attention the output
    projection is made as for one attended place. Recurrent layers are drawn and not scaled.

    Args:
        base: The scheme that draws the kernels; its scale does not matter.
        target: `"sums"` to have v = `variance` of each layer's sums, `"activation"` for a second moment of 1
            behind the activation that follows (half of the largest where that is out of reach).
        variance: Of the inputs, and of the sums.

    Raises:
        InputError: If the model's code cannot be followed, or an argument cannot work.

    Reference: Bingham & Miikkulainen 2023, arXiv:2109.08958, section 3; `target="activation"`: the package
    AnyInit.

    >>> model = small_relu_net()
    >>> account = Moments().apply(model)
    >>> bool(max(map(abs, unit_sums(model, None))) < 1e-5)
    True
    """

    targets: ClassVar[tuple[str, ...]] = ("sums", "activation")

    base: Any = "initlab_lecun_normal"
    target: str = "sums"
    variance: float = 1.0

    def __post_init__(self) -> None:
        one_of("target", self.target, self.targets)
        positive("variance", self.variance)

    def change(self, work: Work) -> None:
        graph = unrolled(work.model)
        if not graph.nodes:
            why = "; ".join(f"{name} ({reason})" for name, reason in graph.unclear.items())
            raise InputError(
                f"The graph of the model {work.model.name!r} is not known: {why}. Take initlab_lsuv, which "
                "looks at data."
            )
        following = _Following(work, graph, self)
        _, unclear = follow_moments(graph, following.weigh, MeanVariance(0.0, self.variance))
        for layer, own in work.by_layer(KERNEL_ROLES):
            for slot in own:
                if slot.index not in following.done:
                    note = "drawn and not scaled: the graph does not say what comes in"
                    work.put(slot, work.draw(slot, self.base), self.base, note=note)
            zero_all_biases(work, layer)
        for name, kind in unclear.items():
            work.structure.append(f"behind {name} ({kind}) mean 0 and variance 1 are taken")
        work.structure.extend(f"not looked into: {name} ({why})" for name, why in graph.unclear.items())


class _Following:
    """Sets kernels as the moments come to them."""

    def __init__(self, work: Work, graph: Graph, recipe: Moments):
        self._work, self._graph, self._recipe = work, graph, recipe
        self._slots = {id(slot.variable): slot for slot in work.every if slot.role in KERNEL_ROLES}
        self.done: set[int] = set()

    def weigh(self, node: Node, given: Sequence[MeanVariance], share: float) -> MeanVariance | None:
        kernels = self._kernels(node)
        if isinstance(node.operation, keras.layers.RNN | keras.layers.Bidirectional) or not kernels:
            return None
        variance = self._wanted(node)
        sums = MeanVariance(0.0, variance)
        comes = [*given, sums] if node.attended else [given[0]] * len(kernels)
        for slot, one in zip(kernels, comes, strict=True):
            within = len(kernels) > 1 and slot.role == "pointwise_kernel"
            self._set(slot, sums.second if within else one.second * share, variance)
        return sums

    def _set(self, slot: Slot, second: float, variance: float) -> None:
        work, base = self._work, self._recipe.base
        if slot.index in self.done:
            work.annotate(slot, "used again, and scaled for its first use")
            return
        self.done.add(slot.index)
        if not work.may_write(slot):
            return
        if second <= 0:
            note = "drawn and not scaled: nothing comes in"
            work.put(slot, work.draw(slot, base), base, note=note)
            return
        drawn = np.asarray(keras.ops.convert_to_numpy(work.draw(slot, base)), "float64")
        size = math.sqrt(float((drawn**2).mean()))
        if not size:
            raise InputError(f"base draws zeros for {slot.path}: take one that has a deviation.")
        factor = math.sqrt(variance / (max(1, slot.fans.fan_in) * second)) / size
        work.put(slot, drawn, base, factor=factor, note=f"E x² = {second:.4g}")

    def _kernels(self, node: Node) -> list[Slot]:
        if isinstance(node.operation, ATTENTION):
            variables = [layer.kernel for layer in projections(node.operation)]
        elif isinstance(node.operation, keras.Layer):
            variables = [one for part in parts(node.operation) for one in part.weights]
        else:
            variables = list(node.variables)
        found = [self._slots[id(one)] for one in variables if id(one) in self._slots]
        return list(dict.fromkeys(found))

    def _wanted(self, node: Node) -> float:
        """The variance that the sums are to have."""
        usual = self._recipe.variance
        if self._recipe.target == "sums":
            return usual
        activation = getattr(node.operation, "activation", None)
        if not callable(activation) or getattr(activation, "__name__", "") == "linear":
            takers = [one for one in self._graph.nodes if set(one.inputs) & set(node.outputs)]
            if len(takers) != 1 or not is_activation(takers[0].operation):
                return usual
            operation = takers[0].operation
            activation = getattr(operation, "activation", None) or operation.call
        try:
            return variance_for(activation)
        except InputError:  # no function of single numbers
            return usual
