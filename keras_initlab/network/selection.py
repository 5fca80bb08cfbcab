"""Which slots are meant: by layer and role, and those that start anew beside them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras

from keras_initlab.core.errors import InputError, UnknownNameError, gist
from keras_initlab.core.keras_private import own_variables, parts
from keras_initlab.network.roles import KERNEL_ROLES, ROLES
from keras_initlab.network.slots import Slot, all_slots, own_initializer, slots

Layers = str | re.Pattern | Callable[[keras.Layer], bool] | Sequence[Any] | None


def under_test(model: keras.Model, layers: Layers, roles: Any) -> list[Slot]:
    """The slots whose weights the initializers draw.

    Args:
        model: A built model.
        layers: A layer's name, a regular expression searched in the slot's path, a function of a layer,
            a list of these (any of which may match), or None for every layer.
        roles: One or several roles that weights of the model have, or any of `roles.ROLES`; None for all
            kinds of kernel.

    Raises:
        InputError: If nothing matches, an argument is of another kind, or a function of a layer raises.
    """
    every = slots(model)
    wanted = _roles(roles, every)
    chosen = [slot for slot in matching(model, every, layers) if slot.role in wanted]
    if not chosen and roles is None and not any(slot.role in KERNEL_ROLES for slot in every):
        raise _no_kernel(model, every)
    if not chosen:
        raise nothing_matches(f"layers={layers!r} with roles={tuple(wanted)}", every)
    return chosen


def _no_kernel(model: keras.Model, every: Sequence[Slot]) -> InputError:
    there = _there(every)
    advice = f"name what to draw, such as roles={there[0]!r}." if there else "it has no trainable weights."
    return InputError(f"The model {model.name!r} has no kernel; its roles are {', '.join(there)}: {advice}")


def _there(every: Sequence[Slot]) -> list[str]:
    """The roles that a model's weights have, those of embeddings first."""
    return sorted({slot.role for slot in every}, key=lambda role: (role != "embeddings", role))


def matching(model: keras.Model, among: Iterable[Slot], layers: Layers) -> list[Slot]:
    """The slots that `layers` names, as `under_test` reads it."""
    match = _matcher(layers, {layer.name for layer in parts(model)})
    try:
        return [slot for slot in among if match(slot)]
    except Exception as error:  # of the user's function
        raise InputError(f"layers is {layers!r}, which raised {gist(error)}") from error


def nothing_matches(wanted: str, every: Sequence[Slot]) -> InputError:
    """The error for a choice that leaves no weight."""
    there = ", ".join(f"{slot.path} ({slot.role})" for slot in every[:20]) or "none"
    return InputError(f"No trainable weight matches {wanted}. There are: {there}.")


def _roles(roles: Any, every: Sequence[Slot]) -> tuple[str, ...]:
    if roles is None:
        return KERNEL_ROLES
    listed = isinstance(roles, Iterable) and not isinstance(roles, str | Mapping)
    wanted = tuple(roles) if listed else (roles,)
    if not wanted or not all(isinstance(role, str) for role in wanted):
        raise InputError(f"roles is {roles!r}: give a name such as 'kernel', or a list of names.")
    there = _there(every)
    for role in wanted:
        if role not in (*ROLES, *there):
            hint = f"The weights of this model have the roles {', '.join(there)}."
            raise UnknownNameError("role", role, there, hint)
    return wanted


def _matcher(layers: Layers, names: set[str]) -> Callable[[Slot], bool]:
    if layers is None:
        return lambda slot: True
    if isinstance(layers, str):
        if layers in names:
            return lambda slot: layers in slot.path.split("/")[:-1]
        try:
            layers = re.compile(layers)
        except re.error as error:
            raise InputError(
                f"layers={layers!r} is neither a layer's name nor a regular expression: {error}. "
                f"Layers are {', '.join(sorted(names))}."
            ) from error
    if isinstance(layers, re.Pattern):
        return lambda slot: layers.search(slot.path) is not None
    if callable(layers):
        return lambda slot: bool(layers(slot.layer))
    if isinstance(layers, list | tuple):
        matchers = [_matcher(entry, names) for entry in layers]
        return lambda slot: any(match(slot) for match in matchers)
    raise InputError(
        f"layers is {layers!r}: give a layer's name, a regular expression, a function of a layer, or a list."
    )


def restarted(model: keras.Model, tested: Sequence[Slot]) -> dict[Slot, Callable]:
    """The slots that are not under test but start anew in each replicate, with their initializers.

    These are all weights whose layer names an initializer for them. Frozen layers (`trainable=False`)
    keep their values, and so do weights without an initializer, such as adapted statistics.
    """
    under = {slot.index for slot in tested}
    others = [slot for slot in all_slots(model) if slot.index not in under and not _frozen(slot)]
    own = {slot: own_initializer(slot) for slot in others}
    return {slot: initializer for slot, initializer in own.items() if initializer is not None}


def _frozen(slot: Slot) -> bool:
    """Whether the layer is, or the weight alone, as under LoRA; statistics were never meant to be trained."""
    made_trainable = any(one is slot.variable for one in own_variables(slot.layer)[0])
    return not slot.layer.trainable or (made_trainable and not slot.variable.trainable)
