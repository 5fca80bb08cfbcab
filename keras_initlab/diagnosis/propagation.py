"""What theory expects of the tensors of a pass, layer after layer, from the weights as they are."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from keras_initlab.core.keras_private import is_activation
from keras_initlab.diagnosis import theory
from keras_initlab.diagnosis.kernels import SHAPING, Kernel, covered, spread
from keras_initlab.network.probe import Seen

_CHANCE = 4.0  # standard errors of a kernel's mean that chance may bring
_COMMON = 0.1  # of the sums' second moment, from which a common mean spoils the theory


@dataclass(frozen=True, eq=False)
class Weights:
    """Values by variable, as `id(variable)` -> array: before the step, the gradient, and after the step."""

    value: Mapping[int, np.ndarray]
    gradient: Mapping[int, np.ndarray]
    update: Mapping[int, np.ndarray]


class Measured(Protocol):
    """What has to be known of a tensor."""

    @property
    def mean(self) -> float: ...
    @property
    def q(self) -> float: ...
    @property
    def cosine(self) -> float: ...


class Passage(NamedTuple):
    """From one tensor to a later one.

    Attributes:
        at: Position of the later tap.
        factor: The squared gradient here over that there, as theory expects; NaN where it is silent.
    """

    at: int
    factor: float


class Propagation:
    """What theory expects, followed through kernels, activations and sums; where another layer comes between,
    it starts anew from what was measured.

    Attributes:
        columns: Position of a tap -> the columns of its row.
        passages: Position of a tap -> where its gradient comes from, first to last.
    """

    def __init__(
        self,
        seen: Seen,
        found: Sequence[Kernel],
        weights: Weights,
        measured: Sequence[Measured],
        curves: theory.Curves,
    ):
        self._seen, self._found, self._weights, self._measured = seen, found, weights, measured
        self._curves = curves
        self._by_tap = {kernel.sums: kernel for kernel in found}
        self._sizes: dict[int, theory.Size] = {}
        self._slopes: dict[int, float] = {}  # E φ'² by the tap behind an activation
        self.columns: dict[int, dict[str, Any]] = {}
        for at in range(len(seen.taps)):
            self._follow(at)
        self.passages = dict(sorted((self._chains() | self._blocks()).items()))

    def _follow(self, at: int) -> None:
        """One tensor, all before it known."""
        tap = self._seen.taps[at]
        source = self._sizes.get(tap.source) if tap.source is not None else None
        if at in self._by_tap:
            if not math.isnan(self._measured[at].q):
                self.columns[at] = self._sums(self._by_tap[at])
        elif source is None or at in self._sizes:
            return
        elif type(tap.operation).__name__ in SHAPING:
            self._sizes[at] = source
        elif type(tap.operation).__name__ == "Add":
            if size := self._sum((tap.source, *tap.others)):
                self._sizes[at] = size
                self.columns[at] = {"q_theory": size.second, "cosine_theory": size.cosine}
        elif is_activation(tap.operation) and not tap.others:
            self._activate(at, getattr(tap.operation, "activation", tap.operation.call), source)

    def _sums(self, kernel: Kernel) -> dict[str, Any]:
        square = self._square(kernel)
        if square is None:
            return {"note": "no theory: several kernels, or a loop"}
        if kernel.taken is None or math.isnan(self._measured[kernel.taken].q):
            return {"note": "no theory: what it takes is not seen"}
        row = self._measured[kernel.taken]
        seen = theory.Size(row.q, row.cosine)
        bias = self._weights.value[id(kernel.bias.variable)] if kernel.bias else np.zeros(1)
        bias_square = float((bias.astype("float64") ** 2).mean())
        size = theory.sums(self._sizes.get(kernel.taken, seen), square, bias_square)
        if self._leans(kernel, row.mean, size.second):
            return {"note": "no theory: the kernel's mean is not 0"}
        alone = theory.sums(seen, square, bias_square).second
        found: dict[str, Any] = {"q_theory": size.second, "cosine_theory": size.cosine, "q_step": alone}
        if alone > 0 and self._measured[kernel.sums].q > 0:
            units = spread(self._seen.values[kernel.sums], kernel.layer).shape[-1]
            found["off"] = abs(math.log(self._measured[kernel.sums].q / alone)) / math.sqrt(2 / units)
        if not 0 < size.second < 1e300:
            return found
        self._sizes[kernel.sums] = size
        if kernel.after != kernel.sums and not self._activate(kernel.after, kernel.activation, size):
            found["note"] = "no theory behind it: its activation mixes entries"
        return found

    def _activate(self, at: int, activation: Any, size: theory.Size) -> bool:
        curve = self._curves.of(activation)
        if curve is None:
            return False
        after = curve.behind(size)
        self._sizes[at] = theory.Size(after.second, after.cosine)
        self._slopes[at] = after.slope
        return True

    def _sum(self, parts: Sequence[int | None]) -> theory.Size | None:
        """Of tensors that are independent: all but one are sums of kernels whose mean is 0."""
        sizes = [self._sizes.get(part) for part in parts if part is not None]
        free = [part for part in parts if part not in self._by_tap]
        if len(set(parts)) < 2 or len(free) > 1 or None in sizes:
            return None
        known = [size for size in sizes if size is not None]
        second = sum(size.second for size in known)
        return theory.Size(second, sum(size.second * size.cosine for size in known) / second)

    def _chains(self) -> dict[int, Passage]:
        """From the sums of one kernel to those of the next, which alone takes them."""
        uses = Counter(one for tap in self._seen.taps for one in (tap.source, *tap.others))
        found = {}
        for kernel in self._found:
            if kernel.feeds is None:
                continue
            before, square = self._found[kernel.feeds], self._square(kernel)
            if uses[kernel.taken] > 1 or uses[before.after] > 1:
                continue
            factor = math.nan
            if square is not None and before.sums in self._sizes:
                slope = 1.0 if before.after == before.sums else self._slopes.get(before.after, math.nan)
                factor = square * slope
            found[before.sums] = Passage(kernel.sums, factor)
        return found

    def _blocks(self) -> dict[int, Passage]:
        """From one end of a sum that goes around some kernels to the other."""
        found = {}
        for at, tap in enumerate(self._seen.taps):
            if type(tap.operation).__name__ != "Add" or tap.source is None or len(tap.others) != 1:
                continue
            for stream, branch in ((tap.source, tap.others[0]), (tap.others[0], tap.source)):
                factor = self._around(branch, stream)
                if factor is not None:
                    found[stream] = Passage(at, 1 + factor)
        return found

    def _around(self, branch: int, stream: int) -> float | None:
        """Factor on the squared gradient from the last sums of a branch back to `stream`, where it begins.

        None if it begins elsewhere.
        """
        factor, kernel = 1.0, self._by_tap.get(branch)
        while kernel is not None:
            factor *= self._square(kernel) or math.nan
            if kernel.taken == stream:
                return factor
            if kernel.taken is not None and self._seen.taps[kernel.taken].source == stream:
                return factor * self._slopes.get(kernel.taken, math.nan)
            if kernel.feeds is None:
                return None
            kernel = self._found[kernel.feeds]
            if kernel.after != kernel.sums:
                factor *= self._slopes.get(kernel.after, math.nan)
        return None

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
