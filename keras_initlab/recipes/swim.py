"""SWIM: hidden units that tell pairs of examples apart."""

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_initlab.core.arguments import flag, whole
from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import parts
from keras_initlab.network.following import activation_after
from keras_initlab.network.slots import Slot
from keras_initlab.network.taps import Met, forward
from keras_initlab.recipes.examples import small_relu_net
from keras_initlab.recipes.recipe import PROBE, Recipe
from keras_initlab.recipes.registry import RecipeClaims, register
from keras_initlab.recipes.work import Work, wide

FIRST, SECOND = {"relu": 1.0, "tanh": math.log(3)}, {"relu": 0.0, "tanh": math.log(3) / 2}
"""s₁ and s₂ by activation: sums are -s₂ at a pair's first example and s₁ - s₂ at its second."""

NEAR = 1e-6
"""Share of the median distance below which two examples are no pair: their weights would explode."""


def pairs_apart(model: Any, x: Any) -> list[float]:
    """The sums of every hidden unit are 0 at one example and 1 at another, with ReLUs."""
    found: list[float] = []

    def note(met: Met) -> Any:
        sums = wide(met.sums())
        if activation_after(met.layer) == "relu":
            found.extend([*np.abs(sums).min(axis=0), *np.abs(sums - 1).min(axis=0)])
        return met.go_on()

    forward(model, x, [layer for layer in parts(model) if isinstance(layer, keras.layers.Dense)], note)
    return found


def sampled(
    x: np.ndarray, y: np.ndarray, units: int, activation: str, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, int]:
    """Kernel and bias of a layer whose units each tell two examples apart.

    Args:
        x: The layer's inputs, `(rows, inputs)`.
        y: Targets, `(rows, numbers)`; of classes each its own column of zeros and ones.
        units: How many.
        activation: `"relu"` or `"tanh"`.
        generator: What pairs are chosen with: candidates uniformly, then units by |Δy| / ‖Δx‖.

    Returns:
        Kernel, bias, and how many candidates were too near to be a pair.

    Raises:
        InputError: If all inputs are the same.
    """
    rows = len(x)
    repeated = rows * max(1, math.ceil(units / rows))
    one = generator.integers(0, rows, repeated)
    other = (one + generator.integers(1, rows, repeated)) % rows
    difference = x[other] - x[one]
    distance = np.linalg.norm(difference, axis=1)
    apart = distance > NEAR * np.median(distance)
    if not apart.any():
        raise InputError("The inputs of a layer are the same for all examples: no pair can be told apart.")
    steepness = np.where(apart, np.abs(y[other] - y[one]).max(axis=1) / np.where(apart, distance, 1), 0)
    if not steepness.sum():
        steepness = apart.astype("float64")
    chosen = generator.choice(repeated, size=units, replace=True, p=steepness / steepness.sum())
    kernel = FIRST[activation] * difference[chosen] / distance[chosen, None] ** 2
    bias = -(x[one[chosen]] * kernel).sum(axis=1) - SECOND[activation]
    return kernel.T, bias, int((~apart).sum())


@register(
    "swim",
    claims=RecipeClaims(
        law="w = s₁(x₂ - x₁)/‖x₂ - x₁‖², b = -w·x₁ - s₂, pairs by |Δy|/‖Δx‖; ReLU 1, 0; tanh ln 3, ½ ln 3",
        reference="Bolager et al. 2023, arXiv:2306.16830",
        changes=("kernel", "bias"),
        needs=("x", "y"),
        structure="chain",
        cost="1 forward pass",
        example=small_relu_net,
        exact=pairs_apart,
        use="For nets of Dense layers on tables, with few examples, where steep places of the target matter",
        avoid="For convolutions and other activations than ReLU and tanh; on noisy labels",
    ),
)
@dataclass(frozen=True)
class Swim(Recipe):
    """Every hidden unit starts as what tells two training examples apart.

    For each unit two examples are chosen, the rather the more their targets differ and the nearer they are;
    its weights point from one to the other. Sums are 0 and 1 there with ReLUs; activations are -½ and ½ with
    tanh. Layer by layer, each on what the one before puts out. The head is drawn from `base`, or solved.

    Args:
        base: The scheme that draws the head; its bias is 0.
        solve_head: Solve the head by least squares for the targets: then the model begins trained.
        probe: How many examples to look at, at least 2.

    Raises:
        InputError: If a layer with a kernel is not Dense, or a hidden one has another activation or no bias.

    Reference: Bolager et al. 2023, arXiv:2306.16830, definition 2.

    >>> model = small_relu_net()
    >>> x = np.random.default_rng(0).normal(size=(64, 20)).astype("float32")
    >>> account = Swim().apply(model, x, np.arange(64) % 5)
    >>> bool(max(pairs_apart(model, x)) < 1e-4)
    True
    """

    base: Any = "initlab_lecun_normal"
    solve_head: bool = False
    probe: int = PROBE

    def __post_init__(self) -> None:
        flag("solve_head", self.solve_head)
        whole("probe", self.probe, 2)

    def change(self, work: Work) -> None:
        layers = {id(layer): own[0] for layer, own in work.by_layer(("kernel",))}
        for layer in parts(work.model):
            if hasattr(layer, "kernel") and not isinstance(layer, keras.layers.Dense):
                raise InputError(
                    f"initlab_swim is for Dense layers; {layer.name!r} is {type(layer).__name__}."
                )
        targets = _targets(work.y)
        if len(targets) < 2 or not np.isfinite(targets).all():
            raise InputError(
                "initlab_swim needs at least 2 examples, and a y without NaN or infinite values."
            )
        heads: list[Slot] = []

        def visit(met: Met) -> Any:
            kernel = layers[id(met.layer)]
            if heads:
                raise InputError(
                    f"The layer {heads[0].layer.name!r} has the activation "
                    f"{activation_after(heads[0].layer)!r}: initlab_swim knows relu and tanh inside."
                )
            if activation_after(met.layer) not in FIRST:
                heads.append(kernel)
                self._head(work, met, kernel, targets)
            else:
                self._hidden(work, met, kernel, targets)
            met.sums()
            return met.go_on()

        found = [layer for layer in parts(work.model) if id(layer) in layers]
        calls = forward(work.model, work.x, found, visit)
        for layer in found:
            if calls[id(layer)] != 1:
                raise InputError(
                    f"The layer {layer.name!r} is called {calls[id(layer)]} times: initlab_swim gives "
                    "a layer the weights of one call."
                )

    def _hidden(self, work: Work, met: Met, kernel: Slot, targets: np.ndarray) -> None:
        x = wide(met.inputs)
        if x.ndim != 2:
            raise InputError(
                f"The inputs of {met.layer.name!r} have shape {x.shape}: initlab_swim takes one vector for "
                "each example, so put a Flatten before."
            )
        generator = np.random.default_rng(work.seeds.recipe("swim", *kernel.place))
        name = str(activation_after(met.layer))
        weights, bias, near = sampled(x, targets, kernel.shape[1], name, generator)
        work.put(kernel, weights, "(x₂ - x₁)/‖x₂ - x₁‖²", note=f"{near} pairs were too near" if near else "")
        work.put(_bias(work, kernel), bias, "-w·x₁ - s₂")

    def _head(self, work: Work, met: Met, kernel: Slot, targets: np.ndarray) -> None:
        if not self.solve_head:
            work.put(kernel, work.draw(kernel, self.base), self.base, note="head")
            for bias in work.of(kernel.layer):
                if bias.role == "bias":
                    work.put(bias, np.zeros(bias.shape), "zeros")
            return
        given = np.asarray(work.y)
        if given.size == len(given) and given.dtype.kind in "iub":
            numbers = given.reshape(-1)
            if kernel.shape[1] == 1:
                targets = numbers[:, None].astype("float64")
            elif numbers.min() >= 0 and numbers.max() < kernel.shape[1]:
                targets = np.eye(kernel.shape[1])[numbers.astype(int)]
        if kernel.shape[1] != targets.shape[1]:
            raise InputError(
                f"The head {kernel.path} has {kernel.shape[1]} outputs, and y {targets.shape[1]} numbers or "
                "classes: leave solve_head at False."
            )
        x = wide(met.inputs)
        solved = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), targets, rcond=1e-8)[0]
        work.put(kernel, solved[:-1], "least squares", note="head")
        work.put(_bias(work, kernel), solved[-1], "least squares")
        work.say("the head is solved for the targets: this model begins trained")


def _bias(work: Work, kernel: Slot) -> Slot:
    found = next((slot for slot in work.of(kernel.layer) if slot.role == "bias"), None)
    if found is None:
        raise InputError(f"The layer of {kernel.path} has no bias, which initlab_swim needs: use_bias=True.")
    return found


def _targets(y: Any) -> np.ndarray:
    """A column for each number, or for each class where there are whole numbers in one column."""
    given = np.asarray(y)
    flat = given.reshape(len(given), -1)
    if flat.shape[1] == 1 and given.dtype.kind in "iub":
        return (flat == np.unique(flat)).astype("float64")
    return flat.astype("float64")
