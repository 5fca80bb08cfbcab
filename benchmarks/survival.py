"""Whether a run folder keeps its promise, and what that costs.

A process that compares initializers into a folder is killed (`kill -9`) at random moments of its training and
started again, until it comes to its end; then another folder is begun, until all kills are spent. After each
kill no run that was there may be gone, and at the end everything but the seconds must be bit-equal to a
comparison that nobody killed. Then `run_dir` is timed against no folder, in turns in one process, a
folder of 10,000 runs is opened, and the time that checkpoints take on MNIST is measured (set KERAS_HOME).

    KERAS_BACKEND=jax python benchmarks/survival.py [--engine sequential stacked] [--kills 100] [--rounds 7]
"""

import argparse
import importlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

SCHEMES = ("initlab_he_normal", "initlab_lecun_uniform", "glorot_uniform", "zeros")
MANY = 10_000
READY = "training begins\n"


def compare(folder, engine, epochs=8, replicates=3):
    import keras_initlab as initlab

    data = initlab.datasets.load("digits")
    model = initlab.presets.build("mlp", data.x.shape[1:], data.classes)
    return initlab.compare(
        model,
        SCHEMES,
        data.x,
        data.y,
        validation_data=(data.x_val, data.y_val),
        epochs=epochs,
        replicates=replicates,
        engine=engine,
        run_dir=folder,
        verbose=False,
    )


def child(folder, engine):
    importlib.import_module("keras_initlab.experiment.compare")  # what takes long before it trains
    sys.stdout.write(READY)
    sys.stdout.flush()
    compare(folder, engine)


def start(folder, engine):
    """A process that trains into the folder, when it is about to."""
    command = [sys.executable, __file__, "--child", str(folder), "--engine", engine]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while (line := process.stdout.readline()) != READY:
        assert line, f"{command} ended before it trained"
    return process


def runs(folder):
    """What the folder holds, by label and replicate."""
    import keras_initlab as initlab

    if not (folder / "config.json").exists():
        return {}
    records = initlab.load(folder).records
    return {(record.label, record.replicate): replace(record, seconds=0.0) for record in records}


def survive(engine, kills, place, moments):
    """How many of the kills did no harm."""
    for name in (
        "first",
        "whole",
    ):  # the second may find compiled programs in a cache, as those that are killed
        started = time.perf_counter()
        process = start(place / name, engine)
        began = time.perf_counter()
        assert process.wait() == 0
        length = time.perf_counter() - began
    whole = runs(place / "whole")
    assert whole == runs(place / "first")
    print(f"{engine}: {len(whole)} runs in {length:.1f} s ({began - started:.1f} s to start)", flush=True)
    harmless = spent = chains = 0
    while spent < kills:
        folder, killed, lost = place / f"chain {chains}", 0, False
        while True:
            before, process = runs(folder), start(folder, engine)
            try:
                process.wait(moments.uniform(0, length) if spent + killed < kills else None)
            except subprocess.TimeoutExpired:
                process.kill()
                killed += 1
            lost |= not before.items() <= runs(folder).items()
            if process.wait() == 0:
                break
            assert process.returncode == -9, f"{folder} ended with {process.returncode}"
        found = runs(folder)
        other = sum(found.get(trial) != record for trial, record in whole.items())
        good = not lost and found == whole
        harmless += killed * good
        spent += killed
        chains += 1
        state = (
            "bit-equal"
            if good
            else f"{other} of {len(whole)} runs differ{', runs were lost' if lost else ''}"
        )
        print(f"{engine}: killed {killed} times ({spent} of {kills}): {state}", flush=True)
    print(f"{engine}: {harmless} of {spent} kills did no harm", flush=True)
    return harmless == spent


def cost(engine, rounds, place):
    """Time with a folder over time without: off, on, on, off in each round, so that a drift cancels."""
    compare(None, engine)
    ratios = []
    for number in range(rounds):
        seconds = {True: 0.0, False: 0.0}
        for turn in (0, 1, 2, 0):
            started = time.perf_counter()
            compare(place / f"{engine} {number} {turn}" if turn else None, engine)
            seconds[bool(turn)] += time.perf_counter() - started
        ratios.append(seconds[True] / seconds[False])
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
    print(f"{engine}: run_dir on / off {statistics.median(ratios):.3f} (of {rounds}, {spread})", flush=True)


def checkpoints(place):
    """The share of the time that checkpoints take on MNIST, where they are allowed to come often."""
    import keras_initlab as initlab
    from keras_initlab.trials import checkpoint

    data = initlab.datasets.load("mnist")
    model = initlab.presets.build("mlp", data.x.shape[1:], data.classes)
    checkpoint.EVERY = 5.0
    spent, save = [], checkpoint.SavedCheckpoints.save

    def timed(self, group, make):
        started = time.perf_counter()
        save(self, group, make)
        spent.append(time.perf_counter() - started)

    checkpoint.SavedCheckpoints.save = timed
    started = time.perf_counter()
    initlab.compare(
        model,
        initlab.presets.classic(),
        data.x,
        data.y,
        batch_size=128,
        epochs=12,
        replicates=1,
        engine="stacked",
        run_dir=place / "mnist",
        verbose=False,
    )
    seconds = time.perf_counter() - started
    checkpoint.SavedCheckpoints.save = save
    written = [one for one in spent if one > 1e-3]
    each, share = statistics.median(written or [0]), 100 * sum(spent) / seconds
    runs = len(initlab.presets.classic())
    print(f"MNIST, {runs} runs side by side, {seconds:.0f} s: {len(written)} checkpoints of {each:.2f} s,")
    print(f"which is {share:.2f} % of the time", flush=True)


def opening(place):
    """Seconds to open a folder of many runs, to read it and to go on in it."""
    import keras_initlab as initlab
    from keras_initlab.results.comparison import Comparison
    from keras_initlab.trials.config import Config
    from keras_initlab.trials.folder import writing

    small = compare(None, "sequential", epochs=2, replicates=1)
    each = MANY // len(small.records)
    records = [replace(record, replicate=number) for record in small.records for number in range(each)]
    Comparison(records, small.config | {"replicates": each}).save(place / "many")
    loaded, admitted = [], []
    for _ in range(5):
        started = time.perf_counter()
        read = len(initlab.load(place / "many").records)
        loaded.append(time.perf_counter() - started)
        with writing(place / "many") as folder:
            assert folder is not None
            started = time.perf_counter()
            folder.admit(Config.from_json(small.config))
            admitted.append(time.perf_counter() - started)
    seconds = (
        f"loaded in {statistics.median(loaded):.2f} s, gone on with after {statistics.median(admitted):.2f} s"
    )
    print(f"a folder of {read} runs: {seconds} (median of {len(loaded)})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--engine", nargs="+", default=["sequential", "stacked"])
    parser.add_argument("--kills", type=int, default=100, help="of each engine (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="of the timing (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: %(default)s)")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, *given.engine)
        return
    with tempfile.TemporaryDirectory() as place:
        moments = random.Random(given.seed)
        held = []
        for engine in given.engine if given.kills else ():
            folder = Path(place, engine)
            folder.mkdir()
            held.append(survive(engine, given.kills, folder, moments))
        if given.rounds:
            for engine in given.engine:
                cost(engine, given.rounds, Path(place))
            opening(Path(place))
            checkpoints(Path(place))
    sys.exit(not all(held))


if __name__ == "__main__":
    main()
