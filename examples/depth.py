"""Why deep networks would not learn, told by their start: no training, one pass forward and one back.

Tanh, sigmoid and ReLU nets of growing depth; 0.1^L and 10^L; zeros; the same cured; and mean-field theory
beside measurement. Writes `depth.png`.

    python examples/depth.py [--out pictures] [--shrink 1]
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import keras_initlab as initlab

LAWS = keras.initializers
DATA = initlab.datasets.load("digits")
UNITS, DEPTH = 100, 30


def net(activation, depth, units):
    hidden = [keras.layers.Dense(units, activation) for _ in range(depth)]
    inputs = [keras.Input(DATA.x.shape[1:]), keras.layers.Flatten()]
    model = keras.Sequential([*inputs, *hidden, keras.layers.Dense(DATA.classes)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def fan_in(variance):
    return LAWS.VarianceScaling(variance, "fan_in", "untruncated_normal")


def story(shrink):
    """Activation, depth, initializer -> verdict: each disease and its cure."""
    orthogonal = LAWS.Orthogonal(1.0)
    for title, activation, depths, schemes in (
        (
            "signals times 0.1 and times 10 a layer",
            "linear",
            (10,),
            {"0.1^L": fan_in(0.01), "10^L": fan_in(100)},
        ),
        ("and neither", "linear", (10,), {"orthogonal": orthogonal}),
        ("sigmoid with Glorot", "sigmoid", (2, 5, 10), {"Glorot": "glorot_uniform"}),
        ("tanh with N(0, 0.01)", "tanh", (2, 5, 10), {"small": LAWS.RandomNormal(stddev=0.01)}),
        ("cured: tanh with Glorot", "tanh", (2, 5, 10, 30), {"Glorot": "glorot_uniform"}),
        ("ReLU with LeCun", "relu", (2, 10, 30), {"LeCun": "lecun_normal"}),
        (
            "ReLU with He: signals keep their size, and deep down inputs become alike",
            "relu",
            (2, 10, 30),
            {"He": "he_normal"},
        ),
        ("zeros", "relu", (3,), {"zeros": "zeros"}),
    ):
        print(f"\n{title}")
        for depth in sorted({max(2, depth // shrink) for depth in depths}):
            found = initlab.diagnose(
                net(activation, depth, UNITS // shrink), DATA.x, DATA.y, initializers=schemes
            )
            for label, one in found.items():
                kinds = ", ".join(verdict.kind for verdict in one.verdicts) or "-"
                sums = [row for row in one.facts.hidden if row.q > 0 and row.G > 0]
                ends = " -> ".join(f"{row.q**0.5:.0e}" for row in (sums[0], sums[-1])) if sums else "0"
                print(f"  {depth:2} layers, {label:<10} {one.word:<8} size of signals {ends:<16} {kinds}")


def theory(shrink):
    """Second moment, cosine and factor on gradients by depth against mean-field theory, over 4 draws."""
    rng = np.random.default_rng(0)
    units, depth = 2 * UNITS // shrink, DEPTH // shrink
    middle = depth // 3 + 1
    x = rng.normal(size=(64, units)).astype("float32")
    print(f"\nmeasured / expected, {depth} layers of {units}, mean of 4 draws")
    print(f"{'net':<12} {f'q at {middle}':<21} {f'q at {depth}':<21} {f'cosine at {depth}':<15} chi")
    for name, activation, variance in (
        ("tanh 1.0", "tanh", 1.0),
        ("tanh 1.3", "tanh", 1.69),
        ("tanh 2.5", "tanh", 6.25),
        ("ReLU √2", "relu", 2.0),
        ("ReLU 1.7", "relu", 2.89),
    ):
        hidden = [keras.layers.Dense(units, activation) for _ in range(depth)]
        model = keras.Sequential([keras.Input((units,)), *hidden, keras.layers.Dense(10)])
        found = initlab.diagnose(model, x, initializers={name: fan_in(variance)}, replicates=4)
        sums = found.layers.loc[name].query("kind == 'sums' and not head")
        cells = [f"{row.q:9.3g} / {row.q_theory:<9.3g}" for row in (sums.iloc[middle - 1], sums.iloc[-1])]
        last, inner = sums.iloc[-1], sums.iloc[1:-1]
        chi = np.exp(np.log(inner[["chi", "chi_theory"]]).mean())
        cells.append(f"{last.cosine:6.3f} / {last.cosine_theory:<6.3f}")
        print(f"{name:<12}", *cells, f"{chi['chi']:.3f} / {chi['chi_theory']:.3f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("."), help="folder for depth.png")
    parser.add_argument("--shrink", type=int, default=1, help="divides widths and depths")
    parsed = parser.parse_args()
    keras.utils.set_random_seed(0)
    story(parsed.shrink)
    theory(parsed.shrink)
    schemes = {
        "N(0, 0.03)": LAWS.RandomNormal(stddev=0.03),
        "Glorot": "glorot_uniform",
        "orthogonal 1.5": LAWS.Orthogonal(1.5),
        "N(0, 1)": LAWS.RandomNormal(stddev=1.0),
    }
    model = net("tanh", DEPTH // parsed.shrink, UNITS // parsed.shrink)
    found = initlab.diagnose(model, DATA.x, DATA.y, initializers=schemes)
    figure = found.plot()[0].figure
    figure.savefig(parsed.out / "depth.png", dpi=120)
    print(f"\n{found}")


if __name__ == "__main__":
    main()
