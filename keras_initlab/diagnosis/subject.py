"""A model and a batch that are looked at from one start after another."""

import functools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_initlab.diagnosis import measures, tangents
from keras_initlab.diagnosis.kernels import Kernel, kernels, spread
from keras_initlab.diagnosis.labels import Expected, expected, one_hot
from keras_initlab.diagnosis.propagation import Weights
from keras_initlab.diagnosis.report import Diagnosis, Step
from keras_initlab.diagnosis.rows import rows
from keras_initlab.diagnosis.step import first_step, is_sgd
from keras_initlab.diagnosis.theory import Curves
from keras_initlab.diagnosis.verdicts import Facts
from keras_initlab.network.probe import Probe, Seen
from keras_initlab.network.slots import all_slots

_MOST_OUTPUTS = 256


@dataclass(frozen=True, eq=False)
class Data:
    """What is looked at, as arrays.

    Attributes:
        x: Inputs, nested as the model takes them.
        y: Targets; None without a loss.
        others: Inputs and targets that the first step does not see, as many; None where there are no more.
    """

    x: Any
    y: Any = None
    others: tuple[Any, Any] | None = None


class Subject:
    """One model, one batch and one optimizer, looked at from any start.

    Args:
        probe: Passes through the model.
        data: The batch.
        optimizer: Makes a fresh one.
        training: Whether the model runs as it does in training.
        seed: Of chance directions.
    """

    def __init__(
        self,
        probe: Probe,
        data: Data,
        optimizer: Callable[[], keras.optimizers.Optimizer],
        training: bool,
        seed: int,
    ):
        self.probe = probe
        self._data, self._optimizer, self._training = data, optimizer, training
        self._seed = seed
        self._curves = Curves()
        model = probe.model
        self._slots = all_slots(model)
        self._x, self._y = (_tensors(part) for part in (data.x, data.y))
        self._others = data.others and (_tensors(data.others[0]), _tensors(data.others[1]))
        self._loss = getattr(model, "loss", None) if data.y is not None else None
        self._summed = getattr(self._loss, "reduction", "") == "sum"
        # Batch statistics couple examples and dropout is noise: of single examples one asks without.
        self._calm = not model.non_trainable_variables and training

    def examine(self, values: Sequence[Any], label: str = "") -> Diagnosis:
        """Look at the model from these weights."""
        seen, found, step, facts, level = self._facts(values)
        gram, coherence = self._gram(values, seen, found)
        loss = seen.loss
        del seen  # as large as what the next pass shows
        targets = one_hot(self._loss, self._data.y)
        return Diagnosis(
            label,
            facts,
            loss,
            level.constant,
            step,
            self._jacobian(values),
            None if gram is None else tangents.tangents(gram, targets),
            coherence,
            notes=self._notes,
        )

    @property
    def _notes(self) -> tuple[str, ...]:
        if not self.probe.raised:
            return ()
        return (f"own layers are looked at from outside only, for inside they raised {self.probe.raised}",)

    def try_out(self) -> int:
        """One pass; how many bytes the tensors between the layers take."""
        if self._y is not None:
            self.probe.build_loss(self._x, self._y)
        return self.probe.bytes_of(self._x, self._y, self._training)

    def facts(self, values: Sequence[Any]) -> Facts:
        """What verdicts are made of, from these weights."""
        return self._facts(values)[3]

    def _facts(self, values: Sequence[Any]) -> tuple[Seen, list[Kernel], Step | None, Facts, Expected]:
        seen = self._look(values)
        found = kernels(self.probe.model, seen.taps, seen.heads, self._slots)
        weights, step = self._stepped(values, seen)
        level = Expected(math.nan, math.nan)
        if self._data.y is not None and len(seen.outputs) == 1:
            level = expected(self._loss, self._data.y, seen.outputs[0].shape[-1])
        names = [kernel.activation_name for kernel in found if not kernel.head]
        facts = Facts(
            rows(seen, found, weights, self._scale, self._curves),
            self._examples,
            self._inputs_rank,
            level.uniform,
            step.afterwards if step else math.nan,
            step.ratio if step else math.nan,
            step.steps if step else math.nan,
            is_sgd(self._optimizer()),
            tuple(name for name, _ in Counter(names).most_common() if name),
        )
        return seen, found, step, facts, level

    @functools.cached_property
    def _shapes(self) -> list[tuple[int, ...]]:
        """Those of the outputs."""
        given = self.probe.lose(self.probe.values(), self._x, self._y, self._training)[1]
        return [one.shape for one in given]

    @property
    def _examples(self) -> int:
        return self._shapes[0][0]

    @property
    def _scale(self) -> float:
        """Factor that makes the loss's gradient each example's own."""
        return 1.0 if self._summed else float(self._examples)

    @functools.cached_property
    def _inputs_rank(self) -> float:
        arrays = [np.asarray(one) for one in keras.tree.flatten(self._data.x)]
        if any(one.dtype.kind not in "fiub" for one in arrays):
            return math.nan
        flat = np.concatenate([one.reshape(len(one), -1).astype("float64") for one in arrays], axis=1)
        return measures.rank(flat - flat.mean(axis=0))

    def _look(self, values: Sequence[Any]) -> Seen:
        """A pass for the loss; where there is none, for a chance direction of each example's outputs."""
        if self._y is not None:
            along = [keras.ops.zeros(shape) for shape in self._shapes]
        else:
            along = [_tensor(self._rng().normal(size=shape) / shape[0]) for shape in self._shapes]
        return self.probe.look(values, self._x, self._y, along=along, training=self._training)

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self._seed)

    def _stepped(self, values: Sequence[Any], seen: Seen) -> tuple[Weights, Step | None]:
        """The weights by variable; with a loss also the optimizer's first step from them."""
        probe = self.probe
        trained = [probe.variables[at] for at in probe.trained]
        value = {id(one): _array(held) for one, held in zip(probe.variables, values, strict=True)}
        gradient = {id(one): found for one, found in zip(trained, seen.weights, strict=True)}
        if self._y is None or not all(np.isfinite(one).all() for one in seen.weights):
            return Weights(value, gradient, {}), None
        start = [values[at] for at in probe.trained]
        moved = first_step(self._optimizer, trained, start, seen.weights)
        update = {id(one): new - value[id(one)] for one, new in zip(trained, moved, strict=True)}
        promised = -sum(
            float((seen.weights[at].astype("float64") * update[id(one)]).sum())
            for at, one in enumerate(trained)
        )
        new = list(values)
        for at, one in zip(probe.trained, moved, strict=True):
            new[at] = _tensor(one, probe.variables[at].dtype)
        after, changed = probe.lose(new, self._x, self._y, self._training)
        squares = [
            float(((a - b).astype("float64") ** 2).mean()) for a, b in zip(changed, seen.outputs, strict=True)
        ]
        step = Step(
            before=seen.loss,
            after=after,
            promised=promised,
            moved=math.sqrt(sum(squares) / len(squares)),
        )
        if self._others is not None:
            x, y = self._others
            before, after = (probe.lose(held, x, y, self._training)[0] for held in (values, new))
            step = step._replace(others=(before, after))
        return Weights(value, gradient, update), step

    def _gram(
        self, values: Sequence[Any], seen: Seen, found: Sequence[Kernel]
    ) -> tuple[np.ndarray | None, float]:
        """Of dense nets, the tangent kernel of a chance direction and the coherence of the gradients."""
        probe = self.probe
        trained = {id(probe.variables[at]) for at in probe.trained}
        dense = [
            kernel
            for kernel in found
            if type(kernel.layer) is keras.layers.Dense
            and kernel.taken is not None
            and id(kernel.layer.kernel) in trained
        ]
        covered = {id(variable) for kernel in dense for variable in kernel.layer.trainable_variables}
        calls = [id(kernel.layer) for kernel in dense]
        if not dense or trained - covered or len(calls) != len(set(calls)):
            return None, math.nan

        def over_layers(measure: Callable, of: Seen) -> Any:
            return sum(
                measure(
                    spread(of.values[kernel.taken], kernel.layer),
                    spread(of.gradients[kernel.sums], kernel.layer),
                    kernel.layer.bias is not None,
                )
                for kernel in dense
                if kernel.taken is not None
            )

        squares = over_layers(measures.squares, seen) * self._scale**2
        size = sum(float((one.astype("float64") ** 2).sum()) for one in seen.weights)
        size *= (self._scale / self._examples) ** 2  # of the mean, also where the loss is summed
        rng = self._rng()
        width = sum(math.prod(shape[1:]) for shape in self._shapes)
        along = [
            _tensor(np.broadcast_to(rng.normal(size=shape[1:]) / math.sqrt(width), shape))
            for shape in self._shapes
        ]
        turned = self._single(values, self._x, self._y, along)
        return over_layers(measures.products, turned), measures.coherence(squares, size)

    def _jacobian(self, values: Sequence[Any]) -> tangents.Jacobian | None:
        """Of the first examples, each repeated once for every output, in one backward pass."""
        shapes, examples = self._shapes, self._examples
        sizes = [math.prod(shape[1:]) for shape in shapes]
        width = sum(sizes)
        if width > min(_MOST_OUTPUTS, examples):
            return None
        which = np.minimum(np.arange(examples) // width, examples // width - 1)
        x = keras.tree.map_structure(lambda leaf: np.asarray(leaf)[which], self._data.x)
        rows_ = np.zeros((examples, width), "float32")
        asked = width * (examples // width)
        rows_[np.arange(asked), np.arange(asked) % width] = 1
        cuts = np.cumsum(sizes)[:-1]
        cotangents = [
            _tensor(part.reshape(shape))
            for part, shape in zip(np.split(rows_, cuts, axis=1), shapes, strict=True)
        ]
        seen = self._single(values, _tensors(x), self._y, cotangents)
        given = [one.reshape(examples, -1) for one in seen.inputs if one is not None]
        if not given:
            return None
        together = np.concatenate(given, axis=1)[:asked]
        return tangents.jacobian(np.split(together, examples // width))

    def _single(self, values: Sequence[Any], x: Any, y: Any, along: Sequence[Any]) -> Seen:
        """A pass along a direction, in which examples know nothing of each other."""
        return self.probe.look(values, x, y, along=along, share=0.0, training=self._calm)


def _tensors(nest: Any) -> Any:
    return nest if nest is None else keras.tree.map_structure(_tensor, nest)


def _tensor(value: Any, dtype: Any = None) -> Any:
    value = np.asarray(value)
    if value.dtype.kind in "SU":
        return keras.ops.convert_to_tensor(value, dtype="string")
    if dtype is None and value.dtype.kind == "f":
        dtype = keras.config.floatx()
    return keras.ops.convert_to_tensor(value, dtype=dtype)


def _array(value: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(value, "float32")))
