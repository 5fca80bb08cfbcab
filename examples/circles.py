"""Two circles, a net of 2-10-5-1, plain gradient descent: what the start does, and what remedies do about it.

Tutorials train this net once for each of zeros, weights ten times too large, and He's. One run each can come
out anywhere: here each is trained 20 times from paired starts, with and without batch normalization, dropout,
noise in the data and L2, and the verdict stands in words. Writes `circles.png` and, of one run each,
`boundaries.png`.

    python examples/circles.py [--out pictures] [--shrink 1]
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import keras_initlab as initlab
from keras_initlab import remedies

STARTS = {
    "zeros": "zeros",
    "ten times too large": keras.initializers.RandomNormal(stddev=10.0),
    "He": "he_normal",
}
REMEDIES = {
    "none": None,
    "batch norm": remedies.BatchNorm(),
    "dropout": remedies.Dropout(0.2),
    "noise": remedies.DataNoise(0.1),
    "L2": remedies.L2(0.001),
}
EXAMPLES, STEPS, REPLICATES = 300, 15_000, 20
STEPS_PER_EPOCH = 500
"""Of full batches: an epoch is so many copies of the data, so that metrics are read so often only."""


def circles(examples, rng):
    """Points on two circles of radius 1 and .8, with noise of .05, and which they are on."""
    angles = rng.uniform(0, 2 * np.pi, examples)
    outer = np.arange(examples) % 2 == 0
    points = np.where(outer, 1.0, 0.8)[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    return (points + rng.normal(0, 0.05, points.shape)).astype("float32"), outer.astype("float32")[:, None]


def net():
    hidden = [keras.layers.Dense(10, "relu"), keras.layers.Dense(5, "relu")]
    model = keras.Sequential([keras.Input((2,)), *hidden, keras.layers.Dense(1, "sigmoid")])
    model.compile(keras.optimizers.SGD(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model


def compare(factors, epochs, **arguments):
    rng = np.random.default_rng(0)
    x, y = circles(EXAMPLES, rng)
    return initlab.compare(
        net(),
        STARTS,
        np.tile(x, (STEPS_PER_EPOCH, 1)),
        np.tile(y, (STEPS_PER_EPOCH, 1)),
        validation_data=circles(EXAMPLES, rng),
        batch_size=EXAMPLES,
        shuffle=False,
        epochs=epochs,
        factors=factors,
        **arguments,
    )


def boundaries(epochs):
    """Where one run of each start and remedy says which circle a point is on."""
    import matplotlib.pyplot as plt

    side = np.linspace(-1.5, 1.5, 80, dtype="float32")
    plane = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    said = {}

    def watch(label, replicate, levels):
        def look(logs=None):
            said[label, levels["remedy"]] = np.array(callback.model.predict(plane, verbose=0))

        callback = keras.callbacks.LambdaCallback(on_train_end=look)
        return callback

    shown = {name: REMEDIES[name] for name in ("none", "batch norm")}
    compare({"remedy": shown}, epochs, replicates=1, callbacks=watch)
    x, y = circles(EXAMPLES, np.random.default_rng(0))
    figure, axes = plt.subplots(len(shown), len(STARTS), figsize=(9, 6), layout="constrained")
    for row, remedy in zip(axes, shown, strict=True):
        for ax, start in zip(row, STARTS, strict=True):
            surface = said[start, remedy].reshape(len(side), -1)
            ax.contourf(side, side, surface, levels=np.linspace(0, 1, 11), cmap="RdBu", alpha=0.6)
            ax.scatter(*x.T, c=y[:, 0], cmap="RdBu", s=6, edgecolors="k", linewidths=0.2)
            ax.set(title=f"{start}, {remedy}", xticks=[], yticks=[], aspect="equal")
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"))
    parser.add_argument("--shrink", type=int, default=1, help="divide steps and replicates by this")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    epochs = max(1, STEPS // STEPS_PER_EPOCH // given.shrink)
    grid = compare({"remedy": REMEDIES}, epochs, replicates=max(3, REPLICATES // given.shrink))
    print(grid)
    print(grid.rescue("remedy", bad="ten times too large", good="He", margin=0.02))
    grid.plot_grid("initializer", "remedy").figure.savefig(given.out / "circles.png", dpi=120)
    boundaries(epochs).savefig(given.out / "boundaries.png", dpi=120)


if __name__ == "__main__":
    main()
