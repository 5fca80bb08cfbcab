"""Time `import keras_initlab` after `import keras`, each in a fresh process. Target: 0.15 s or less."""

import statistics
import subprocess
import sys

CODE = """
import time
import keras
start = time.perf_counter()
import keras_initlab
print(time.perf_counter() - start)
"""
RUNS = 7
TARGET = 0.15


def main() -> int:
    seconds = [
        float(subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True).stdout)
        for _ in range(RUNS)
    ]
    median = statistics.median(seconds)
    print(f"import keras_initlab adds {median:.3f} s (median of {RUNS}; target {TARGET} s)")
    return int(median > TARGET)


if __name__ == "__main__":
    sys.exit(main())
