"""Which initializer tolerates the widest range of learning rates? MNIST, ten initializers, seven rates.

A fixed rate can favour an initializer: one that needs small steps looks bad at a large rate, and the other
way round. Here each is trained at every rate, five times. `tolerance` says over how many decades of the rate
a start stays within a hundredth of the best; `tuned` compares each at its own best rate, chosen on the other
replicates. Writes `learning_rates.png` and `learning_rates_grid.png`.

    python examples/learning_rates.py [--data mnist] [--out pictures] [--shrink 1]
"""

import argparse
from pathlib import Path

import keras_initlab as initlab
from keras_initlab import presets

RATES = [1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1]


def train(name, shrink):
    data = initlab.datasets.load(name)
    count = len(data.x) // shrink
    return initlab.compare(
        presets.build("mlp", data.x.shape[1:], data.classes),
        presets.classic(),
        data.x[:count],
        data.y[:count],
        validation_data=(data.x_val, data.y_val),
        batch_size=128,
        epochs=2,
        replicates=max(3, 5 // shrink),
        baseline=presets.CLASSIC_BASELINE,
        factors={"learning_rate": RATES},
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="mnist", help="mnist, fashion_mnist or digits")
    parser.add_argument("--out", type=Path, default=Path("pictures"))
    parser.add_argument("--shrink", type=int, default=1, help="divide data and replicates by this")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    grid = train(given.data, given.shrink)
    print(grid)
    print(grid.tolerance("learning_rate").to_string())
    print(grid.tuned("learning_rate").to_string())
    grid.plot_sensitivity("learning_rate").figure.savefig(given.out / "learning_rates.png", dpi=120)
    heat = grid.plot_grid("initializer", "learning_rate")
    heat.figure.savefig(given.out / "learning_rates_grid.png", dpi=120)


if __name__ == "__main__":
    main()
