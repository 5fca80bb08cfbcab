"""The stacked engine against the loop a user would write: build, compile and fit a model per run.

Both sides are timed in turns in this process, compile time included. A run of the loop starts from the
weights of one of the trials and meets the same batches; its losses are checked to equal that trial's
before any ratio is printed. The loop's time is the median of a few runs times the number of runs.

    KERAS_BACKEND=jax python benchmarks/stacked.py [digits|tanh|cnn|growth|mnist|memory ...]
"""

import argparse
import statistics
import time

import keras
import numpy as np

import keras_initlab as initlab
from keras_initlab.plan import Trial

LAYERS = keras.layers


def digits_mlp():
    return [LAYERS.Flatten(), LAYERS.Dense(64, "relu"), LAYERS.Dense(32, "relu"), LAYERS.Dense(10)]


def deep_tanh():
    return [LAYERS.Flatten(), *(LAYERS.Dense(64, "tanh") for _ in range(10)), LAYERS.Dense(10)]


def cnn():
    return [
        LAYERS.Reshape((8, 8, 1)),
        LAYERS.Conv2D(8, 3, activation="relu"),
        LAYERS.Conv2D(16, 3, activation="relu"),
        LAYERS.Flatten(),
        LAYERS.Dense(10),
    ]


def build(layers, shape=(8, 8), **compile_arguments):
    model = keras.Sequential([keras.Input(shape), *layers()])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], **compile_arguments)
    return model


def schemes(members):
    """As many initializers, all mild."""
    return {f"normal {i}": keras.initializers.HeNormal(seed=i) for i in range(members)}


def compare(layers, x, y, members, replicates, epochs, batch_size, engine):
    started = time.perf_counter()
    result = initlab.compare(
        build(layers, x.shape[1:]),
        schemes(members),
        x,
        y,
        epochs=epochs,
        batch_size=batch_size,
        replicates=replicates,
        engine=engine,
        verbose=False,
    )
    return time.perf_counter() - started, result


def starts(layers, x, y, batch_size):
    """The weights with which the first runs begin, from the reference engine."""
    found = {}

    def note(label, replicate):
        def keep(logs=None):
            found[label, replicate] = callback.model.get_weights()

        callback = keras.callbacks.LambdaCallback(on_train_begin=keep)
        return [callback]

    initlab.compare(
        build(layers, x.shape[1:]),
        schemes(1),
        x,
        y,
        batch_size=batch_size,
        steps_per_epoch=1,
        replicates=3,
        callbacks=note,
        engine="sequential",
        verbose=False,
    )
    return found


def fresh_fit(layers, x, y, weights, batch_size, epochs):
    """Seconds of a fresh model's `fit`, as a user would call it."""
    started = time.perf_counter()
    model = build(layers, x.shape[1:])
    model.set_weights(weights)
    model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0)
    return time.perf_counter() - started


def verify(layers, x, y, weights, batch_size, record, steps=20):
    """One run by hand on the batches of a trial; its losses must be those of the record."""
    order = np.random.default_rng(Trial(record.label, record.replicate, 0).order_seed(0)).permutation(len(x))
    model = build(layers, x.shape[1:])
    model.set_weights(weights)
    for step in range(min(steps, len(x) // batch_size)):
        chosen = order[step * batch_size : (step + 1) * batch_size]
        loss = model.train_on_batch(x[chosen], y[chosen])[0]
        model.reset_metrics()
        np.testing.assert_allclose(loss, record.step_losses[step], rtol=1e-3)


def against_loop(name, layers, data, members, replicates, epochs, engine, rounds):
    x, y, batch_size = data
    weights = starts(layers, x, y, batch_size)
    ours, theirs = [], []
    for key in list(weights)[:rounds]:
        seconds, result = compare(layers, x, y, members, replicates, epochs, batch_size, engine)
        ours.append(seconds)
        theirs.append(fresh_fit(layers, x, y, weights[key], batch_size, epochs))
    record = next(r for r in result.records if (r.label, r.replicate) == ("normal 0", 0))
    verify(layers, x, y, weights["normal 0", 0], batch_size, record)
    runs = members * replicates
    loop, own = statistics.median(theirs) * runs, statistics.median(ours)
    print(
        f"{name}, {keras.backend.backend()}: {runs} runs, loop of fresh models {loop:.1f} s, "
        f"{result.config['engine']['name']} {own:.2f} s, ratio {loop / own:.1f}"
    )


def digits():
    data = initlab.datasets.load("digits")
    x = np.concatenate([data.x, data.x_val])
    return x, np.concatenate([data.y, data.y_val]), 32


def growth(rounds):
    x, y, batch_size = digits()
    times = {members: [] for members in (10, 100)}
    for _ in range(rounds):
        for members, seconds in times.items():
            seconds.append(compare(digits_mlp, x, y, members // 5, 5, 10, batch_size, "stacked")[0])
    few, many = (statistics.median(seconds) for seconds in times.values())
    print(
        f"growth, {keras.backend.backend()}: 10 members {few:.2f} s, 100 members {many:.2f} s, {many / few:.1f}x"
    )


def main():
    works = {
        "digits": lambda n: against_loop("digits", digits_mlp, digits(), 10, 5, 10, "stacked", n),
        "tanh": lambda n: against_loop("deep tanh", deep_tanh, digits(), 20, 1, 10, "stacked", n),
        "cnn": lambda n: against_loop("small CNN", cnn, digits(), 20, 1, 10, "auto", n),
        "growth": growth,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("works", nargs="*", choices=[*works, []], default=list(works))
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    for work in given.works:
        works[work](given.rounds)


if __name__ == "__main__":
    main()
