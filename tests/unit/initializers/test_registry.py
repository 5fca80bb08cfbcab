"""Names: registration, look-up, refusal, plugins."""

import importlib.metadata
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.initializers import HeNormal, RandomNormal, Scheme, Zeros, registry
from keras_initlab.initializers.registry import Claims, unregister

CLAIMS = Claims(law="W = 0", reference="none")


@pytest.fixture
def three():
    """A scheme registered for one test."""

    @initlab.register("three", claims=CLAIMS)
    class Three(Scheme):
        def draw(self, shape):
            return np.full(shape, 3.0)

    yield Three
    if "initlab_three" in initlab.list_initializers():
        unregister("initlab_three")


def test_register_makes_string_and_saved_name_work(three):
    assert type(keras.initializers.get("initlab_three")) is three
    assert keras.saving.get_registered_name(three) == "keras_initlab>Three"
    layer = keras.layers.Dense(2, kernel_initializer="initlab_three")
    layer.build((None, 2))
    assert keras.ops.convert_to_numpy(layer.kernel).tolist() == [[3, 3], [3, 3]]
    assert three.name == "initlab_three"
    assert three.claims is CLAIMS


def test_taken_names_are_refused(three):
    class Other(Scheme):
        pass

    for name in ("three", "he_normal"):
        with pytest.raises(initlab.InputError, match=f"initlab_{name}.*is taken by.*another name"):
            initlab.register(name, claims=CLAIMS)(Other)
    assert type(keras.initializers.get("initlab_three")) is three


def test_taken_class_name_is_refused():
    class HeNormal(Scheme):
        pass

    with pytest.raises(initlab.InputError, match="'keras_initlab>HeNormal' is taken"):
        initlab.register("he_normal_again", claims=CLAIMS)(HeNormal)
    assert "initlab_he_normal_again" not in initlab.list_initializers()


def test_custom_object_of_somebody_else_is_refused(monkeypatch):
    monkeypatch.setitem(keras.saving.get_custom_objects(), "initlab_mine", object)
    with pytest.raises(initlab.InputError, match="'initlab_mine' is taken"):
        initlab.register("mine", claims=CLAIMS)(type("Mine", (Scheme,), {}))


def test_name_of_keras_is_refused(monkeypatch):
    monkeypatch.setattr(keras.initializers, "initlab_new", keras.initializers.Zeros, raising=False)
    with pytest.raises(initlab.InputError, match="'initlab_new' is taken"):
        initlab.register("new", claims=CLAIMS)(type("New", (Scheme,), {}))


def test_unregistered_name_is_free_again(three):
    unregister("initlab_three")
    with pytest.raises(initlab.UnknownNameError):
        initlab.get("initlab_three")
    initlab.register("three", claims=CLAIMS)(three)


def test_get_takes_every_kind_of_identifier():
    instance = HeNormal(seed=1)
    assert type(initlab.get("initlab_he_normal")) is HeNormal
    assert type(initlab.get("he_normal")) is keras.initializers.HeNormal
    assert type(initlab.get(HeNormal)) is HeNormal
    assert type(initlab.get(keras.initializers.Ones)) is keras.initializers.Ones
    assert initlab.get(instance) is instance
    assert initlab.get(keras.initializers.serialize(instance)).seed == 1
    assert initlab.get(max) is max
    assert initlab.get(np.eye(2))((2, 2)).shape == (2, 2)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("he_norml", "he_normal"),
        ("initlab_he_norml", "initlab_he_normal"),
        ("uniform_sqrt_n", "initlab_uniform_sqrt_n"),
    ],
)
def test_wrong_name_gets_the_nearest(wrong, near):
    with pytest.raises(initlab.UnknownNameError) as caught:
        initlab.get(wrong)
    expected = f"Unknown initializer {wrong!r}. Did you mean {near!r}? 'initlab list' shows all."
    assert str(caught.value) == expected


@pytest.mark.parametrize("wrong", [3, None, 1.5, ["zeros"], int])
def test_what_is_no_initializer_is_refused(wrong):
    with pytest.raises(initlab.InputError, match="No initializer can be made of"):
        initlab.get(wrong)


def test_broken_config_is_refused():
    with pytest.raises(initlab.UnknownNameError, match="'NoSuchThing'"):
        initlab.get({"class_name": "NoSuchThing", "config": {}})
    with pytest.raises(initlab.InputError, match=r"(?s)config .*keras\.initializers\.serialize"):
        initlab.get({"class_name": "RandomNormal", "config": {"spread": 1}})


def _plug_in(**points):
    """Pretend that packages with these entry points are installed."""
    found = [importlib.metadata.EntryPoint(name, value, registry.GROUP) for name, value in points.items()]
    table = keras.saving.get_custom_objects()
    before = dict(table)
    registry.announce_plugins(found)
    return table, before


@pytest.fixture
def plugin_module(tmp_path, monkeypatch):
    """An importable module with one good scheme and one that registers nothing."""
    (tmp_path / "plugged_schemes.py").write_text(
        "import numpy as np\n"
        "from keras_initlab import Claims, register\n"
        "from keras_initlab.initializers import Scheme\n"
        "@register('plugged', claims=Claims(law='W = 7', reference='none'))\n"
        "class Plugged(Scheme):\n"
        "    def draw(self, shape):\n"
        "        return np.full(shape, 7.0)\n"
        "class Silent(Scheme):\n"
        "    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    table, before = dict(keras.saving.get_custom_objects()), dict(registry._entries)
    yield
    sys.modules.pop("plugged_schemes", None)
    registry._plugins.clear()
    registry._entries.clear()
    registry._entries.update(before)
    keras.saving.get_custom_objects().clear()
    keras.saving.get_custom_objects().update(table)


@pytest.mark.usefixtures("plugin_module")
def test_plugin_is_imported_only_when_a_layer_asks_for_it():
    _plug_in(plugged="plugged_schemes:Plugged")
    assert "plugged_schemes" not in sys.modules
    layer = keras.layers.Dense(1, kernel_initializer="initlab_plugged")
    layer.build((None, 2))
    assert keras.ops.convert_to_numpy(layer.kernel).tolist() == [[7], [7]]
    assert "initlab_plugged" in initlab.list_initializers()
    again = keras.initializers.deserialize(keras.initializers.serialize(layer.kernel_initializer))
    assert type(again).__name__ == "Plugged"


@pytest.mark.usefixtures("plugin_module")
def test_plugin_is_found_by_get_and_by_its_saved_name():
    _plug_in(plugged="plugged_schemes:Plugged")
    saved = {
        "class_name": "Plugged",
        "config": {},
        "registered_name": "keras_initlab>Plugged",
        "module": None,
    }
    assert type(initlab.get(saved)).__name__ == "Plugged"
    assert type(initlab.get("initlab_plugged")).__name__ == "Plugged"


@pytest.mark.usefixtures("plugin_module")
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_module:Thing", "cannot be loaded: ModuleNotFoundError"),
        ("plugged_schemes:Missing", "cannot be loaded: AttributeError"),
        ("plugged_schemes:Silent", "registers no scheme of that name"),
    ],
)
def test_broken_plugin_warns_with_its_name(value, reason):
    _plug_in(broken=value)
    with pytest.warns(UserWarning, match=f"Plugin 'broken'.*{reason}"):
        names = initlab.list_initializers()
    assert "initlab_he_normal" in names
    assert "initlab_broken" not in names
    with pytest.raises(initlab.InputError, match=f"Plugin 'broken'.*{reason}"):
        initlab.get("initlab_broken")


@pytest.mark.usefixtures("plugin_module")
def test_plugin_with_a_taken_name_is_left_out():
    with pytest.warns(UserWarning, match="Plugin 'zeros'.*its name is taken"):
        _plug_in(zeros="plugged_schemes:Plugged")
    assert type(initlab.get("initlab_zeros")) is Zeros


def test_import_works_without_a_backend_and_stays_light(tmp_path):
    for backend in ("tensorflow", "jax", "torch"):
        (tmp_path / f"{backend}.py").write_text(
            f"raise ModuleNotFoundError('No module named {backend}', name='{backend}')"
        )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import keras_initlab\n"
        "from keras_initlab.trials import journal\n"
        "assert journal.read(__import__('pathlib').Path('.')) == ([], [])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_import_brings_in_nothing_heavy():
    code = (
        "import sys, keras\nbefore = set(sys.modules)\nimport keras_initlab\n"
        "added = set(sys.modules) - before\n"
        "tops = {name.partition('.')[0] for name in added}\n"
        "print(sorted(tops & {'pandas', 'scipy', 'matplotlib', 'rich', 'plotly', 'ray'}))\n"
        "print(sorted({name.split('.')[1] for name in added if name.startswith('keras_initlab.')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['core', 'initializers', 'recipes']"]


def test_config_shows_in_repr():
    assert repr(RandomNormal(stddev=2, seed=3)) == "RandomNormal(mean=0.0, stddev=2.0, seed=3)"
