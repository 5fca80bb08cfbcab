"""What a diagnosis costs, beside one training step of the same net.

`python benchmarks/diagnose.py [--resnet]` on the backend of KERAS_BACKEND: 50 dense tanh layers of 100 with
128 examples (first diagnosis, further entrants), and with `--resnet` ResNet50 at 64 x 64 with 16 images.
"""

import argparse
import resource
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


def seconds(call):
    """Of the wall, and of all processors: on a machine that others use too, only these tell."""
    begun = np.array([time.perf_counter(), time.process_time()])
    call()
    return np.array([time.perf_counter(), time.process_time()]) - begun


def told(pair):
    return "{:.2f} s ({:.2f} of CPU)".format(*pair)


def measured(make):
    model, x, examples = make()
    x, y = x.astype("float32"), RNG.integers(0, 10, len(x))
    from_logits = model.layers[-1].activation is keras.activations.linear
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits))

    def diagnosed(schemes):
        return initlab.diagnose(model, x, y, initializers=schemes, examples=examples)

    def step():
        return model.train_on_batch(x[:examples], y[:examples])

    one = seconds(lambda: diagnosed(ENTRANTS[:1]))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    several = seconds(lambda: diagnosed(ENTRANTS))
    again = seconds(lambda: diagnosed(ENTRANTS[:1]))
    print(f"  first diagnosis {told(one)}, the same again {told(again)}, peak memory {memory:.2f} GB")
    print(f"  each further entrant {told((several - again) / (len(ENTRANTS) - 1))}")
    print(f"  one training step: first {told(seconds(step))}, second {told(seconds(step))}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resnet", action="store_true")
    parsed = parser.parse_args()
    print(f"{keras.backend.backend()}: 50 x Dense(100, tanh), 128 examples")
    measured(dense)
    if parsed.resnet:
        print("ResNet50, 64 x 64, 16 images")
        measured(resnet)


if __name__ == "__main__":
    main()
