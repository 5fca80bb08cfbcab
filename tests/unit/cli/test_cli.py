"""The command line: what it prints, what it writes, how it ends."""

import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab import cli, presets
from keras_initlab.cli.notation import parse_factors
from keras_initlab.initializers import registry

QUICK = ["compare", "--epochs", "1", "--replicates", "2", "--initializers", "initlab_he_normal", "zeros"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_compare_prints_a_table_and_writes_a_picture(folder, capsys):
    assert cli.main(QUICK) == cli.OK
    out = capsys.readouterr().out
    assert "initlab_he_normal" in out
    assert "Plot of the first batches: initlab-out/losses.png" in out
    assert (folder / "initlab-out" / "losses.png").read_bytes().startswith(b"\x89PNG")
    result = initlab.load("initlab-out")
    assert {(r.label, r.replicate, len(r.step_losses)) for r in result.records} == {
        (label, replicate, 47) for label in ("initlab_he_normal", "zeros") for replicate in (0, 1)
    }


def test_compare_writes_a_page_that_says_how_to_repeat_it(folder, capsys):
    assert cli.main([*QUICK, "--report", "page.html"]) == cli.OK
    assert "Page with everything: page.html" in capsys.readouterr().out
    command = (
        "initlab compare --epochs 1 --replicates 2 --initializers initlab_he_normal zeros --report page.html"
    )
    assert f'<pre id="repeat">{command}</pre>' in (folder / "page.html").read_text(encoding="utf-8")
    assert initlab.load("initlab-out").config["command"] == command


def test_factors_make_a_grid_and_its_picture(folder, capsys):
    factors = ["--factor", "learning_rate=0.1,0.01", "--factor", "batch_norm=off,on"]
    assert cli.main([*QUICK, *factors, "--json"]) == cli.OK
    found = json.loads(capsys.readouterr().out)
    assert found
    assert (folder / "initlab-out" / "grid.png").read_bytes().startswith(b"\x89PNG")
    grid = initlab.load("initlab-out")
    assert grid.factors == {"learning_rate": ("0.1", "0.01"), "batch_norm": ("off", "on")}
    assert len(grid.records) == 2 * 4 * 2


def test_factors_as_the_command_line_writes_them():
    assert parse_factors(["a=1,2.5,big", " b = on, off,none"]) == {
        "a": [1, 2.5, "big"],
        "b": [True, False, None],
    }


def test_compare_as_json_is_strict_json(folder, capsys):
    assert cli.main([*QUICK, "--json", "--out", "here", "--baseline", "zeros"]) == cli.OK

    def refuse(constant):
        raise AssertionError(constant)

    found = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert found["summary"][0]["initializer"] == "initlab_he_normal"
    assert found["config"]["baseline"] == "zeros"
    assert len(found["runs"]) == 4
    assert len(found["pairs"]) == 1
    before = initlab.load("here").records
    assert cli.main([*QUICK, "--json", "--out", "here"]) == cli.OK  # resumes: nothing is trained again
    assert initlab.load("here").records == before


def test_own_data_and_own_model(folder, capsys):
    generator = np.random.default_rng(0)
    np.savez("mine.npz", x=generator.normal(size=(50, 3)), y=generator.integers(0, 2, 50))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.save("mine.keras")
    assert cli.main([*QUICK, "--data", "mine.npz", "--model", "mine.keras", "--batch-size", "8"]) == cli.OK
    result = initlab.load("initlab-out")
    assert result.config["batch_size"] == 8
    assert result.config["steps_per_epoch"] == 5  # four fifths of 50 in batches of 8
    assert set(result.records[0].epochs) == {"loss", "val_loss"}


@pytest.mark.parametrize("model", presets.MODELS)
def test_every_preset_model_trains_on_the_digits(folder, model):
    short = ["--epochs", "1", "--replicates", "1", "--batch-size", "500", "--initializers", "glorot_uniform"]
    assert cli.main(["compare", "--model", model, *short]) == cli.OK


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--initializers", "he_norml"], "Did you mean 'he_normal'?"),
        (["--initializers", "initlab_random_uniform(0, 1)"], "write a name or name(argument=value)"),
        (["--initializers", "initlab_random_uniform(minval=oops)"], "write a name or name(argument=value)"),
        (["--initializers", "initlab_he_normal(gain=-1)"], "gain is -1: give a finite number above 0"),
        (
            ["--initializers", "initlab_he_normal(gian=2)"],
            "Unknown argument of initlab_he_normal 'gian'. Did you mean 'gain'? "
            "It takes gain, seed, input_axes, output_axes.",
        ),
        (
            ["--initializers", "he_normal(gain=2)"],
            "Unknown argument of he_normal 'gain'. It takes seed",
        ),
        (["--initializers", "zeros", "zeros"], "'zeros' is given twice"),
        (["--data", "mnits"], "Did you mean 'mnist'?"),
        (["--model", "mpl"], "Did you mean 'mlp'?"),
        (["--replicates", "0"], "replicates is 0: give a whole number"),
        (["--epochs", "-1"], "epochs is -1: give a whole number"),
        (["--baseline", "nobody"], "baseline is 'nobody'"),
        (["--engine", "warp"], "Unknown engine 'warp'"),
    ],
)
def test_wrong_arguments_end_with_2_and_one_line(folder, capsys, arguments, message):
    assert cli.main(["compare", *arguments]) == cli.USAGE
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert not list(folder.iterdir())


def test_a_run_that_fails_throughout_ends_with_1(folder, capsys, monkeypatch):
    def refuses(shape, dtype=None):
        raise RuntimeError("no")

    monkeypatch.setattr(presets, "classic", lambda: {"refuses": refuses})
    assert cli.main(["compare", "--epochs", "1", "--replicates", "1"]) == cli.FAILED
    assert "every run failed: RuntimeError: no" in capsys.readouterr().err


def test_ctrl_c_ends_with_130_and_keeps_what_is_finished(folder, capsys, monkeypatch):
    calls = []

    def interrupts(shape, dtype=None):
        calls.append(shape)
        if len(calls) > 6:  # the trial draw and the first run are through
            raise KeyboardInterrupt
        return np.zeros(shape, dtype)

    monkeypatch.setattr(presets, "classic", lambda: {"interrupts": interrupts})
    assert cli.main(["compare", "--epochs=1", "--replicates=2", "--engine=sequential"]) == cli.INTERRUPTED
    assert len(initlab.load("initlab-out").records) == 1
    assert "interrupted; the finished runs are in initlab-out" in capsys.readouterr().err


def test_ctrl_c_before_anything_is_finished(folder, capsys, monkeypatch):
    def interrupts(shape, dtype=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(presets, "classic", lambda: {"interrupts": interrupts})
    assert cli.main(["compare"]) == cli.INTERRUPTED
    assert "interrupted before any run was finished" in capsys.readouterr().err


def test_initializers_with_arguments():
    found = cli.parse_initializers(["he_normal, initlab_random_uniform(minval=-0.1, maxval=0.1)", "zeros"])
    assert list(found) == ["he_normal", "initlab_random_uniform(minval=-0.1, maxval=0.1)", "zeros"]
    recipe = cli.parse_initializers(["initlab_lsuv(tolerance=0.1)"])["initlab_lsuv(tolerance=0.1)"]
    assert recipe == initlab.recipes.Lsuv(tolerance=0.1)
    assert found["initlab_random_uniform(minval=-0.1, maxval=0.1)"].minval == -0.1


def test_list_and_show(folder, capsys):
    assert cli.main(["list"]) == cli.OK
    listed = capsys.readouterr().out
    for name in initlab.list_initializers():
        assert name in listed
    assert cli.main(["list", "--json"]) == cli.OK
    kinds = [row["kind"] for row in json.loads(capsys.readouterr().out)]
    assert kinds.count("tensor") == len(initlab.list_initializers())
    assert kinds.count("model") == len(initlab.recipes.list_recipes())
    assert cli.main(["show", "initlab_uniform_sqrt_n", "--shape", "400,30", "--out", "law.png"]) == cli.OK
    shown = capsys.readouterr().out
    assert "mean 0, sd 0.02887 at shape (400, 30)" in shown  # 1/sqrt(3 * 400)
    assert (folder / "law.png").is_file()
    assert cli.main(["show", "initlab_uniform_sqrt"]) == cli.USAGE
    assert "Did you mean 'initlab_uniform_sqrt_n'?" in capsys.readouterr().err
    assert cli.main(["show", "initlab_zeros", "--shape", "big"]) == cli.USAGE


def test_list_by_family_and_role(capsys):
    assert cli.main(["list", "--family", "orthogonal", "--role", "recurrent_kernel", "--json"]) == cli.OK
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert "initlab_henaff" in listed
    assert "initlab_delta_orthogonal" not in listed  # for kernels only
    assert "initlab_he_normal" not in listed  # of another family
    assert {"use", "avoid"} < set(listed["initlab_henaff"])
    assert cli.main(["list", "--role", "bias"]) == cli.OK
    out = capsys.readouterr().out
    assert "initlab_forget_bias" in out
    assert "initlab_he_normal" not in out


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--family", "Unknown family 'kernal'. Give one of bias, embedding, orthogonal, "),
        (
            "--role",
            "Unknown role 'kernal'. Did you mean 'kernel'? Give one of bias, embeddings, gamma, kernel",
        ),
    ],
)
def test_list_names_the_choices(capsys, option, message):
    assert cli.main(["list", option, "kernal"]) == cli.USAGE
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_show_takes_a_shape_that_suits_and_draws_what_has_a_pattern(capsys):
    assert cli.main(["show", "initlab_dirac"]) == cli.OK
    shown = capsys.readouterr().out
    assert "exactly:   Ones where input and output have the same index" in shown
    assert "at shape (3, 3, 8, 16)" in shown
    # The first three rows are the window of the first input: its centre tap feeds the first output.
    assert ("\n" + ". " * 47 + ".\n. # " + ". " * 45 + ".\n") in shown


def test_show_says_when_to_use_a_scheme(capsys, monkeypatch):
    found = registry.entry("initlab_he_normal")
    claims = dataclasses.replace(found.claims, use="Before ReLU.", avoid="Before tanh.")
    monkeypatch.setattr(found.cls, "claims", claims)
    assert cli.main(["show", "initlab_he_normal"]) == cli.OK
    shown = capsys.readouterr().out
    assert "\nuse:       Before ReLU.\navoid:     Before tanh.\n" in shown
    assert shown.count(" | ###") > 5  # a histogram


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["initlab_he_normal", "--shape", "0,5"], "--shape is '0,5': write sizes of at least 1"),
        (["initlab_he_normal", "--shape=-2,5"], "--shape is '-2,5': write sizes of at least 1"),
        (["initlab_he_normal", "--shape", "2,,5"], "--shape is '2,,5': write sizes of at least 1"),
        (["initlab_he_normal", "--seed", "-1"], "--seed is -1: give a whole number from 0 to 2147483647"),
        (["initlab_he_normal", "--seed", "9999999999"], "--seed is 9999999999: give a whole number"),
        (["initlab_glorot_norml"], "'initlab_glorot_norml'. Did you mean 'initlab_glorot_normal'?"),
        (["glorot_norml"], "'glorot_norml'. Did you mean 'glorot_normal'? 'initlab list' shows all."),
    ],
)
def test_show_answers_wrong_arguments_with_one_line(capsys, arguments, message):
    assert cli.main(["show", *arguments]) == cli.USAGE
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("name", initlab.list_initializers())
def test_every_scheme_can_be_shown(name, capsys):
    assert cli.main(["show", name]) == cli.OK
    assert name in capsys.readouterr().out


def test_the_published_experiment_is_the_default_for_mnist(monkeypatch, folder):
    seen = {}

    def note(model, initializers, x, y, **arguments):
        seen.update(arguments, model=model, initializers=initializers)
        raise KeyboardInterrupt

    image = np.zeros((2, 28, 28), "float32")
    data = initlab.datasets.Dataset("mnist", image, np.array([0, 9]), image, np.array([0, 9]))
    monkeypatch.setattr(initlab.datasets, "load", lambda name: data)
    monkeypatch.setattr("keras_initlab.experiment.compare.compare", note)
    assert cli.main(["compare", "--data", "mnist"]) == cli.INTERRUPTED
    assert (seen["epochs"], seen["batch_size"], seen["steps_per_epoch"]) == (2, 128, 429)
    assert [layer.units for layer in seen["model"].layers if hasattr(layer, "units")] == [256, 128, 10]
    assert len(seen["initializers"]) == 10


def test_module_is_the_command():
    command = [sys.executable, "-m", "keras_initlab", "show", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == cli.USAGE
    assert "Unknown initializer 'nothing'" in done.stderr
