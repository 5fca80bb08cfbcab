"""`auto` takes the faster engine, and groups fit the memory."""

import importlib
import re
from types import SimpleNamespace

from keras_initlab.engines import choice, choose
from keras_initlab.engines.stacked import groups
from keras_initlab.engines.stacked.engine import Stacked
from tests.engines import (
    BACKEND,
    IMAGES,
    LAYERS,
    X,
    Y,
    compiled,
    records,
    setup_and_trials,
)


def test_auto_stacks_small_nets_that_train_long_enough_and_nothing_it_does_not_know():
    def small():
        return LAYERS.Dense(8, "relu"), LAYERS.Dense(3)

    setup, trials = setup_and_trials(compiled(*small()), epochs=200)
    assert choose("auto", [(setup, trials)])[0].name == "stacked"
    engine, why = choose("auto", [setup_and_trials(compiled(*small()), epochs=1)])
    assert (engine.name, "too short" in why) == (
        ("sequential", True) if BACKEND == "jax" else ("stacked", False)
    )
    engine, why = choose("auto", [setup_and_trials(compiled(*small()), replicates=1, epochs=200)])
    assert (engine.name, "too few runs" in why) == ("sequential", True)
    images = compiled(LAYERS.Conv2D(4, 3), LAYERS.MaxPooling2D(), LAYERS.Flatten(), *small(), shape=(8, 8, 2))
    assert choose("auto", [setup_and_trials(images, IMAGES, epochs=200)])[0].name == "stacked"
    unknown = compiled(*small(), LAYERS.UnitNormalization())
    engine, why = choose("auto", [setup_and_trials(unknown, epochs=200)])
    assert (engine.name, "too short to try" in why) == ("sequential", True)


def test_auto_tries_what_it_does_not_know_and_leaves_no_trace(monkeypatch):
    monkeypatch.setattr(choice, "_cheap", lambda model: 0)
    model = compiled(LAYERS.Dense(8, "relu"), LAYERS.BatchNormalization(), LAYERS.Dense(3))
    setup, trials = setup_and_trials(model, validation_data=(X, Y))
    assert choose("auto", [(setup, trials)])[1] == "the run is too short to try which engine is faster"
    before = records(Stacked(), setup, trials)
    monkeypatch.setattr(choice, "PROBE_SHARE", float("inf"))
    _, why = choose("auto", [(setup, trials)])
    assert re.fullmatch(r"(stacked was )?\d+\.\d times as fast in a trial of 16 steps", why)
    for name, record in records(Stacked(), setup, trials).items():
        assert record.step_losses == before[name].step_losses
        assert record.epochs == before[name].epochs


def test_groups_fit_the_memory_of_the_accelerator(monkeypatch):
    """No accelerator is at hand: its answers are made up, in the form that each backend documents."""
    setup, trials = setup_and_trials(compiled(LAYERS.Dense(3)), replicates=3)
    image = setup_and_trials(compiled(LAYERS.Conv2D(4, 3), LAYERS.Flatten(), shape=(8, 8, 2)), IMAGES)[0]
    # 6 x 6 places of 4 channels and, as patches, 3 x 3 taps of 2; as often flattened; and the input.
    activations = 16 * (8 * 8 * 2 + 36 * 4 + 36 * 18 + 36 * 4)
    weights = 3 * 3 * 2 * 4 + 4
    counted = groups.member_bytes(image)
    assert counted >= 4 * (5 * weights + 2 * activations)
    assert counted < 4 * (5 * weights + 2 * activations) + 200  # metrics and seeds
    free = 16 * groups.member_bytes(setup)  # a quarter of it holds four members
    if BACKEND == "torch":
        monkeypatch.setattr("torch.cuda.is_available", lambda: True)
        monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (free, 10 * free))
    elif BACKEND == "jax":
        device = SimpleNamespace(memory_stats=lambda: {"bytes_limit": 3 * free, "bytes_in_use": 2 * free})
        monkeypatch.setattr("jax.local_devices", lambda: [device])
    else:
        device_lib = importlib.import_module("tensorflow.python.client.device_lib")
        gpu = SimpleNamespace(device_type="GPU", memory_limit=3 * free)
        monkeypatch.setattr("tensorflow.config.list_logical_devices", lambda kind: [gpu])
        monkeypatch.setattr(device_lib, "list_local_devices", lambda: [gpu])
        monkeypatch.setattr(
            "tensorflow.config.experimental.get_memory_info", lambda name: {"current": 2 * free}
        )
    assert [len(group) for group in groups.cut(setup, trials)] == [4, 2]
