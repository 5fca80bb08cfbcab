"""Remedies that change which examples come when."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from keras_initlab.core.arguments import above, fraction, one_of, positive, whole
from keras_initlab.core.errors import InputError
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.sources import Arrays
from keras_initlab.remedies.registry import RemedyClaims, register
from keras_initlab.remedies.remedy import Remedy, Subject

Rule = Callable[[Arrays, Seeds, int], np.ndarray]


class Reordered(Arrays):
    """Arrays in an order that a rule gives, which may leave examples out and repeat others."""

    def __init__(self, source: Arrays, rule: Rule):
        vars(self).update(vars(source))
        self.shuffle, self._rule = True, rule

    def order(self, seeds: Seeds, epoch: int) -> np.ndarray:
        return self._rule(self, seeds, epoch)


def _no_arrays(subject: Subject) -> str | None:
    if isinstance(subject.training, Arrays):
        return None
    return "a data set decides its order itself; give arrays, or say it there."


_RULES = ("each", "once", "never", "replacement")


@register(
    "shuffle",
    claims=RemedyClaims(
        law="a new permutation in each epoch; one for all; none; with replacement",
        reference="LeCun et al. 1998, Efficient BackProp, sec. 4.1",
        place="data",
    ),
)
@dataclass(frozen=True)
class Shuffle(Remedy):
    """The order of the training examples. As a level, its rule, or True (`"each"`) and False (`"never"`).

    Args:
        rule: `"each"`: a new permutation in each epoch. `"once"`: the first epoch's in all. `"never"`: the
            order of the data. `"replacement"`: each place is drawn from all examples.

    Raises:
        InputError: If there is no such rule.

    >>> Shuffle.make("once")
    Shuffle(rule='once')
    """

    rule: str = "each"

    def __post_init__(self) -> None:
        one_of("rule", self.rule, _RULES)

    @classmethod
    def make(cls, level: Any) -> Self | None:
        if isinstance(level, bool):
            return cls("each" if level else "never")
        return cls(level) if isinstance(level, str) else super().make(level)

    def why_not(self, subject: Subject) -> str | None:
        return _no_arrays(subject)

    def act(self, subject: Subject) -> Subject:
        source = subject.training
        assert isinstance(source, Arrays)
        if self.rule in ("each", "never"):
            plain = Arrays(source.data, source.batch_size, shuffle=self.rule == "each", steps=source.steps)
            return dataclasses.replace(subject, training=plain)
        return dataclasses.replace(subject, training=Reordered(source, self._order))

    def _order(self, source: Arrays, seeds: Seeds, epoch: int) -> np.ndarray:
        if self.rule == "once":
            return np.random.default_rng(seeds.order(0)).permutation(source.examples)
        return np.random.default_rng(seeds.order(epoch)).integers(0, source.examples, source.examples)


PACINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda s: s,
    "quadratic": lambda s: s * s,
    "root": math.sqrt,
    "step": math.floor,
    "exp": lambda s: math.expm1(10 * s) / math.expm1(10),
    "log": lambda s: 1 + 0.1 * math.log(s + math.exp(-10)),
}
"""How the share of the examples grows from its start (0) to all (1), by the share of the pacing's time."""


@dataclass(frozen=True)
class Staircase:
    """The pacing of Hacohen & Weinshall 2019: the share starts at `start` and is multiplied now and then.

    Args:
        start: The share in the first step.
        increase: By what it is multiplied, above 1.
        every: After how many steps.

    >>> Staircase(0.1, 2, 100)(250, 1000)
    0.4
    """

    start: float = 0.1
    increase: float = 1.9
    every: int = 100

    def __post_init__(self) -> None:
        fraction("start", self.start)
        above("increase", self.increase, 1)
        whole("every", self.every)

    def __call__(self, step: int, steps: int) -> float:
        return min(self.start * self.increase ** (step // self.every), 1.0)


@register(
    "curriculum",
    claims=RemedyClaims(
        law="batches drawn from the g(t) easiest, g = N b + N (1 - b) f(t / (a T))",
        reference="Bengio et al. 2009, ICML; Hacohen & Weinshall 2019, arXiv:1904.03626; Wu et al. 2021, "
        "arXiv:2012.03107",
        place="data",
        default=False,
        same_loss=False,
    ),
)
@dataclass(frozen=True, eq=False)
class Curriculum(Remedy):
    """Each batch is drawn without replacement from the first g(t) examples by difficulty, t counting steps.

    g is never less than a batch. An epoch keeps its number of batches. Controls: the same pacing with the
    hardest first, or in an order by chance, which is another in each replicate.

    Args:
        difficulty: One number for each training example, or a function `(x, y)` that gives them.
        pacing: f, one of `linear`, `quadratic`, `root`, `step`, `exp`, `log` (constant 10); or a function
            `(t, T)` that gives the share itself, such as `Staircase`.
        start: b, the share of the examples in the first step.
        end: a, the share of the training after which all examples are in.
        order: `"easy"`, `"anti"` or `"random"`.

    Raises:
        InputError: If an argument is out of range.

    >>> Curriculum([3.0, 1.0, 2.0, 4.0], start=0.5, end=0.5).count(0, 4, 10)
    2
    """

    difficulty: Any
    pacing: Any = "linear"
    start: float = 0.2
    end: float = 0.8
    order: str = "easy"

    def __post_init__(self) -> None:
        if not callable(self.difficulty):
            numbers = np.asarray(self.difficulty)
            if numbers.ndim != 1 or numbers.dtype.kind not in "fiu" or not np.isfinite(numbers).all():
                raise InputError(
                    "difficulty is no function and no row of finite numbers: give one for each training "
                    "example."
                )
            object.__setattr__(self, "difficulty", numbers)
        if not callable(self.pacing):
            one_of("pacing", self.pacing, tuple(PACINGS))
        fraction("start", self.start)
        positive("end", self.end)
        one_of("order", self.order, ("easy", "anti", "random"))

    def count(self, step: int, examples: int, steps: int) -> int:
        """g, the examples to draw from in a step of the training."""
        if callable(self.pacing):
            share = self.pacing(step, steps)
        else:
            time = min(step / (self.end * steps), 1.0)
            share = self.start + (1 - self.start) * PACINGS[self.pacing](time)
        return min(max(math.ceil(examples * share - 1e-9), 1), examples)

    def why_not(self, subject: Subject) -> str | None:
        reason = _no_arrays(subject)
        if reason is None and not callable(self.difficulty):
            assert isinstance(subject.training, Arrays)
            if len(self.difficulty) != subject.training.examples:
                return (
                    f"difficulty has {len(self.difficulty)} numbers for {subject.training.examples} training "
                    "examples; give one for each."
                )
        return reason

    def act(self, subject: Subject) -> Subject:
        source = subject.training
        assert isinstance(source, Arrays)
        numbers = self.difficulty
        if callable(numbers):
            numbers = dataclasses.replace(self, difficulty=numbers(*source.data[:2])).difficulty
        if len(numbers) != source.examples:
            raise InputError(
                f"difficulty gave {len(numbers)} numbers for {source.examples} training examples."
            )
        ranking = np.argsort(-numbers if self.order == "anti" else numbers, kind="stable")
        in_epoch, total = source.steps, subject.epochs * source.steps

        def order(given: Arrays, seeds: Seeds, epoch: int) -> np.ndarray:
            ranked = ranking
            if self.order == "random":
                ranked = np.random.default_rng(seeds.remedy(self.name, "order")).permutation(given.examples)
            generator = np.random.default_rng(seeds.remedy(self.name, epoch))
            size = given.batch_size
            chosen = []
            for step, first in enumerate(range(0, given.examples, size)):
                rows = min(size, given.examples - first)
                among = max(self.count(epoch * in_epoch + step, given.examples, total), rows)
                chosen.append(ranked[generator.choice(among, rows, replace=False)])
            return np.concatenate(chosen)

        return dataclasses.replace(subject, training=Reordered(source, order))
