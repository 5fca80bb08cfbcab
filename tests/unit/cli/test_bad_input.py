"""Wrong files, folders and sizes end with 2 and one line; a second run replaces nothing."""

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab import cli

QUICK = ["compare", "--epochs", "1", "--replicates", "1", "--initializers", "zeros"]

IMAGES = np.zeros((10, 8, 8), "float32")
CLASSES = np.arange(10) % 2

FILES = {
    "lengths.npz": {"x": IMAGES, "y": CLASSES[:7]},
    "text.npz": {"x": IMAGES, "y": CLASSES.astype(str)},
    "onehot.npz": {"x": IMAGES, "y": np.eye(2)[CLASSES]},
    "one.npz": {"x": IMAGES[:1], "y": CLASSES[:1]},
    "none.npz": {"x": IMAGES[:0], "y": CLASSES[:0]},
    "vectors.npz": {"x": IMAGES[:, 0], "y": CLASSES},
    "words.npz": {"x": IMAGES.astype(str), "y": CLASSES},
    "validation.npz": {"x": IMAGES, "y": CLASSES, "x_val": IMAGES, "y_val": np.eye(2)[CLASSES]},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, arrays in FILES.items():
        np.savez(name, **arrays)
    (tmp_path / "notes.txt").write_text("no model, no folder")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "lengths.npz"], "holds x of shape (10, 8, 8) and y of shape (7,): one y per x"),
        (["--data", "text.npz"], "with values that are no class numbers: give np.unique("),
        (["--data", "onehot.npz"], "holds y of shape (10, 2): give class numbers, such as y.argmax(-1)"),
        (["--data", "validation.npz"], "holds y of shape (10, 2): give class numbers"),
        (["--data", "one.npz"], "holds one example: it needs two or more"),
        (["--data", "none.npz"], "one y per x"),
        (["--data", "notes.txt"], "is not an .npz file of plain arrays"),
        (["--data", "words.npz", "--batch-size", "4"], "x "),
        (
            ["--data", "vectors.npz", "--model", "cnn"],
            "--model cnn cannot be built for examples of shape (8,)",
        ),
        (["--model", "notes.txt"], "--model 'notes.txt' is no model that Keras can read"),
        (["--out", "notes.txt"], "run_dir (--out) is 'notes.txt', which cannot be written"),
        (["--out", "notes.txt/below"], "run_dir (--out) is 'notes.txt/below', which cannot be written"),
        (["--out", "/proc/initlab"], "run_dir (--out) is '/proc/initlab', which cannot be written"),
        (["--report", "nowhere/page.html"], "--report is 'nowhere/page.html', but there is no folder"),
        (["--initializers", "(" * 300], "--initializers has '((("),
    ],
)
def test_compare_refuses_with_2_and_one_line(folder, capsys, arguments, message):
    before = sorted(folder.iterdir())
    assert cli.main([*QUICK, *arguments]) == cli.USAGE
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert len(captured.err) < 400
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shape", "100000,100000"], "--shape is '100000,100000', which is 10000000000 numbers: at most"),
        (
            ["--out", "nowhere/picture.png"],
            "--out is 'nowhere/picture.png', but there is no folder 'nowhere'",
        ),
        (["--out", "picture.xyz"], "--out is 'picture.xyz': give a file that ends in .png"),
        (["--out", "picture"], "--out is 'picture': give a file that ends in .png"),
    ],
)
def test_show_refuses_with_2_and_one_line(folder, capsys, arguments, message):
    assert cli.main(["show", "initlab_he_normal", *arguments]) == cli.USAGE
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert captured.err.count("\n") == 1


def contents(place):
    return {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_a_second_run_leaves_the_first_ones_results(folder, capsys):
    assert cli.main(QUICK) == cli.OK
    assert capsys.readouterr().err.count("initlab-out") == 0
    first = contents(folder / "initlab-out")
    assert cli.main([*QUICK[:-1], "ones"]) == cli.OK
    captured = capsys.readouterr()
    assert "initlab-out is there already: this result goes to initlab-out-2\n" in captured.err
    assert "All numbers: initlab-out-2" in captured.out
    assert contents(folder / "initlab-out") == first
    assert initlab.load("initlab-out").labels == ["zeros"]
    assert initlab.load("initlab-out-2").labels == ["ones"]


def test_each_finished_run_is_written_at_once(folder, monkeypatch):
    def dies(self, *arguments, **more):
        raise SystemExit("killed")

    monkeypatch.setattr("keras_initlab.results.comparison.Comparison.save", dies)
    with pytest.raises(SystemExit, match="killed"):
        cli.main(QUICK)
    assert [record.status for record in initlab.load("initlab-out").records] == ["completed"]


def test_a_column_of_classes_is_as_good_as_a_list_of_them(folder):
    np.savez("column.npz", x=IMAGES, y=CLASSES[:, None])
    model = keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.save("mine.keras")
    arguments = ["--data", "column.npz", "--model", "mine.keras", "--batch-size", "4"]
    assert cli.main([*QUICK, *arguments]) == cli.OK
