"""The published MNIST experiment beside what 27 independent public notebooks recorded.

Network 784-256-128-10 with ReLU, Adam at 1e-3, 2 epochs of 429 batches of 128; validation on the first
5,000 training images. Prints our table beside the published pool and saves the losses of the first
100 batches.

    python examples/published_mnist.py [--replicates 5] [--out mnist-out] [--picture losses.png]
"""

import argparse

import keras_initlab as initlab
from keras_initlab import presets

# Validation accuracy in %: mean, standard deviation, lowest, highest and number of notebook runs.
PUBLISHED = {
    "zeros": (11.26, 0.00, 11.26, 11.26, 27),
    "ones": (9.97, 0.62, 8.68, 11.26, 27),
    "uniform [0, 1)": (74.8, 8.9, 42.8, 86.3, 73),
    "uniform ±1": (90.39, 0.52, 89.3, 91.3, 49),
    "uniform ±0.1": (97.04, 0.21, 96.5, 97.5, 72),
    "uniform ±0.01": (95.39, 0.31, 94.7, 95.9, 25),
    "uniform ±0.001": (94.12, 0.57, 93.0, 95.2, 25),
    "uniform ±1/√n": (96.78, 0.22, 96.3, 97.1, 24),
    "normal 0.1": (97.13, 0.24, 96.5, 97.5, 47),
    "truncated normal 0.1": (97.17, 0.17, 96.7, 97.5, 46),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=5)
    parser.add_argument("--out", default=None, help="folder to resume from and write to")
    parser.add_argument("--picture", default="losses.png")
    options = parser.parse_args()

    data = initlab.datasets.load("mnist")
    result = initlab.compare(
        presets.build("mlp", (28, 28), 10),
        presets.classic(),
        data.x,
        data.y,
        validation_data=(data.x_val, data.y_val),
        batch_size=128,
        epochs=2,
        steps_per_epoch=429,
        replicates=options.replicates,
        run_dir=options.out,
    )
    runs = result.runs.groupby("initializer")
    accuracy = 100 * runs["final_val_accuracy"].agg(["mean", "std"]).fillna(0)  # one run has no deviation
    early = runs["first_100"].mean()
    print(
        f"| initializer | 27 notebooks: accuracy % [range], n | ours, {options.replicates} runs | first 100 |"
    )
    print("|---|---|---|---|")
    for label, (mean, deviation, low, high, count) in PUBLISHED.items():
        ours = accuracy.loc[label]
        print(
            f"| {label} | {mean:.2f} ± {deviation:.2f} [{low:g}, {high:g}], {count} "
            f"| {ours['mean']:.2f} ± {ours['std']:.2f} | {early[label]:.3g} |"
        )
    print(result)
    result.plot(batches=100).figure.savefig(options.picture, dpi=110, bbox_inches="tight")
    print(f"Losses of the first 100 batches: {options.picture}")


if __name__ == "__main__":
    main()
