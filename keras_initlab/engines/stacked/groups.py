"""How many members train at once."""

import math
import os
from collections.abc import Iterator, Sequence

import keras

from keras_initlab.core.keras_private import parts, symbolic_outputs
from keras_initlab.engines.setup import Setup
from keras_initlab.engines.sources import Source
from keras_initlab.engines.stacked.convolution import is_product
from keras_initlab.network.roles import KERNEL_ROLES
from keras_initlab.network.slots import all_slots
from keras_initlab.trials.plan import Group, Trial

SHARE_OF_MEMORY = 0.25
"""What a group may take of the memory that is free."""

HEAVY = 5e6
"""Multiply-adds of one member's forward pass from which replicates train one by one: a batch that all
members share then saves more than longer groups do."""


# Rules of thumb, and not measured while training: a decision by the clock would differ from one run to the
# next, and with it the rounding of the members that go on.
REBUILD_SECONDS = 4.0
"""What a new program costs."""

STEP_SECONDS = 2e-5
"""What a member's step costs beside its arithmetic."""

RATE = 1e10
"""Multiply-adds per second."""


def cut(setup: Setup, trials: Sequence[Trial]) -> list[Group]:
    """Trials to train together, as many as the memory that is free now allows."""
    most = max(1, int(SHARE_OF_MEMORY * free_memory() / member_bytes(setup)))
    joined = (
        setup.training.joins_replicates
        and (setup.validation is None or setup.validation.joins_replicates)
        and multiply_adds(setup) < HEAVY
        and "gradient_noise" not in setup.held  # which all members of a group share
    )
    groups: list[Group] = []
    for part in _parts(trials, most):
        if groups and joined and len(groups[-1]) + len(part) <= most:
            groups[-1] += part
        else:
            groups.append(part)
    return groups


def pays_to_rebuild(setup: Setup, dead: int, steps_left: int) -> bool:
    """Whether leaving out as many dead members saves twice what a new program costs."""
    step = STEP_SECONDS + 3 * multiply_adds(setup) / RATE  # forward, and twice that backward
    return dead * steps_left * step > 2 * REBUILD_SECONDS


def _parts(trials: Sequence[Trial], most: int) -> Iterator[Group]:
    """The trials of each replicate, in parts of about equal size where they are more than `most`."""
    replicates: dict[int, list[Trial]] = {}
    for trial in trials:
        replicates.setdefault(trial.replicate, []).append(trial)
    for members in replicates.values():
        size = math.ceil(len(members) / math.ceil(len(members) / most))
        for start in range(0, len(members), size):
            yield tuple(members[start : start + size])


def member_bytes(setup: Setup) -> int:
    """What one member takes: weights, gradients, at most three slots; activations, patches and the gradients
    of both."""
    weights = sum(_bytes(variable) for variable in setup.model.trainable_variables)
    state = sum(_bytes(variable) for variable in setup.model.non_trainable_variables)
    outputs = list(_outputs(setup.model))
    patches = sum(
        size * math.prod(layer.kernel.shape[:-1]) // layer.filters
        for layer, size in outputs
        if is_product(layer)
    )
    masks = sum(getattr(layer, "held_per_example", 0) for layer, _ in outputs)  # of weights, for each example
    activations = (sum(size for _, size in outputs) + patches + masks) * batch_size(setup.training)
    return 5 * weights + state + 2 * 4 * activations


def multiply_adds(setup: Setup) -> float:
    """Of one member's forward pass over a batch, in its kernels."""
    outputs = dict(_outputs(setup.model))
    per_example = sum(
        math.prod(slot.shape) * max(1, outputs.get(slot.layer, 0) / slot.shape[-1])
        for slot in all_slots(setup.model)
        if slot.role in KERNEL_ROLES
    )
    return per_example * batch_size(setup.training)


def batch_size(source: Source) -> int:
    """Examples in the first batch."""
    return len(keras.tree.flatten(source.first_batch())[0])


def _outputs(model: keras.Model) -> Iterator[tuple[keras.layers.Layer, int]]:
    """Layers with the numbers they put out per example, where Keras knows their shapes."""
    for layer in parts(model):
        tensors = symbolic_outputs(layer)
        if tensors:
            yield layer, sum(math.prod(n or 1 for n in tensor.shape[1:]) for tensor in tensors)


def _bytes(variable) -> int:
    return keras.ops.convert_to_numpy(variable).nbytes


def free_memory() -> int:
    """Bytes that are free where the backend computes; a guess of 2 GiB where nothing says."""
    on_accelerator = _ACCELERATORS[keras.backend.backend()]()
    if on_accelerator is not None:
        return on_accelerator
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2 << 30


def _tensorflow_accelerator() -> int | None:
    import tensorflow as tf
    from tensorflow.python.client import device_lib

    if not tf.config.list_logical_devices("GPU"):
        return None
    gpus = (device for device in device_lib.list_local_devices() if device.device_type == "GPU")
    return next(gpus).memory_limit - tf.config.experimental.get_memory_info("GPU:0")["current"]


def _jax_accelerator() -> int | None:
    import jax

    statistics = jax.local_devices()[0].memory_stats()  # None on a CPU
    return statistics and statistics["bytes_limit"] - statistics["bytes_in_use"]


def _torch_accelerator() -> int | None:
    import torch

    return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else None


_ACCELERATORS = {
    "tensorflow": _tensorflow_accelerator,
    "jax": _jax_accelerator,
    "torch": _torch_accelerator,
}
