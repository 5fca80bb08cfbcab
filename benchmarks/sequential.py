"""The sequential engine against the loop a user would write: build, compile and fit per run.

The digits preset, 10 initializers x 3 replicates x 5 epochs. Both sides start from the same weights. Before
any ratio is printed, every step's loss of one replicate is checked to equal that of a fresh model which
meets the same batches.

    python benchmarks/sequential.py [--replicates 3] [--rounds 3]
"""

import argparse
import statistics
import time

import keras
import numpy as np

import keras_initlab as initlab
from keras_initlab import presets
from keras_initlab.core.seeds import Seeds

EPOCHS, BATCH_SIZE = 5, 32


def compare(data, replicates, callbacks=None):
    return initlab.compare(
        presets.build("mlp", (8, 8), 10),
        presets.classic(),
        data.x,
        data.y,
        validation_data=(data.x_val, data.y_val),
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        replicates=replicates,
        engine="sequential",
        callbacks=callbacks,
        verbose=False,
    )


def noted(data, replicates):
    """The result and the weights with which each run started."""
    starts = {}

    def note(label, replicate):
        def keep(logs=None):
            starts[label, replicate] = callback.model.get_weights()

        callback = keras.callbacks.LambdaCallback(on_train_begin=keep)
        return [callback]

    return compare(data, replicates, note), starts


def loop(data, starts):
    """Seconds of the loop: a fresh model per run, built, compiled and fitted on arrays."""
    started = time.perf_counter()
    for weights in starts.values():
        model = presets.build("mlp", (8, 8), 10)
        model.set_weights(weights)
        model.fit(
            data.x,
            data.y,
            batch_size=BATCH_SIZE,
            epochs=EPOCHS,
            validation_data=(data.x_val, data.y_val),
            verbose=0,
        )
    return time.perf_counter() - started


def check_equal(data, record, weights):
    """The run's losses are those of a fresh model that meets the same batches."""
    model = presets.build("mlp", (8, 8), 10)
    model.set_weights(weights)
    seeds = Seeds(0, record.replicate)
    losses = []
    for epoch in range(EPOCHS):
        order = np.random.default_rng(seeds.order(epoch)).permutation(len(data.x))
        for step in range(-(-len(order) // BATCH_SIZE)):
            chosen = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
            model.reset_metrics()
            losses.append(float(model.train_on_batch(data.x[chosen], data.y[chosen])[0]))
    np.testing.assert_allclose(record.step_losses, losses, rtol=1e-4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    data = initlab.datasets.load("digits")
    ratios = []
    _, starts = noted(data, options.replicates)
    timed = {(record.label, record.replicate): record for record in compare(data, 1).records}
    for key, record in timed.items():
        check_equal(data, record, starts[key])
    print(f"losses of {len(timed)} runs equal those of fresh models")
    for _ in range(options.rounds):
        started = time.perf_counter()
        compare(data, options.replicates)
        engine_seconds = time.perf_counter() - started
        loop_seconds = loop(data, starts)
        ratios.append(loop_seconds / engine_seconds)
        print(f"loop {loop_seconds:.1f} s, sequential engine {engine_seconds:.1f} s, ratio {ratios[-1]:.2f}")
    print(f"{keras.backend.backend()}: sequential engine {statistics.median(ratios):.2f}x the loop (median)")


if __name__ == "__main__":
    main()
