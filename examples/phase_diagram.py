"""The phase diagram of deep information propagation: how deep a tanh net can be, by its weights' variance.

Schoenholz et al. (2017): a signal forgets its input after some multiple of the depth scale, which diverges at
the edge of chaos. So nets train down to a depth that is largest there. Here tanh nets of growing depth are
trained from weights of growing variance, stacked, and six times the depth scale of theory is drawn over their
accuracy. Writes `phase_diagram.png`.

    python examples/phase_diagram.py [--data mnist] [--out pictures] [--shrink 1]
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import keras_initlab as initlab

DEPTHS = [2, 5, 10, 20, 30, 40]
VARIANCES = [0.5, 0.8, 1.0, 1.3, 1.6, 2.0, 2.5, 3.0, 4.0]
BIAS_VARIANCE = 0.05
WIDTH, EPOCHS = 100, 10


def start(variance):
    return keras.initializers.VarianceScaling(variance, "fan_in", "untruncated_normal")


def train(name, shrink):
    data = initlab.datasets.load(name)
    count = min(len(data.x), 10_000) // shrink

    def build(depth):
        bias = keras.initializers.RandomNormal(stddev=BIAS_VARIANCE**0.5)
        hidden = [keras.layers.Dense(WIDTH, "tanh", bias_initializer=bias) for _ in range(depth)]
        ends = keras.layers.Flatten(), *hidden, keras.layers.Dense(data.classes)
        model = keras.Sequential([keras.Input(data.x.shape[1:]), *ends])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(1e-3, momentum=0.9), loss, metrics=["accuracy"])
        return model

    return initlab.compare(
        build,
        {f"{variance:g}": start(variance) for variance in VARIANCES},
        data.x[:count],
        data.y[:count],
        validation_data=(data.x_val[:2000], data.y_val[:2000]),
        batch_size=32,
        epochs=EPOCHS,
        replicates=2,
        factors={"depth": DEPTHS[: max(2, len(DEPTHS) // shrink)]},
    )


def draw(grid, ax):
    """Mean accuracy by variance and depth, and six times the depth scale of theory."""
    depths = list(map(int, grid.factors["depth"]))
    frame = grid.runs.groupby(["depth", "initializer"])["final_val_accuracy"].mean().unstack()
    frame = frame.loc[list(map(str, depths)), list(map(str, grid.labels))]
    mesh = ax.pcolormesh(VARIANCES, depths, frame.to_numpy(float), shading="nearest", cmap="viridis")
    ax.figure.colorbar(mesh, ax=ax, label="validation accuracy")
    line = np.linspace(VARIANCES[0], VARIANCES[-1], 100)
    scales = [6 * initlab.depth_scale("tanh", variance**0.5, BIAS_VARIANCE) for variance in line]
    ax.plot(line, scales, "w--", label="6 times the depth scale of theory")
    ax.set(xlabel="variance of the weights times fan-in", ylabel="hidden layers")
    ax.set_ylim(depths[0] - 1, depths[-1] + 5)
    ax.legend(loc="upper right")


def main():
    import matplotlib.pyplot as plt

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="mnist", help="mnist, fashion_mnist or digits")
    parser.add_argument("--out", type=Path, default=Path("pictures"))
    parser.add_argument("--shrink", type=int, default=1, help="divide data and depths by this")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    grid = train(given.data, given.shrink)
    print(grid)
    figure, ax = plt.subplots(figsize=(8, 5), layout="constrained")
    draw(grid, ax)
    figure.savefig(given.out / "phase_diagram.png", dpi=120)


if __name__ == "__main__":
    main()
