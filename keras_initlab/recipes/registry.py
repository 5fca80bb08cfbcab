"""Names of recipes: name -> class with claims."""

import importlib
import importlib.metadata
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from keras_initlab.core.errors import InputError, UnknownNameError, gist
from keras_initlab.initializers import registry as schemes
from keras_initlab.initializers.registry import PREFIX

Structure = Literal["any", "chain", "residual", "attention", "lora"]


@dataclass(frozen=True)
class RecipeClaims:
    """What is true of a recipe; `keras_initlab.testing.check_recipe` holds it to that.

    Attributes:
        law: The law in one line, as the field writes it.
        reference: Author, year and where to find it.
        changes: Roles of the weights that it may write; `base_kernel` is a frozen one under an adapter.
        needs: Data that it cannot do without: any of `x`, `y`.
        structure: What it has to find in a model.
        random: Whether a seed matters.
        cost: What it costs, such as `1 forward pass`.
        example: Makes a small model that has the structure.
        arguments: Makes, for the example, the arguments without which the recipe cannot be made.
        exact: Maps a model on which the recipe was used, with its default arguments, and the data it saw to
            residuals that are zero in exact arithmetic; its docstring says what it states.
        use: When it is the right choice, in one sentence.
        avoid: When it is not, and what to take instead, in one sentence.
    """

    law: str
    reference: str
    changes: tuple[str, ...]
    needs: tuple[str, ...] = ()
    structure: Structure = "any"
    random: bool = True
    cost: str = "none"
    example: Callable[[], Any] | None = None
    arguments: Callable[[], dict[str, Any]] | None = None
    exact: Callable[[Any, Any], Any] | None = None
    use: str = ""
    avoid: str = ""

    @property
    def exact_text(self) -> str:
        """What the exact property states; empty where there is none."""
        return (self.exact.__doc__ or "").strip() if self.exact else ""


OWN = {
    "deepnorm": "transformers.DeepNorm",
    "depth_scaled": "residual.DepthScaled",
    "fixup": "residual.Fixup",
    "from_larger": "from_larger.FromLarger",
    "isometry": "chains.Isometry",
    "looks_linear": "chains.LooksLinear",
    "lora": "lora.Lora",
    "lsuv": "lsuv.Lsuv",
    "mimetic": "mimetic.Mimetic",
    "moments": "moments.Moments",
    "mup": "mup.Mup",
    "sub_ln": "transformers.SubLN",
    "swim": "swim.Swim",
    "t_fixup": "transformers.TFixup",
    "vit": "vit.ViT",
    "within_layer": "within_layer.WithinLayer",
    "zero": "chains.Zero",
    "zero_residual": "residual.ZeroResidual",
}
"""This package's recipes: name -> where the class stands. They wait until somebody asks for one."""

GROUP = "keras_initlab.recipes"
"""The group of entry points by which packages announce recipes."""

_SNAKE = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")

_recipes: dict[str, Any] = {}
_plugins: dict[str, importlib.metadata.EntryPoint] = {}
_waiting: dict[str, str] = {}


def announce() -> None:
    """Give every recipe of this package its name in Keras without importing it."""
    for name, place in OWN.items():
        _reserve(PREFIX + name)
        _waiting[PREFIX + name] = f"{__package__}.{place.partition('.')[0]}"


def register(name: str, *, claims: RecipeClaims) -> Callable[[Any], Any]:
    """Class decorator that makes a recipe known as `initlab_<name>`.

    `reinitialize` and `compare` take that name. A layer cannot: given as `kernel_initializer`, it says how
    to use it. The class gets the attributes `name` (with the prefix) and `claims`.

    Args:
        name: The name without its prefix, in snake_case.
        claims: What is true of the recipe.

    Raises:
        InputError: If the class is no `Recipe`, the name is not in snake_case or has the prefix, or it is
            taken by a recipe, a scheme or anything else that Keras knows.
    """
    if not isinstance(name, str) or not _SNAKE.fullmatch(name) or name.startswith(PREFIX):
        raise InputError(
            f"name is {name!r}: give one in snake_case without the prefix {PREFIX!r}, such as 'unit_rows'."
        )
    full = PREFIX + name

    def decorate(cls: Any) -> Any:
        from keras_initlab.recipes.recipe import Recipe  # which has its claims from here

        if not isinstance(cls, type) or not issubclass(cls, Recipe):
            raise InputError(
                f"{cls!r} is no recipe: register a class that derives from initlab.recipes.Recipe."
            )
        if _waiting.get(full) != cls.__module__:
            _reserve(full)
        cls.name, cls.claims = full, claims
        _recipes[full] = cls
        _waiting.pop(full, None)
        return cls

    return decorate


def _reserve(name: str) -> None:
    def how_to_use() -> str:
        return (
            f"{name!r} is a recipe, which acts on a whole model and not on one weight: build the model, then "
            f"call {named(name).usage()}."
        )

    schemes.reserve(name, how_to_use)


def unregister(name: str) -> None:
    """Forget a recipe, so that a notebook cell that defines it can run again."""
    if named(name) is None:
        raise UnknownNameError(
            "recipe", name, list_recipes(), "Names begin with initlab_; list_recipes() has all."
        )
    del _recipes[name]
    schemes.release(name)


def announce_plugins(points: Iterable[importlib.metadata.EntryPoint]) -> None:
    """Give every third-party recipe its name without importing it.

    An entry point of the group `keras_initlab.recipes` is one recipe: `name = "package.module:ClassName"`,
    the class being decorated with `register(name, ...)`.
    """
    for point in points:
        full = PREFIX + point.name
        try:
            _reserve(full)
        except InputError:
            warnings.warn(
                f"Plugin {point.name!r} ({point.value}) is left out: its name is taken.", stacklevel=2
            )
            continue
        _plugins[full] = point


def _load_plugin(name: str) -> None:
    """Import the package of a recipe.

    Raises:
        InputError: If that fails, or it registers none of that name.
    """
    point = _plugins.pop(name)
    schemes.release(name)
    problem = (
        f"registers no recipe of that name: decorate its class with recipes.register({point.name!r}, ...)"
    )
    try:
        point.load()
    except Exception as error:
        problem = f"cannot be loaded: {gist(error)}: repair or uninstall it"
    if name not in _recipes:
        _plugins[name] = point
        _reserve(name)
        raise InputError(f"Plugin {point.name!r} ({point.value}) {problem}.")


def list_recipes() -> list[str]:
    """Names of all recipes of this package and of its plugins, sorted.

    A plugin that cannot be loaded is left out with a warning.

    >>> "initlab_lsuv" in list_recipes()
    True
    """
    for name in list(_plugins):
        try:
            _load_plugin(name)
        except InputError as error:
            warnings.warn(str(error), stacklevel=2)
    return sorted({*_recipes, *_waiting})


def named(name: Any) -> Any:
    """The class that is registered under a name (with its prefix); None if there is none.

    Raises:
        InputError: If it is a plugin's, which cannot be loaded.
    """
    if not isinstance(name, str):
        return None
    if name in _waiting:
        importlib.import_module(_waiting[name])
    if name in _plugins:
        _load_plugin(name)
    return _recipes.get(name)
