"""Do verdicts before training say what then happens? The tables of docs/diagnosis.md.

Each start is diagnosed from the weights that `compare` trains. A run has failed if its last losses are above
nine tenths of that of an answer that gives all classes alike. Run: `python benchmarks/foresight.py`.
"""

import math
import warnings

import keras
import numpy as np

import keras_initlab as initlab
from keras_initlab import presets

LAWS = keras.initializers
STARTS = {
    "zeros": "zeros",
    "ones": "ones",
    "U ±0.001": LAWS.RandomUniform(-0.001, 0.001),
    "U ±0.01": LAWS.RandomUniform(-0.01, 0.01),
    "U ±0.03": LAWS.RandomUniform(-0.03, 0.03),
    "U ±0.1": LAWS.RandomUniform(-0.1, 0.1),
    "U ±0.3": LAWS.RandomUniform(-0.3, 0.3),
    "U ±1": LAWS.RandomUniform(-1, 1),
    "U [0, 1)": LAWS.RandomUniform(0, 1),
    "Glorot": "glorot_uniform",
    "He": "he_normal",
    "LeCun": "lecun_normal",
    "1/√n": "initlab_uniform_sqrt_n",
    "orthogonal": LAWS.Orthogonal(1.0),
    "orthogonal 0.5": LAWS.Orthogonal(0.5),
    "orthogonal 2": LAWS.Orthogonal(2.0),
    "N(0.05, 0.1)": LAWS.RandomNormal(0.05, 0.1),
    "N(0, 1)": LAWS.RandomNormal(0, 1),
}
WORDS = ("fine", "doubtful", "severe")
REPLICATES, EPOCHS = 2, 3
DATA = initlab.datasets.load("digits")


def preset(name):
    return presets.build(name, DATA.x.shape[1:], DATA.classes)


def dense(activation, units, depth):
    hidden = [keras.layers.Dense(units, activation) for _ in range(depth)]
    inputs = [keras.Input(DATA.x.shape[1:]), keras.layers.Flatten()]
    return keras.Sequential([*inputs, *hidden, keras.layers.Dense(DATA.classes)])


SETS = {  # name -> model, optimizer, root seed
    "mlp, SGD": (lambda: preset("mlp"), lambda: keras.optimizers.SGD(0.05), 0),
    "deep tanh, SGD": (lambda: preset("deep_tanh"), lambda: keras.optimizers.SGD(0.05), 0),
    "mlp, Adam": (lambda: preset("mlp"), lambda: keras.optimizers.Adam(1e-3), 0),
    "deep tanh, Adam": (lambda: preset("deep_tanh"), lambda: keras.optimizers.Adam(1e-3), 0),
    "cnn, Adam": (lambda: preset("cnn"), lambda: keras.optimizers.Adam(1e-3), 0),
}
HELD_OUT = {  # named and run after the limits were fixed
    "8 x 48 ReLU, Adam": (lambda: dense("relu", 48, 8), lambda: keras.optimizers.Adam(1e-3), 11),
    "8 x 48 ReLU, SGD": (lambda: dense("relu", 48, 8), lambda: keras.optimizers.SGD(0.05), 11),
    "3 x 64 GELU, Adam": (lambda: dense("gelu", 64, 3), lambda: keras.optimizers.Adam(1e-3), 11),
    "1 x 256 tanh, SGD": (lambda: dense("tanh", 256, 1), lambda: keras.optimizers.SGD(0.05), 11),
}


def counts(make, optimizer, seed):
    """Word -> how many starts were called so, and how many of these failed."""
    model = make()
    model.compile(optimizer(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    training = {"epochs": EPOCHS, "batch_size": 32, "replicates": REPLICATES, "seed": seed, "verbose": False}
    result = initlab.compare(model, STARTS, DATA.x, DATA.y, **training)
    found = {word: [0, 0] for word in WORDS}
    for replicate in range(REPLICATES):
        foreseen = initlab.diagnose(
            model, DATA.x, DATA.y, examples=128, initializers=STARTS, replicate=replicate, seed=seed
        )
        for record in result.records:
            if record.replicate == replicate:
                last = np.mean(record.step_losses[-20:]) if record.status == "completed" else math.inf
                count = found[foreseen[record.label].word]
                count[0] += 1
                count[1] += not last < 0.9 * math.log(DATA.classes)
    return found


def main():
    warnings.filterwarnings("ignore")
    for title, sets in (("where limits were looked at", SETS), ("held out", HELD_OUT)):
        total = {word: np.zeros(2, int) for word in WORDS}
        print(f"| {title} | " + " | ".join(f"{word}: failed" for word in WORDS) + " |\n|---|---|---|---|")
        for name, (make, optimizer, seed) in sets.items():
            found = counts(make, optimizer, seed)
            total = {word: total[word] + found[word] for word in WORDS}
            print(
                f"| {name} | " + " | ".join("{}: {}".format(*found[word]) for word in WORDS) + " |",
                flush=True,
            )
        print("| all | " + " | ".join("{}: {}".format(*total[word]) for word in WORDS) + " |\n")


if __name__ == "__main__":
    main()
