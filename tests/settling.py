"""Many comparisons at once that go on until they are settled, on made-up values."""

from dataclasses import dataclass

import numpy as np

from keras_initlab.results import settling
from keras_initlab.results.judging import Judged
from keras_initlab.trials.settling import planned


@dataclass(frozen=True, eq=False)
class Played:
    """What came of it.

    Attributes:
        found: Each pair as it was decided; the baseline is the first initializer.
        n: (comparisons, initializers), replicates that were trained.
        settled: Whether each comparison was, before its last replicate or at it.
        margin: That of the rule.
    """

    found: Judged
    n: np.ndarray
    settled: np.ndarray
    margin: float

    @property
    def runs(self):
        """Runs of a comparison, on average."""
        return self.n.sum(-1).mean()

    @property
    def verdicts(self):
        """Against the baseline: 1 better, -1 worse, 0 equivalent, NaN open."""
        better, worse = self.found.better[..., 0], self.found.better[..., 0, :]
        found = np.where(settling.is_settled(self.found, self.margin)[..., 0], 0.0, np.nan)
        return np.where(better, 1.0, np.where(worse, -1.0, found))[..., 1:]


def play(values, lost=None, first=3, margin=1.0, resolution=0.0, dropping=True):
    """The rule on values (comparisons, initializers, replicates): all there are is `max_replicates`."""
    lost = np.isnan(values) if lost is None else lost
    ran = np.ones(values.shape, bool)
    part, found = np.ones(values.shape[:-1], bool), settling.nothing(values.shape[:-1])
    n = np.zeros(part.shape, int)
    for look in planned((), first, values.shape[-1]):
        stage = settling.Stage(look.n, look.share, part)
        n[part] = look.n
        found = settling.looked(found, values, lost, ran, stage, margin, resolution)
        open_ = settling.unsettled(found, 0, margin)
        if dropping:
            part = (open_ & part[:, :, None] & part[:, None, :]).any(-1)
        if not part.any():
            break
    return Played(found, n, ~open_.any((-1, -2)), margin)
