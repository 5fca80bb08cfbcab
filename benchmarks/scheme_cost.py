"""Time and peak memory of a scheme's call and of Keras's own with the same law. Target: 1.05x or less.

Calls alternate, so that both meet the same state of the machine. Peak memory is what one call in a fresh
process adds to the resident set, as Linux counts it.
"""

import statistics
import subprocess
import sys
import time

import keras

from keras_initlab import initializers

PAIRS = {
    "glorot_uniform": ((4096, 4096), initializers.GlorotUniform, keras.initializers.GlorotUniform),
    "he_normal (truncated)": (
        (4096, 4096),
        initializers.HeNormalTruncated,
        keras.initializers.HeNormal,
    ),
    "random_normal": ((4096, 4096), initializers.RandomNormal, keras.initializers.RandomNormal),
    "zeros": ((4096, 4096), initializers.Zeros, keras.initializers.Zeros),
    "constant": ((4096, 4096), initializers.Constant, keras.initializers.Constant),
    "orthogonal": ((4096, 1024), initializers.Orthogonal, keras.initializers.Orthogonal),
}
TARGET = 1.05
RUNS = 15
QUICK = 0.02
"""Seconds below which a call is repeated ten times as often: a tenth of a millisecond would count there."""
PEAK = """
import re, keras, keras_initlab
from keras_initlab import initializers

def resident(field):
    return int(re.search(field + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024

scheme = {maker}()
getattr(scheme((8, 8)), "block_until_ready", lambda: None)()
open("/proc/self/clear_refs", "w").write("5")  # forget the peak of the imports
before = resident("VmRSS")
values = scheme({shape})
getattr(values, "block_until_ready", lambda: None)()
print(resident("VmHWM") - before)
"""


def seconds(make, shape: tuple[int, ...], seed: int) -> float:
    """Seconds of one call, until its values exist."""
    scheme = make(seed=seed) if "seed" in make().get_config() else make()
    start = time.perf_counter()
    values = scheme(shape)
    getattr(values, "block_until_ready", lambda: None)()
    return time.perf_counter() - start


def peak(maker: str, shape: tuple[int, ...]) -> float:
    """MiB by which one call in a fresh process raises its peak."""
    code = PEAK.format(maker=maker, shape=shape)
    found = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(3)
    ]
    return statistics.median(found)


def main() -> int:
    print(f"backend {keras.backend.backend()}, medians of {RUNS} or more alternating calls")
    print(f"{'law':24}{'shape':14}{'ours s':>9}{'keras s':>9}{'ratio':>7}{'ours MiB':>10}{'keras MiB':>10}")
    failures = 0
    for law, (shape, ours, theirs) in PAIRS.items():
        runs = 10 * RUNS if seconds(theirs, shape, 1) < QUICK else RUNS
        times = [(seconds(ours, shape, run), seconds(theirs, shape, run)) for run in range(runs + 2)][2:]
        own, other = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(mine / yours for mine, yours in times)
        memory = peak(f"initializers.{ours.__name__}", shape)
        keras_memory = peak(f"keras.initializers.{theirs.__name__}", shape)
        failures += ratio > TARGET or memory > keras_memory * 1.02 + 8
        print(f"{law:24}{shape!s:14}{own:9.4f}{other:9.4f}{ratio:7.3f}{memory:10.1f}{keras_memory:10.1f}")
    print(f"target: ratio {TARGET} or less and no more memory; {failures} missed")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
