"""The process's global random state: seed it for a trial, and give it back as it was."""

import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from keras_initlab.core.keras_private import global_generator, set_global_generator

_TENSORFLOW_STATE = ("_seed", "_rng")  # of its eager context


class Generators:
    """The global generators inside `isolated()`: only who is given them can seed them."""

    def seed(self, seed: int) -> None:
        """Put every one of them to the start of stream `seed`."""
        random.seed(seed)
        np.random.seed(seed)
        set_generator(global_generator().state, seed)
        if "torch" in sys.modules:
            sys.modules["torch"].manual_seed(seed)
        tensorflow = _tensorflow_context()
        if tensorflow:
            tensorflow._set_global_seed(seed)

    def state(self) -> list[np.ndarray]:
        """Where they stand, but for random operations of TensorFlow's own, which tell nobody."""
        _, python, gauss = random.getstate()
        _, numpy, place, has_gauss, other = np.random.get_state(legacy=True)
        torch = [sys.modules["torch"].random.get_rng_state().numpy()] if "torch" in sys.modules else []
        return [
            np.array(python, "uint32"),
            np.array([np.nan if gauss is None else gauss]),
            numpy,
            np.array([place, has_gauss]),
            np.array([other]),
            keras.ops.convert_to_numpy(global_generator().state),
            *torch,
        ]

    def restore(self, state: Sequence[np.ndarray]) -> None:
        """Put them where they stood when `state()` was asked."""
        python, gauss, numpy, place, other, own, *torch = state
        known = None if np.isnan(gauss[0]) else float(gauss[0])
        random.setstate((3, tuple(map(int, python)), known))
        np.random.set_state(("MT19937", numpy, int(place[0]), int(place[1]), float(other[0])))
        global_generator().state.assign(own)
        if torch and "torch" in sys.modules:
            module = sys.modules["torch"]
            module.random.set_rng_state(module.from_numpy(np.array(torch[0])))


@contextmanager
def isolated() -> Iterator[Generators]:
    """Run the body with global generators of its own, which it may seed; restore all of them afterwards.

    Covers Python's `random`, NumPy's legacy generator, the generator behind unseeded `keras.random`
    calls, and the global generators of TensorFlow and PyTorch when they are loaded. JAX has none.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()
    keras_generator = global_generator()
    torch_state = sys.modules["torch"].random.get_rng_state() if "torch" in sys.modules else None
    tensorflow = _tensorflow_context()
    tensorflow_state = {name: getattr(tensorflow, name, None) for name in _TENSORFLOW_STATE}
    # Compiled functions capture the generator's variable, so one object serves the whole scope.
    set_global_generator(keras.random.SeedGenerator(0))
    try:
        yield Generators()
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        set_global_generator(keras_generator)
        if torch_state is not None:
            sys.modules["torch"].random.set_rng_state(torch_state)
        if tensorflow:
            vars(tensorflow).update(tensorflow_state)


def set_generator(state: keras.Variable, seed: int) -> None:
    """Put the state variable of a `keras.random.SeedGenerator` to the start of stream `seed`."""
    state.assign(generator_start(state, seed))


def generator_start(state: keras.Variable, seed: int) -> np.ndarray:
    """The value of a generator's state variable at the start of stream `seed`."""
    return np.array([seed, 0], dtype=keras.backend.standardize_dtype(state.dtype))


def _tensorflow_context():
    """TensorFlow's eager context, which holds its global seed; None where it is not loaded."""
    module = sys.modules.get("tensorflow.python.eager.context")
    return module.context() if module else None
