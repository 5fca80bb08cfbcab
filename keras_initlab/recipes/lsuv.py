"""LSUV: unit variance of every layer's sums on data, in one forward pass."""

from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np

from keras_initlab.core.arguments import at_least, flag, one_of, whole
from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import parts, projections
from keras_initlab.network.slots import Slot
from keras_initlab.network.taps import Met, forward, inside_loops
from keras_initlab.recipes.examples import small_relu_net
from keras_initlab.recipes.recipe import PROBE, Recipe
from keras_initlab.recipes.registry import RecipeClaims, register
from keras_initlab.recipes.work import Work

KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")
TRIES = 10  # for a layer whose sums are not proportional to its kernel
_CLOSE = 1e-6


def unit_deviation(model: Any, x: Any) -> list[float]:
    """The sums of every layer have deviation 1 on the data."""
    found: list[float] = []

    def note(met: Met) -> Any:
        found.append(deviation(met.sums()) - 1)
        return met.go_on()

    forward(model, x, [layer for layer in parts(model) if hasattr(layer, "kernel")], note)
    return found


def deviation(sums: Any) -> float:
    """Standard deviation over all entries, computed in float64 where the backend's own would lose digits."""
    wide = keras.ops.cast(sums, keras.backend.result_type(sums.dtype, "float32"))
    return float(keras.ops.convert_to_numpy(keras.ops.std(wide)))


@register(
    "lsuv",
    claims=RecipeClaims(
        law="W ← W/√Var(y), layer by layer, y its sums on data; b = 0",
        reference="Mishkin & Matas 2016, arXiv:1511.06422",
        changes=(*KERNELS, "recurrent_kernel", "bias"),
        needs=("x",),
        cost="1 forward pass",
        example=small_relu_net,
        exact=unit_deviation,
        use="For deep nets without normalization, whatever the activation, where some data are at hand",
        avoid="Where each layer is normalized, which undoes it; and on inputs that are not scaled",
    ),
)
@dataclass(frozen=True)
class Lsuv(Recipe):
    """Layer-sequential unit variance: each layer's sums have deviation 1 on data.

    Draws every kernel from `base`, sets the biases to 0, and lets a batch through the model: as it comes to a
    layer, the layer's kernel is divided by the standard deviation of its sums, one number over examples,
    places and channels, before its activation. In attention, the value and output projections are scaled;
    queries and keys only on demand, for their scale is the temperature of the softmax. Layers that a loop
    calls (recurrent cells, `TimeDistributed`) are drawn and not scaled.

    Args:
        base: The scheme that draws the kernels.
        tolerance: Leave a layer as it is drawn where its deviation is within this of 1.
        head: Whether the last layer is scaled too.
        attention: `"values"`, or `"all"` to scale queries and keys as well.
        probe: How many examples to look at, at least 2.

    Raises:
        InputError: If an argument cannot work.

    Reference: Mishkin & Matas 2016, arXiv:1511.06422.

    >>> model = small_relu_net()
    >>> x = np.random.default_rng(0).normal(size=(64, 20)).astype("float32")
    >>> account = Lsuv().apply(model, x)
    >>> max(map(abs, unit_deviation(model, x))) < 1e-5
    True
    """

    attention_kinds: ClassVar[tuple[str, ...]] = ("values", "all")

    base: Any = "initlab_orthogonal"
    tolerance: float = 0.0
    head: bool = True
    attention: str = "values"
    probe: int = PROBE

    def __post_init__(self) -> None:
        at_least("tolerance", self.tolerance, 0)
        flag("head", self.head)
        one_of("attention", self.attention, self.attention_kinds)
        whole("probe", self.probe, 2)

    def change(self, work: Work) -> None:
        draws: dict[int, Any] = {}
        scaled: dict[int, tuple[Any, Slot]] = {}  # layer and kernel, by the layer's identity
        spared = () if self.attention == "all" else queries_and_keys(work.model)
        looped = inside_loops(work.model)
        for layer, own in work.by_layer((*KERNELS, "recurrent_kernel")):
            last = own[-1]  # of a separable convolution, the pointwise kernel
            why = ""
            if id(layer) in looped:
                why = "a loop calls the layer"
            elif id(layer) in spared:
                why = "its scale is the softmax's temperature"
            elif len(own) > 1 and last.role != "pointwise_kernel":
                why = "the layer has several kernels"
            for slot in own:
                draws[slot.index] = work.draw(slot, self.base)
                if why or slot is not last:
                    work.put(slot, draws[slot.index], self.base, note=_unscaled(why or "the next one is"))
            if not why:
                scaled[id(layer)] = layer, last
            if id(layer) not in looped:  # the forget gate of a recurrent cell keeps its ones
                _zero_bias(work, layer, last)
        reached: list[Slot] = []

        def visit(met: Met) -> Any:
            kernel = scaled[id(met.layer)][1]
            reached.append(kernel)
            work.put(kernel, draws[kernel.index], self.base)
            return self._scale(work, met, kernel, draws[kernel.index])

        calls = forward(work.model, work.x, [layer for layer, _ in scaled.values()], visit)
        for identity, (_, kernel) in scaled.items():
            if not calls[identity]:
                note = _unscaled("the forward pass does not reach the layer")
                work.put(kernel, draws[kernel.index], self.base, note=note)
            elif calls[identity] > 1:
                work.annotate(kernel, f"called {calls[identity]} times: deviation 1 at the first")
        if not self.head and reached:
            work.put(reached[-1], draws[reached[-1].index], self.base, note=_unscaled("the head"))

    def _scale(self, work: Work, met: Met, kernel: Slot, drawn: Any) -> Any:
        """Bring the layer's sums to deviation 1; the output that goes on."""
        sums = met.sums()
        found = _measured(met, sums)
        if found <= np.finfo("float32").tiny:
            work.annotate(kernel, _unscaled("its sums do not vary"))
            return met.go_on()
        if abs(found - 1) <= self.tolerance:
            work.annotate(kernel, "within the tolerance")
            return met.go_on()
        factor = 1 / found
        work.put(kernel, drawn, self.base, factor=factor)
        if met.linear and met.layer.compute_dtype == kernel.variable.dtype:
            return met.go_on(sums / found)
        for _ in range(TRIES):
            found = _measured(met, met.sums())
            if not found or abs(found - 1) <= max(self.tolerance, _CLOSE):
                break
            factor /= found
            work.put(kernel, drawn, self.base, factor=factor)
        else:
            work.annotate(kernel, f"its deviation came to {_measured(met, met.sums()):.6g}")
        return met.go_on()


def _unscaled(why: str) -> str:
    return f"drawn and not scaled: {why}"


def _measured(met: Met, sums: Any) -> float:
    found = deviation(sums)
    if not np.isfinite(found):
        raise InputError(
            f"The sums of the layer {met.layer.name!r} are NaN or infinite on x: nothing can be measured "
            "there."
        )
    return found


def _zero_bias(work: Work, layer: Any, kernel: Slot) -> None:
    for slot in work.of(layer):
        if slot.role != "bias":
            continue
        if work.may_write(slot):
            work.put(slot, np.zeros(slot.shape), "zeros")
        elif work.value(slot).any():
            raise InputError(
                f"{slot.path} is not zero and may not be set, so {kernel.path} alone cannot bring the sums "
                "to deviation 1: include the bias in roles=, or leave the layer out with layers=."
            )


def queries_and_keys(model: keras.Model) -> set[int]:
    """The identities of the query and key projections of Keras's attention layers."""
    kinds = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)
    return {id(one) for layer in parts(model) if isinstance(layer, kinds) for one in projections(layer)[:2]}
