"""Models saved with these schemes load in a process that did nothing but import the package."""

import json
import os
import subprocess
import sys

import keras
import numpy as np

import keras_initlab as initlab

LOAD = """
import json, sys
import keras, keras_initlab
import numpy as np

folder = sys.argv[1]
models = [keras.saving.load_model(f"{folder}/model.{kind}") for kind in ("keras", "h5")]
models.append(keras.models.model_from_json(open(f"{folder}/model.json").read()))
x = np.load(f"{folder}/x.npy")
for model in models[:2]:
    np.testing.assert_allclose(model(x), np.load(f"{folder}/y.npy"), rtol=1e-5, atol=1e-6)
configs = [
    [layer.kernel_initializer.get_config() for layer in model.layers if hasattr(layer, "kernel_initializer")]
    for model in [*models, *map(keras.models.clone_model, models)]
]
print(json.dumps(configs))
"""


def test_saved_models_load_in_a_fresh_process(tmp_path):
    rank_two = [name for name in initlab.list_initializers() if _draws_a_kernel(name)]
    given = [initlab.get(name) for name in rank_two]
    given.append(initlab.initializers.HeNormal(gain=0.5, seed=3))
    inputs = keras.Input((8,))
    outputs = [keras.layers.Dense(6, kernel_initializer=scheme)(inputs) for scheme in given]
    model = keras.Model(inputs, keras.layers.Concatenate()(outputs))
    model.save(tmp_path / "model.keras")
    model.save(tmp_path / "model.h5")
    (tmp_path / "model.json").write_text(model.to_json())
    x = np.random.default_rng(0).normal(size=(2, 8)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", keras.ops.convert_to_numpy(model(x)))
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": keras.backend.backend()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = json.loads(done.stdout.splitlines()[-1])
    expected = json.loads(json.dumps([scheme.get_config() for scheme in given]))
    assert len(rank_two) > 40
    for configs in loaded:
        assert configs == expected


def _draws_a_kernel(name):
    try:
        initlab.get(name)((8, 6))
    except (initlab.InputError, TypeError):  # for other ranks, or with arguments that it cannot do without
        return False
    return True
