"""Nets in which a start made for their structure decides: the default beside the recipes, on the digits.

A plain net of 30 tanh layers, a residual net of 20 blocks without norms, and a small Transformer with norms
after its additions and no warm-up. Prints a table and a verdict for each and saves the losses.

    python examples/structure_decides.py [--replicates 5] [--epochs 5] [--out pictures]
"""

import argparse
from pathlib import Path

import keras
from keras import layers

import keras_initlab as initlab
from keras_initlab import recipes


def plain(depth: int) -> keras.Model:
    """Layers of 64 tanh units one behind another."""
    hidden = [layers.Dense(64, "tanh") for _ in range(depth)]
    return keras.Sequential([keras.Input((8, 8)), layers.Flatten(), *hidden, layers.Dense(10)])


def residual(depth: int) -> keras.Model:
    """Blocks of two layers around a skip, without norms."""
    given = keras.Input((8, 8))
    x = layers.Dense(64)(layers.Flatten()(given))
    for _ in range(depth):
        x = layers.Add()([x, layers.Dense(64)(layers.Dense(64, "relu")(layers.ReLU()(x)))])
    return keras.Model(given, layers.Dense(10)(x))


def transformer(depth: int) -> keras.Model:
    """Rows of pixels as words; norms after the additions, as in the first Transformers."""
    given = keras.Input((8, 8))
    x = layers.Dense(32)(given)
    for _ in range(depth):
        x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(4, 8)(x, x)]))
        x = layers.LayerNormalization()(layers.Add()([x, layers.Dense(32)(layers.Dense(64, "relu")(x))]))
    return keras.Model(given, layers.Dense(10)(layers.GlobalAveragePooling1D()(x)))


CASES = {
    "plain": (plain, 30, 1e-3, ["glorot_uniform", "initlab_lsuv", "initlab_isometry"]),
    "residual": (
        residual,
        20,
        1e-3,
        ["glorot_uniform", "he_normal", "initlab_fixup", "initlab_zero_residual", "initlab_lsuv"],
    ),
    "transformer": (
        transformer,
        8,
        3e-3,
        ["glorot_uniform", recipes.DeepNorm(fold=True), "initlab_zero_residual", "initlab_mimetic"],
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--shrink", type=int, default=1, help="divides every depth")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--out", default=None, help="folder for the pictures of the losses")
    options = parser.parse_args()

    data = initlab.datasets.load("digits")
    for name in options.cases:
        build, depth, rate, entrants = CASES[name]
        model = build(max(2, depth // options.shrink))
        model.compile(
            keras.optimizers.Adam(rate),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        result = initlab.compare(
            model,
            entrants,
            data.x.reshape(-1, 8, 8),
            data.y,
            validation_split=0.2,
            batch_size=64,
            epochs=options.epochs,
            replicates=options.replicates,
            verbose=False,
        )
        print(f"{name}, depth {max(2, depth // options.shrink)}")
        print(result)
        if options.out:
            Path(options.out).mkdir(parents=True, exist_ok=True)
            result.plot(batches=1000).figure.savefig(Path(options.out) / f"recipes-{name}.png", dpi=110)


if __name__ == "__main__":
    main()
