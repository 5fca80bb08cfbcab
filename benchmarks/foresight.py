"""Do verdicts before training say what then happens? The table of docs/diagnosis.md, measured anew.

Each of 36 starts is diagnosed from the weights that `compare` then trains. Prints the table; with `--write`
it becomes what the package says of its verdicts (`keras_initlab/diagnosis/calibration.json`). Needs
Fashion-MNIST in Keras's cache, or a network.
Run: `python benchmarks/foresight.py [--write] [NAME ...]`.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import keras

import keras_initlab as initlab
from keras_initlab import presets
from keras_initlab.diagnosis import calibration

LAWS = keras.initializers
LAYERS = keras.layers
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
REPLICATES, EPOCHS, EXAMPLES, BATCH = 2, 3, 1500, 32


def preset(name):
    return lambda shape: presets.build(name, shape, 10)


def dense(activation, units, depth):
    def make(shape):
        hidden = [LAYERS.Dense(units, activation) for _ in range(depth)]
        return keras.Sequential([keras.Input(shape), LAYERS.Flatten(), *hidden, LAYERS.Dense(10)])

    return make


def residual(shape):
    inputs = keras.Input(shape)
    h = LAYERS.Dense(64)(LAYERS.Flatten()(inputs))
    for _ in range(6):
        f = LAYERS.ReLU()(LAYERS.BatchNormalization()(LAYERS.Dense(64, use_bias=False)(h)))
        h = LAYERS.Add()([h, LAYERS.Dense(64)(f)])
    return keras.Model(inputs, LAYERS.Dense(10)(h))


def adam():
    return keras.optimizers.Adam(1e-3)


def sgd():
    return keras.optimizers.SGD(0.05)


def momentum():
    return keras.optimizers.SGD(0.01, momentum=0.9)


LOOKED_AT = {  # name -> data, model, optimizer, root seed; limits were set with these in view
    "mlp, SGD 0.05": ("digits", preset("mlp"), sgd, 0),
    "deep tanh, SGD 0.05": ("digits", preset("deep_tanh"), sgd, 0),
    "mlp, Adam": ("digits", preset("mlp"), adam, 0),
    "deep tanh, Adam": ("digits", preset("deep_tanh"), adam, 0),
    "cnn, Adam": ("digits", preset("cnn"), adam, 0),
}
HELD_OUT = {  # named before they were run, after the limits were fixed, which nobody has touched since
    "8 x 48 ReLU, Adam": ("digits", dense("relu", 48, 8), adam, 11),
    "8 x 48 ReLU, SGD 0.05": ("digits", dense("relu", 48, 8), sgd, 11),
    "3 x 64 GELU, Adam": ("digits", dense("gelu", 64, 3), adam, 11),
    "1 x 256 tanh, SGD 0.05": ("digits", dense("tanh", 256, 1), sgd, 11),
    "Fashion mlp, momentum": ("fashion_mnist", preset("mlp"), momentum, 23),
    "Fashion 6 x 64 SELU, Adam": ("fashion_mnist", dense("selu", 64, 6), adam, 23),
    "cnn, SGD 0.05": ("digits", preset("cnn"), sgd, 23),
    "residual with BN, Adam": ("digits", residual, adam, 23),
}


def measured(name, held_out, data_name, make, optimizer, seed):
    """One row of the table."""
    data = initlab.datasets.load(data_name)
    x, y = data.x[:EXAMPLES], data.y[:EXAMPLES]
    keras.utils.set_random_seed(seed)
    model = make(x.shape[1:])
    model.compile(optimizer(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    training = {"epochs": EPOCHS, "batch_size": BATCH, "replicates": REPLICATES, "seed": seed}
    result = initlab.compare(model, STARTS, x, y, **training, diagnose=True, verbose=False)
    found = result.foreseen()
    wrong = found.trials[(found.trials["word"] == "severe") != found.trials["failed"]]
    print(wrong[wrong["word"] != "doubtful"].iloc[:, :8].to_string(), flush=True)
    words = found.calibration[["failed", "n"]].astype(int)
    return {
        "name": name,
        "held_out": held_out,
        "counts": {word: words.loc[word].tolist() for word in words.index},
        "auc": [round(float(one), 3) for one in found.auc],
        "correlation": [round(float(one), 3) for one in found.correlation],
    }


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("names", nargs="*")
    parsed = parser.parse_args()
    rows = []
    for held_out, sets in ((False, LOOKED_AT), (True, HELD_OUT)):
        for name, given in sets.items():
            if parsed.names and name not in parsed.names:
                continue
            begun = time.perf_counter()
            rows.append(measured(name, held_out, *given))
            print(
                json.dumps(rows[-1], ensure_ascii=False), f"{time.perf_counter() - begun:.0f} s", flush=True
            )
    found = {"backend": keras.backend.backend(), "keras": keras.__version__, "workloads": rows}
    print(calibration.table(found))
    if parsed.write:
        lines = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in rows)
        head = json.dumps({key: found[key] for key in ("backend", "keras")})[1:-1]
        text = f'{{{head}, "workloads": [\n  {lines}\n]}}\n'
        Path(calibration.__file__).with_name("calibration.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
