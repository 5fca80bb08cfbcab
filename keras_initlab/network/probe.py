"""Forward and backward passes that are looked into: every tensor between two layers, and its gradient.

For the time of one call each layer that holds no other gets an instance attribute `call`, which notes what
goes in and comes out. `Layer.__call__` stays as it is, so masks, autocast and losses of layers work; no other
model is touched, and nothing is written to this one: a pass is a function of the weights it is given.
"""

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_initlab.core.keras_private import (
    carry_over,
    compiled_loss,
    compute_loss,
    delete_untracked,
    inner,
    own_variables,
    parts,
    set_untracked,
    takes_training,
)
from keras_initlab.core.rng import Generators

_SCALE = 1024.0  # of the objective where layers compute in float16, whose gradients would be lost below 6e-8

# For JAX: what runs a few times is not worth optimizing.
_HASTE = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


@dataclass(frozen=True, eq=False)
class Tap:
    """One tensor on its way through the model.

    Attributes:
        name: Path of the layer or operation; `:pre` marks the sums before its own activation, `:in` what came
            in where no other tap has it, and `#2` the second call of a shared layer.
        operation: The layer, or the operation of a graph that is none.
        part: `"pre"`, `"in"` or `"out"`.
        source: Position of the tap whose tensor this one was made of; None if there is none.
        activation: What the layer itself puts on these sums, or None.
    """

    name: str
    operation: Any
    part: str
    source: int | None
    activation: Callable | None = None


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
    """

    def __init__(
        self, model: keras.Model, generators: Generators, opaque: Callable[[Any], bool] = lambda layer: False
    ):
        """
        Args:
            model: A built model.
            generators: The global ones, put to the same start for every pass.
            opaque: Layers to look at from outside only, beside those that loop by themselves.
        """
        self.model = model
        self._generators = generators
        self.variables = list(model.variables)
        trainable = {id(variable) for variable in model.trainable_variables}
        self.trained = [at for at, one in enumerate(self.variables) if id(one) in trainable]
        self._opaque = opaque
        self._recorder = _Recorder()
        self._compiled: dict[Any, Callable] = {}
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
        floats = [leaf for leaf in keras.tree.flatten(x) if _is_float(leaf)]
        rest = (list(values), x, y, along, ops.convert_to_tensor(share, dtype="float32"))
        with self._tapped():
            shown, gradients = self._differentiated(trained, floats, rest, training)
        loss, outputs, seen = shown
        of_inputs = iter(gradients[1])
        return Seen(
            float(_host(loss)),
            [_host(one) for one in outputs],
            tuple(self._recorder.taps),
            tuple(self._recorder.heads),
            [_host(one) for one in seen],
            [_host(one) / self._scale for one in gradients[2]],
            [_host(one) / self._scale for one in gradients[0]],
            [
                _host(next(of_inputs)) / self._scale if _is_float(leaf) else None
                for leaf in keras.tree.flatten(x)
            ],
        )

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

        with self._tapped():
            if keras.backend.backend() == "jax":
                import jax

                seen = jax.eval_shape(run, self.values(), x, y)
            else:
                seen = run(self.values(), x, y)
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

    def _objective(self, trained: list, floats: list, rest: tuple, training: bool, mark: Callable) -> tuple:
        """What is differentiated, and what else the pass gives."""
        values, x, y, along, share = rest
        new = dict(zip(self.trained, trained, strict=True))
        values = [new.get(at, value) for at, value in enumerate(values)]
        given = iter(floats)
        x = keras.tree.map_structure(lambda leaf: next(given) if _is_float(leaf) else leaf, x)
        self._recorder.begin(mark)
        loss, outputs, raw = self._loss(values, x, y, training)
        self._recorder.end(raw)
        objective = 0.0 if y is None else share * loss
        if along is not None:
            products = [ops.sum(a * output) for a, output in zip(along, outputs, strict=True)]
            objective = objective + sum(products[1:], products[0])
        return objective * self._scale, (loss, outputs, list(self._recorder.values))

    def _differentiated(self, trained: list, floats: list, rest: tuple, training: bool) -> tuple:
        """What a pass gives, and the gradients by weights, inputs and taps; only this knows the backend."""
        backend = keras.backend.backend()
        if backend == "jax":
            return self._once("look", training, functools.partial(self._by_jax, training=training))(
                trained, floats, rest
            )
        if backend == "tensorflow":
            return self._by_tensorflow(trained, floats, rest, training)
        if backend == "torch":
            return self._by_torch(trained, floats, rest, training)
        raise NotImplementedError(f"Keras on {backend} computes no gradients")

    def _by_tensorflow(self, trained: list, floats: list, rest: tuple, training: bool) -> tuple:
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:

            def mark(value, at):
                value = tf.identity(value)
                tape.watch(value)
                return value

            trained, floats = ([tf.identity(one) for one in group] for group in (trained, floats))
            tape.watch((trained, floats))
            objective, shown = self._objective(trained, floats, rest, training, mark)
        zero = tf.UnconnectedGradients.ZERO
        found = tape.gradient(objective, (trained, floats, shown[2]), unconnected_gradients=zero)
        return shown, tf.nest.map_structure(tf.convert_to_tensor, found)

    def _by_torch(self, trained: list, floats: list, rest: tuple, training: bool) -> tuple:
        import torch

        def mark(value, at):
            value = value.view_as(value)
            return value if value.requires_grad else value.detach().requires_grad_()

        with torch.enable_grad():
            trained, floats = (
                [one.detach().requires_grad_() for one in group] for group in (trained, floats)
            )
            objective, shown = self._objective(trained, floats, rest, training, mark)
            wanted = [trained, floats, shown[2]]
            flat = [one for group in wanted for one in group]
            found = torch.autograd.grad(objective, flat, allow_unused=True)
        filled = iter(
            torch.zeros_like(one) if gradient is None else gradient
            for one, gradient in zip(flat, found, strict=True)
        )
        return shown, tuple([next(filled) for _ in group] for group in wanted)

    def _by_jax(self, trained: list, floats: list, rest: tuple, training: bool) -> tuple:
        import jax

        def run(trained, floats, probes, rest):
            def mark(value, at):
                return ops.copy(value) if probes is None else value + probes[at]

            return self._objective(trained, floats, rest, training, mark)

        shapes = jax.eval_shape(functools.partial(run, probes=None), trained, floats, rest=rest)[1][2]
        probes = [ops.zeros(one.shape, one.dtype) for one in shapes]
        differentiated = jax.value_and_grad(run, argnums=(0, 1, 2), has_aux=True)
        (_, shown), gradients = differentiated(trained, floats, probes, rest)
        return shown, gradients

    def _once(self, name: str, training: bool, run: Callable) -> Callable:
        """On JAX the function compiled, once for all weights; elsewhere as it is."""
        if keras.backend.backend() != "jax":
            return run
        if (name, training) not in self._compiled:
            import jax

            self._compiled[name, training] = jax.jit(run, compiler_options=_HASTE)
        return self._compiled[name, training]

    @contextmanager
    def _tapped(self) -> Iterator[None]:
        """Let the recorder see every call."""
        changed = []
        try:
            for name, operation, closed in _operations(self.model, self._opaque):
                set_untracked(operation, "call", self._recorder.watching(name, operation, closed))
                changed.append(operation)
            yield
        finally:
            for operation in changed:
                delete_untracked(operation, "call")


def _operations(model: keras.Model, opaque: Callable[[Any], bool]) -> Iterator[tuple[str, Any, bool]]:
    """What is watched: name, layer or operation, and whether nothing inside it is.

    These are layers without others inside, those that loop, those with weights of their own, and the
    operations of a graph that are no layers.
    """
    met = {id(model)}
    queue = [("", one) for one in inner(model)]
    while queue:
        within, operation = queue.pop(0)
        if id(operation) in met or isinstance(operation, keras.layers.InputLayer):
            continue
        met.add(id(operation))
        name = within + operation.name
        if not isinstance(operation, keras.Layer):
            yield name, operation, True
            continue
        loops = isinstance(operation, keras.layers.RNN | keras.layers.TimeDistributed)
        held = [one for one in inner(operation) if one is not getattr(operation, "activation", None)]
        closed = not held or loops or opaque(operation)
        if closed or own_variables(operation)[0]:
            yield name, operation, closed
        if not closed:
            queue[:0] = [(f"{name}/", one) for one in held]


class _Recorder:
    """Notes the tensors of one pass."""

    def __init__(self) -> None:
        self.begin(lambda value, at: value)

    def begin(self, mark: Callable[[Any, int], Any]) -> None:
        """Forget what was noted; `mark` gives a tensor as one of its own, which has a gradient."""
        self.taps: list[Tap] = []
        self.values: list[Any] = []
        self.heads: list[int | None] = []
        self._mark = mark
        self._places: dict[int, int] = {}  # of a tensor, by its identity: all are kept alive
        self._names: Counter[str] = Counter()
        self._inside = False  # of a layer that is looked at from outside only

    def end(self, outputs: Sequence[Any]) -> None:
        """Note which taps the model's outputs are."""
        self.heads = [self._places.get(id(one)) for one in outputs]

    def watching(self, name: str, operation: Any, closed: bool) -> Callable:
        """The operation's `call`, watched."""
        call = operation.call
        has_weights = isinstance(operation, keras.Layer) and bool(own_variables(operation)[0])
        wraps = (
            has_weights
            and closed
            and "activation" in vars(operation)
            and not _is_linear(operation.activation)
        )

        @functools.wraps(call)
        def watched(*arguments, **named):
            if self._inside:
                return call(*arguments, **named)
            first = next(iter(keras.tree.flatten((arguments, named))), None)
            source = self._places.get(id(first))
            if has_weights and source is None and arguments and _is_float(arguments[0]):
                arguments = (self._note(name, operation, "in", None, arguments[0]), *arguments[1:])
                source = len(self.taps) - 1
            if wraps:
                activation = operation.activation

                @functools.wraps(activation)
                def after(sums, *more, **other):
                    nonlocal source
                    sums = self._note(name, operation, "pre", source, sums, activation)
                    source = self._places.get(id(sums), source)
                    return activation(sums, *more, **other)

                set_untracked(operation, "activation", after)
            self._inside = closed
            try:
                made = call(*arguments, **named)
            finally:
                self._inside = False
                if wraps:
                    set_untracked(operation, "activation", activation)
            return keras.tree.map_structure(
                lambda value: self._note(name, operation, "out", source, value), made
            )

        return watched

    def _note(
        self, name: str, operation: Any, part: str, source: int | None, value: Any, activation: Any = None
    ) -> Any:
        if not _is_float(value):
            return value
        name = name if part == "out" else f"{name}:{part}"
        self._names[name] += 1
        if self._names[name] > 1:
            name = f"{name}#{self._names[name]}"
        marked = self._mark(value, len(self.taps))
        carry_over(value, marked)
        self._places[id(marked)] = len(self.taps)
        self.taps.append(Tap(name, operation, part, source, activation))
        self.values.append(marked)
        return marked


def _is_linear(activation: Any) -> bool:
    return activation is None or getattr(activation, "__name__", "") == "linear"


def _is_float(value: Any) -> bool:
    return ops.is_tensor(value) and keras.backend.is_float_dtype(keras.backend.standardize_dtype(value.dtype))


def _host(value: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(ops.cast(value, "float32")))
