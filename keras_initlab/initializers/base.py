"""What every scheme shares: its config, its seed, its precision and its check of ranks."""

import inspect
import math
import random
import re
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from keras_initlab.core.arguments import positive, refused
from keras_initlab.core.draws import drawn
from keras_initlab.core.errors import InputError
from keras_initlab.core.keras_private import building_path
from keras_initlab.core.seeds import derive
from keras_initlab.initializers import inheriting
from keras_initlab.initializers.fans import Fans, shape_fans
from keras_initlab.initializers.registry import Claims

TRUNCATED_STD = 0.87962566103423978  # of a standard normal cut at two standard deviations

Shape = tuple[int, ...]


class Scheme(keras.initializers.Initializer):
    """Base of all schemes. A subclass stores its arguments under their own names and defines `draw`.

    It states what it adds to its base: an `__init__` that takes `*rest, **common` and hands them to the
    next one has the base's arguments after its own, and of the docstring's sections Args, Shapes and Raises
    it has what it does not write itself.

    Shapes: any.
    """

    name: ClassVar[str] = "unregistered scheme"
    claims: ClassVar[Claims] = Claims(law="", reference="")

    __signature__ = inheriting.Signature()

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        if cls.__doc__:
            setattr(cls, "__doc__", inheriting.Docstring(cls.__doc__))  # noqa: B010 - no str, as mypy has it

    def __init__(self):
        """Ends every chain of `super().__init__(*rest, **common)`: nothing may be left."""

    def __call__(self, shape: Sequence[int], dtype: Any = None, layout: Any = None) -> Any:
        """Values of `shape`, drawn in float32 or better and then cast to `dtype`.

        Args:
            shape: Shape of the weight.
            dtype: A floating dtype; None means `keras.config.floatx()`.
            layout: A `keras.distribution.TensorLayout` or a layout of the backend to place them in.

        Raises:
            InputError: If the scheme does not draw weights of this rank or shape.
        """
        shape = tuple(int(size) for size in shape)
        if not self.claims.allows(len(shape)):
            raise InputError(
                f"{self.name} draws weights of {self.claims.rank_text}; got shape {shape} of rank "
                f"{len(shape)}. Use it for other weights, or another scheme for this one."
            )
        dtype = keras.backend.standardize_dtype(dtype)
        values = self.draw_as(shape, dtype)
        return values if layout is None else _placed(values, layout)

    def draw_as(self, shape: Shape, dtype: str) -> Any:
        """A tensor of `shape` and `dtype`."""
        values = self.draw(shape)
        if isinstance(values, np.ndarray):
            return ops.convert_to_tensor(values, dtype=dtype)
        return ops.cast(values, dtype)

    def draw(self, shape: Shape) -> Any:
        """Values of `shape`: a float32 tensor, or a NumPy array."""
        raise NotImplementedError

    def refusal(self, shape: Shape, need: str) -> InputError:
        """The error for a shape that the scheme cannot draw."""
        return InputError(f"{self.name} needs {need}; got shape {shape}.")

    def side(self, shape: Shape) -> int:
        """Rows of a matrix, of which there must be as many as columns."""
        if shape[0] != shape[1]:
            raise self.refusal(shape, "as many rows as columns")
        return shape[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments, as the signature names them."""
        names = inspect.signature(type(self)).parameters
        return {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names}

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def _placed(values: Any, layout: Any) -> Any:
    """`values` distributed as `layout` says."""
    if keras.backend.backend() == "jax":
        import jax

        if isinstance(getattr(layout, "mesh", None), jax.sharding.AbstractMesh):
            return jax.sharding.reshard(values, layout)  # how Keras calls while it makes a variable
    return keras.distribution.distribute_tensor(values, layout)


class RandomScheme(Scheme):
    """Base of the schemes that draw at random.

    An integer seed gives the same values in every call with the same shape and in every process.
    An unseeded instance also repeats itself, as in Keras, but two instances differ. A
    `keras.random.SeedGenerator` gives new values in every call. The shape is part of every seed, and
    so is the path of the layer that is being built; see docs/seeds.md.

    Args:
        seed: None, an integer or a `keras.random.SeedGenerator`.
    """

    def __init__(self, seed: Any = None, *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        if isinstance(seed, dict):
            seed = keras.saving.deserialize_keras_object(seed)
        if isinstance(seed, np.integer):
            seed = int(seed)
        if isinstance(seed, bool) or not isinstance(seed, int | keras.random.SeedGenerator | None):
            raise refused("seed", seed, "None, an integer or a keras.random.SeedGenerator")
        self.seed = seed
        self._entropy = random.getrandbits(31) if seed is None else seed
        self._paths: dict[str, list[str]] = {}

    def seed_for(self, shape: Shape, purpose: str = "values") -> Any:
        """Seed of one draw: folds in the shape, the layer and what the draw is for."""
        path = building_path()
        kind = re.sub(r"_\d+(?=/|$)", "", path)
        parts: list[str | int] = [*shape, kind, purpose]
        if self.seed is None:
            seen = self._paths.setdefault(kind, [])
            if path not in seen:
                seen.append(path)
            parts.append(seen.index(path))
        if isinstance(self.seed, keras.random.SeedGenerator):
            return _FoldedSeed(self.seed, derive(0, *parts))
        return derive(self._entropy, *parts)

    def generator(self, shape: Shape, purpose: str = "values") -> np.random.Generator:
        """A NumPy generator for schemes that are computed in NumPy."""
        seed = self.seed_for(shape, purpose)
        if isinstance(seed, _FoldedSeed):
            return np.random.default_rng(ops.convert_to_numpy(seed.next()).astype(np.uint32))
        return np.random.default_rng(seed)

    def normal(self, shape: Shape, mean: float = 0.0, std: float = 1.0, seed: Any = None) -> Any:
        """Float32 values of N(mean, std²); `seed` for a draw that is part of a weight of another shape."""
        seed = self.seed_for(shape) if seed is None else seed
        return drawn(keras.random.normal, shape, mean, std, seed)

    def truncated_normal(self, shape: Shape, mean: float = 0.0, std: float = 1.0) -> Any:
        """Float32 values of N(mean, std²) cut at `mean ± 2 std`."""
        values = drawn(keras.random.truncated_normal, shape, mean, std, self.seed_for(shape))
        if keras.backend.backend() == "torch":  # Keras keeps four in a million beyond the cut there
            values.clamp_(mean - 2 * std, mean + 2 * std)
        return values

    def uniform(self, shape: Shape, low: float = 0.0, high: float = 1.0) -> Any:
        """Float32 values of U[low, high)."""
        return drawn(keras.random.uniform, shape, low, high, self.seed_for(shape))


class _FoldedSeed(keras.random.SeedGenerator):
    """Another generator's seeds, moved by an offset, so that copies of it in two layers differ."""

    def __init__(self, source: keras.random.SeedGenerator, offset: int):
        self.source = source
        self.offset = offset

    def next(self, ordered: bool = True) -> Any:
        state = self.source.next(ordered)
        return state + ops.convert_to_tensor([self.offset, 0], dtype=state.dtype)


class Gained(Scheme):
    """Base of the schemes with a gain: a subclass defines `unit`, or `draw` if the gain does not come last.

    Args:
        gain: Multiplies every weight. Positive, dimensionless.
    """

    def __init__(self, gain: float = 1.0, *rest: Any, **common: Any):
        super().__init__(*rest, **common)
        self.gain = positive("gain", gain)

    def draw(self, shape: Shape) -> Any:
        return self.gain * self.unit(shape)

    def unit(self, shape: Shape) -> Any:
        """Values of `shape` for a gain of one."""
        raise NotImplementedError


class AxesAware(Scheme, keras.initializers.VarianceScaling):
    """Base of the schemes that tell inputs from outputs.

    Without axes the shape is read by Keras's convention, `(*receptive_field, in, out)`. EinsumDense
    and the attention layers hand theirs (Keras 3.15 and newer) to descendants of VarianceScaling and
    to nothing else, which is why this is one.

    Args:
        input_axes: Axes of the weight that are inputs; None means all but the last.
        output_axes: Axes of the weight that are outputs; given together with `input_axes`.
    """

    def __init__(self, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None):
        super().__init__()
        if (input_axes is None) != (output_axes is None):
            raise refused("(input_axes, output_axes)", (input_axes, output_axes), "both or neither")
        self.input_axes = input_axes
        self.output_axes = output_axes

    def fans(self, shape: Shape) -> Fans:
        """Fans of a weight of `shape`: by the axes if given, else by Keras's convention."""
        return shape_fans(shape, self.input_axes, self.output_axes)

    def matrix_shape(self, shape: Shape) -> tuple[int, int]:
        """Rows (inputs) and columns (outputs) of the weight seen as a matrix."""
        rows, columns = math.prod(shape[:-1]), shape[-1]
        if self.input_axes is not None:
            rows, columns = self.fans(shape)
        if rows * columns != math.prod(shape):
            axes = (self.input_axes, self.output_axes)
            raise refused("(input_axes, output_axes)", axes, f"every axis of shape {shape} once")
        return rows, columns

    def from_matrix(self, matrix: Any, shape: Shape) -> Any:
        """The weight of `shape` whose matrix (inputs, outputs) is `matrix`."""
        library = np if isinstance(matrix, np.ndarray) else ops
        if self.input_axes is None or self.output_axes is None:
            return library.reshape(matrix, shape)
        axes = [axis % len(shape) for axis in (*self.input_axes, *self.output_axes)]
        spread = library.reshape(matrix, [shape[axis] for axis in axes])
        return library.transpose(spread, np.argsort(axes).tolist())


class MatrixScheme(Gained, RandomScheme, AxesAware):
    """Base of the kernels that are a random matrix of inputs by outputs times a gain.

    Shapes: rank 2 or more, seen as the matrix (inputs, outputs).

    Raises:
        InputError: If `gain` is not positive, the rank is below 2, or the axes do not name every axis
            once.
    """

    def unit(self, shape: Shape) -> Any:
        return self.from_matrix(self.matrix(shape), shape)

    def matrix(self, shape: Shape) -> Any:
        """The matrix of the weight of `shape` for a gain of one."""
        raise NotImplementedError


class FanScaled(Gained, RandomScheme, AxesAware):
    """Base of the laws whose variance is a number divided by a fan.

    Args:
        input_axes: Axes of the weight that are inputs; None means Keras's convention.

    Shapes: any; `(*receptive_field, in, out)` by Keras's convention.

    Raises:
        InputError: If `gain` is not a positive finite number, or only one of the axes is given.
    """

    scale: float = 1.0
    mode: str = "fan_in"
    distribution: str = "untruncated_normal"

    def std(self, shape: Shape) -> float:
        """Standard deviation of a weight of `shape`."""
        fan = getattr(self.fans(shape), self.mode)
        return self.gain * math.sqrt(self.scale / max(1, fan))

    def std_with(self, fans: tuple[int, int]) -> float:
        """Standard deviation of a weight whose fans are known, whatever its shape."""
        told = type(self).from_config({**self.get_config(), "input_axes": [0], "output_axes": [1]})
        return told.std(fans)

    def draw(self, shape: Shape) -> Any:
        std = self.std(shape)
        if self.distribution == "uniform":
            limit = math.sqrt(3) * std
            return self.uniform(shape, -limit, limit)
        if self.distribution == "truncated_normal":
            return self.truncated_normal(shape, std=std / TRUNCATED_STD)
        return self.normal(shape, std=std)
