"""One rate of change for all layers of a chain, without a change of what it computes."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.network.differentiation import differentiated
from keras_initlab.network.following import activation_after
from keras_initlab.network.slots import Slot
from keras_initlab.recipes.chains import chain_of
from keras_initlab.recipes.work import Work, wide

PASSING = (
    *("InputLayer", "Activation", "ReLU", "LeakyReLU", "Dropout", "Flatten", "Reshape"),
    *("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D"),
    *("AveragePooling3D", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling2D"),
)
HOMOGENEOUS = (None, "relu", "leakyrelu")
SWEEPS, CLOSE = 10, 0.01


def homogeneous_chain(work: Work, name: str) -> list[Slot]:
    """The kernels of a chain in which a factor on one layer passes through to the next.

    Raises:
        InputError: If the model is none.
    """
    chain = chain_of(work, name, PASSING)
    for slot in chain:
        found = activation_after(slot.layer)
        if found not in HOMOGENEOUS:
            raise InputError(
                f"The activation {found!r} follows {slot.path}: balance is for linear layers and (leaky) "
                "ReLUs, through which a factor passes. Leave balance at False."
            )
        for own in work.of(slot.layer):
            if own.role in ("kernel", "bias") and not work.may_write(own):
                raise InputError(
                    f"{own.path} may not be set, and balance changes each layer of the chain: unfreeze it, "
                    "include it, or leave balance at False."
                )
    return chain


def rates(work: Work, chain: Sequence[Slot]) -> np.ndarray:
    """√(E g²/E w²) of each kernel, g by a Gaussian gradient at the output that the replicate decides."""
    model = work.model
    seed = work.seeds.recipe("balance")

    def objective(weights: list, inputs: list, rest: Any, mark: Any) -> tuple[Any, tuple]:
        pairs = list(zip((slot.variable for slot in chain), weights, strict=True))
        with keras.StatelessScope(state_mapping=pairs):
            made = model(work.x, training=False)
        gradient = np.random.default_rng(seed).normal(size=made.shape)
        return keras.ops.sum(made * keras.ops.cast(gradient, made.dtype)), ([],)

    values = [keras.ops.convert_to_tensor(slot.variable.value) for slot in chain]
    _, (found, *_) = differentiated(objective, values, [], None)
    gradients = [wide(one.detach() if hasattr(one, "detach") else one) for one in found]
    return np.array(
        [
            math.sqrt((gradient**2).mean() / (work.value(slot) ** 2).mean())
            for slot, gradient in zip(chain, gradients, strict=True)
        ]
    )


def balance(work: Work, chain: Sequence[Slot]) -> None:
    """Bring all layers of a homogeneous chain to one rate.

    Layer k is multiplied by √(r_k/r̄), r̄ the geometric mean, and its bias by the factors up to k.

    Raises:
        InputError: If a layer learns nothing.
    """
    for _ in range(SWEEPS):
        found = rates(work, chain)
        if not (found > 0).all():
            slot = chain[int(np.argmin(found))]
            raise InputError(f"{slot.path} has no gradient on x: balance has nothing to make equal.")
        mean = math.exp(np.log(found).mean())
        if abs(found / mean - 1).max() < CLOSE:
            break
        product = 1.0
        for slot, factor in zip(chain, np.sqrt(found / mean), strict=True):
            product *= factor
            work.scale(slot, factor)
            for bias in work.of(slot.layer):
                if bias.role == "bias":
                    work.scale(bias, product)
    work.say("rates of all layers: " + ", ".join(f"{rate:.4g}" for rate in rates(work, chain)))
