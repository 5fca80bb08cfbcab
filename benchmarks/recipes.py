"""LSUV on ResNet50 and the finder of residual branches on ConvNeXtTiny.

Targets: LSUV (224 x 224, 32 images) takes at most 1.5 times one eager forward pass plus one `reinitialize`
with the same base; the finder takes at most 2 seconds. AnyInit 0.4 on the same nets stands beside it where it
is installed (`pip install anyinit`), by theory and by data. Calls alternate in one process, and each kind
runs once before it is timed.

    KERAS_BACKEND=... python benchmarks/recipes.py [--runs 3] [--alone]
"""

import argparse
import importlib.util
import statistics
import sys
import time

import keras
import numpy as np

import keras_initlab as initlab
from keras_initlab.network.branches import find_branches
from keras_initlab.network.slots import all_slots
from keras_initlab.network.taps import without_gradients

TARGET, SECONDS = 1.5, 2.0


def seconds(run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def beside(model, x) -> str:
    """What AnyInit takes for the same net, or why it did not."""
    if importlib.util.find_spec("anyinit") is None:
        return "AnyInit is not installed"
    import anyinit

    found = []
    for mode in ("analytic", "empirical"):
        try:
            took = seconds(lambda mode=mode: anyinit.initialize(model, mode, x))
            found.append(f"AnyInit {anyinit.__version__}, {mode}: {took:.2f} s")
        except Exception as error:
            found.append(f"AnyInit, {mode}: {type(error).__name__}: {error}")
    return "\n".join(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="leave AnyInit out")
    options = parser.parse_args()
    model = keras.applications.ResNet50(weights=None)
    x = np.random.default_rng(0).normal(size=(32, 224, 224, 3)).astype("float32")

    def forward():
        with without_gradients():
            keras.ops.convert_to_numpy(model(x, training=False))

    kinds = {
        "eager forward pass": forward,
        "reinitialize": lambda: initlab.reinitialize(model, "initlab_orthogonal"),
        "LSUV": lambda: initlab.reinitialize(model, "initlab_lsuv", x),
    }
    times = {name: [] for name in kinds}
    for _ in range(options.runs + 1):
        for name, run in kinds.items():
            times[name].append(seconds(run))
    medians = {name: statistics.median(found[1:]) for name, found in times.items()}
    print(
        f"backend {keras.backend.backend()}, ResNet50, 32 images, medians of {options.runs} alternating calls"
    )
    for name, median in medians.items():
        print(f"{name:20}{median:8.2f} s")
    ratio = medians["LSUV"] / (medians["eager forward pass"] + medians["reinitialize"])
    print(f"{'ratio':20}{ratio:8.2f}    target {TARGET}")
    if not options.alone:
        print(beside(model, x))

    net = keras.applications.ConvNeXtTiny(weights=None)
    slots = all_slots(net)
    took = statistics.median(seconds(lambda: find_branches(net, slots)) for _ in range(3))
    print(f"{'finder, ConvNeXtTiny':20}{took:8.2f} s  target {SECONDS}")
    if not options.alone:
        print(beside(net, x[:2]))
    return int(ratio > TARGET or took > SECONDS)


if __name__ == "__main__":
    sys.exit(main())
