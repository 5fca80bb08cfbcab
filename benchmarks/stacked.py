"""The stacked engine against the loop a user would write: build, compile and fit a model per run.

Both sides are timed in turns in this process, compile time included. A run of the loop starts from the
weights of one of the trials and meets the same batches; its losses and weights are checked to equal that
trial's before any ratio is printed. The loop's time is the median of a few runs times the number of runs.

    KERAS_BACKEND=jax python benchmarks/stacked.py [digits tanh cnn growth mnist images memory] [--rounds 3]
"""

import argparse
import resource
import statistics
import time

import keras
import numpy as np

import keras_initlab as initlab
from keras_initlab.core.rng import isolated
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines import ENGINES
from keras_initlab.engines.contract import Observer
from keras_initlab.engines.setup import Setup
from keras_initlab.engines.sources import Arrays
from keras_initlab.engines.stacked import engine as stacked
from keras_initlab.network.slots import slots
from keras_initlab.trials.checkpoint import Checkpoints
from keras_initlab.trials.plan import Plan

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


def verify(layers, x, y, weights, batch_size, record, members, steps=20):
    """One run by hand on the batches of a trial: its losses and, after 20 steps, its weights must be those
    of the comparison, and of a member of a stack of its own."""
    order = np.random.default_rng(Seeds(0, record.replicate).order(0)).permutation(len(x))
    model = build(layers, x.shape[1:])
    model.set_weights(weights)
    steps = min(steps, len(x) // batch_size)
    for step in range(steps):
        chosen = order[step * batch_size : (step + 1) * batch_size]
        loss = model.train_on_batch(x[chosen], y[chosen])[0]
        model.reset_metrics()
        np.testing.assert_allclose(loss, record.step_losses[step], rtol=1e-3)
    start, trained = stacked_weights(layers, x, y, batch_size, members, steps)
    for one, by_hand in zip(start, weights, strict=True):
        np.testing.assert_array_equal(one, by_hand)
    for one, by_hand in zip(trained, model.get_weights(), strict=True):
        np.testing.assert_allclose(one, by_hand, rtol=1e-3, atol=1e-4)


def stacked_weights(layers, x, y, batch_size, members, steps):
    """The first member's weights before and after some steps of the stacked engine."""
    setup, trials = setup_and_trials(layers, x, y, batch_size, members, steps=steps)
    with isolated() as generators, stacked._lent(setup) as template:
        start = template.start(setup, trials[0], generators).trainable
        group = stacked._Group(setup, tuple(trials), template, generators, None, Clock(), Checkpoints())
        group.run()
        trained = [value[0] for value in group.machine.members.values(range(members)).trainable]
        return [
            [keras.ops.convert_to_numpy(weight) for weight in template.packing.unpack(packed)]
            for packed in (start, trained)
        ]


def setup_and_trials(layers, x, y, batch_size, members, epochs=1, steps=None):
    """One replicate of a comparison, as an engine gets it."""
    model = build(layers, x.shape[1:])
    tested = [slot for slot in slots(model) if slot.role == "kernel"]
    training = Arrays((x, y), batch_size, shuffle=True, steps=steps)
    setup = Setup(model, schemes(members), tested, {}, training, epochs=epochs)
    return setup, Plan(tuple(setup.schemes), 1, 0, epochs, training.steps).trials


def against_loop(name, layers, data, members, replicates, epochs, engine, rounds):
    x, y, batch_size = data
    weights = starts(layers, x, y, batch_size)
    ours, theirs = [], []
    for key in list(weights)[:rounds]:
        seconds, result = compare(layers, x, y, members, replicates, epochs, batch_size, engine)
        ours.append(seconds)
        theirs.append(fresh_fit(layers, x, y, weights[key], batch_size, epochs))
    record = next(r for r in result.records if (r.label, r.replicate) == ("normal 0", 0))
    verify(layers, x, y, weights["normal 0", 0], batch_size, record, members)
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
        f"growth, {keras.backend.backend()}: 10 members {few:.2f} s, 100 members {many:.2f} s, "
        f"{many / few:.1f}x"
    )


def mnist_net():
    return [LAYERS.Dense(256, "relu"), LAYERS.Dense(128, "relu"), LAYERS.Dense(10)]


def mnist_like(examples=55_000):
    """Random data of MNIST's shape: the time of a step does not depend on the values."""
    random = np.random.default_rng(0)
    return random.random((examples, 784), dtype="float32"), random.integers(0, 10, examples), 128


class Clock(Observer):
    """Notes when steps end, as an observer, or epochs, through a callback."""

    def __init__(self):
        self.times = []

    def note(self, *_):
        self.times.append(time.perf_counter())

    stepped = note


def second_epoch(layers, x, y, batch_size, members):
    """Seconds of the stacked engine's second epoch."""
    setup, trials = setup_and_trials(layers, x, y, batch_size, members, epochs=2)
    clock = Clock()
    engine = ENGINES["stacked"]
    list(engine.run(setup, engine.cut(setup, trials), clock, Checkpoints()))
    return clock.times[-1] - clock.times[len(clock.times) // 2 - 1]


def second_epoch_of_fit(layers, x, y, batch_size, steps_per_execution):
    """Seconds of the second epoch of one model's `fit`."""
    clock = Clock()
    model = build(layers, x.shape[1:], steps_per_execution=steps_per_execution)
    ended = keras.callbacks.LambdaCallback(on_epoch_end=clock.note)
    model.fit(x, y, batch_size=batch_size, epochs=2, callbacks=[ended], verbose=0)
    return clock.times[1] - clock.times[0]


def matmul_peak():
    """The most float32 GFLOP/s that products of square matrices reach here."""
    best = 0.0
    for size in (512, 1024, 2048):
        a = keras.random.normal((size, size))
        product = keras.ops.matmul(a, a)
        for _ in range(10):
            started = time.perf_counter()
            product = keras.ops.convert_to_numpy(keras.ops.matmul(a, product * 0 + a))
            best = max(best, 2 * size**3 / (time.perf_counter() - started) / 1e9)
    return best


def mnist(rounds, members=8, examples=12_800):
    x, y, batch_size = mnist_like(examples)
    at_once = 20 if keras.backend.backend() == "tensorflow" else 1
    ours, theirs, peaks = [], [], []
    for _ in range(rounds):
        ours.append(second_epoch(mnist_net, x, y, batch_size, members))
        theirs.append(second_epoch_of_fit(mnist_net, x, y, batch_size, at_once))
        peaks.append(matmul_peak())
    loop, own = statistics.median(theirs) * members, statistics.median(ours)
    rate = members * 0.18 * (examples // batch_size) / own
    print(
        f"MNIST net, {keras.backend.backend()}: second epoch of {members} members, "
        f"fit per model {loop:.2f} s, "
        f"stacked {own:.2f} s, ratio {loop / own:.2f}; {rate:.0f} GFLOP/s of {statistics.median(peaks):.0f} "
        f"({rate / statistics.median(peaks):.0%})"
    )


def images(rounds, members=10, steps=24):
    """Where convolutions stop to pay: milliseconds of a step of all members, ours and `fit` one by one."""
    random = np.random.default_rng(0)
    for size, filters, batch_size in ((12, 8, 32), (28, 8, 32), (28, 16, 64)):

        def layers(filters=filters):
            for count in (filters, 2 * filters):
                yield LAYERS.Conv2D(count, 3, activation="relu")
                yield LAYERS.MaxPooling2D()
            yield LAYERS.Flatten()
            yield LAYERS.Dense(10)

        x = random.normal(size=(batch_size * steps, size, size, 1)).astype("float32")
        y = random.integers(0, 10, len(x))
        ours = [second_epoch(layers, x, y, batch_size, members) for _ in range(rounds)]
        theirs = [second_epoch_of_fit(layers, x, y, batch_size, 1) * members for _ in range(rounds)]
        own, loop = (statistics.median(seconds) / steps * 1e3 for seconds in (ours, theirs))
        print(
            f"CNN of {filters} and {2 * filters} filters on {size} x {size}, batch {batch_size}, "
            f"{keras.backend.backend()}: a step of {members} members, fit {loop:.0f} ms, stacked {own:.0f} ms"
        )


def memory(rounds):
    """Alone in its process, for the peak is that of everything before too."""
    build(mnist_net, (784,)).fit(*mnist_like(256)[:2], verbose=0)  # what the backend takes by itself
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    x, y, batch_size = mnist_like()
    weights = build(mnist_net, (784,)).count_params() * 4
    needed = 50 * 4 * weights + x.nbytes  # weights, two slots of Adam, gradients
    initlab.compare(
        build(mnist_net, (784,)),
        schemes(10),
        x,
        y,
        batch_size=batch_size,
        steps_per_epoch=20,
        replicates=5,
        engine="stacked",
        verbose=False,
    )
    taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(
        f"memory, {keras.backend.backend()}: {taken / 2**20:.0f} MiB for {needed / 2**20:.0f} MiB of "
        f"weights, slots, gradients and data, {taken / needed:.2f}x"
    )


def main():
    works = {
        "digits": lambda n: against_loop("digits", digits_mlp, digits(), 10, 5, 10, "stacked", n),
        "tanh": lambda n: against_loop("deep tanh", deep_tanh, digits(), 20, 1, 10, "stacked", n),
        "cnn": lambda n: against_loop("small CNN", cnn, digits(), 20, 1, 10, "auto", n),
        "growth": growth,
        "mnist": mnist,
        "images": images,
        "memory": memory,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("works", nargs="*", default=["digits"], help="digits (default), " + ", ".join(works))
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    for work in given.works:
        works[work](given.rounds)


if __name__ == "__main__":
    main()
