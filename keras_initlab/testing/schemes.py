"""Conformance checks: what every scheme must keep, for this package's schemes and for anybody's.

>>> from keras_initlab.initializers import Sparse
>>> from keras_initlab.testing import check_scheme
>>> check_scheme(Sparse(0.5))
"""

import contextlib
import inspect
import json
import math
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_initlab.core.errors import InputError
from keras_initlab.initializers.registry import Claims
from keras_initlab.testing.subject import SEED, Subject, fans, numpy, subject

DTYPES = ("float16", "bfloat16", "float32", "float64")

CHECKS: list[Callable[..., None]] = []
"""Each takes a registered name, a class or an instance, and claims that stand for those of the class."""


def check_scheme(scheme: Any, claims: Claims | None = None) -> None:
    """Hold an initializer to what it claims and to what every scheme promises: all of `CHECKS`.

    Args:
        scheme: A registered name, a class, which is made with its default arguments, or an instance.
            Nothing needs to be registered.
        claims: What is true of it. None means what its class claims; of an instance with other than
            the default arguments only ranks, roles and shapes, for its numbers are true of these alone.

    Raises:
        AssertionError: Says which check fails, on which shape, and by how much.
        InputError: If `scheme` is no initializer.
    """
    found = subject(scheme, claims)
    for check in CHECKS:
        try:
            check(found)
        except AssertionError as error:
            error.add_note(f"{check.__name__} of {found.name}: {check.__doc__}")
            raise


def _check(function: Callable[[Subject], None]) -> Callable[..., None]:
    """Add to `CHECKS`, as a function of a name, a class or an instance, and of claims."""

    def check(scheme: Any, claims: Claims | None = None) -> None:
        function(subject(scheme, claims))

    check.__name__ = function.__name__
    check.__doc__ = function.__doc__
    CHECKS.append(check)
    return check


@_check
def check_moments(found: Subject) -> None:
    """Mean and standard deviation lie within five standard errors of those claimed."""
    for shape in found.shapes:
        values = numpy(found.make()(shape))
        std = found.claims.std(fans(shape)) if found.claims.std else values.std()
        if found.claims.mean is not None:
            error = abs(values.mean() - found.claims.mean)
            limit = 5 * std / math.sqrt(values.size) + 1e-6 * max(1, abs(found.claims.mean))
            assert error <= limit, f"{shape}: mean is off by {error:.3g}, allowed {limit:.3g}"
        error = abs(values.std() - std)
        limit = 5 * std / math.sqrt(2 * values.size) + 1e-7
        assert error <= limit, f"{shape}: std is {values.std():.6g}, claimed {std:.6g} ± {limit:.2g}"


@_check
def check_bound(found: Subject) -> None:
    """No magnitude exceeds the bound claimed, nor falls far short of it in a uniform law."""
    if found.claims.bound is None:
        return
    for shape in found.shapes:
        largest, bound = abs(numpy(found.make()(shape))).max(), found.claims.bound(fans(shape))
        assert largest <= bound * (1 + 1e-5), f"{shape}: largest magnitude {largest:.6g} > {bound:.6g}"
        if found.claims.distribution == "uniform":
            assert largest > 0.99 * bound, f"{shape}: largest magnitude {largest:.6g} << {bound:.6g}"


@_check
def check_distribution(found: Subject) -> None:
    """A Kolmogorov-Smirnov test against scipy's distribution does not reject at one in a million."""
    from scipy import stats

    laws = {
        "normal": stats.norm(),
        "truncated_normal": stats.truncnorm(-2, 2, scale=1 / stats.truncnorm(-2, 2).std()),
        "uniform": stats.uniform(-math.sqrt(3), 2 * math.sqrt(3)),
    }
    if found.claims.distribution not in laws:
        return
    assert found.claims.std is not None
    assert found.claims.mean is not None
    for shape in found.shapes:
        values, std = numpy(found.make()(shape)), found.claims.std(fans(shape))
        p = stats.kstest(
            (values.ravel() - found.claims.mean) / std, laws[found.claims.distribution].cdf
        ).pvalue
        assert p > 1e-6, f"{shape}: not {found.claims.distribution} (p = {p:.2g})"


@_check
def check_exact(found: Subject) -> None:
    """The exact property holds to the precision of float32."""
    if found.claims.exact is None:
        return
    for shape in found.shapes:
        residual = np.max(np.abs(found.claims.exact(numpy(found.make()(shape)))), initial=0)
        assert residual <= 2e-5, f"{shape}: {found.claims.exact.__doc__} fails by {residual:.3g}"


@_check
def check_gain(found: Subject) -> None:
    """`gain` multiplies the very same draw."""
    if not found.takes("gain"):
        return
    for shape in found.shapes:
        one, three = (numpy(found.make(gain=gain)(shape)) for gain in (1.0, 3.0))
        np.testing.assert_allclose(three, 3 * one, rtol=1e-5, atol=1e-6, err_msg=f"{shape}")


@_check
def check_dtypes(found: Subject) -> None:
    """Every float dtype gives the float32 draw, rounded, and finite."""
    for shape in found.shapes[:2]:
        reference = numpy(found.make()(shape, dtype="float32"))
        for dtype in DTYPES:
            with _dtype_exists(dtype):
                values = found.make()(shape, dtype=dtype)
                assert keras.backend.standardize_dtype(values.dtype) == dtype
                assert tuple(values.shape) == shape
                values = numpy(values)
            step = {"float16": 2**-11, "bfloat16": 2**-8}.get(dtype, 1e-6)
            np.testing.assert_allclose(values, reference, rtol=step, atol=1e-7, err_msg=dtype)


@contextlib.contextmanager
def _dtype_exists(dtype: str) -> Iterator[None]:
    """JAX makes float64 only where it is told to."""
    if dtype == "float64" and keras.backend.backend() == "jax":
        import jax

        with jax.enable_x64(True):
            yield
    else:
        yield


@_check
def check_seeds(found: Subject) -> None:
    """Seeds repeat, differ and advance as they promise; shapes do not share a prefix."""
    if not found.takes("seed"):
        return
    shape = found.shapes[0]
    first = numpy(found.make()(shape))
    seeded = found.make()
    np.testing.assert_array_equal(first, numpy(seeded(shape)), "one seed, two instances")
    np.testing.assert_array_equal(first, numpy(seeded(shape)), "one instance, two calls")
    assert _differ(first, numpy(found.make(seed=SEED + 1)(shape))), "two seeds give the same values"
    unseeded = found.make(seed=None)
    np.testing.assert_array_equal(numpy(unseeded(shape)), numpy(unseeded(shape)), "unseeded, two calls")
    assert _differ(numpy(unseeded(shape)), numpy(found.make(seed=None)(shape))), "unseeded instances agree"
    generator = found.make(seed=keras.random.SeedGenerator(SEED))
    assert _differ(numpy(generator(shape)), numpy(generator(shape))), "a SeedGenerator repeats itself"
    rebuilt = found.cls.from_config(found.make(seed=keras.random.SeedGenerator(SEED)).get_config())
    assert isinstance(rebuilt.seed, keras.random.SeedGenerator)
    for seed in ("zero", 1.5, True):
        _refuses(partial(found.make, seed=seed), f"seed is {seed!r}")
    if not found.claims.shapes:
        longer = (*shape[:-1], shape[-1] + 1)
        size = min(100, first.size)
        prefix = numpy(seeded(longer)).ravel()[:size]
        assert _differ(first.ravel()[:size], prefix), f"{shape} and {longer} start with the same values"


def _differ(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape != other.shape or not np.allclose(one, other, rtol=1e-4)


@_check
def check_config(found: Subject) -> None:
    """The config names every argument, is JSON, and makes an equal instance."""
    original = found.make()
    config = original.get_config()
    assert set(config) == set(inspect.signature(found.cls).parameters), "the config lacks an argument"
    assert json.loads(json.dumps(config)) == json.loads(
        json.dumps(found.cls.from_config(config).get_config())
    )
    shape = found.shapes[0]
    expected = numpy(original(shape))
    serialized = json.loads(json.dumps(keras.initializers.serialize(original)))
    with found.known():
        again = keras.initializers.deserialize(serialized)
    for one in (found.cls.from_config(config), again, original.clone()):
        assert type(one) is found.cls
        np.testing.assert_array_equal(expected, numpy(one(shape)))
    if found.identifier:
        assert type(keras.initializers.get(found.identifier)) is found.cls


@_check
def check_ranks(found: Subject) -> None:
    """A rank outside the claimed ones is refused, and the message names it."""
    for rank in range(7):
        if not found.claims.allows(rank):
            shape = (4,) * rank
            _refuses(partial(found.make(), shape), found.name, str(shape), f"rank {rank}")


def _refuses(action: Callable[[], Any], *words: str) -> None:
    error = _outcome(action)
    assert isinstance(error, InputError), f"{words} was not refused"
    missing = [word for word in words if word not in str(error)]
    assert not missing, f"the message {str(error)!r} does not name {missing}"


def _outcome(action: Callable[[], Any]) -> Any:
    """What `action` returns, or the InputError that it raises."""
    try:
        return action()
    except InputError as error:
        return error


@_check
def check_docstring(found: Subject) -> None:
    """The docstring gives law, arguments, shapes, errors, reference and an example."""
    text = inspect.getdoc(found.cls) or ""
    sections = ["Draws", "Shapes:", "Reference:", ">>> "]
    parameters = list(inspect.signature(found.cls).parameters)
    if parameters:
        sections += ["Args:", "Raises:", *(f"    {name}: " for name in parameters)]
    missing = [section for section in sections if section not in text]
    assert not missing, f"the docstring lacks {missing}"
    assert found.summary.endswith("."), "the first line is no sentence"
    anything = "Shapes: any" in text
    assert not anything or found.claims.ranks == (0, None), f"shapes are {found.claims.rank_text}, not any"
    if found.identifier:
        assert found.claims.law, "the claims lack a law"
        assert found.claims.reference, "the claims lack a reference"


LAYERS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "Dense": (lambda scheme: keras.layers.Dense(6, kernel_initializer=scheme), (8,)),
    "Conv2D": (lambda scheme: keras.layers.Conv2D(6, 3, kernel_initializer=scheme), (5, 5, 4)),
    "Embedding": (lambda scheme: keras.layers.Embedding(10, 6, embeddings_initializer=scheme), (3,)),
    "LSTM": (lambda scheme: keras.layers.LSTM(4, kernel_initializer=scheme), (3, 4)),
    "LSTM, recurrent": (lambda scheme: keras.layers.LSTM(4, recurrent_initializer=scheme), (3, 4)),
    "EinsumDense": (
        lambda scheme: keras.layers.EinsumDense("abc,cde->abde", (None, 2, 4), kernel_initializer=scheme),
        (3, 8),
    ),
    "MultiHeadAttention": (lambda scheme: _SelfAttention(2, 4, kernel_initializer=scheme), (3, 8)),
    "Dense, bias": (lambda scheme: keras.layers.Dense(6, bias_initializer=scheme), (8,)),
}


class _SelfAttention(keras.layers.MultiHeadAttention):
    """Attention of a sequence to itself, so that it is built for one shape like the other layers."""

    def build(self, shape: Any) -> None:
        super().build(shape, shape)


@_check
def check_layers(found: Subject) -> None:
    """It works in every layer whose weight it can draw, by name too; others get a clear refusal."""
    for kind, (make_layer, input_shape) in LAYERS.items():
        layer = make_layer(found.identifier or found.make())
        refused = _outcome(partial(layer.build, (2, *input_shape)))
        if isinstance(refused, InputError):
            assert found.name in str(refused), f"{kind}: {refused}"
        else:
            assert layer.weights, f"{kind}: nothing was drawn"
            assert all(np.isfinite(numpy(weight)).all() for weight in layer.weights), f"{kind}: not finite"


@_check
def check_saving(found: Subject) -> None:
    """A model survives `.keras`, `.h5`, JSON and `clone_model` with the same config."""
    model = _model(found)
    config = _initializer_of(model).get_config()
    with found.known(), tempfile.TemporaryDirectory() as folder:
        for suffix in (".keras", ".h5"):
            path = Path(folder) / f"model{suffix}"
            keras.saving.save_model(model, path)
            _same_model(model, keras.saving.load_model(path, compile=False), config)
        for again in (keras.models.model_from_json(model.to_json()), keras.models.clone_model(model)):
            assert _initializer_of(again).get_config() == config


def _same_model(model: Any, again: Any, config: dict[str, Any]) -> None:
    assert _initializer_of(again).get_config() == config
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(numpy(one), numpy(other))


def _model(found: Subject) -> Any:
    """A small classifier whose first layer uses the scheme in a role that it is meant for."""
    layers = keras.layers
    rows = layers.Dense(3, name="rows")
    scheme = found.make()
    if 2 in _kernel_ranks(found):
        stack = [keras.Input((8,)), layers.Dense(8, kernel_initializer=scheme, name="tested")]
    elif 4 in _kernel_ranks(found):
        stack = [
            keras.Input((5, 5, 4)),
            layers.Conv2D(4, 3, kernel_initializer=scheme, name="tested"),
            layers.Flatten(),
        ]
    else:
        stack = [keras.Input((8,)), layers.Dense(12, bias_initializer=scheme, name="tested")]
    return keras.Sequential([*stack, rows])


def _kernel_ranks(found: Subject) -> set[int]:
    drawable = {len(shape) for shape in found.shapes}
    return drawable if set(found.claims.roles) != {"bias"} else set()


def _initializer_of(model: Any) -> Any:
    layer = model.get_layer("tested")
    built_in = type(keras.layers.Dense(1).kernel_initializer)
    kernel = layer.kernel_initializer
    return layer.bias_initializer if type(kernel) is built_in else kernel


@_check
def check_training(found: Subject) -> None:
    """One training step in a Dense and in a Conv2D layer gives finite losses."""
    rng = np.random.default_rng(0)
    for kind in ("Dense", "Conv2D", "Dense, bias"):
        make_layer, input_shape = LAYERS[kind]
        layers = [
            keras.Input(input_shape),
            make_layer(found.make()),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
        try:
            model = keras.Sequential(layers)
        except InputError:
            continue
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
        loss = model.train_on_batch(rng.normal(size=(4, *input_shape)), np.array([0, 1, 2, 0]))
        assert np.isfinite(loss), f"{kind}: loss {loss}"
