"""Remedies that disturb the inputs of a model in training."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import keras

from keras_initlab.core.arguments import at_least, refused
from keras_initlab.remedies.graph import copied, inputs, is_graph, own_class, rebuilt, strengths
from keras_initlab.remedies.layers import InsertedAugmentation, InsertedNoise
from keras_initlab.remedies.registry import RemedyClaims, register
from keras_initlab.remedies.remedy import Remedy, Subject


@dataclass(frozen=True)
class _AtInputs(Remedy):
    """Base of what puts a layer behind inputs."""

    def why_not(self, subject: Subject) -> str | None:
        model = subject.model
        if not is_graph(model):
            return own_class(model, self.name)
        if not self._fitting(model):
            return f"no input of the model {model.name!r} is {self._wanted}; leave {self.name} out."
        return None

    def act(self, subject: Subject) -> Subject:
        places = {id(layer): place for place, layer in enumerate(self._fitting(subject.model))}

        def behind(operation: Any) -> list[Any]:
            place = places.get(id(operation))
            return [] if place is None else [self._layer(operation, place)]

        model = rebuilt(subject.model, behind=behind)
        return dataclasses.replace(subject, model=model, strengths=strengths(model))

    def _fitting(self, model: keras.Model) -> list[Any]:
        return [layer for layer in inputs(model) if self._fits(layer.output)]

    @property
    def _wanted(self) -> str:
        raise NotImplementedError

    def _fits(self, tensor: Any) -> bool:
        raise NotImplementedError

    def _layer(self, behind: Any, place: int) -> Any:
        raise NotImplementedError


@register(
    "data_noise",
    claims=RemedyClaims(
        law="x + N(0, s²), fresh in each step",
        reference="Sietsma & Dow 1991, Neural Networks 4; Bishop 1995, Neural Computation 7",
        place="graph",
        strength="sd",
        same_loss=False,
    ),
)
@dataclass(frozen=True)
class DataNoise(_AtInputs):
    """Gaussian noise on every floating-point input of the model in each training step.

    For a linear model with squared error the mean loss is the clean loss plus s² |w|², as an L2 penalty.

    Args:
        sd: s, in the units of the inputs; at least 0.

    Raises:
        InputError: If `sd` is below 0.

    >>> DataNoise(0.3).scalars()
    {'data_noise': 0.3}
    """

    sd: float = 0.1

    def __post_init__(self) -> None:
        at_least("sd", self.sd, 0)

    _wanted = "a floating-point number"

    def _fits(self, tensor: Any) -> bool:
        return "float" in tensor.dtype

    def _layer(self, behind: Any, place: int) -> Any:
        return InsertedNoise(
            strength=float(self.sd), remedy=self.name, place=place, name=f"{behind.name}__data_noise"
        )


@register(
    "augment",
    claims=RemedyClaims(
        law="random maps of the inputs that keep the label",
        reference="LeCun et al. 1998, Proc. IEEE 86; Krizhevsky et al. 2012, NIPS 25",
        place="graph",
        default=False,
        same_loss=False,
    ),
)
@dataclass(frozen=True)
class Augment(_AtInputs):
    """Keras preprocessing layers on every picture that the model takes in, in training alone.

    Args:
        layers: One or several, such as `keras.layers.RandomFlip("horizontal")`; they are copied.

    Raises:
        InputError: If one is no layer.

    >>> Augment(keras.layers.RandomFlip("horizontal")).name
    'augment'
    """

    layers: Any

    def __post_init__(self) -> None:
        given = self.layers if isinstance(self.layers, list | tuple) else (self.layers,)
        if not given or not all(isinstance(one, keras.layers.Layer) for one in given):
            raise refused(
                "layers", self.layers, "Keras layers, such as keras.layers.RandomFlip('horizontal')"
            )
        object.__setattr__(self, "layers", tuple(given))

    _wanted = "a picture (rows, columns, channels)"

    def _fits(self, tensor: Any) -> bool:
        return len(tensor.shape) == 4

    def _layer(self, behind: Any, place: int) -> Any:
        steps = [copied(one) for one in self.layers]
        return InsertedAugmentation(steps, remedy=self.name, place=place, name=f"{behind.name}__augment")
