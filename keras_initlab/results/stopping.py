"""Early stopping as a reading of finished runs: rules that say after which epoch a run would have ended.

A run that is stopped early is a prefix of the same run that is not, as far as learning rate and data do not
depend on the end. So no rule has to be trained: `Comparison.stopped` cuts the runs that there are.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_initlab.core import arguments
from keras_initlab.results.judging import Floats
from keras_initlab.trials.record import WEIGHT_CHANGE

STRIP = 5  # epochs between two looks of Prechelt's PQ and UP


class Rule(ABC):
    """What ends a run: the epochs that it has seen so far, and nothing else.

    Subclasses are frozen dataclasses whose fields are the law's constants.
    """

    ratios = False
    """Whether it divides by errors, so that it takes losses only."""

    def reads(self, metric: str) -> tuple[str, ...]:
        """The epoch series that `stops` takes, in order."""
        return (metric,)

    def __repr__(self) -> str:
        """The first constant, and the others where they are not the default."""
        constants = list(dataclasses.fields(self))  # type: ignore[arg-type]
        told = [
            one.name for one in constants if one is constants[0] or getattr(self, one.name) != one.default
        ]
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in told)})"

    @abstractmethod
    def stops(self, errors: Sequence[float] | Floats) -> int | None:
        """After how many epochs training ends, from 1; None if it goes on to its end.

        Args:
            errors: One per epoch; smaller is better.
        """


@dataclass(frozen=True, repr=False)
class Window(Rule):
    """Ends where the error fell by less than `d` over `k` epochs.

    Stops at the first t > k with E(t-k) - E(t) < d. Noise within the window counts, unlike in `Patience`.

    Args:
        k: Epochs, at least 1.
        d: In the unit of the error; 0 or more.

    >>> Window(10, 0.01).stops([2.0 ** -t for t in range(1, 31)])
    17
    """

    k: int = 10
    d: float = 0.0

    def __post_init__(self) -> None:
        arguments.whole("k", self.k)
        arguments.at_least("d", self.d, 0)

    def stops(self, errors: Sequence[float] | Floats) -> int | None:
        error = np.asarray(errors, dtype=float)
        return _first(error[: -self.k] - error[self.k :] < self.d, self.k + 1)


@dataclass(frozen=True, repr=False)
class Patience(Rule):
    """Keras's `EarlyStopping`: ends after `patience` epochs in which the best did not fall.

    The best moves only by more than `min_delta`. The values read are those after the last epoch, as with
    `restore_best_weights=False`.

    Args:
        patience: Epochs, 0 or more.
        min_delta: In the unit of the error; 0 or more.
        start_from_epoch: Epochs that are passed over first.

    >>> Patience(2).stops([3.0, 2.0, 2.5, 1.9, 2.0, 2.1, 1.0])
    6
    """

    patience: int = 0
    min_delta: float = 0.0
    start_from_epoch: int = 0

    def __post_init__(self) -> None:
        arguments.whole("patience", self.patience, 0)
        arguments.at_least("min_delta", self.min_delta, 0)
        arguments.whole("start_from_epoch", self.start_from_epoch, 0)

    def stops(self, errors: Sequence[float] | Floats) -> int | None:
        best, wait = None, 0
        for epoch, error in enumerate(np.asarray(errors, dtype=float)):
            if epoch < self.start_from_epoch:
                continue
            wait += 1
            if best is None or error + self.min_delta < best:
                best, wait = error, 0
            elif wait >= self.patience and epoch > 0:
                return epoch + 1
        return None


@dataclass(frozen=True, repr=False)
class GL(Rule):
    """Prechelt's generalization loss: ends where the error is `alpha` percent above the lowest so far.

    Stops at the first t with GL(t) = 100 (E(t) / min E(1..t) - 1) > alpha.

    Args:
        alpha: In percent, above 0.

    Reference: Prechelt 1998, "Early stopping - but when?".

    >>> GL(5).stops([1.0, 0.8, 0.83, 0.85, 0.7])
    4
    """

    alpha: float = 5.0
    ratios = True

    def __post_init__(self) -> None:
        arguments.positive("alpha", self.alpha)

    def stops(self, errors: Sequence[float] | Floats) -> int | None:
        return _first(_generalization_loss(errors) > self.alpha, 1)


@dataclass(frozen=True, repr=False)
class PQ(Rule):
    """Prechelt's progress quotient: ends where generalization loss outweighs what training still gains.

    Stops at the first end of a strip of k epochs with GL(t) / P(t) > alpha, where the progress of the strip
    is P(t) = 1000 (mean E_tr / min E_tr - 1) over its epochs.

    Args:
        alpha: Above 0.
        k: Epochs of a strip, at least 2.

    Reference: Prechelt 1998, "Early stopping - but when?".

    >>> PQ(0.5, k=2).stops([1.0, 0.9, 0.95, 1.2], [1.0, 0.8, 0.75, 0.74])
    4
    """

    alpha: float = 0.5
    k: int = STRIP
    ratios = True

    def __post_init__(self) -> None:
        arguments.positive("alpha", self.alpha)
        arguments.whole("k", self.k, 2)

    def reads(self, metric: str) -> tuple[str, ...]:
        return metric, metric.removeprefix("val_")

    def stops(
        self, errors: Sequence[float] | Floats, training: Sequence[float] | Floats | None = None
    ) -> int | None:
        """As `Rule.stops`; `training` are the errors in training, by default the same."""
        own = np.asarray(errors if training is None else training, dtype=float)
        loss = _generalization_loss(errors)
        for end in range(self.k, len(loss) + 1, self.k):
            strip = own[end - self.k : end]
            progress = 1000 * (strip.mean() / strip.min() - 1)
            if loss[end - 1] > self.alpha * progress:
                return end
        return None


@dataclass(frozen=True, repr=False)
class UP(Rule):
    """Prechelt's rule of successive rises: ends where the error rose over `s` strips in succession.

    Stops at the first end t of a strip of k epochs with E(t - ik) > E(t - ik - k) for i = 0, ..., s - 1.

    Args:
        s: Strips, at least 1.
        k: Epochs of a strip, at least 1.

    Reference: Prechelt 1998, "Early stopping - but when?".

    >>> UP(2, k=1).stops([1.0, 0.9, 0.91, 0.9, 0.92, 0.95])
    6
    """

    s: int = 3
    k: int = STRIP

    def __post_init__(self) -> None:
        arguments.whole("s", self.s)
        arguments.whole("k", self.k)

    def stops(self, errors: Sequence[float] | Floats) -> int | None:
        ends = np.asarray(errors, dtype=float)[self.k - 1 :: self.k]
        rises = ends[1:] > ends[:-1]
        if len(rises) < self.s:
            return None
        all_rise = np.lib.stride_tricks.sliding_window_view(rises, self.s).all(axis=1)
        strip = _first(all_rise, self.s + 1)
        return None if strip is None else strip * self.k


@dataclass(frozen=True, repr=False)
class LargestWeightChange(Rule):
    """Ends where no weight moved by more than `d` over an epoch.

    Stops at the first t with max |w(t) - w(t-1)| < d. Adam moves every weight by up to its rate in each
    step, so give `d` as a part of rate times steps.

    Args:
        d: In the unit of the weights, above 0.

    >>> LargestWeightChange(0.1).stops([0.5, 0.2, 0.05])
    3
    """

    d: float

    def __post_init__(self) -> None:
        arguments.positive("d", self.d)

    def reads(self, metric: str) -> tuple[str, ...]:
        return (WEIGHT_CHANGE,)

    def stops(self, errors: Sequence[float] | Floats) -> int | None:
        return _first(np.less(errors, self.d), 1)


def _first(ends: ArrayLike, offset: int) -> int | None:
    """The epoch of the first True, where the first entry is that of epoch `offset`."""
    found = np.flatnonzero(ends)
    return int(found[0]) + offset if len(found) else None


def _generalization_loss(errors: Sequence[float] | Floats) -> Floats:
    error = np.asarray(errors, dtype=float)
    return 100 * (error / np.fmin.accumulate(error) - 1)
