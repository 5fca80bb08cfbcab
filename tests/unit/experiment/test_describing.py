"""What an object will do, told the same way in every process."""

import functools
import math

import keras
import numpy as np
import pytest

from keras_initlab.experiment.describing import described, is_own, without_names


def compiled(source, name="f", **values):
    space = {"__name__": "made", **values}
    exec(compile(source, "<made>", "exec"), space)
    return space[name]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("def f(x): return x + 1", "def f(x): return x + 2", False),
        ("def f(x): return x.a", "def f(x): return x.b", False),
        ("def f(x): return x in {'a', 'b'}", "def f(x): return x in {'b', 'a'}", True),
        ("def f(x): return x in {'a', 'b'}", "def f(x): return x in {'b', 'c'}", False),
        ("def f(x): return x", "\n\n\ndef f(x):\n    'Says more.'\n    # and more\n    return x", True),
        ("def f(x): return lambda y: y", "def f(x): return lambda y: -y", False),
        ("def f(x, y=1): return x", "def f(x, y=2): return x", False),
        ("def f(x, *, y=1): return x", "def f(x, *, y=2): return x", False),
        ("def g(): return 1\ndef f(x): return g()", "def g(): return 2\ndef f(x): return g()", False),
        ("a = [1]\ndef f(x): return a", "a = [2]\ndef f(x): return a", False),
        ("a = 1\ndef f(x): return x", "a = 2\ndef f(x): return x", True),
        ("class f:\n  a = 1", "class f:\n  a = 2", False),
        ("class f:\n  def a(self): return 1", "class f:\n  def a(self): return 2", False),
        ("class f:\n  'One.'", "class f:\n  'Two.'", True),
        ("class f:\n  @property\n  def a(s): return 1", "class f:\n  @property\n  def a(s): return 2", False),
        ("class f:\n  @staticmethod\n  def a(): 1", "class f:\n  @staticmethod\n  def a(): return 2", False),
        ("class g:\n  a = 1\nclass f(g): pass", "class g:\n  a = 2\nclass f(g): pass", False),
        ("class g: pass\nf = g()\nf.a = 1", "class g: pass\nf = g()\nf.a = 2", False),
    ],
)  # fmt: skip
def test_code_counts_and_where_it_stands_does_not(one, other, alike):
    assert (described(compiled(one)) == described(compiled(other))) == alike
    assert described(compiled(one)) == described(compiled(one))


def test_without_values_only_code_counts():
    source = "def f(x): return g(a)\ndef g(x): return {}"
    one, other, third = (
        described(compiled(source.format(result), a=a), values=False)
        for result, a in ((1, 1), (1, 2), (2, 1))
    )
    assert one == other != third


def test_a_set_is_told_in_the_order_of_names_whatever_the_addresses():
    def named(name, source, **values):
        return compiled(source, name, **values)

    helper = named("h", "def h(x): return x")
    made = [named(name, f"def {name}(x): return h(x)", h=helper) for name in ("a", "b", "c", "d")]
    told = {str(described(compiled("def f(x): return s", s=Ordered(order)))) for order in (made, made[::-1])}
    assert len(told) == 1


class Ordered(frozenset):
    """A set whose order is known."""

    def __new__(cls, members):
        made = super().__new__(cls, members)
        made.order = members
        return made

    def __iter__(self):
        return iter(self.order)


def test_circles_end():
    function = compiled("def f(x): return g(x)\ndef g(x): return f(x)")
    assert described(function)["uses"]["g"]["uses"]["f"] == "f"


def test_data_are_what_they_are_and_names_of_packages_are_enough():
    given = {
        1: (np.float32(0.5), np.int64(3), math.inf),
        "of": {"b", "a"},
        "it": functools.partial(np.sum, axis=1),
    }
    assert described(given) == {
        "1": [0.5, 3, "inf"],
        "of": ["a", "b"],
        "it": {"partial": ["sum", [], {"axis": 1}]},
    }
    assert described(
        [keras.activations.relu, keras.losses.Huber, np.float32, keras.initializers.Zeros()]
    ) == [
        "relu",
        "Huber",
        "float32",
        {"class": "Zeros"},
    ]
    assert described(np.arange(3)) != described(np.arange(4)) == described(np.arange(4))
    assert described(keras.Variable([1.0])) == described(keras.ops.convert_to_tensor([1.0]))


def test_a_layer_that_is_used_elsewhere_counts_with_its_weights_only_where_it_is_frozen():
    layer = keras.layers.Dense(1)
    layer.build((1, 1))
    assert described(layer) == {"class": "Dense", "cannot be told": ["weights"]}
    layer.trainable = False
    before = described(layer)
    layer.set_weights([np.ones((1, 1)), np.ones(1)])
    assert before != described(layer)


@pytest.mark.parametrize(
    ("thing", "own"), [(compiled, True), (keras.Model, False), (functools.wraps, False), (3, False)]
)
def test_who_wrote_it(thing, own):
    assert is_own(thing) == own


def test_a_config_is_told_without_automatic_names_but_with_the_precision():
    layer = keras.layers.TimeDistributed(keras.Sequential([keras.layers.Dense(1)]), dtype="float16")
    found = without_names(layer.get_config())
    assert "name" not in found
    assert found["layer"] == {"class_name": "Sequential"}
    assert found["dtype"]["config"]["name"] == "float16"
