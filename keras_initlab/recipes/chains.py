"""Recipes that need no data: exact isometries, and nets that start linear or without chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_initlab.core.arguments import positive
from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import operations_after
from keras_initlab.network.following import activation_after
from keras_initlab.network.slots import Slot
from keras_initlab.recipes.examples import linear_net, paired_relu_net, small_relu_net
from keras_initlab.recipes.recipe import Recipe
from keras_initlab.recipes.registry import RecipeClaims, register
from keras_initlab.recipes.work import Work


def zero_all_biases(work: Work, layer: Any) -> None:
    """Set the biases of a layer to 0, those of recurrent cells apart."""
    for bias in work.of(layer):
        if bias.role == "bias" and work.may_write(bias) and "Cell" not in type(layer).__name__:
            work.put(bias, np.zeros(bias.shape), "zeros")


def keeps_lengths(model: Any, x: Any) -> list[float]:
    """A linear net of equal widths keeps the length of every input."""
    given = np.asarray(x, "float64").reshape(len(x), -1)
    made = np.asarray(keras.ops.convert_to_numpy(model(x)), "float64").reshape(len(x), -1)
    return list(np.linalg.norm(made, axis=1) / np.linalg.norm(given, axis=1) - 1)


@register(
    "isometry",
    claims=RecipeClaims(
        law="orthogonal kernels (of convolutions at the centre tap) times a gain; b = 0",
        reference="Saxe et al. 2014, arXiv:1312.6120; Xiao et al. 2018, arXiv:1806.05393",
        changes=("kernel", "recurrent_kernel", "bias"),
        example=linear_net,
        exact=keeps_lengths,
        use="For very deep plain nets of tanh, hard tanh or linear units, where every direction should pass",
        avoid="For ReLUs, which halve what passes whatever the kernel: take initlab_looks_linear",
    ),
)
@dataclass(frozen=True)
class Isometry(Recipe):
    """Every layer keeps lengths and angles, and so does the net while its units are in their linear range.

    Matrices are (semi-)orthogonal, convolutions of stride 1 orthogonal at the centre tap and zero elsewhere,
    all times `gain`; biases are 0. With a gain of 1 and equal widths the singular values of the
    Jacobian of a linear net are all 1. Depthwise kernels and those of strided convolutions are left.

    Args:
        gain: Factor on every kernel, such as `initlab.edge_of_chaos("tanh", q=0.1)[0]`.

    Raises:
        InputError: If the gain is not positive.

    Reference: Xiao et al. 2018, arXiv:1806.05393, section 3.

    >>> model = linear_net()
    >>> account = Isometry().apply(model)
    >>> kernel = keras.ops.convert_to_numpy(model.layers[0].kernel)
    >>> bool(np.allclose(kernel.T @ kernel, np.eye(16), atol=1e-5))
    True
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        positive("gain", self.gain)

    def change(self, work: Work) -> None:
        for layer, own in work.by_layer(("kernel", "recurrent_kernel")):
            for slot in own:
                convolves = len(slot.shape) > 2 and hasattr(layer, "kernel_size")
                if convolves and math.prod(getattr(layer, "strides", (1,))) > 1:
                    work.leave(slot, "a convolution that skips places cannot keep lengths")
                    continue
                if convolves and slot.shape[-2] > slot.shape[-1]:
                    work.leave(slot, "a convolution with fewer outputs than inputs cannot keep lengths")
                    continue
                base = "initlab_delta_orthogonal" if convolves else "initlab_orthogonal"
                work.put(slot, work.draw(slot, base), base, factor=self.gain)
            zero_all_biases(work, layer)


PASSING = ("InputLayer", "Activation", "ReLU", "Dropout")
"""Layers between those of a chain that keep places apart."""


def chain_of(work: Work, name: str, passing: Sequence[str]) -> list[Slot]:
    """The kernels of a chain of Dense layers and convolutions, in their order.

    Args:
        work: The model at work.
        name: Who asks.
        passing: The kinds of other layers that may stand between.

    Raises:
        InputError: If the model is no such chain.
    """
    layers = getattr(work.model, "layers", [])
    kinds = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
    weighted = [layer for layer in layers if isinstance(layer, kinds)]
    odd = next(
        (one for one in layers if not isinstance(one, kinds) and type(one).__name__ not in passing), None
    )
    inside = set(map(id, layers))  # a Sequential model that grew or shrank keeps calls of before
    straight = all(len(inside & set(map(id, operations_after(layer)))) <= 1 for layer in layers)
    if odd is not None or not straight or len(weighted) < 2:
        what = f"the layer {odd.name!r} is in the way" if odd is not None else "it is no chain"
        raise InputError(
            f"{name} is for chains of at least two Dense or convolutional layers; of the model "
            f"{work.model.name!r} {what}."
        )
    return [slot for layer in weighted for slot in work.of(layer) if slot.role == "kernel"]


LINES = ("relu", "gelu", "silu", "swish", "softplus")
"""The activations of which φ(z) - φ(-z) = z."""


def adds_up(model: Any, x: Any) -> list[float]:
    """f(x + y) = f(x) + f(y), and the length of f(x) is that of x."""

    def made(given: np.ndarray) -> np.ndarray:
        return np.asarray(keras.ops.convert_to_numpy(model(given.astype("float32"))), "float64")

    one, other = np.asarray(x[::2], "float64"), np.asarray(x[1::2], "float64")
    sums = made(one + other) - made(one) - made(other)
    lengths = np.linalg.norm(made(one), axis=1) / np.linalg.norm(one, axis=1) - 1
    return [*sums.ravel(), *lengths]


@register(
    "looks_linear",
    claims=RecipeClaims(
        law="[W, -W] first, [[W, -W], [-W, W]] between, [[W], [-W]] last, W orthogonal; b = 0",
        reference="Balduzzi et al. 2017, arXiv:1702.08591",
        changes=("kernel", "bias"),
        structure="chain",
        example=paired_relu_net,
        exact=adds_up,
        use="For deep plain nets of ReLU, GELU, SiLU or softplus units",
        avoid="For other activations, whose pairs make no line: take initlab_isometry or initlab_lsuv",
    ),
)
@dataclass(frozen=True)
class LooksLinear(Recipe):
    """A plain net of ReLUs that starts as a linear, orthogonal map.

    Units come in pairs of opposite sign, and φ(z) - φ(-z) = z for ReLU, GELU, SiLU and softplus. Biases are
    0; convolutions have the blocks at their centre tap.

    Raises:
        InputError: If the model is no chain of layers with hidden widths that are even, or an activation is
            another one.

    Reference: Balduzzi et al. 2017, arXiv:1702.08591, section 4.

    >>> model = paired_relu_net()
    >>> x = np.random.default_rng(0).normal(size=(10, 16)).astype("float32")
    >>> account = LooksLinear().apply(model)
    >>> bool(max(map(abs, adds_up(model, x))) < 1e-5)
    True
    """

    def change(self, work: Work) -> None:
        chain = chain_of(work, self.name, PASSING)
        for place, slot in enumerate(chain):
            first, last = place == 0, place == len(chain) - 1
            rows, columns = slot.shape[-2] // (1 if first else 2), slot.shape[-1] // (1 if last else 2)
            if (not first and slot.shape[-2] % 2) or (not last and slot.shape[-1] % 2):
                raise InputError(
                    f"{slot.path} has shape {slot.shape}: initlab_looks_linear pairs hidden units, so hidden "
                    "widths are even."
                )
            seed = work.seeds.recipe("looks_linear", *slot.place)
            matrix = _orthogonal(np.random.default_rng(seed), rows, columns)
            block = np.block([[matrix, -matrix], [-matrix, matrix]])
            block = block[: slot.shape[-2], : slot.shape[-1]]
            value = np.zeros(slot.shape)
            value[tuple(size // 2 for size in slot.shape[:-2])] = block
            work.put(slot, value, "orthogonal in opposite pairs")
            zero_all_biases(work, slot.layer)
            if not last:
                self._check(slot)

    @staticmethod
    def _check(slot: Slot) -> None:
        """Refuse an activation behind a layer of which pairs make no line."""
        name = activation_after(slot.layer)
        if name is None:
            raise InputError(f"No activation follows {slot.path}: a linear layer needs no pairs.")
        if name not in LINES:
            raise InputError(
                f"The activation {name!r} follows {slot.path}: φ(z) - φ(-z) = z holds for {', '.join(LINES)}."
            )


def _orthogonal(generator: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """A (semi-)orthogonal matrix, uniform among all."""
    q, r = np.linalg.qr(generator.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return q if rows >= columns else q.T


def a_hadamard_start(model: Any, x: Any) -> list[float]:
    """Every kernel is the identity, cut, or I · H/√p · I of order p; every bias is 0."""
    from scipy.linalg import hadamard

    found = []
    for layer in model.layers:
        for variable in layer.trainable_variables:
            value = np.asarray(keras.ops.convert_to_numpy(variable), "float64")
            if variable.name == "bias":
                found.append(np.abs(value).max())
            elif variable.name == "kernel":
                rows, columns = value.shape
                order = 2 ** math.ceil(math.log2(columns))
                matrix = np.eye(rows, columns)
                if columns > rows:
                    matrix = hadamard(order)[:rows, :columns] / math.sqrt(order)
                found.append(np.abs(value - matrix).max())
    return found


@register(
    "zero",
    claims=RecipeClaims(
        law="W = I cut to size, or I · H/√p · I where units are added; b = 0",
        reference="Zhao, Schäfer & Anandkumar 2022, arXiv:2110.12661",
        changes=("kernel", "bias"),
        random=False,
        example=small_relu_net,
        exact=a_hadamard_start,
        use="For results without chance in the weights; replicates differ in the order of data alone",
        avoid="Where several starts are wanted: no two differ",
    ),
)
@dataclass(frozen=True)
class Zero(Recipe):
    """Only zeros and ones, up to a Hadamard transform: a start without any randomness (ZerO).

    Dense layers and convolutions (at the centre tap) have the identity, cut to size, where they have at most
    as many outputs as inputs, and else a cut of H/√p, with Hadamard's matrix H of the order p that holds the
    outputs. Biases are 0. Of a residual net, use `initlab_zero_residual` afterwards.

    Reference: Zhao, Schäfer & Anandkumar 2022, arXiv:2110.12661, algorithm 1.

    >>> model = small_relu_net()
    >>> account = Zero().apply(model)
    >>> float(max(a_hadamard_start(model, None))) < 1e-6
    True
    """

    def change(self, work: Work) -> None:
        for layer, own in work.by_layer(("kernel",)):
            for slot in own:
                if not 2 <= len(slot.shape) <= 5:
                    work.leave(slot, f"it has rank {len(slot.shape)}")
                    continue
                work.put(slot, work.draw(slot, "initlab_zero_hadamard"), "initlab_zero_hadamard")
            zero_all_biases(work, layer)
