"""Another process that is asked the same finds the same identity."""

import os
import subprocess
import sys


def test_it_is_the_same_in_every_process():
    code = (
        "import sys; sys.path.insert(0, {root!r})\n"
        "from tests.unit.experiment.test_identity import *\n"
        "few = {{'a', 'b', 'c'}}\n"
        "def draw(shape, dtype=None): return keras.ops.ones(shape) * (shape in {{'d', 'e'}} or len(few))\n"
        "keras.layers.Dense(1), [keras.layers.Dense(1) for _ in range({seed})]\n"
        "model = net(middle=[Gain(1.0)], loss=mine, kind=Twice)\n"
        "one = told(model, {{'a': draw, 'b': Law()}}, callbacks=stop(1))\n"
        "other = told(joined(False))\n"
        "print(one.identity('a'), one.identity('b'), other.identity('a'))"
    )
    root = os.getcwd()
    found = {
        subprocess.run(
            [sys.executable, "-c", code.format(root=root, seed=seed)],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(found) == 1
    assert len(set(found.pop().split())) == 3
