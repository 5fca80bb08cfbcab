"""Whether a run that finished has learned anything."""

from collections.abc import Iterable, Mapping

import numpy as np

from keras_initlab.trials.record import Record

_MARGIN = 0.01  # a loss this share below that of a constant answer is better than it
_ERRORS = 3.0  # standard errors that an accuracy, or a fall of the loss, has to exceed
_FEWEST = 40  # steps below which a curve is too short to be called flat
_CLASSES = ("accuracy", "acc", "categorical_accuracy", "sparse_categorical_accuracy", "binary_accuracy")


def chance(
    y: np.ndarray, loss: str, metrics: Iterable[str] = (), seen: int | None = None
) -> dict[str, float]:
    """What the best constant answer scores on the targets `y`: the level of a network that learned nothing.

    Args:
        y: Targets of one output, as the loss takes them.
        loss: Name of the loss, in the spelling of the function or of the class.
        metrics: Names under which the epochs report; accuracies among them get a level.
        seen: Examples that an epoch measures them on; all by default.

    Returns:
        Name -> level, with three standard errors added to an accuracy; names whose level is not known
        (custom losses, weighted ones) are left out.

    >>> chance(np.array([0, 0, 0, 1]), "mean_squared_error")
    {'loss': 0.1875}
    >>> level = chance(np.arange(1000) % 2, "sparse_categorical_crossentropy", ["accuracy"])
    >>> {name: round(value, 3) for name, value in level.items()}
    {'loss': 0.693, 'accuracy': 0.547}
    """
    name = loss.lower().replace("_", "")
    targets = np.asarray(y)
    if not targets.size or (not np.issubdtype(targets.dtype, np.number) and targets.dtype != bool):
        return {}
    if name in ("meansquarederror", "mse"):
        return {"loss": float(targets.reshape(len(targets), -1).var(axis=0).mean())}
    if name in ("meanabsoluteerror", "mae"):
        flat = targets.reshape(len(targets), -1)
        return {"loss": float(np.abs(flat - np.median(flat, axis=0)).mean())}
    if name == "sparsecategoricalcrossentropy":
        shares = np.unique(targets, return_counts=True)[1] / targets.size
    elif name == "categoricalcrossentropy":
        shares = targets.reshape(-1, targets.shape[-1]).mean(axis=0)
    elif name == "binarycrossentropy":
        positive = targets.reshape(len(targets), -1).mean(axis=0)
        shares = np.stack([positive, 1 - positive])
    else:
        return {}
    entropy = -np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1)), 0).sum(axis=0)
    commonest = float(np.mean(shares.max(axis=0)))
    error = _ERRORS * float(np.sqrt(commonest * (1 - commonest) / (seen or len(targets))))
    return {"loss": float(np.mean(entropy))} | {
        metric: min(1.0, commonest + error) for metric in metrics if metric in _CLASSES
    }


def stuck(run: Record, levels: Mapping[str, float]) -> bool:
    """Whether a run finished without having learned: at its end it is no better than chance.

    Chance is the best constant answer: the commonest class, the mean of the targets. A run is better if
    its last loss or its last accuracy, in training or validation, is better than the level of `levels`
    (losses by 1 %). Where only losses have a level, as in regression, a run that still falls is on its
    way: the mean loss of its last quarter is below that of the quarter before by more than three standard
    errors of their difference. Where nothing has a level, as with a custom loss, the last tenth has to be
    below the first by as much. A curve of fewer than 40 steps shows no fall and no standstill.

    Args:
        run: A completed run.
        levels: `config["chance"]`: name as in `Record.epochs` -> level; empty if nothing is known.

    >>> stuck(Record("a", 0, "completed", epochs={"loss": (2.5, 2.31)}), {"loss": 2.30})
    True
    """
    judged = [name for name in levels if run.epochs.get(name)]
    losses = np.asarray(run.step_losses, dtype=float)
    if not judged:
        return len(losses) >= _FEWEST and not _falls(losses, len(losses) // 10, 0)
    if any(_better(name, run.epochs[name][-1], levels[name]) for name in judged):
        return False
    if not all(name.endswith("loss") for name in judged):
        return True
    quarter = len(losses) // 4
    return len(losses) < _FEWEST or not _falls(losses, quarter, len(losses) - 2 * quarter)


def _better(name: str, value: float, level: float) -> bool:
    return value < (1 - _MARGIN) * level if name.endswith("loss") else value > level


def _falls(losses: np.ndarray, steps: int, start: int) -> bool:
    """Whether the last `steps` losses are below those from `start` on, noise aside."""
    before, after = losses[start : start + steps], losses[-steps:]
    error = np.sqrt(before.var(ddof=1) / steps + after.var(ddof=1) / steps)
    return bool(before.mean() - after.mean() > _ERRORS * error)
