"""The same checks on the backends that this process does not have."""

import subprocess
import sys
from pathlib import Path

import keras
import pytest

from tests.backends import environment

OTHERS = sorted({"tensorflow", "jax", "torch"} - {keras.backend.backend()})
ROOT = Path(__file__).parents[1]
WITHIN = "test_what_is_measured_lies_within_two_standard_deviations_of_theory"
UNTOUCHED = "test_a_remedy_in_the_graph_leaves_the_start_and_the_original_as_they_were"
MEASURED = "test_whole_numbers_as_targets_are_measured_as_before"
FEW = ("dense-erf", "circular-relu", "residual-selu")  # of 18, which take JAX seconds each
# One process each: it pays for the start of a backend once.
PARTS = {
    "schemes": ["conformance/test_schemes.py", "unit/initializers/test_base.py"],
    "diagnose": [
        "unit/network/test_probe.py",
        "unit/experiment/test_diagnose.py",
        "unit/experiment/test_diagnose_traps.py",
        "unit/diagnosis/test_step.py",
        "unit/diagnosis/test_time_and_attention.py",
        *(f"unit/diagnosis/test_propagation.py::{WITHIN}[{case}]" for case in FEW),
    ],
    "compare": ["conformance/test_compare.py"],
    "remedies": [
        "unit/remedies/test_layers.py",
        "unit/remedies/test_stepping.py",
        f"unit/remedies/test_graph.py::{UNTOUCHED}[residual-both]",
        f"unit/remedies/test_labels_and_mixing.py::{MEASURED}[by name-remedy0]",
    ],
    "factors": [
        f"conformance/test_factors.py::{one}"
        for one in (
            "test_strengths_and_numbers_train_in_one_program",
            "test_initial_weights_are_equal_to_the_bit_at_all_levels_that_share_their_shape",
        )
    ],
    "settling": ["conformance/test_settling.py"],
    "kills": ["e2e/test_survival.py::test_killed_at_any_file_operation_of_a_run_or_a_resume"],
    "engines": [f"conformance/{file.name}" for file in sorted(ROOT.glob("conformance/test_engines*.py"))],
}
# The kills need a backend, and no matter which: the one that is quickest. Who is open when depends on draws.
ON_ONE = {"kills": "torch", "settling": "jax"}
CASES = [(backend, part) for backend in OTHERS for part in PARTS if ON_ONE.get(part, backend) == backend]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("backend", "part"), CASES)
def test_on(backend, part, tmp_path, pytestconfig):
    # A folder of its own: pytest prunes the folders of other runs, this one's among them.
    own = f"--basetemp={tmp_path / 'own'}"
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", own]
    done = subprocess.run(
        [*command, *(str(ROOT / file) for file in PARTS[part])],
        cwd=ROOT.parent,
        env=environment(backend, pytestconfig.cache.mkdir("compiled")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
