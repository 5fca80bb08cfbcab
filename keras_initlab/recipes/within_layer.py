"""Every channel of every layer brought to mean 0 and deviation 1 on data."""

from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np

from keras_initlab.core.arguments import finite, flag, one_of, whole
from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import parts
from keras_initlab.network.slots import Slot
from keras_initlab.network.taps import Met, forward, inside_loops
from keras_initlab.network.usage import is_custom
from keras_initlab.recipes.balance import balance, homogeneous_chain
from keras_initlab.recipes.data_kernels import of_inputs, patches
from keras_initlab.recipes.examples import small_relu_net
from keras_initlab.recipes.recipe import PROBE, Recipe
from keras_initlab.recipes.registry import RecipeClaims, register
from keras_initlab.recipes.work import Work, wide

LAYERS = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
"""Layers whose channels are the last axis of their kernel."""

DEAD = 1e-6
"""Deviation below which a channel counts as one that does not vary, as a share of the layer's largest."""


def whitened_channels(model: Any, x: Any) -> list[float]:
    """Every channel's sums have mean 0 and deviation 1 on the data."""
    found: list[float] = []

    def note(met: Met) -> Any:
        mean, std = _by_channel(met.sums())
        found.extend([*mean, *(std - 1)])
        return met.go_on()

    forward(model, x, [layer for layer in parts(model) if isinstance(layer, LAYERS)], note)
    return found


@register(
    "within_layer",
    claims=RecipeClaims(
        law="W_c ← W_c/σ_c, b_c ← β - μ_c/σ_c, channel by channel, layer by layer, on data",
        reference="Krähenbühl et al. 2016, arXiv:1511.06856",
        changes=("kernel", "bias"),
        needs=("x",),
        cost="1 forward pass",
        example=small_relu_net,
        exact=whitened_channels,
        use="For nets without normalization whose channels should start alike, as after a batch norm",
        avoid="Where a norm follows each layer; for one factor a layer take initlab_lsuv",
    ),
)
@dataclass(frozen=True)
class WithinLayer(Recipe):
    """Data-dependent scales and biases: each channel starts with mean β and deviation 1.

    Draws every kernel from `base` and lets a batch through the model: as it comes to a layer, each channel of
    the kernel is divided by the deviation of its sums over examples and places, and its bias takes the mean
    away. Layers without a bias are scaled only. Layers are Dense and convolutions; the rest stays. With
    `balance` all layers of a chain then change at one rate: √(E g²/E w²) of their gradients is made equal,
    by factors whose product is 1, so that what the model puts out stays.

    With `weights` kernels come of what the layer sees, the inputs of a Dense layer or the patches of a
    convolution, centred and whitened along at most as many principal directions as it has outputs. By
    `"pca"` they are these directions, each with the sign that the draw has along it, and the outputs of a
    layer are uncorrelated; outputs beyond the directions keep their draw. By `"k_means"` they are the means
    of as many clusters of the whitened inputs, brought to length 1 each. A layer that sees fewer inputs than
    it has outputs, or has groups, keeps its draw; at most 20 000 inputs are looked at.

    Args:
        base: The scheme that draws the kernels; the paper takes N(0, 1), of which the scale does not matter.
        beta: Mean of every channel.
        probe: How many examples to look at, at least 2.
        balance: Make the rates of all layers equal, for a Gaussian gradient at the output, in a chain of
            linear layers and (leaky) ReLUs; takes a forward and a backward pass a sweep.
        weights: What kernels are made of: `"draw"`, `"pca"` or `"k_means"`.

    Raises:
        InputError: If an argument cannot work, a kernel's bias may not be set, or `balance` is asked of
            another net.

    Reference: Krähenbühl et al. 2016, arXiv:1511.06856, section 3.1; `weights` as in its authors'
    program magic_init, with Lloyd's algorithm for clusters.

    >>> model = small_relu_net()
    >>> x = np.random.default_rng(0).normal(size=(64, 20)).astype("float32")
    >>> account = WithinLayer().apply(model, x)
    >>> bool(max(map(abs, whitened_channels(model, x))) < 1e-5)
    True
    """

    kinds: ClassVar[tuple[str, ...]] = ("draw", "pca", "k_means")

    base: Any = "initlab_lecun_normal"
    beta: float = 0.0
    probe: int = PROBE
    balance: bool = False
    weights: str = "draw"

    def __post_init__(self) -> None:
        one_of("weights", self.weights, self.kinds)
        finite("beta", self.beta)
        whole("probe", self.probe, 2)
        flag("balance", self.balance)

    def change(self, work: Work) -> None:
        chain = homogeneous_chain(work, self.name) if self.balance else []
        looped = inside_loops(work.model)
        kernels: dict[int, tuple[Slot, np.ndarray]] = {}  # with its draw: inside a call it would be another
        layers = []
        for layer, own in work.by_layer(("kernel",)):
            if not isinstance(layer, LAYERS) or is_custom(layer) or id(layer) in looped:
                why = "a loop calls the layer" if id(layer) in looped else "no Dense layer or convolution"
                for slot in own:
                    work.leave(slot, why)
                continue
            if getattr(layer, "data_format", "channels_last") != "channels_last":
                work.leave(own[0], "its channels are not the last axis")
                continue
            kernels[id(layer)] = own[0], wide(work.draw(own[0], self.base))
            layers.append(layer)

        def visit(met: Met) -> Any:
            self._whiten(work, met, *kernels[id(met.layer)])
            return met.go_on()

        calls = forward(work.model, work.x, layers, visit)
        for layer in layers:
            kernel, _ = kernels[id(layer)]
            if not calls[id(layer)]:
                work.leave(kernel, "the forward pass does not reach the layer")
            elif calls[id(layer)] > 1:
                work.annotate(kernel, f"called {calls[id(layer)]} times: whitened at the first")
        if self.balance:
            balance(work, chain)

    def _whiten(self, work: Work, met: Met, kernel: Slot, drawn: np.ndarray) -> None:
        bias = next((slot for slot in work.of(met.layer) if slot.role == "bias"), None)
        if bias is not None and not work.may_write(bias):
            raise InputError(
                f"{bias.path} may not be set, and it takes the means away: include the bias in roles=, or "
                "leave the layer out with layers=."
            )
        note = ""
        if self.weights != "draw":
            made = self._of_inputs(work, met, kernel, drawn)
            note = (
                self.weights if made is not None else f"drawn: too few inputs for {self.weights}, or groups"
            )
            drawn = drawn if made is None else made
        work.put(kernel, drawn, self.base)
        if bias is not None:
            work.put(bias, np.zeros(bias.shape), "zeros")
        mean, std = _by_channel(met.sums())
        if not (np.isfinite(mean).all() and np.isfinite(std).all()):
            raise InputError(f"The sums of the layer {met.layer.name!r} are NaN or infinite on x.")
        dead = std <= DEAD * max(float(std.max()), DEAD)
        scale = np.where(dead, 1.0, std)
        notes = [note] if note else []
        notes += [f"{dead.sum()} channels do not vary: drawn and not scaled"] if dead.any() else []
        notes += ["no bias: scaled only"] if bias is None else []
        work.put(kernel, drawn / scale, self.base, note="; ".join(notes))
        if bias is not None:
            work.put(bias, np.where(dead, 0.0, self.beta - mean / scale), "less the mean")
        met.sums()  # what goes on is computed with the new weights

    def _of_inputs(self, work: Work, met: Met, kernel: Slot, drawn: np.ndarray) -> np.ndarray | None:
        """A kernel made of what comes to the layer; None where it cannot be."""
        if getattr(met.layer, "groups", 1) > 1:
            return None
        generator = np.random.default_rng(work.seeds.recipe(self.weights, kernel.index))
        rows = patches(met.layer, wide(met.inputs), generator)
        made = of_inputs(self.weights, rows, drawn.reshape(-1, drawn.shape[-1]), generator)
        return None if made is None else made.reshape(drawn.shape)


def _by_channel(sums: Any) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each channel, in float64."""
    flat = wide(sums).reshape(-1, sums.shape[-1])
    return flat.mean(axis=0), flat.std(axis=0)
