"""What is told of a scheme: in the table of all, and of one by any name that an initializer has."""

import pytest

import keras_initlab as initlab
from keras_initlab.cli import main
from keras_initlab.gallery.table import facts


def test_catalogue_has_every_scheme():
    frame = initlab.catalogue()
    assert list(frame.index[frame["kind"] == "tensor"]) == initlab.list_initializers()
    assert list(frame.index[frame["kind"] == "model"]) == initlab.recipes.list_recipes()
    assert set(frame["kind"]) == {"tensor", "model"}
    assert list(frame.columns) == [
        "kind",
        "family",
        "law",
        "ranks",
        "roles",
        "use",
        "avoid",
        "reference",
        "summary",
    ]
    assert frame.loc["initlab_he_normal", "law"] == "N(0, 2/fan_in)"
    assert (frame["summary"] != "").all()


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("he_normal", "he_normal: He normal initializer."),
        ("HeNormal", "HeNormal: He normal initializer."),
        ("initlab_he_normal", "initlab_he_normal: Normal weights"),
        ("keras_initlab>HeNormal", "initlab_he_normal: Normal weights"),
    ],
)
def test_every_name_of_an_initializer_is_shown(name, title, capsys):
    assert facts(name)[0].startswith(title)
    assert main(["show", name]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(title)
    assert "drawn:     mean " in shown


def test_a_recipe_is_shown_with_how_to_use_it(capsys):
    assert main(["show", "initlab_lsuv"]) == 0
    shown = capsys.readouterr().out
    assert "acts on:   a whole model: reinitialize(model, 'initlab_lsuv', x)" in shown
    assert main(["show", "initlab_lsuv", "--shape", "3,4"]) != 0
    assert "acts on a whole model" in capsys.readouterr().err


def test_an_initializer_of_keras_points_to_its_namesake():
    assert facts("he_normal")[1] == {
        "class": "keras.initializers.HeNormal",
        "compare": "initlab_he_normal, whose law is N(0, 2/fan_in)",
    }
    assert facts("stft")[1]["compare"] == ""


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("HeNorml", "he_normal"),
        ("Sinusoidal", "initlab_sinusoidal"),
        ("initlab_HeNormal", "initlab_he_normal"),
    ],
)
def test_a_wrong_name_of_a_class_leads_to_the_nearest(wrong, near):
    with pytest.raises(initlab.UnknownNameError, match=f"Did you mean '{near}'"):
        facts(wrong)


def test_a_shape_that_an_initializer_of_keras_cannot_draw_is_one_line(capsys):
    assert main(["show", "stft"]) != 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "cannot draw" in line]
    assert "stft cannot draw shape (256, 128)" in line
