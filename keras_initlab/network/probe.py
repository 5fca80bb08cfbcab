"""Forward and backward passes that are looked into: every tensor between two layers, and its gradient.

Nothing is written to the model: a pass is a function of the weights it is given.
"""

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_initlab.core.errors import InputError, gist
from keras_initlab.core.keras_private import compiled_loss, compute_loss, parts, takes_training
from keras_initlab.core.rng import Generators
from keras_initlab.network.differentiation import differentiated
from keras_initlab.network.recording import Recorder, Tap, is_float

PATIENCE = 6
"""Passes that TensorFlow runs faster than it would compile them: two diagnoses."""

_SCALE = 1024.0  # of the objective where layers compute in float16, whose gradients would be lost below 6e-8

# For JAX: what runs a few times is not worth optimizing.
_HASTE = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


class Seen(NamedTuple):
    """What one pass has shown, on the host in float32.

    Attributes:
        loss: The model's loss; NaN where there is none.
        outputs: What the model gave, flat.
        taps: The tensors between, in the order in which they were made.
        heads: For each output the position of its tap; None if something was done to it afterwards.
        values: The tensors' values.
        gradients: The objective's gradient with respect to each, over all later uses.
        weights: The same for each weight that trains.
        inputs: The same for each input, flat; None for whole numbers.
    """

    loss: float
    outputs: list[np.ndarray]
    taps: tuple[Tap, ...]
    heads: tuple[int | None, ...]
    values: list[np.ndarray]
    gradients: list[np.ndarray]
    weights: list[np.ndarray]
    inputs: list[np.ndarray | None]


class Probe:
    """Passes through one built model, as functions of weights and data.

    Attributes:
        variables: The model's variables; a pass takes their values in this order.
        trained: Positions of those that train.
        raised: What was raised inside layers of one's own, which are looked at from outside only since; empty
            if nothing was.
    """

    def __init__(self, model: keras.Model, generators: Generators, patience: int = PATIENCE):
        """
        Args:
            model: A built model.
            generators: The global ones, put to the same start for every pass.
            patience: How many passes of a kind TensorFlow runs as they are before it compiles them; 0 where
                many will come. JAX compiles always, PyTorch never.
        """
        self.model = model
        self._generators = generators
        self.variables = list(model.variables)
        trainable = {id(variable) for variable in model.trainable_variables}
        self.trained = [at for at, one in enumerate(self.variables) if id(one) in trainable]
        self._patience = patience
        self.raised = ""
        self._recorder = Recorder()
        self._compiled: dict[Any, Callable] = {}
        self._runs: Counter[Any] = Counter()
        half = any(getattr(layer, "compute_dtype", None) == "float16" for layer in parts(model))
        self._scale = _SCALE if half else 1.0

    def build_loss(self, x: Any, y: Any) -> None:
        """Let the compiled loss make its variables, as `fit` does: inside a pass they would be lost.

        Raises:
            Exception: Whatever the model or the loss raises for such data.
        """
        loss = compiled_loss(self.model)
        if loss is None or loss.built:
            return
        with keras.StatelessScope(zip(self.variables, self.values(), strict=True)):
            given = self.model(x)
        loss.build(y, given)

    def values(self) -> list[Any]:
        """The values that the model has now."""
        return [ops.convert_to_tensor(variable.value) for variable in self.variables]

    def look(
        self,
        values: Sequence[Any],
        x: Any,
        y: Any = None,
        *,
        along: Sequence[Any] | None = None,
        share: float = 1.0,
        training: bool = True,
    ) -> Seen:
        """One forward and one backward pass.

        The objective that is differentiated is `share * loss + sum of <along, outputs>`.

        Args:
            values: Those of `variables`.
            x: Inputs as tensors, nested as the model takes them.
            y: Targets; without any there is no loss.
            along: A tensor for each output, flat.
            share: Factor on the loss.
            training: Whether the model runs as it does in training.
        """
        trained = [values[at] for at in self.trained]
        floats = [leaf for leaf in keras.tree.flatten(x) if is_float(leaf)]
        rest = (list(values), x, y, along, ops.convert_to_tensor(share, dtype="float32"))
        objective = functools.partial(self._objective, training=training)

        def run() -> tuple[tuple, tuple]:
            once = self._once("look", training, functools.partial(differentiated, objective))
            return once(trained, floats, rest)

        shown, gradients = self._watched(run)
        loss, outputs, seen = shown
        of_inputs = iter(gradients[1])
        return Seen(
            float(_host(loss)),
            [_host(one) for one in outputs],
            tuple(self._recorder.taps),
            tuple(self._recorder.heads),
            [_host(one) for one in _emptied(seen)],
            [self._unscaled(one) for one in _emptied(gradients[2])],
            [self._unscaled(one) for one in _emptied(gradients[0])],
            [self._unscaled(next(of_inputs)) if is_float(leaf) else None for leaf in keras.tree.flatten(x)],
        )

    def _unscaled(self, gradient: Any) -> np.ndarray:
        return _host(gradient) if self._scale == 1 else _host(gradient) / self._scale

    def lose(
        self, values: Sequence[Any], x: Any, y: Any, training: bool = True
    ) -> tuple[float, list[np.ndarray]]:
        """Loss and outputs of a forward pass alone."""

        def run(values: list, x: Any, y: Any) -> tuple[Any, list]:
            return self._loss(values, x, y, training)[:2]

        if keras.backend.backend() == "torch":
            import torch

            with torch.no_grad():
                loss, outputs = run(list(values), x, y)
        else:
            loss, outputs = self._once("lose", training, run)(list(values), x, y)
        return float(_host(loss)), [_host(one) for one in outputs]

    def bytes_of(self, x: Any, y: Any, training: bool = True) -> int:
        """Size of all tensors between the layers for these data; found without computing where JAX can."""

        def run(values: list, x: Any, y: Any) -> list:
            self._recorder.begin(lambda value, at: ops.copy(value))
            self._loss(values, x, y, training)
            return self._recorder.values

        if keras.backend.backend() == "jax":
            import jax

            seen = self._watched(lambda: jax.eval_shape(run, self.values(), x, y))
        else:
            seen = self._watched(lambda: run(self.values(), x, y))
        return sum(4 * math.prod(one.shape) for one in seen)

    def _loss(self, values: list, x: Any, y: Any, training: bool) -> tuple[Any, list, list]:
        """Loss, outputs in float32, and outputs as they came."""
        self._generators.seed(0)  # a dropout without a seed asks PyTorch's own
        metrics = ((one, one.value) for one in self.model.metrics_variables)
        held = [*zip(self.variables, values, strict=True), *metrics]
        with keras.StatelessScope(held, collect_losses=True):
            given = self.model(x, training=training) if takes_training(self.model) else self.model(x)
            loss = np.nan if y is None else compute_loss(self.model, x, y, given, None, training)
        raw = keras.tree.flatten(given)
        return ops.cast(loss, "float32"), [ops.cast(one, "float32") for one in raw], raw

    def _objective(self, trained: list, floats: list, rest: tuple, mark: Callable, training: bool) -> tuple:
        """What is differentiated, and what else the pass gives."""
        values, x, y, along, share = rest
        new = dict(zip(self.trained, trained, strict=True))
        values = [new.get(at, value) for at, value in enumerate(values)]
        given = iter(floats)
        x = keras.tree.map_structure(lambda leaf: next(given) if is_float(leaf) else leaf, x)
        self._recorder.begin(mark)
        loss, outputs, raw = self._loss(values, x, y, training)
        seen = self._recorder.end(raw)
        objective = 0.0 if y is None else share * loss
        if along is not None:
            products = [ops.sum(a * output) for a, output in zip(along, outputs, strict=True)]
            objective = objective + sum(products[1:], products[0])
        return objective * self._scale, (loss, outputs, seen)

    def _watched(self, run: Callable[[], Any]) -> Any:
        """Run a pass with all calls seen; from outside of own layers if something is raised inside them."""
        try:
            with self._recorder.watching(self.model, self._opaque):
                return run()
        except InputError:
            raise
        except Exception as error:
            if self.raised or not any(_is_own(layer) for layer in parts(self.model)[1:]):
                raise
            first = error
        self.raised = gist(first)
        self._compiled.clear()
        try:
            with self._recorder.watching(self.model, self._opaque):
                return run()
        except Exception:
            self.raised = ""
            raise first from None

    def _opaque(self, layer: Any) -> bool:
        return bool(self.raised) and _is_own(layer)

    def _once(self, name: str, training: bool, run: Callable) -> Callable:
        """The function compiled, once for all weights, where that is worth its time; or as it is."""
        key, backend = (name, training), keras.backend.backend()
        self._runs[key] += 1
        if backend == "torch" or (backend == "tensorflow" and self._runs[key] <= self._patience):
            return run
        if key not in self._compiled:
            self._compiled[key] = _jit(run) if backend == "jax" else _function(run)
        return self._compiled[key]


def _jit(run: Callable) -> Callable:
    import jax

    return jax.jit(run, compiler_options=_HASTE)


def _function(run: Callable) -> Callable:
    import tensorflow as tf

    return tf.function(run, autograph=False)


def _emptied(tensors: list) -> Iterator[Any]:
    """One after another, none of them held any more: what follows may be a copy."""
    tensors.reverse()
    while tensors:
        yield tensors.pop()


def _is_own(layer: Any) -> bool:
    """Whether its class is none of Keras's."""
    return not type(layer).__module__.startswith("keras.")


def _host(value: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(value), "float32")
