"""Starts of low-rank adapters on trained kernels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np

from keras_initlab.core.arguments import one_of, whole
from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import base_kernel, parts
from keras_initlab.network.selection import Layers, matching
from keras_initlab.network.slots import Slot, all_slots
from keras_initlab.network.taps import Met, forward
from keras_initlab.recipes.examples import adapted_net
from keras_initlab.recipes.recipe import PROBE, Recipe
from keras_initlab.recipes.registry import RecipeClaims, register
from keras_initlab.recipes.work import Work, wide


def adapted(model: Any) -> list[Any]:
    """The layers whose kernels have adapters."""
    return [
        one for one in parts(model) if getattr(one, "lora_enabled", False) and base_kernel(one) is not None
    ]


def nothing_left(model: Any, x: Any) -> list[float]:
    """The base kernel holds nothing of the adapter's directions: Wbᵀ = 0 and aᵀW = 0."""
    found = []
    for layer in adapted(model):
        base = wide(base_kernel(layer).value).reshape(-1, layer.lora_kernel_b.shape[1])
        a = wide(layer.lora_kernel_a.value).reshape(-1, layer.lora_kernel_b.shape[0])
        found += [np.abs(base @ wide(layer.lora_kernel_b.value).T).max(), np.abs(a.T @ base).max()]
    return found


@register(
    "lora",
    claims=RecipeClaims(
        law="pissa, olora: ab = top of W by SVD or QR, W less it; mica: b its least; eva: a of the inputs",
        reference="Meng et al. 2024, arXiv:2404.02948; Büyükakyüz 2024, arXiv:2406.01775; arXiv:2410.07170",
        changes=("lora_kernel_a", "lora_kernel_b", "base_kernel"),
        structure="lora",
        random=False,
        example=adapted_net,
        exact=nothing_left,
        use="Before adapters on trained kernels are fine-tuned: the model computes the same at first",
        avoid="Where adapters are to be put on the original kernels later: pissa and olora change these",
    ),
)
@dataclass(frozen=True)
class Lora(Recipe):
    """Adapters that start where the trained kernel is strong, weak, or met by the data.

    A layer with `enable_lora(r)` computes with W + (α/r)·a·b. What the model computes stays as it is:

    - `pissa`: with W = USVᵀ, a = U_r √(S_r r/α), b = √(S_r r/α) V_rᵀ, and W loses (α/r)·a·b;
    - `olora`: with Wᵀ = QR, b = Q_rᵀ, a = R_rᵀ, and W loses the same;
    - `mica`: b the r output directions of least singular value, frozen, a = 0; a saved file does not keep
      what is frozen, and `compare`, whose entrants train the same weights, wants b frozen before;
    - `eva`: a the r first right singular vectors of the layer's inputs on data, b = 0.

    Args:
        rule: Which of these.
        probe: How many examples `eva` looks at.

    Raises:
        InputError: If no layer has an adapter, or a rank is larger than the kernel's.

    Reference: Meng et al. 2024, arXiv:2404.02948; Büyükakyüz 2024, arXiv:2406.01775; Paischer et al. 2024,
    arXiv:2410.07170; mica: arXiv:2604.01694; as in the package peft.

    >>> model = adapted_net()
    >>> account = Lora().apply(model)
    >>> bool(max(nothing_left(model, None)) < 1e-5)
    True
    """

    rules: ClassVar[tuple[str, ...]] = ("pissa", "olora", "mica", "eva")

    rule: str = "pissa"
    probe: int = PROBE

    def __post_init__(self) -> None:
        one_of("rule", self.rule, self.rules)
        whole("probe", self.probe, 2)

    @property
    def needs(self) -> tuple[str, ...]:
        return ("x",) if self.rule == "eva" else ()

    def writable(self, model: keras.Model, layers: Layers, roles: Any) -> list[Slot]:
        """The adapters, and the frozen kernels under them."""
        if roles is not None:
            raise InputError(
                f"roles is {roles!r}: {self.name} writes an adapter with the kernel under it or not at all. "
                "Choose with layers=."
            )
        held = {id(one) for layer in adapted(model) for one in (base_kernel(layer), *_adapter(layer))}
        found = [slot for slot in matching(model, all_slots(model), layers) if id(slot.variable) in held]
        if not found:
            raise InputError(
                f"No layer of the model {model.name!r} has an adapter with layers={layers!r}: call "
                "layer.enable_lora(rank) on Dense, EinsumDense or convolutions first."
            )
        return found

    def change(self, work: Work) -> None:
        slots = {id(slot.variable): slot for slot in work.slots}
        layers = [layer for layer in adapted(work.model) if id(base_kernel(layer)) in slots]
        tops = self._tops(work, layers) if self.rule == "eva" else {}
        for layer in layers:
            base, a, b = (slots[id(one)] for one in (base_kernel(layer), *_adapter(layer)))
            if "float" not in base.variable.dtype:
                kind = base.variable.dtype
                raise InputError(
                    f"The kernel of {layer.name!r} is {kind}: start its adapter before quantize()."
                )
            if not layer.trainable:
                raise InputError(
                    f"The layer {layer.name!r} is frozen: unfreeze it, or leave it out with layers=."
                )
            rank, scale = layer.lora_rank, layer.lora_alpha / layer.lora_rank
            kernel = work.value(base).reshape(-1, b.shape[1])
            if rank > min(kernel.shape):
                raise InputError(
                    f"The adapter of {layer.name!r} has rank {rank}, and its kernel {min(kernel.shape)}: "
                    "enable a smaller one."
                )
            if self.rule == "eva":
                made = tops[id(layer)], np.zeros(b.shape)
            else:
                made = _split(kernel, rank, scale, self.rule)
            work.put(a, made[0].reshape(a.shape), f"{self.rule}: a")
            work.put(b, made[1], f"{self.rule}: b")
            if self.rule == "mica":
                work.freeze(b)
            for slot in (a, b):
                if self.rule != "mica" and not slot.variable.trainable:
                    work.annotate(slot, "frozen before, and still")
            if self.rule in ("pissa", "olora"):
                left = (kernel - scale * made[0] @ made[1]).reshape(base.shape)
                work.put(base, left, "less (α/r)·a·b", note="an adapter on the original kernel is wrong now")

    @staticmethod
    def _tops(work: Work, layers: Sequence[Any]) -> dict[int, np.ndarray]:
        """For each layer the first directions of its inputs."""
        found: dict[int, np.ndarray] = {}

        def visit(met: Met) -> Any:
            x = wide(met.inputs).reshape(-1, met.inputs.shape[-1])
            rank = met.layer.lora_rank
            if x.shape[1] != np.prod(met.layer.lora_kernel_a.shape[:-1]) or len(x) < rank:
                raise InputError(
                    f"eva is for Dense layers with at least {rank} examples; {met.layer.name!r} met {len(x)} "
                    f"and is {type(met.layer).__name__}."
                )
            found[id(met.layer)] = np.linalg.svd(x, full_matrices=False)[2][:rank].T
            met.sums()
            return met.go_on()

        forward(work.model, work.x, layers, visit)
        missing = [layer.name for layer in layers if id(layer) not in found]
        if missing:
            raise InputError(
                f"The forward pass does not reach {', '.join(missing)}: leave them out with layers=."
            )
        return found


def _adapter(layer: Any) -> tuple[Any, Any]:
    return layer.lora_kernel_a, layer.lora_kernel_b


def _split(kernel: np.ndarray, rank: int, scale: float, rule: str) -> tuple[np.ndarray, np.ndarray]:
    """a and b of a kernel."""
    if rule == "olora":
        q, r = np.linalg.qr(kernel.T)
        return r[:rank].T, q[:, :rank].T
    u, s, v = np.linalg.svd(kernel, full_matrices=False)
    if rule == "mica":
        return np.zeros((len(kernel), rank)), v[-rank:]
    root = np.sqrt(s[:rank] / scale)
    return u[:, :rank] * root, root[:, None] * v[:rank]
