"""What a diagnosis costs, beside one training step of the same net and beside AnyInit's report.

`python benchmarks/diagnose.py [--resnet]` on the backend of KERAS_BACKEND: 50 dense tanh layers of 100 with
128 examples, or ResNet50 at 64 x 64 with 16 images. Each line is measured in a process of its own, so that
peaks of memory are each one's own; AnyInit's where it can be imported.
"""

import argparse
import importlib.util
import resource
import subprocess
import sys
import time

import keras
import numpy as np

import keras_initlab as initlab

RNG = np.random.default_rng(0)
ENTRANTS = ["glorot_uniform", "he_normal", "lecun_normal", "orthogonal", "initlab_uniform_sqrt_n"]


def dense():
    hidden = [keras.layers.Dense(100, "tanh") for _ in range(50)]
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])
    return model, RNG.normal(size=(256, 64)), 128


def resnet():
    model = keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=10)
    return model, RNG.normal(size=(16, 64, 64, 3)), 16


NETS = {"dense": dense, "resnet": resnet}


def seconds(call):
    """Of the wall, and of all processors: on a machine that others use too, only these tell."""
    begun = np.array([time.perf_counter(), time.process_time()])
    call()
    return np.array([time.perf_counter(), time.process_time()]) - begun


def told(pair):
    return "{:.2f} s ({:.2f} of CPU)".format(*pair)


def diagnosis(model, x, y, examples):
    def diagnosed(schemes=None):
        return initlab.diagnose(model, x, y, initializers=schemes, examples=examples)

    yield f"the model as it is {told(seconds(diagnosed))}"
    one = seconds(lambda: diagnosed(ENTRANTS[:1]))
    few = seconds(lambda: diagnosed(ENTRANTS[:2]))
    several = seconds(lambda: diagnosed(ENTRANTS))
    yield f"one entrant {told(one)}, each further one {told((several - few) / (len(ENTRANTS) - 2))}"


def step(model, x, y, examples):
    first, second = (seconds(lambda: model.train_on_batch(x[:examples], y[:examples])) for _ in range(2))
    yield f"first {told(first)}, second {told(second)}"


def anyinit(model, x, y, examples):
    from anyinit import initialize

    yield told(seconds(lambda: str(initialize(model, "empirical", x[:examples]))))


LINES = {"diagnosis": diagnosis, "training step": step, "AnyInit's report": anyinit}


def measured(net, line):
    model, x, examples = NETS[net]()
    x, y = x.astype("float32"), RNG.integers(0, 10, len(x))
    from_logits = model.layers[-1].activation is keras.activations.linear
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for text in LINES[line](model, x, y, examples):
        memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
        print(f"  {line}: {text}; peak memory {memory:.2f} GB more", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resnet", action="store_true")
    parser.add_argument("--line", choices=LINES, help="this one, in this process")
    parsed = parser.parse_args()
    net = "resnet" if parsed.resnet else "dense"
    if parsed.line:
        measured(net, parsed.line)
        return
    what = "ResNet50, 64 x 64, 16 images" if parsed.resnet else "50 x Dense(100, tanh), 128 examples"
    print(f"{keras.backend.backend()}: {what}", flush=True)
    for line in LINES:
        if line == "AnyInit's report" and importlib.util.find_spec("anyinit") is None:
            print('  AnyInit\'s report: pip install "anyinit==0.4.0"')
        else:
            subprocess.run([sys.executable, __file__, *sys.argv[1:], "--line", line], check=True)


if __name__ == "__main__":
    main()
