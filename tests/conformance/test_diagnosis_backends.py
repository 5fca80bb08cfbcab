"""The same weights get the same numbers and verdicts on TensorFlow, JAX and PyTorch."""

import itertools
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

LOOK = """
import json, sys
import keras, numpy as np
import keras_initlab as initlab

found = {}
for case in ("vanishing", "plain", "large"):
    held = np.load(f"{sys.argv[1]}/{case}.npz")
    hidden = [keras.layers.Dense(24, "tanh", name=f"h{at}") for at in range(8)]
    model = keras.Sequential([keras.Input((20,)), *hidden, keras.layers.Dense(4, "softmax", name="head")])
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    model.set_weights([held[f"w{at}"] for at in range(18)])
    one = initlab.diagnose(model, held["x"], held["y"])
    found[case] = json.loads(one.to_json())
print(json.dumps(found))
"""
SCALES = {"vanishing": 0.3, "plain": 1.0, "large": 2.5}
BACKENDS = ("tensorflow", "jax", "torch")
SAME = ("q", "cosine", "G", "chi", "saturated", "classes", "grad_weight", "update_weight", "q_theory")


def looked(backend, folder):
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(folder)],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_three_backends_see_the_same(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(128, 20)).astype("float32"), np.arange(128) % 4
    sizes = [20, *[24] * 8, 4]
    for case, scale in SCALES.items():
        weights = {}
        for at, (rows, columns) in enumerate(itertools.pairwise(sizes)):
            weights[f"w{2 * at}"] = scale * rng.normal(size=(rows, columns)) / np.sqrt(rows)
            weights[f"w{2 * at + 1}"] = np.zeros(columns)
        np.savez(tmp_path / f"{case}.npz", x=x, y=y, **weights)
    own = keras.backend.backend()
    mine, *others = (looked(backend, tmp_path) for backend in (own, *(set(BACKENDS) - {own})))
    for other in others:
        for case in SCALES:
            one, two = mine[case], other[case]
            assert one["word"] == two["word"]
            told = [
                [(held["kind"], held["layer"], held["word"]) for held in way["verdicts"]]
                for way in (one, two)
            ]
            assert told[0] == told[1]
            assert one["step"]["after"] == pytest.approx(two["step"]["after"], rel=1e-4)
            assert [row["tap"] for row in one["layers"]] == [row["tap"] for row in two["layers"]]
            for name in SAME:
                # On TensorFlow the loss takes the logits that Keras hangs on a softmax's output.
                pair = [[row[name] for row in way["layers"][:-1]] for way in (one, two)]
                numbers = [np.array([np.nan if v is None else v for v in held]) for held in pair]
                np.testing.assert_allclose(*numbers, rtol=2e-3, atol=1e-7, err_msg=f"{case} {name}")
    assert mine["vanishing"]["word"] == "severe"
    assert mine["large"]["word"] != "fine"
