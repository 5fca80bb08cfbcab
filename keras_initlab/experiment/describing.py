"""What an object will do, as JSON data that are the same in every process that runs the same program.

Functions and classes of the user's own are told by their bytecode, without the names of files and the numbers
of lines, and by the values that they use; those of installed packages are told by name, objects by class and
config. What nobody can look into is named under `cannot be told`.
"""

import functools
import hashlib
import inspect
import json
import math
import site
import sys
import sysconfig
import types
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_initlab.core.keras_private import names_as_they_were, tensorflow_left_alone
from keras_initlab.engines.sources import fingerprint

UNTOLD = "cannot be told"

_PACKAGES = ("keras", "keras_initlab", "tensorflow", "jax", "torch", "numpy")
_PLACES = (
    *(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    *site.getsitepackages(),
    site.getusersitepackages(),
    str(Path(__file__).parents[1]),
    str(Path(keras.__file__).parent),
)
_NAMES = ("name", "registered_name")  # numbered by Keras, process by process
_HAS_DOCSTRING = 0x4000000  # flag of code since Python 3.13


def described(value: Any, values: bool = True) -> Any:
    """The object as JSON data.

    Args:
        value: Any object.
        values: Whether data that functions use count, as opposed to their code alone.

    >>> described({"rate": 0.1, "kind": keras.initializers.Zeros()})
    {'rate': 0.1, 'kind': {'class': 'Zeros'}}
    >>> first, second = (described(lambda shape, std=std: std) for std in (0.1, 0.2))
    >>> first["code"] == second["code"], first["uses"], second["uses"]
    (True, {'std': 0.1}, {'std': 0.2})
    """
    return _Describing(values).any(value)


def is_own(value: Any) -> bool:
    """Whether a function or class, or that of an object, is the user's own and of no installed package."""
    if isinstance(value, types.FunctionType):
        return not value.__code__.co_filename.startswith(_PLACES)
    kind = value if isinstance(value, type) else type(value)
    package, _, _ = (kind.__module__ or "").partition(".")
    if package in _PACKAGES or package in sys.stdlib_module_names:
        return False
    try:
        return not inspect.getfile(kind).startswith(_PLACES)
    except (TypeError, OSError):  # made in a notebook or with exec
        return True


def without_names(config: Any) -> Any:
    """A config without names that Keras numbers; of models in it the class, for their layers follow."""
    if isinstance(config, Mapping):
        inner = config.get("config")
        if str(config.get("class_name")).endswith("DTypePolicy"):
            return dict(config)  # whose name says all
        if config.get("class_name") == "__lambda__" or config.keys() == {"value"}:  # of an activation
            return "__lambda__"  # Keras writes file and line; the code is told where the layer holds it
        if isinstance(inner, Mapping) and "layers" in inner:
            return {"class_name": config.get("class_name")}
        return {key: without_names(part) for key, part in config.items() if key not in _NAMES}
    if isinstance(config, list | tuple):
        return [without_names(part) for part in config]
    return config


def hashed(nest: Any) -> str:
    """Sixteen hexadecimal digits for JSON data."""
    return hashlib.blake2b(json.dumps(nest, sort_keys=True).encode(), digest_size=8).hexdigest()


def attributes(thing: Any) -> dict[str, Any]:
    """What the user's code has set on a layer or model that is no layer, optimizer or variable itself."""
    return {
        name: held
        for name, held in sorted(vars(thing).items())
        if not (name.startswith("_") or name in _set_by_keras() or hasattr(type(thing), name))
        and not any(isinstance(leaf, _TRACKED) for leaf in keras.tree.flatten(held))
    }


_TRACKED = (
    keras.Layer,
    keras.Variable,
    keras.optimizers.Optimizer,
    keras.random.SeedGenerator,
    keras.KerasTensor,
    keras.callbacks.Callback,
)


@functools.cache
def _set_by_keras() -> frozenset[str]:
    with names_as_they_were():
        model = keras.Sequential()
        model.compile()
        own = (*vars(model), *vars(keras.layers.Layer()))
    return frozenset((*own, "history", "optimizer", "output_names", "stop_training"))


class _Describing:
    """One walk through an object; what was met before is named only, so that circles end."""

    def __init__(self, values: bool):
        self._values = values
        self._met: dict[int, Any] = {}

    def any(self, value: Any) -> Any:
        if isinstance(value, float | np.floating):
            return float(value) if math.isfinite(value) else str(value)
        if isinstance(value, np.generic):
            return self.any(value.item())
        if isinstance(value, str | int | None):
            return value
        if isinstance(value, bytes):
            return value.hex() if len(value) <= 16 else hashlib.blake2b(value, digest_size=8).hexdigest()
        if isinstance(value, Mapping):
            return {str(key): self.any(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.any(inner) for inner in value]
        if isinstance(value, Set):
            # Not in the order of the set, which is that of addresses: what is met first is told in full.
            return sorted(map(self.any, sorted(value, key=_place)), key=repr)
        if isinstance(value, types.MethodType):
            return self.any(value.__func__) if id(value.__self__) in self._met else self._method(value)
        if isinstance(value, functools.partial):
            return {"partial": self.any([value.func, value.args, value.keywords])}
        if isinstance(value, types.FunctionType | type):
            return self._known(value) or (
                self._class(value) if isinstance(value, type) else self._function(value)
            )
        if isinstance(value, types.BuiltinFunctionType | np.ufunc | np.dtype):
            return getattr(value, "__name__", str(value))
        wrapped = getattr(value, "__wrapped__", None) or getattr(value, "python_function", None)
        return self.any(wrapped) if callable(wrapped) else self._known(value) or self._object(value)

    def _known(self, value: Any) -> Any:
        """The name of what needs no more than that: it is of a package, or was met before."""
        name = getattr(value, "__qualname__", type(value).__qualname__)
        if id(value) in self._met:
            return name
        self._met[id(value)] = value
        return None if is_own(value) or not isinstance(value, types.FunctionType | type) else name

    def _method(self, method: types.MethodType) -> Any:
        return {"method": self.any(method.__func__), "of": self.any(method.__self__)}

    def _function(self, function: types.FunctionType) -> dict[str, Any]:
        found = {"function": function.__qualname__, "code": hashed(_bytecode(function.__code__))}
        uses = {name: self._used(value) for name, value in _used(function) if self._counts(value)}
        return found | ({"uses": uses} if uses else {})

    def _used(self, value: Any) -> Any:
        """A list or dict that holds more than plain data is taken for something that changes."""
        found = self.any(value)
        changing = isinstance(value, list | dict) and any(_untold(found))
        return {UNTOLD: [type(value).__name__]} if changing else found

    def _counts(self, value: Any) -> bool:
        if isinstance(value, types.ModuleType):
            return is_own_module(value)
        return self._values or isinstance(value, types.FunctionType | type)

    def _class(self, kind: type) -> dict[str, Any]:
        members = []
        for base in kind.__mro__:
            if is_own(base):
                for name, member in sorted(vars(base).items()):
                    parts = [part for part in _inside(member) if self._counts(part)]
                    if parts and (not name.startswith("__") or callable(parts[0])):
                        members.append([name, *map(self.any, parts)])
        untold = sorted(set(_untold(members)))
        return {"class": kind.__qualname__, "code": hashed(members)} | ({UNTOLD: untold} if untold else {})

    def _object(self, value: Any) -> Any:
        kind = type(value)
        found = self._class(kind) if is_own(kind) else {"class": kind.__qualname__}
        if isinstance(value, keras.Layer):  # its weights may be those that are trained
            still = not value.trainable and value.built
            kept = {"weights": fingerprint(map(keras.ops.convert_to_numpy, value.weights))}
            return found | (kept if still else {UNTOLD: ["weights"]})
        if isinstance(value, np.ndarray) or keras.ops.is_tensor(value) or isinstance(value, keras.Variable):
            return self._array(value)
        config = self._config(value)
        own = {name: held for name, held in _held(value).items() if config is None or does(held)}
        if config is None and not is_own(kind):
            return {UNTOLD: [kind.__qualname__]}
        found |= {"config": config} if config else {}
        return found | ({"holds": self.any(own)} if own and self._values else {})

    def _config(self, value: Any) -> Any:
        try:
            with tensorflow_left_alone():
                return self.any(without_names(value.get_config())) if self._values else {}
        except (AttributeError, NotImplementedError, TypeError):
            return None

    def _array(self, value: Any) -> Any:
        try:
            return {"array": fingerprint([np.asarray(keras.ops.convert_to_numpy(value))])}
        except Exception:  # a symbolic tensor
            return {UNTOLD: [type(value).__qualname__]}


def is_own_module(module: types.ModuleType) -> bool:
    """Whether a module is the user's own."""
    package, _, _ = module.__name__.partition(".")
    file = getattr(module, "__file__", None) or ""
    return package not in _PACKAGES and bool(file) and not file.startswith(_PLACES)


def does(held: Any) -> bool:
    """Whether an attribute is something of the user's own that can be called."""
    function = held.func if isinstance(held, functools.partial) else getattr(held, "__func__", held)
    return callable(function) and is_own(function) and not isinstance(held, _TRACKED)


def _held(value: Any) -> dict[str, Any]:
    return {name: held for name, held in sorted(getattr(value, "__dict__", {}).items()) if name[:2] != "__"}


def _used(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """The names and values that a function finds outside its arguments, defaults included."""
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not filled yet
            continue
    names = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    yield from zip(names[len(names) - len(defaults) :], defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()
    for name in sorted(set(_names(code)) & function.__globals__.keys()):
        yield name, function.__globals__[name]


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _bytecode(code: types.CodeType) -> list[Any]:
    """What the code does, without where it stands and what its docstring says."""
    constants = list(code.co_consts)
    if constants and isinstance(constants[0], str) and code.co_name != "<lambda>":
        since = hasattr(inspect, "CO_HAS_DOCSTRING")
        constants[0] = constants[0] if since and not code.co_flags & _HAS_DOCSTRING else None
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return [
        code.co_code.hex(),
        getattr(code, "co_exceptiontable", b"").hex(),
        [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & 0x0C],
        [arguments, code.co_names, code.co_freevars, code.co_cellvars],
        list(map(_constant, constants)),
    ]


def _constant(value: Any) -> Any:
    if isinstance(value, types.CodeType):
        return _bytecode(value)
    if isinstance(value, tuple):
        return [_constant(inner) for inner in value]
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)


def _place(value: Any) -> str:
    return str(getattr(value, "__qualname__", value))


def _inside(member: Any) -> Iterable[Any]:
    """The functions of a class's member, or its value."""
    if isinstance(member, staticmethod | classmethod):
        return (member.__func__,)
    if isinstance(member, property):
        return [part for part in (member.fget, member.fset) if part is not None]
    if isinstance(member, functools.cached_property):
        return (member.func,)
    return () if isinstance(member, types.GetSetDescriptorType | types.MemberDescriptorType) else (member,)


def _untold(nest: Any) -> Iterator[str]:
    if isinstance(nest, Mapping):
        yield from nest.get(UNTOLD, ())
        for inner in nest.values():
            yield from _untold(inner)
    elif isinstance(nest, list):
        for inner in nest:
            yield from _untold(inner)
