"""The façade: looks at a model before it is trained, and says what will go wrong, where and why."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import keras

from keras_initlab.core.arguments import flag, one_of, whole
from keras_initlab.core.errors import InputError, gist
from keras_initlab.core.keras_private import compiled_loss
from keras_initlab.core.rng import Generators, isolated
from keras_initlab.core.seeds import Seeds
from keras_initlab.diagnosis.cures import cured
from keras_initlab.diagnosis.report import Diagnoses, Diagnosis
from keras_initlab.diagnosis.subject import Data, Subject
from keras_initlab.engines.lending import fresh_optimizer
from keras_initlab.engines.setup import Setup
from keras_initlab.engines.sources import Arrays, Source
from keras_initlab.experiment import arrays, data, schemes, targets
from keras_initlab.network.drawing import FANS
from keras_initlab.network.probe import PATIENCE, Probe
from keras_initlab.network.selection import Layers, restarted, under_test
from keras_initlab.network.slots import slots
from keras_initlab.recipes.recipe import Recipe
from keras_initlab.trials.plan import Trial

MEMORY = 2**30
"""Bytes that tensors between layers and their gradients may take; more make the batch smaller."""

EXAMPLES = 64
"""How many are looked at unless somebody says otherwise."""

_FEWEST = 2


def diagnose(
    model: keras.Model,
    x: Any,
    y: Any = None,
    *,
    initializers: Any = None,
    examples: int = EXAMPLES,
    training: bool = True,
    optimizer: Any = "auto",
    layers: Layers = None,
    roles: Any = None,
    fans: str = "keras",
    replicate: int = 0,
    replicates: int = 1,
    seed: int = 0,
) -> Diagnosis | Diagnoses:
    """Say what will go wrong with a model, where, why and what to write instead, before any training.

    One forward and one backward pass show every tensor between two layers and its gradient; the
    optimizer's first step is computed beside and not taken. Nothing is trained, and the model is as it was
    afterwards, whatever happens.

    - *symmetric*: units with equal weights, values and gradients, which stay equal;
    - *collapsed*: inputs that differ are alike in the last hidden layer;
    - *vanishing*, *exploding*: gradients over depth; *forward scale*: signals over depth;
    - *saturated*, *dead*: units that pass no gradient;
    - *loss too high* after one step, *step too long*, and *slow*: small gradients under SGD;
    - *disagrees with theory*: sums of another size than independent weights would give.

    Without labels, or in a model that is not compiled with a loss, gradients are those of a chance direction
    of each example's outputs.

    Args:
        model: A built model, compiled or not.
        x: Inputs, as in `fit`; of a data set the first batch, with its targets.
        y: Targets, as in `fit`.
        initializers: As in `compare`, recipes too: each is diagnosed from the weights that it would start
            from there, in the replicate `replicate`. By default the model is diagnosed as it is.
        examples: How many examples to look at; as many more show what the first step does to others.
        training: Whether the model runs as in training (batch statistics, dropout).
        optimizer: Whose first step is meant, as in `compile`; `"auto"` takes the model's own, or Adam.
        layers: Which layers the initializers draw, as in `compare`.
        roles: Which kinds of weights they draw, as in `compare`.
        fans: Which fans they are told, as in `compare`.
        replicate: Which replicate of `compare` they are drawn for.
        replicates: How many draws of each, from that replicate on; tables and pictures are of their average.
        seed: Root of all seeds.

    Returns:
        The diagnosis, or one for each initializer by label.

    Raises:
        InputError: If an argument cannot work.

    >>> import numpy as np
    >>> layers = [keras.layers.Dense(32, "relu", kernel_initializer="zeros") for _ in range(3)]
    >>> model = keras.Sequential([keras.Input((8,)), *layers, keras.layers.Dense(1)])
    >>> diagnosis = diagnose(model, np.random.default_rng(0).normal(size=(64, 8)))
    >>> diagnosis.word, diagnosis.verdicts[0].kind
    ('severe', 'symmetric')
    """
    count = whole("examples", examples, _FEWEST)
    replicate, seed = whole("replicate", replicate, 0), whole("seed", seed, 0)
    if whole("replicates", replicates, 1) > 1 and initializers is None:
        raise InputError(f"replicates is {replicates} without initializers: a model as it is, is one draw.")
    flag("training", training)
    one_of("fans", fans, FANS)
    if not isinstance(model, keras.Model):
        raise InputError(f"model is {type(model).__name__}: give a built keras.Model.")
    slots(model)  # refuses one that is not built
    made = optimizer_of(model, optimizer)
    by_label = None if initializers is None else schemes.by_label(initializers)
    looking = any(isinstance(one, Recipe) and one.rows for one in (by_label or {}).values())
    given, source, notes = _given(model, x, y, seed, all_batches=looking)
    with isolated() as generators:
        patience = PATIENCE if by_label is None else 0
        probe = Probe(model, generators, patience)
        subject, more = subject_of(probe, given, count, made, bool(training), seed)
        notes += more
        if by_label is None:
            return _finished(subject, subject.probe.values(), "", notes, seed, generators)
        tested = under_test(model, layers, roles)
        schemes.try_out(by_label, tested, seed, generators)
        anew = restarted(model, tested)
        setup = Setup(model, by_label, tested, anew, source, fans=fans, layers=layers, roles=roles)
        schemes.try_recipes(setup, seed, generators)
        found = {}
        for label in by_label:
            trials = [Trial(label, Seeds(seed, at)) for at in range(replicate, replicate + replicates)]
            try:
                draws = [started(subject, setup, trial, generators) for trial in trials]
            except Exception as error:
                raise InputError(f"The initializer {label!r} cannot draw: {gist(error)}") from error
            seen = [subject.examine(values, label) for values in draws]
            found[label] = [replace(one, notes=notes + one.notes) for one in seen]
        return Diagnoses(found)


def started(subject: Subject, setup: Setup, trial: Trial, generators: Generators) -> list[Any]:
    """The weights that a trial starts from.

    Raises:
        Exception: Whatever its initializer raises.
    """
    values = subject.probe.values()
    for slot, value in setup.initial_values(trial, generators):
        values[slot.index] = keras.ops.convert_to_tensor(value, dtype=slot.variable.dtype)
    return values


def _finished(
    subject: Subject,
    values: Sequence[Any],
    label: str,
    notes: tuple[str, ...],
    seed: int,
    generators: Generators,
) -> Diagnosis:
    found = subject.examine(values, label)
    found = replace(found, notes=notes + found.notes)
    return replace(found, cures=cured(subject, values, found.facts, seed, generators))


def optimizer_of(model: keras.Model, given: Any) -> Callable[[], keras.optimizers.Optimizer]:
    """Makes a fresh optimizer: the model's own, or the one that is named."""
    if isinstance(given, str) and given == "auto":
        own = getattr(model, "optimizer", None)
        given = own if isinstance(own, keras.optimizers.Optimizer) else "adam"
    try:
        found = keras.optimizers.get(given)
    except Exception as error:
        raise InputError(
            f"optimizer is {given!r}: give 'auto', a name such as 'sgd', or an optimizer."
        ) from error
    return lambda: fresh_optimizer(found)


def _given(
    model: keras.Model, x: Any, y: Any, seed: int, all_batches: bool
) -> tuple[tuple, Source, tuple[str, ...]]:
    """Inputs and targets as arrays, where recipes take their rows from, and what is to be said.

    Args:
        model: Which they are for.
        x: Inputs, or a data set.
        y: Targets.
        seed: Of the order in which a loader is read.
        all_batches: Whether a data set is read to its end and not only for its first batch.
    """
    if x is None:
        raise InputError("x is None: give arrays, or a data set.")
    if data.is_dataset(x):
        if y is not None:
            raise InputError("y must not be given when x is a data set: let it yield batches with it.")
        source, _ = data.training_source(
            x,
            None,
            None,
            None,
            batch_size=None,
            epochs=1,
            steps=None if all_batches else 1,
            shuffle=False,
            validation_split=0.0,
            seed=seed,
        )
        x, y, *_ = (*source.first_batch(), None)
        together = (x,) if y is None else (x, y)
    else:
        x = arrays.numbers(x, "x")
        y = None if y is None else arrays.numbers(y, "y")
        together = (x,) if y is None else (x, y)
        source = Arrays(together, EXAMPLES, shuffle=False)
    arrays.check([together], ("x", "y", "sample_weight"))
    if y is None:
        return together, source, ("no labels: gradients are those of a chance direction of the outputs",)
    if not model.compiled or compiled_loss(model) is None:
        note = "the model is not compiled with a loss: gradients are those of a chance direction"
        return (x,), source, (note,)
    targets.check(model, Arrays(together, len(keras.tree.flatten(x)[0]), shuffle=False), "y")
    return together, source, ()


def subject_of(
    probe: Probe,
    given: tuple,
    count: int,
    optimizer: Callable[[], keras.optimizers.Optimizer],
    training: bool,
    seed: int,
) -> tuple[Subject, tuple[str, ...]]:
    """The model with so many of these examples, or fewer where memory is short; and what is to be said.

    Raises:
        InputError: If the model cannot be looked into with these data.
    """
    there = len(keras.tree.flatten(given)[0])
    if there < _FEWEST:
        raise InputError(f"x has {there} example: give at least {_FEWEST}; 64 tell more.")
    notes: tuple[str, ...] = ()

    def part(start: int, stop: int) -> tuple:
        return tuple(keras.tree.map_structure(lambda leaf: leaf[start:stop], one) for one in given)

    try:
        few = Subject(probe, Data(*part(0, _FEWEST)), optimizer, training, seed)
        bytes_each = few.try_out() / _FEWEST
    except InputError:
        raise
    except Exception as error:
        raise _unfit(probe.model, given, error) from error
    fitting = max(_FEWEST, int(MEMORY / max(1.0, 2 * bytes_each)))
    size = min(count, there, fitting)
    if fitting < min(count, there):
        notes += (f"{size} examples, for more would take over {MEMORY / 2**30:.0f} GB",)
    seen, rest = part(0, size), part(size, 2 * size)
    others = (rest[0], rest[1]) if there >= 2 * size and len(given) == 2 else None
    looked_at = Data(seen[0], seen[1] if len(seen) == 2 else None, others)
    return Subject(probe, looked_at, optimizer, training, seed), notes


def _unfit(model: keras.Model, given: tuple, error: Exception) -> InputError:
    shapes = keras.tree.map_structure(lambda leaf: f"{leaf.shape} {leaf.dtype}", given)
    return InputError(f"x and y do not fit the model {model.name!r}: {gist(error)} (They come as {shapes}.)")
