"""A comparison as pure data: labels x replicates -> trials, each with its derived seeds."""

from dataclasses import dataclass

from keras_initlab.core.seeds import derive


@dataclass(frozen=True)
class Trial:
    """One training run: an initializer's label and a replicate, and the seeds that follow from them.

    The pairing is visible here: no seed depends on the label, so every initializer of a replicate
    meets the same data order, the same dropout masks and the same underlying draws.
    """

    label: str
    replicate: int
    root_seed: int

    def order_seed(self, epoch: int) -> int:
        """Seed of the order in which the training data come in `epoch`."""
        return derive(self.root_seed, "order", self.replicate, epoch)

    def noise_seed(self, index: int) -> int:
        """Seed of the `index`-th random generator inside the model (dropout, noise layers)."""
        return derive(self.root_seed, "noise", self.replicate, index)

    def draw_seed(self, *slot: str | int) -> int:
        """Seed of the draw for one weight tensor; never the same for two of them."""
        return derive(self.root_seed, "draw", self.replicate, *slot)

    def global_seed(self) -> int:
        """Seed of Python's, NumPy's and the backend's global generators while the trial runs."""
        return derive(self.root_seed, "global", self.replicate)


@dataclass(frozen=True)
class Plan:
    """Which trials make up a comparison, and how long each trains.

    Trials come replicate by replicate, so that after any interruption the finished ones pair up.
    """

    labels: tuple[str, ...]
    replicates: int
    seed: int
    epochs: int
    steps_per_epoch: int

    @property
    def trials(self) -> tuple[Trial, ...]:
        return tuple(
            Trial(label, replicate, self.seed)
            for replicate in range(self.replicates)
            for label in self.labels
        )
