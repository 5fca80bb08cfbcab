"""`initlab diagnose` on the command line."""

import json

import keras
import pytest

from keras_initlab import cli


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_it_says_what_it_found(capsys):
    assert cli.main(["diagnose", "--check"]) == cli.OK
    out = capsys.readouterr().out
    assert out.startswith("fine: nothing found")
    assert max(map(len, out.splitlines())) <= 80


def test_a_severe_start_fails_a_check_and_is_drawn(capsys, tmp_path):
    names = ["--initializers", "he_normal", "zeros"]
    assert cli.main(["diagnose", *names, "--out", "depth.png"]) == cli.OK
    assert "Picture: depth.png" in capsys.readouterr().out
    assert (tmp_path / "depth.png").read_bytes().startswith(b"\x89PNG")
    assert cli.main(["diagnose", *names, "--check"]) == cli.FAILED


def test_its_json_is_strict(capsys):
    assert cli.main(["diagnose", "--json", "--initializers", "zeros", "--optimizer", "sgd"]) == cli.OK
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["zeros"]["verdicts"][0]["kind"] == "symmetric"


def test_own_model(capsys):
    model = keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.save("mine.keras")
    assert cli.main(["diagnose", "--model", "mine.keras"]) == cli.OK
    assert "not compiled with a loss" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--out", "depth.xyz"], "--out is 'depth.xyz': give a file that ends in"),
        (["--examples", "1"], "examples is 1"),
        (["--model", "mlpp"], "Did you mean 'mlp'"),
        (["--optimizer", "adm"], "optimizer is 'adm'"),
    ],
)
def test_wrong_arguments_are_named(given, message, capsys):
    assert cli.main(["diagnose", *given]) == cli.USAGE
    assert message in capsys.readouterr().err
