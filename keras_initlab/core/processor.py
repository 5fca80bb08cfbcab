"""What a computer computes with, by name."""

import platform
from pathlib import Path
from typing import Any

import keras

_INFO = Path("/proc/cpuinfo")


def processor(variable: Any) -> str:
    """The CPU's model and, where a variable of Keras lives on one, the accelerator's."""
    accelerator = _accelerator(variable.value)
    return f"{_cpu()} with {accelerator}" if accelerator else _cpu()


def _cpu() -> str:
    try:
        lines = _INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _accelerator(value: Any) -> str:
    backend = keras.backend.backend()
    if backend == "jax":
        (device, *_) = value.devices()
        return "" if device.platform == "cpu" else device.device_kind
    if backend == "torch":
        import torch

        kind = value.device.type
        return torch.cuda.get_device_name(value.device) if kind == "cuda" else kind.removeprefix("cpu")
    if backend == "tensorflow" and "GPU" in value.device:
        import tensorflow as tf

        (device, *_) = tf.config.list_physical_devices("GPU")
        return tf.config.experimental.get_device_details(device).get("device_name", "GPU")
    return ""
