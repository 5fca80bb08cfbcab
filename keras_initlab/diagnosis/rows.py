"""What was measured of each tensor between two layers, as numbers, and what theory expects beside it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from keras_initlab.diagnosis import measures, theory
from keras_initlab.diagnosis.kernels import Kernel, columns, spread
from keras_initlab.diagnosis.propagation import Propagation, Weights
from keras_initlab.network.probe import Seen
from keras_initlab.network.recording import Tap

_NAN = math.nan
_HALF_LEAST, _HALF_MOST = 6e-8, 65504.0  # what float16 can hold


@dataclass(frozen=True)
class Row:
    """One tensor.

    Attributes:
        tap: Its name.
        kind: `"sums"` before the activation of a layer with a kernel, `"in"` or `"out"` of any other,
            `"state"` what a recurrent layer begins with, `"attention"` the weights of attention.
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
        G_theory: What theory expects along the chain of layers behind, from the last one's G.
        chi: G over that of the next kernel, or behind the block where a sum goes around it; of a state over
            that of the layer's output after the last step, so that time is the depth.
        chi_theory: What theory expects.
        dead: Share of units that pass no gradient for any example.
        saturated: Share of entries where an activation that is bounded on both sides is flat.
        classes: Different units over units; those that are equal stay equal.
        grad_weight: Norm of the kernel's gradient over that of the kernel.
        update_weight: The same of the optimizer's first update.
        largest: Greatest magnitude.
        underflow: Share of the gradient's entries that float16 would lose.
        entropy: Of attention's weights, over that of equal ones: 1 where all places are averaged.
        logits: Standard deviation of attention's logits over the places that are attended to.
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
    G_theory: float = _NAN
    chi: float = _NAN
    chi_theory: float = _NAN
    dead: float = _NAN
    saturated: float = _NAN
    classes: float = _NAN
    grad_weight: float = _NAN
    update_weight: float = _NAN
    largest: float = _NAN
    underflow: float = _NAN
    entropy: float = _NAN
    logits: float = _NAN
    note: str = ""

    @property
    def hidden(self) -> bool:
        """Whether it counts in verdicts about depth."""
        return self.kind == "sums" and not self.head and not self.side


def rows(
    seen: Seen, found: Sequence[Kernel], weights: Weights, scale: float, curves: theory.Curves
) -> list[Row]:
    """A row for each tensor, in the order in which they were made.

    Args:
        seen: What a pass has shown.
        found: The kernels in it.
        weights: The weights it was made with.
        scale: Factor that makes the objective's gradient each example's own.
        curves: The activations of the model.
    """
    by_tap = {kernel.sums: kernel for kernel in found}
    examples = len(seen.outputs[0])
    plain = [
        _measured(seen, at, by_tap.get(at), scale)
        if seen.values[at].shape[:1] == (examples,)
        else Row(tap.name, tap.part, note="its first axis is not that of the examples")
        for at, tap in enumerate(seen.taps)
    ]
    expected = Propagation(seen, found, weights, plain, curves)
    for at, kernel in by_tap.items():
        if math.isnan(plain[at].q):
            continue
        plain[at] = replace(
            plain[at],
            **_units(seen, kernel, weights, scale, curves),
            **_sizes(kernel, weights),
        )
    for at, columns_ in expected.columns.items():
        plain[at] = replace(plain[at], **columns_)
    for at, later in reversed(expected.passages.items()):
        size = plain[later.at].G
        expected_there = plain[later.at].G_theory if plain[later.at].G_theory > 0 else size
        plain[at] = replace(
            plain[at],
            chi=plain[at].G / size if size > 0 else _NAN,
            chi_theory=later.factor,
            G_theory=later.factor * expected_there,
        )
    for at in by_tap:
        last = _last_step(seen, at, scale)
        for state in _states(seen.taps, at) if last > 0 else ():
            plain[state] = replace(plain[state], chi=plain[state].G / last)
    return plain


def _states(taps: Sequence[Tap], at: int) -> list[int]:
    """Positions of what the recurrent layer that has put this out began with."""
    first = at
    while first and taps[first - 1].part == "state" and taps[first - 1].operation is taps[at].operation:
        first -= 1
    return list(range(first, at))


def _last_step(seen: Seen, at: int, scale: float) -> float:
    """G of what a layer puts out, of its last step alone where it puts out all of them."""
    g = seen.gradients[at] * scale
    return measures.gradient_size(
        g[:, -1] if getattr(seen.taps[at].operation, "return_sequences", False) else g
    )


_GEOMETRIC = ("q", "q_theory", "q_step", "G", "G_theory", "chi", "chi_theory")


def averaged(draws: Sequence[Sequence[Row]]) -> list[Row]:
    """One row for each tensor, averaged over several draws of the weights; sizes and factors geometrically.

    >>> averaged([[Row("a", "out", q=1.0, mean=1.0)], [Row("a", "out", q=4.0, mean=2.0)]])[0].q
    2.0
    """
    numbers = [one.name for one in fields(Row) if one.type in (float, "float")]
    found = []
    for same in zip(*draws, strict=True):
        columns_ = {name: np.array([getattr(row, name) for row in same]) for name in numbers}
        found.append(replace(same[0], **{name: _mean(name, held) for name, held in columns_.items()}))
    return found


def _mean(name: str, values: np.ndarray) -> float:
    """Over the draws that have a value; a size of 0 makes the mean 0."""
    known = values[~np.isnan(values)]
    if not len(known):
        return _NAN
    if name not in _GEOMETRIC:
        return float(known.mean())
    return float(np.exp(np.log(known).mean())) if (known > 0).all() else 0.0


def _measured(seen: Seen, at: int, kernel: Kernel | None, scale: float) -> Row:
    tap = seen.taps[at]
    entropy, logits = measures.attended(seen.values[at]) if tap.part == "attention" else (_NAN, _NAN)
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
        G=_NAN if tap.part == "attention" else measures.gradient_size(g),
        largest=found.largest,
        underflow=float(lost.mean()),
        entropy=entropy,
        logits=logits,
        note="float16 overflows" if found.largest > _HALF_MOST else "",
    )


def _units(
    seen: Seen, kernel: Kernel, weights: Weights, scale: float, curves: theory.Curves
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
    curve = None if kernel.activation is None else curves.of(kernel.activation)
    if curve is None:
        return found
    there = curve.flat(z)
    found["dead"] = float(there.all(axis=(0, 1)).mean())
    if curve.bounded:
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
