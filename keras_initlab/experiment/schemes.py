"""What the user passed as initializers -> label -> callable, each tried before any training."""

import reprlib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_initlab.core.errors import InputError, SameLawWarning
from keras_initlab.core.rng import Generators
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.setup import Setup
from keras_initlab.initializers.adapting import label, resolve, same_law
from keras_initlab.network.drawing import check_rank, check_value, draw
from keras_initlab.network.slots import Slot
from keras_initlab.recipes.recipe import Recipe, find
from keras_initlab.trials.plan import Trial


def by_label(initializers: Any) -> dict[str, Any]:
    """Label -> initializer or recipe, from a list, a dict of label -> initializer, or a single one.

    Raises:
        InputError: If there is none, a label comes twice, or one cannot be called as Keras would.
        UnknownNameError: If a name is not known.
    """
    schemes: dict[str, Any] = {}
    for name, given in _labelled(initializers):
        if name in schemes:
            raise InputError(
                f"Two initializers have the label {name!r}. Pass a dict of label -> initializer to tell "
                "them apart."
            )
        _require_text(name)
        if isinstance(given, keras.Layer) or (isinstance(given, type) and issubclass(given, keras.Layer)):
            raise InputError(
                f"The initializer {name!r} is a Keras layer: give an initializer, such as 'zeros'."
            )
        schemes[name] = find(given) or resolve(name, given)
    if not schemes:
        raise InputError(
            f"initializers is {initializers!r}: give at least one, such as ['glorot_uniform', 'he_normal']."
        )
    return schemes


def _require_text(label: str) -> None:
    try:
        label.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"The label {label!r} cannot be written as UTF-8 ({error.reason}): give another one."
        ) from error


def _labelled(initializers: Any) -> list[tuple[str, Any]]:
    if isinstance(initializers, Mapping) and "class_name" not in initializers and find(initializers) is None:
        for name in initializers:
            if not isinstance(name, str) or not name:
                raise InputError(f"initializers has the label {name!r}: a label is a non-empty string.")
        return list(initializers.items())
    if initializers is None:
        return []
    if isinstance(initializers, str | Mapping | Recipe) or callable(initializers):
        initializers = [initializers]
    if not isinstance(initializers, Sequence):
        raise InputError(
            f"initializers is {reprlib.repr(initializers)}: give a list of names, instances, configs or "
            "callables, or a dict of label -> initializer."
        )
    return [(_called(given), given) for given in initializers]


def _called(given: Any) -> str:
    if isinstance(given, str):
        return given
    recipe = find(given)
    return label(given) if recipe is None else recipe.label()


def try_out(schemes: Mapping[str, Any], tested: Sequence[Slot], seed: int, generators: Generators) -> None:
    """Draw each initializer once per kind of slot, so that what cannot work is known before training.

    An exception that only the drawing brings to light is left to the run, which records it. Who draws the
    same as another is named in a `SameLawWarning`.

    Raises:
        InputError: If a scheme does not support a slot's rank by its own claims, or returns a tensor
            of another shape or dtype than it was asked for.
    """
    kinds = {(slot.shape, slot.variable.dtype, slot.axes): slot for slot in tested}
    draws: dict[str, list[Any]] = {}
    for name, scheme in schemes.items():
        if isinstance(scheme, Recipe):
            continue  # it works on a model that is ready to train
        drawn = []
        for slot in kinds.values():
            check_rank(name, scheme, slot)
            try:
                value = draw(scheme, slot, Seeds(seed, 0).draw(*slot.seed_path), generators)
            except Exception:  # the run itself will meet it again and record it as failed
                continue
            check_value(name, slot, value)
            drawn.append(value)
        if len(drawn) == len(kinds):
            draws[name] = drawn
    for group in same_law(draws):
        warnings.warn(
            f"{', '.join(group[:-1])} and {group[-1]} draw the same weights: the same law twice costs power. "
            "Leave one out.",
            SameLawWarning,
            stacklevel=2,
        )


def try_recipes(setup: Setup, seed: int, generators: Generators) -> None:
    """Let each recipe work once, on the first replicate, so that what it does not find is known in advance.

    Raises:
        InputError: If one cannot work on the model, or misses data.
    """
    for name, scheme in setup.schemes.items():
        if not isinstance(scheme, Recipe):
            continue
        try:
            if scheme.rows:
                scheme.require(*(*setup.training.rows(Seeds(seed, 0), 2), None)[:2])
            for _ in setup.tested_values(Trial(name, Seeds(seed, 0)), generators):
                pass
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
