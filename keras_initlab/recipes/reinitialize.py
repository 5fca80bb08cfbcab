"""New weights for a built model, in place."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from keras_initlab.core.arguments import one_of, whole
from keras_initlab.core.errors import InputError
from keras_initlab.core.rng import Generators, isolated
from keras_initlab.core.seeds import Seeds
from keras_initlab.initializers.adapting import label, resolve
from keras_initlab.network.drawing import FANS
from keras_initlab.network.selection import Layers, matching, nothing_matches, under_test
from keras_initlab.network.slots import Slot
from keras_initlab.recipes.account import Account, Redrawn
from keras_initlab.recipes.recipe import find
from keras_initlab.recipes.work import drawn


def reinitialize(
    model: keras.Model,
    scheme: Any,
    x: Any = None,
    y: Any = None,
    *,
    seed: int = 0,
    layers: Layers = None,
    roles: Any = None,
    fans: str = "layer",
) -> Account:
    """Draw the weights of a built model anew, in place.

    Every weight has a seed of its own, derived from `seed` and its place in the model, whatever seed the
    scheme carries: equal-shaped layers differ, and two calls with one seed agree. They are the weights
    from which the first replicate of `compare` with the same `seed` and `fans` starts. All is drawn
    before anything is changed. Frozen layers, optimizer state and statistics such as moving means are left
    alone.

    A recipe (`initlab_lsuv`, `initlab.recipes.Lsuv(tolerance=0.1)`) acts on the model as a whole, some after
    a look at data: see `docs/recipes.md`.

    Args:
        model: A built model.
        scheme: A name, instance, class, config or callable `f(shape, dtype)`; a recipe; or a dict of
            pattern -> scheme for several laws at once. A pattern is what `layers` takes; of two that match a
            weight, the first draws it, and a weight that none matches keeps its values.
        x: Inputs, for recipes that look at data: arrays as in `fit`, or a data set of batches.
        y: Targets, likewise.
        seed: Root of all seeds, at least 0.
        layers: Which layers: a name, a regular expression searched in the weight's path, a function of a
            layer, or a list of these. All by default.
        roles: Which kinds of weights: any of `kernel`, `depthwise_kernel`, `pointwise_kernel`,
            `recurrent_kernel` (these four by default), `embeddings`, `bias`, or another role that the
            model has (see `slots`), such as `reverse_embeddings` or `class_token`. Of a recipe by default all
            that it changes.
        fans: `"layer"` gives the law of a fan-scaled scheme, Keras's own included, the true fans of the
            layer: groups, strides, gates and einsum axes count. `"keras"` draws what a layer built
            with that scheme would draw. A recipe always has the true ones.

    Returns:
        The weights drawn, with role, shape, true fans, scheme and standard deviation.

    Raises:
        InputError: If an argument cannot work, a pattern draws nothing, or the scheme fails or returns
            what does not fit; the model is then as it was.

    >>> model = keras.Sequential(
    ...     [keras.Input((8, 8, 64)), keras.layers.DepthwiseConv2D(3, name="depth"),
    ...      keras.layers.Conv2D(32, 1, name="mix")])
    >>> account = reinitialize(model, {"depth": "initlab_lecun_uniform", ".*": "initlab_he_normal"})
    >>> account.frame[["role", "fan_in", "scheme"]]
                              role  fan_in                 scheme
    weight
    depth/kernel  depthwise_kernel       9  initlab_lecun_uniform
    mix/kernel              kernel      64      initlab_he_normal
    """
    seed = whole("seed", seed, 0)
    one_of("fans", fans, FANS)
    recipe = find(scheme)
    if recipe is not None:
        return recipe.apply(model, x, y, seed=seed, layers=layers, roles=roles)
    chosen = under_test(model, layers, roles)
    given = scheme if isinstance(scheme, Mapping) and "class_name" not in scheme else {None: scheme}
    with isolated() as generators:  # to make an unseeded initializer takes a number from Python's generator
        assigned = _assigned(model, chosen, given)
        draws = [
            _drawn(name, initializer, slot, seed, generators, fans) for name, initializer, slot in assigned
        ]
    stds = keras.ops.convert_to_numpy(keras.ops.stack([std for _, std in draws])).tolist()
    for (name, _, slot), std in zip(assigned, stds, strict=True):
        if not math.isfinite(std):
            raise InputError(f"The initializer {name!r} returned NaN or infinite values for {slot.path}.")
    for (_, _, slot), (value, _) in zip(assigned, draws, strict=True):
        slot.variable.assign(value)
    return Account(
        Redrawn(slot.path, slot.role, slot.shape, slot.fans, name, std, slot.guessed)
        for (name, _, slot), std in zip(assigned, stds, strict=True)
    )


def _assigned(
    model: keras.Model, chosen: Sequence[Slot], schemes: Mapping[Any, Any]
) -> list[tuple[str, Callable, Slot]]:
    """Label, initializer and slot, in the model's order; the first pattern that matches a slot has it."""
    if not schemes:
        raise InputError("scheme is {}: give a dict of pattern -> scheme with at least one entry.")
    of_slot: dict[int, tuple[str, Callable, Slot]] = {}
    for pattern, given in schemes.items():
        if find(given) is not None:
            raise InputError(
                f"The pattern {pattern!r} of scheme= has a recipe, which acts on a whole model: give the "
                "recipe alone, with layers= for a part."
            )
        name = label(given)
        initializer = resolve(name, given)
        matched = matching(model, chosen, pattern)
        if not matched:
            raise nothing_matches(f"the pattern {pattern!r} of scheme=", chosen)
        free = [slot for slot in matched if slot.index not in of_slot]
        if not free:
            raise InputError(
                f"The pattern {pattern!r} of scheme= draws nothing: earlier patterns have all that it "
                f"matches ({', '.join(slot.path for slot in matched[:20])}). Put it before them."
            )
        of_slot |= {slot.index: (name, initializer, slot) for slot in free}
    return [of_slot[slot.index] for slot in chosen if slot.index in of_slot]


def _drawn(
    name: str, scheme: Callable, slot: Slot, seed: int, generators: Generators, fans: str
) -> tuple[Any, Any]:
    """The values and their standard deviation, which stays where they are until all are fetched together."""
    value = drawn(name, scheme, slot, Seeds(seed, 0), generators, fans)
    wide = keras.ops.cast(value, keras.backend.result_type(value.dtype, "float32"))
    return value, keras.ops.cast(keras.ops.std(wide), "float32")
