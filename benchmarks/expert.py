"""`compare` against the program that somebody who knows JAX would write by hand.

Theirs: the net as a function, weights of all members stacked, `vmap` over the members, one compiled step with
an Adam of its own, batches by index from data on the device. The same nets, data and steps; whole calls,
compilation included, each in a process of its own, in turns.

    python benchmarks/expert.py [digits tanh] [--rounds 3] [--backends tensorflow jax]
"""

import argparse
import os
import statistics
import subprocess
import sys

WORKS = {"digits": (50, [64, 32, 10], "relu"), "tanh": (20, [*[64] * 10, 10], "tanh")}
EPOCHS, BATCH = 10, 32

OURS = """
import time
import keras, numpy as np
import keras_initlab as initlab
members, widths, activation, epochs, batch = {arguments}
data = initlab.datasets.load("digits")
x, y = np.concatenate([data.x, data.x_val]), np.concatenate([data.y, data.y_val])
hidden = [keras.layers.Dense(n, activation) for n in widths[:-1]]
ends = keras.layers.Dense(widths[-1])
model = keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(), *hidden, ends])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
schemes = {{f"normal {{i}}": keras.initializers.HeNormal(seed=i) for i in range(10)}}
import warnings
warnings.simplefilter("ignore")
times = []
for _ in range(2):
    began = time.perf_counter()
    result = initlab.compare(
        model, schemes, x, y, epochs=epochs, batch_size=batch, replicates=members // 10, engine="stacked",
        verbose=False,
    )
    times.append(time.perf_counter() - began)
print("RESULT", *times, np.mean([record.epochs["accuracy"][-1] for record in result.records]))
"""

THEIRS = """
import time
import jax, jax.numpy as jnp, numpy as np
import keras_initlab.datasets as datasets
members, widths, activation, epochs, batch = {arguments}
data = datasets.load("digits")
x = np.concatenate([data.x, data.x_val]).reshape(-1, 64).astype("float32")
y = np.concatenate([data.y, data.y_val]).astype("int32")
act = {{"relu": jax.nn.relu, "tanh": jnp.tanh}}[activation]

def start(key):
    sizes = [64, *widths]
    keys = jax.random.split(key, len(widths))
    return [
        (jax.random.normal(k, (a, b)) * jnp.sqrt(2 / a), jnp.zeros(b))
        for k, a, b in zip(keys, sizes[:-1], sizes[1:])
    ]

def logits(weights, inputs):
    *hidden, last = weights
    for w, b in hidden:
        inputs = act(inputs @ w + b)
    return inputs @ last[0] + last[1]

def loss(weights, inputs, targets):
    scores = logits(weights, inputs)
    picked = jnp.take_along_axis(jax.nn.log_softmax(scores), targets[:, None], 1)
    return -picked.mean(), (scores.argmax(1) == targets).mean()

def step(state, weights, chosen, x, y):
    moments, squares, count = state
    (value, right), gradients = jax.value_and_grad(loss, has_aux=True)(weights, x[chosen], y[chosen])
    count = count + 1
    moments = jax.tree.map(lambda m, g: .9 * m + .1 * g, moments, gradients)
    squares = jax.tree.map(lambda s, g: .999 * s + .001 * g * g, squares, gradients)
    rate = 1e-3 * jnp.sqrt(1 - .999 ** count) / (1 - .9 ** count)
    weights = jax.tree.map(lambda w, m, s: w - rate * m / (jnp.sqrt(s) + 1e-7), weights, moments, squares)
    return (moments, squares, count), weights, value, right

stepped = jax.jit(jax.vmap(step, in_axes=(0, 0, 0, None, None)), donate_argnums=(0, 1))

def train():
    keys = jax.random.split(jax.random.key(0), members)
    weights = jax.jit(jax.vmap(start))(keys)
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (zeros, jax.tree.map(jnp.zeros_like, weights), jnp.zeros(members))
    held, targets = jnp.asarray(x), jnp.asarray(y)
    generator = np.random.default_rng(0)
    losses = []
    for _ in range(epochs):
        orders = np.stack([generator.permutation(len(x)) for _ in range(members // 10)]).repeat(10, 0)
        rights = []
        for at in range(0, len(x), batch):
            state, weights, value, right = stepped(state, weights, orders[:, at : at + batch], held, targets)
            losses.append(value)
            rights.append(right)
    return np.stack(losses), np.mean(np.stack(rights))

times = []
for _ in range(2):
    began = time.perf_counter()
    losses, accuracy = train()
    times.append(time.perf_counter() - began)
print("RESULT", *times, accuracy)
"""


def run(program, work, backend):
    """Seconds of the first and second call in a fresh process, and the accuracy reached."""
    arguments = (*WORKS[work], EPOCHS, BATCH)
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", program.format(arguments=arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    return tuple(map(float, line.split()[1:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("works", nargs="*", default=list(WORKS), help=", ".join(WORKS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax"])
    given = parser.parse_args()
    for work in given.works:
        found = {name: [] for name in ("expert", *given.backends)}
        for _ in range(given.rounds):
            found["expert"].append(run(THEIRS, work, "jax"))
            for backend in given.backends:
                found[backend].append(run(OURS, work, backend))
        expert = [statistics.median(times) for times in zip(*found["expert"], strict=True)]
        print(
            f"{work}, {WORKS[work][0]} members: expert {expert[0]:.2f} s first, {expert[1]:.2f} s again, "
            f"training accuracy of the last epoch {expert[2]:.2f}"
        )
        for backend in given.backends:
            first, again, accuracy = (statistics.median(times) for times in zip(*found[backend], strict=True))
            print(
                f"  compare, {backend}: {first:.2f} s first ({first / expert[0]:.2f}), {again:.2f} s again "
                f"({again / expert[1]:.2f}); accuracy {accuracy:.2f}"
            )


if __name__ == "__main__":
    main()
