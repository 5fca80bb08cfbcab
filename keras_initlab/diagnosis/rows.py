"""What was measured of each tensor between two layers, as numbers, and what theory expects beside it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.diagnosis import measures, theory
from keras_initlab.diagnosis.kernels import Kernel, columns, covered, spread
from keras_initlab.network.probe import Seen

_NAN = math.nan
_CHANCE = 4.0  # standard errors of a kernel's mean that chance may bring
_COMMON = 0.1  # of the sums' second moment, from which a common mean spoils the theory
_HALF_LEAST, _HALF_MOST = 6e-8, 65504.0  # what float16 can hold


@dataclass(frozen=True)
class Row:
    """One tensor.

    Attributes:
        tap: Its name.
        kind: `"sums"` before the activation of a layer with a kernel, `"in"` or `"out"` of any other.
        head: Whether the model puts these sums out.
        side: Whether they are inside an attention layer, where queries and keys have small gradients.
        mean: Over everything.
        q: Second moment; `offset + pattern + signal` exactly (see `measures.Forward`).
        q_theory: What theory expects along the chain of layers before.
        q_step: The same of this layer alone, from what it was seen to take.
        off: By how many standard deviations of such a draw log q differs from that.
        offset: Part of q that all units share.
        pattern: Part of q that differs between units and not between inputs.
        signal: Part of q that varies.
        share: 1 - cosine: of q, what varies between examples.
        cosine: Mean cosine between two examples.
        cosine_theory: What theory expects.
        rank: Directions in which examples differ.
        G: Mean over the examples of the squared norm of each one's gradient.
        chi: G over that of the next kernel.
        chi_theory: What theory expects.
        dead: Share of units that pass no gradient for any example.
        saturated: Share of entries where an activation that is bounded on both sides is flat.
        classes: Different units over units; those that are equal stay equal.
        grad_weight: Norm of the kernel's gradient over that of the kernel.
        update_weight: The same of the optimizer's first update.
        largest: Greatest magnitude.
        underflow: Share of the gradient's entries that float16 would lose.
        note: Why theory is silent, or what else is to say.
    """

    tap: str
    kind: str
    head: bool = False
    side: bool = False
    mean: float = _NAN
    q: float = _NAN
    q_theory: float = _NAN
    q_step: float = _NAN
    off: float = _NAN
    offset: float = _NAN
    pattern: float = _NAN
    signal: float = _NAN
    share: float = _NAN
    cosine: float = _NAN
    cosine_theory: float = _NAN
    rank: float = _NAN
    G: float = _NAN
    chi: float = _NAN
    chi_theory: float = _NAN
    dead: float = _NAN
    saturated: float = _NAN
    classes: float = _NAN
    grad_weight: float = _NAN
    update_weight: float = _NAN
    largest: float = _NAN
    underflow: float = _NAN
    note: str = ""

    @property
    def hidden(self) -> bool:
        """Whether it counts in verdicts about depth."""
        return self.kind == "sums" and not self.head and not self.side


@dataclass(frozen=True, eq=False)
class Weights:
    """Values by variable, as `id(variable)` -> array: before the step, the gradient, and after the step."""

    value: Mapping[int, np.ndarray]
    gradient: Mapping[int, np.ndarray]
    update: Mapping[int, np.ndarray]


def rows(seen: Seen, found: Sequence[Kernel], weights: Weights, scale: float) -> list[Row]:
    """A row for each tensor, in the order in which they were made.

    Args:
        seen: What a pass has shown.
        found: The kernels in it.
        weights: The weights it was made with.
        scale: Factor that makes the objective's gradient each example's own.
    """
    by_tap = {kernel.sums: kernel for kernel in found}
    examples = len(seen.outputs[0])
    plain = [
        _measured(seen, at, by_tap.get(at), scale)
        if seen.values[at].shape[:1] == (examples,)
        else Row(tap.name, tap.part, note="its first axis is not that of the examples")
        for at, tap in enumerate(seen.taps)
    ]
    expected = _Expected(seen, found, weights, plain)
    flats: dict[Any, theory.Flat | None] = {}
    for at, kernel in by_tap.items():
        if math.isnan(plain[at].q):
            continue
        plain[at] = replace(
            plain[at],
            **_units(seen, kernel, weights, scale, flats),
            **_sizes(kernel, weights),
            **expected.of(kernel),
        )
    for kernel in found:
        if kernel.feeds is not None:
            before = found[kernel.feeds].sums
            size = plain[kernel.sums].G
            plain[before] = replace(plain[before], chi=plain[before].G / size if size > 0 else _NAN)
    return plain


def _measured(seen: Seen, at: int, kernel: Kernel | None, scale: float) -> Row:
    tap = seen.taps[at]
    a = spread(seen.values[at], tap.operation)
    g = spread(seen.gradients[at], tap.operation) * scale
    found = measures.forward(a)
    lost = (np.abs(g / scale) < _HALF_LEAST) & (g != 0)
    return Row(
        tap.name,
        "sums" if kernel else tap.part,
        head=kernel is not None and kernel.head,
        side=kernel is not None and kernel.side,
        mean=found.mean,
        q=found.second,
        offset=found.offset,
        pattern=found.pattern,
        signal=found.signal,
        share=1 - found.cosine,
        cosine=found.cosine,
        rank=found.rank,
        G=measures.gradient_size(g),
        largest=found.largest,
        underflow=float(lost.mean()),
        note="float16 overflows" if found.largest > _HALF_MOST else "",
    )


def _units(
    seen: Seen, kernel: Kernel, weights: Weights, scale: float, flats: dict[Any, "theory.Flat | None"]
) -> dict[str, Any]:
    """What is dead, saturated or equal among the units of a layer."""
    z = spread(seen.values[kernel.sums], kernel.layer)
    g = spread(seen.gradients[kernel.sums], kernel.layer)
    units = z.shape[-1]
    blocks = [z.reshape(-1, units), g.reshape(-1, units)]
    slot = kernel.plain
    held = columns(weights.value[id(slot.variable)], slot) if slot else None
    if held is not None and held.shape[1] == units:
        blocks.append(held)
        if kernel.bias is not None and kernel.bias.shape == (units,):
            blocks.append(weights.value[id(kernel.bias.variable)][None])
    found = {"classes": measures.classes(*blocks) / units}
    if kernel.activation is None:
        return found
    if kernel.activation not in flats:
        try:
            flats[kernel.activation] = theory.Flat(kernel.activation)
        except InputError:
            flats[kernel.activation] = None
    flat = flats[kernel.activation]
    if flat is None:
        return found
    there = flat(z)
    found["dead"] = float(there.all(axis=(0, 1)).mean())
    if flat.both:
        found["saturated"] = float(there.mean())
    return found


def _sizes(kernel: Kernel, weights: Weights) -> dict[str, Any]:
    """Gradient and update of the kernels of a layer, over their size."""

    def norm(of: Mapping[int, np.ndarray]) -> float:
        squares = [(of[id(slot.variable)].astype("float64") ** 2).sum() for slot in kernel.slots]
        return math.sqrt(sum(squares))

    size = norm(weights.value)
    if size == 0 or any(id(slot.variable) not in weights.gradient for slot in kernel.slots):
        return {}
    return {
        "grad_weight": norm(weights.gradient) / size,
        "update_weight": norm(weights.update) / size if weights.update else _NAN,
    }


class _Expected:
    """What theory expects along chains of kernels; it starts anew from what was measured where one ends."""

    def __init__(self, seen: Seen, found: Sequence[Kernel], weights: Weights, measured: Sequence[Row]):
        self._seen, self._found, self._weights, self._measured = seen, found, weights, measured
        self._behind: dict[int, theory.After | None] = {}  # what each kernel's activation makes of its sums
        self._slopes: dict[int, float] = {}  # σ_w² of the kernel that follows, by the position of the first
        for kernel in found:
            if kernel.feeds is not None and (square := self._square(kernel)) is not None:
                self._slopes[kernel.feeds] = square

    def of(self, kernel: Kernel) -> dict[str, Any]:
        """The columns of theory for one kernel, those before it asked first."""
        at = self._found.index(kernel)
        self._behind[at] = None
        square = self._square(kernel)
        if square is None:
            return {"note": "no theory: several kernels, or a loop"}
        if kernel.taken is None or math.isnan(self._measured[kernel.taken].q):
            return {"note": "no theory: what it takes is not seen"}
        row = self._measured[kernel.taken]
        before = None if kernel.feeds is None else self._behind.get(kernel.feeds)
        taken = theory.Size(before.second, before.cosine) if before else theory.Size(row.q, row.cosine)
        bias = self._weights.value[id(kernel.bias.variable)] if kernel.bias else np.zeros(1)
        bias_square = float((bias.astype("float64") ** 2).mean())
        size = theory.sums(taken, square, bias_square)
        if self._leans(kernel, row.mean, size.second):
            return {"note": "no theory: the kernel's mean is not 0"}
        alone = theory.sums(theory.Size(row.q, row.cosine), square, bias_square).second
        found = {"q_theory": size.second, "cosine_theory": size.cosine, "q_step": alone}
        if alone > 0 and self._measured[kernel.sums].q > 0:
            units = spread(self._seen.values[kernel.sums], kernel.layer).shape[-1]
            found["off"] = abs(math.log(self._measured[kernel.sums].q / alone)) / math.sqrt(2 / units)
        if not 0 < size.second < 1e300:
            return found
        try:
            after = theory.behind(kernel.activation, size)
        except InputError:
            return found | {"note": "no theory behind it: its activation mixes entries"}
        self._behind[at] = after
        if at in self._slopes:
            found["chi_theory"] = self._slopes[at] * after.slope
        return found

    def _square(self, kernel: Kernel) -> float | None:
        """σ_w², fan_in times the mean square of the kernel; None where it has several."""
        slot = kernel.plain
        if slot is None:
            return None
        value = self._weights.value[id(slot.variable)].astype("float64")
        return self._covered(kernel) * slot.fans.fan_in * float((value**2).mean())

    def _covered(self, kernel: Kernel) -> float:
        """Share of a padded convolution's products that do not meet the padding."""
        taken = None if kernel.taken is None else self._seen.values[kernel.taken]
        return 1.0 if taken is None else covered(kernel.layer, taken.shape)

    def _leans(self, kernel: Kernel, mean: float, second: float) -> bool:
        """Whether the kernel's mean is no chance, and makes sums that all units share."""
        slot = kernel.plain
        assert slot is not None  # asked for its square before
        value = self._weights.value[id(slot.variable)].astype("float64")
        chance = abs(value.mean()) <= _CHANCE * value.std() / math.sqrt(value.size)
        return not chance and (slot.fans.fan_in * value.mean() * mean) ** 2 > _COMMON * second
