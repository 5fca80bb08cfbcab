import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_initlab
from keras_initlab.core import keras_private as private

PACKAGE = Path(keras_initlab.__file__).parent
ALLOWED = {
    "core/keras_private.py": None,
    "core/rng.py": {"_set_global_seed", "_seed", "_rng"},  # TensorFlow's
    "engines/stacked/vectorize.py": {"_pfor_converter_registry"},  # TensorFlow's
}
OF_TUPLES = {"_replace", "_asdict", "_fields", "_make"}


def sources() -> dict[str, ast.Module]:
    return {str(file.relative_to(PACKAGE)): ast.parse(file.read_text()) for file in PACKAGE.rglob("*.py")}


def is_private(name: str) -> bool:
    return re.fullmatch(r"_[a-z][a-z0-9_]*", name, re.IGNORECASE) is not None and name not in OF_TUPLES


def own_names(trees: list[ast.Module]) -> set[str]:
    """What the package itself defines or sets on `self` under a private name."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assigned = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    stored = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and on_itself(node)
    }
    return defined | assigned | stored


def on_itself(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def named_by(tree: ast.Module, own: set[str]) -> Iterator[str]:
    """Names of a module that look like private ones of Keras."""
    nodes = list(ast.walk(tree))
    endings = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    calls = [node for node in nodes if isinstance(node, ast.Call) and node.args]
    of_itself = {id(call.func) for call in calls if ast.unparse(call.args[0]) == "self"}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "object":
            if node.attr in ("__setattr__", "__delattr__") and id(node) not in of_itself:
                yield f"object.{node.attr}"
        elif isinstance(node, ast.Attribute) and is_private(node.attr):
            if not (on_itself(node) and node.attr in own):
                yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in endings:
            if node.value.startswith("keras.src") or (is_private(node.value) and node.value not in own):
                yield node.value
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("keras.src"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("keras.src"):
            yield node.module or ""


def test_no_other_module_names_what_is_private_to_keras():
    trees = sources()
    own = own_names([tree for file, tree in trees.items() if file != "core/keras_private.py"])
    found = {
        file: sorted(set(named_by(tree, own)) - (ALLOWED.get(file) or set()))
        for file, tree in trees.items()
        if ALLOWED.get(file, ()) is not None
    }
    assert {file: names for file, names in found.items() if names} == {}, (
        "give each a function in core/keras_private.py"
    )


@pytest.mark.parametrize(
    "line",
    [
        "model._flatten_layers()",
        "self._loss_tracker",
        "getattr(model, '_inbound_nodes')",
        "object.__setattr__(model, 'optimizer', None)",
        "import keras.src.ops",
        "from keras.src import ops",
        "x = 'keras.src.layers'",
    ],
)
def test_a_private_name_is_seen_however_it_is_written(line):
    assert list(named_by(ast.parse(line), own={"_ours"}))


@pytest.mark.parametrize(
    "line", ["self._ours = 1", "shape._replace(fan_in=1)", "f'{x}_mean'", "object.__setattr__(self, 'a', 1)"]
)
def test_what_is_not_of_keras_is_left_alone(line):
    assert not list(named_by(ast.parse(line), own={"_ours"}))


def trained() -> keras.Model:
    """A small functional model after one step of `fit`, with a metric and a spared bias."""
    inputs = keras.Input((4,))
    outputs = keras.layers.ReLU(name="act")(keras.layers.Dropout(0.5, seed=3)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1, name="head")(outputs))
    optimizer = keras.optimizers.AdamW(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9))
    optimizer.exclude_from_weight_decay([model.layers[-1].bias])
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(*batch(), verbose=0)
    return model


def batch():
    return np.ones((2, 4), "float32"), np.ones((2, 1), "float32")


def names(things):
    return [thing.name for thing in things]


def carried(model):
    """The mask of words behind an embedding, hung on another tensor: only the first of two is averaged."""
    words = keras.layers.Embedding(3, 2, mask_zero=True)(np.array([[1, 0]]))
    target = keras.ops.convert_to_tensor(np.array([[[1.0, 1.0], [9.0, 9.0]]], "float32"))
    private.carry_over(words, target)
    return float(keras.layers.GlobalAveragePooling1D()(target)[0, 0])


def untracked(model):
    private.set_untracked(model.layers[0], "count_params", 1)
    held = model.layers[0].count_params
    private.delete_untracked(model.layers[0], "count_params")
    return held, callable(model.layers[0].count_params)


def built(model):
    fresh = keras.Sequential([keras.layers.Dense(1)])
    fresh.compile(None, "mse", metrics=["mae"])
    private.build_symbolically(fresh, batch())
    return len(fresh.variables), private.compiled_metrics(fresh).built


def spared(model):
    fresh = keras.optimizers.AdamW()
    private.copy_exclusions(model.optimizer, fresh)
    fresh.build(model.trainable_variables)
    return [private.decays(fresh, one) for one in model.trainable_variables]


def loss(model):
    x, y = batch()
    return float(private.compute_loss(model, x, y, keras.ops.zeros((2, 1)), None, training=False))


def generator(model):
    before, fresh = private.global_generator(), keras.random.SeedGenerator(5)
    private.set_global_generator(fresh)
    held = private.global_generator()
    private.set_global_generator(before)
    return held is fresh


class Pathed(keras.layers.Layer):
    def build(self, shape):
        self.seen = private.building_path()

    def call(self, x):
        return x


def path(model):
    layer = Pathed(name="pathed")
    layer(np.ones((1, 2)))
    return layer.seen.split("/")[-1]


def names_kept(model):
    first = keras.layers.Dense(1).name
    with private.names_as_they_were():
        inside = keras.layers.Dense(1).name
    return first != inside == keras.layers.Dense(1).name


def left_alone(model):
    with private.tensorflow_left_alone():
        keras.layers.Dense(2).get_config()
    return "tensorflow" in sys.modules or keras.backend.backend() != "tensorflow"


def cut(model):
    layer = model.get_layer("act")
    before = private.node_counts(layer)
    layer(keras.Input((4,)))
    after = private.node_counts(layer)
    private.cut_nodes(layer, before)
    return before, after, private.node_counts(layer)


class Halved(keras.layers.Layer):
    """Assigns in its call, where a policy of mixed precision casts what is read."""

    def build(self, shape):
        self.level = self.add_weight(shape=(), name="level")

    def call(self, x):
        with private.in_full_precision():
            self.level.assign(3.0)
            self.seen = keras.backend.standardize_dtype(self.level.value.dtype)
        return x


def full(model):
    layer = Halved(dtype="mixed_bfloat16")
    layer(np.ones((1, 2), "float32"))
    return float(keras.ops.convert_to_numpy(layer.level)), layer.seen


def projected(model):
    layer = keras.layers.MultiHeadAttention(1, 2)
    layer(np.ones((1, 3, 4), "float32"), np.ones((1, 3, 4), "float32"))
    return names(private.projections(layer))


ONLY_SINCE_3_15 = tuple(map(int, keras.__version__.split(".")[:2])) >= (3, 15)


def adapted(model):
    """The kernel under an adapter that has left its start."""
    layer = keras.layers.Dense(2, kernel_initializer="ones")
    layer.build((None, 3))
    layer.enable_lora(1)
    layer.lora_kernel_b.assign(np.ones((1, 2)))
    return float(np.sum(private.base_kernel(layer))), private.base_kernel(keras.layers.Flatten())


def reordered(_):
    inputs = keras.Input((2,))
    first, second = (
        keras.layers.Dense(2, use_bias=False, name="a"),
        keras.layers.Dense(1, use_bias=False, name="b"),
    )
    model = keras.Model(inputs, second(first(inputs)))
    private.count_layers(model, [second, first])
    return [variable.path.split("/")[0] for variable in model.variables]


def called_alike(_):
    one, other = keras.layers.Dense(1, name="a"), keras.layers.Dense(1, name="b")
    one.build((None, 2))
    other.build((None, 2))
    private.call_alike(other.kernel, one.kernel)
    return other.kernel.path


TOUCHES = {
    "parts": (lambda m: names(private.parts(m))[-2:], ["act", "head"]),
    "inner": (lambda m: names(private.inner(m))[-2:], ["act", "head"]),
    "carry_over": (carried, 1.0),
    "own_variables": (
        lambda m: [names(v) for v in private.own_variables(m.layers[-1])],
        [["kernel", "bias"], []],
    ),
    "calls": (
        lambda m: [len(private.calls(keras.Model(m.inputs, m.outputs))), private.calls(m.layers[-1])],
        [4, []],
    ),
    "given_metrics": (private.given_metrics, (["mae"], None)),
    "given_loss_weights": (private.given_loss_weights, None),
    "takes_training": (private.takes_training, True),
    "node_counts": (cut, ((1, 1), (2, 1), (1, 1))),
    "cut_nodes": (cut, ((1, 1), (2, 1), (1, 1))),
    "graph_inputs": (
        lambda m: [
            private.graph_inputs(m).shape,
            private.graph_inputs(keras.Sequential([keras.Input((3,)), keras.layers.ReLU()])).shape,
            private.graph_inputs(keras.Model()),
        ],
        [(None, 4), (None, 3), None],
    ),
    "in_full_precision": (full, (3.0, "float32")),
    "base_kernel": (adapted, (6.0, None)),
    "projections": (projected, ["query", "key", "value", "attention_output"]),
    "uses_flash": (lambda m: private.uses_flash(keras.layers.MultiHeadAttention(1, 2)), False),
    "takes_axes": (lambda m: private.takes_axes(keras.layers.EinsumDense("ab,bc->ac", 2)), ONLY_SINCE_3_15),
    "set_untracked": (untracked, (1, True)),
    "delete_untracked": (untracked, (1, True)),
    "operations_after": (lambda m: names(private.operations_after(m.get_layer("act"))), ["head"]),
    "symbolic_arguments": (
        lambda m: [t.shape for t in private.symbolic_arguments(m.layers[-1])[0]],
        [(None, 4)],
    ),
    "symbolic_outputs": (lambda m: [t.shape for t in private.symbolic_outputs(m.layers[-1])], [(None, 1)]),
    "graph_outputs": (lambda m: [t.shape for t in keras.tree.flatten(private.graph_outputs(m))], [(None, 1)]),
    "counted_layers": (lambda m: len(private.counted_layers(m)) >= len(m.layers), True),
    "count_layers": (reordered, ["b", "a"]),
    "call_alike": (called_alike, "a/kernel"),
    "passes_on": (lambda m: [private.passes_on(layer) for layer in m.layers[1:]], [True, False, False]),
    "is_activation": (
        lambda m: [private.is_activation(layer) for layer in m.layers[1:]],
        [False, True, False],
    ),
    "compiled_metrics": (lambda m: list(private.compiled_metrics(m).result()), ["mae"]),
    "compiled_loss": (lambda m: float(private.compiled_loss(m)(np.ones((2, 1)), np.zeros((2, 1)))), 1.0),
    "is_plain_mean": (lambda m: private.is_plain_mean(m), True),
    "direction": (lambda m: private.direction(private.compiled_metrics(m).metrics[0]), "down"),
    "loss_tracker": (lambda m: private.loss_tracker(m).name, "loss"),
    "compute_loss": (loss, 1.0),
    "build_symbolically": (built, (2, True)),
    "learning_rate": (lambda m: type(private.learning_rate(m.optimizer)).__name__, "ExponentialDecay"),
    "trained_variables": (lambda m: names(private.trained_variables(m.optimizer)), ["kernel", "bias"]),
    "decays": (lambda m: [private.decays(m.optimizer, v) for v in m.trainable_variables], [True, False]),
    "excluded_from_decay": (lambda m: bool(private.excluded_from_decay(m.optimizer)), True),
    "plain_class": (lambda m: private.plain_class(m.optimizer).__name__, "AdamW"),
    "copy_exclusions": (spared, [True, False]),
    "global_generator": (generator, True),
    "set_global_generator": (generator, True),
    "first_seed": (lambda m: private.first_seed(keras.random.SeedGenerator(7)), 7),
    "building_path": (path, "pathed"),
    "names_as_they_were": (names_kept, True),
    "tensorflow_left_alone": (left_alone, True),
}


@pytest.fixture(scope="module")
def model():
    return trained()


@pytest.mark.parametrize("name", TOUCHES)
def test_the_running_keras_has_what_it_relies_on(name, model):
    touch, expected = TOUCHES[name]
    try:
        found = touch(model)
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
    assert found == expected, (
        f"keras_initlab/core/keras_private.py: `{name}` does not work with Keras {keras.__version__}: {found}"
    )


def test_each_function_is_touched():
    functions = inspect.getmembers(private, inspect.isfunction)
    own = {name for name, one in functions if one.__module__ == private.__name__ and name[0] != "_"}
    assert own == TOUCHES.keys()
