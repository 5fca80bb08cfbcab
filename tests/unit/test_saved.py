"""What version 0.1.0 wrote still loads and says the same: models, configs and a run folder."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_initlab as initlab

SAVED = Path(__file__).parents[1] / "saved"
CONFIGS = json.loads((SAVED / "schemes.json").read_text("utf-8"))
MODEL = json.loads((SAVED / "model.json").read_text("utf-8"))


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_means_the_same_scheme(name):
    scheme = keras.initializers.deserialize(CONFIGS[name])
    now = json.loads(json.dumps(keras.initializers.serialize(scheme)))
    assert now["config"] == CONFIGS[name]["config"]
    assert now["registered_name"] == CONFIGS[name]["registered_name"]
    assert type(scheme) is type(initlab.get(name))


def example():
    return np.linspace(-1, 1, 2 * 64).reshape(2, 8, 8, 1).astype("float32")


def test_a_model_predicts_the_same():
    model = keras.models.load_model(SAVED / "model.keras")
    outputs = keras.ops.convert_to_numpy(model(example()))
    np.testing.assert_allclose(outputs, MODEL["outputs"], rtol=1e-4, atol=1e-6)


def test_a_model_is_built_anew_from_its_json():
    model = keras.models.model_from_json(MODEL["config"])
    assert [(slot.role, slot.shape) for slot in initlab.slots(model)] == [
        (slot.role, slot.shape) for slot in initlab.slots(keras.models.load_model(SAVED / "model.keras"))
    ]


def test_a_run_folder_gives_the_same_numbers():
    result = initlab.load(SAVED / "run")
    lines = [json.loads(line) for line in (SAVED / "run" / "records.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == len(result.runs) == 9
    runs = result.runs.set_index(["initializer", "replicate"])
    steps = result.curves.query("split == 'batch'").groupby(["initializer", "replicate"])["value"]
    for line in lines:
        trial = line["label"], line["replicate"]
        finite = [loss for loss in line["step_losses"] if np.isfinite(float(loss))]
        assert [value for value in steps.get_group(trial) if np.isfinite(value)] == finite
        if line["status"] == "completed":
            assert runs.loc[trial, "final_val_accuracy"] == line["epochs"]["val_accuracy"][-1]
            assert runs.loc[trial, "first_100"] == pytest.approx(np.mean(finite), rel=1e-12)
