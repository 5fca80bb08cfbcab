"""A class says what it adds; what it leaves out is its base's."""

import inspect

import pytest

from keras_initlab.initializers import HeNormal
from keras_initlab.initializers.base import FanScaled, Gained, RandomScheme, Scheme


class Doubled(FanScaled):
    """Twice as many of something.

    Draws nothing in particular.

    Args:
        times: How often; of
            two lines.
        seed: Another word for it.

    Shapes: rank 7.

    Reference: none.

    >>> 1 + 1
    2
    """

    def __init__(self, times: int = 2, *rest, **common):
        super().__init__(*rest, **common)
        self.times = times


class Fixed(Gained):
    """Has a gain and no seed."""

    def unit(self, shape):
        return 1.0


def test_the_arguments_of_the_base_follow_ones_own():
    names = list(inspect.signature(Doubled).parameters)
    assert names == ["times", "gain", "seed", "input_axes", "output_axes"]
    assert list(inspect.signature(Fixed).parameters) == ["gain"]
    assert list(inspect.signature(RandomScheme).parameters) == ["seed"]
    assert not inspect.signature(Scheme).parameters


def test_an_instance_has_the_signature_of_its_call():
    assert list(inspect.signature(HeNormal()).parameters) == ["shape", "dtype", "layout"]


def test_an_argument_that_is_named_again_keeps_its_new_default():
    class Small(HeNormal):
        def __init__(self, gain=0.1, *rest, **common):
            super().__init__(gain, *rest, **common)

    assert inspect.signature(Small).parameters["gain"].default == 0.1
    assert list(inspect.signature(Small).parameters) == list(inspect.signature(HeNormal).parameters)
    assert Small(seed=3).get_config() == HeNormal(0.1, 3).get_config()


def test_a_class_that_hands_nothing_on_has_its_own_arguments_alone():
    class Plain(HeNormal):
        def __init__(self, size, seed=None):
            super().__init__(seed=seed)
            self.size = size

    assert list(inspect.signature(Plain).parameters) == ["size", "seed"]
    assert Plain(3).get_config() == {"size": 3, "seed": None}


def test_positions_and_names_reach_the_base():
    scheme = Doubled(3, 0.5, seed=1, input_axes=[0], output_axes=[1])
    assert (scheme.times, scheme.gain, scheme.seed, scheme.input_axes) == (3, 0.5, 1, [0])
    assert Doubled.from_config(scheme.get_config()).get_config() == scheme.get_config()


@pytest.mark.parametrize("kind", [Doubled, Fixed, RandomScheme, Scheme])
def test_an_argument_that_nobody_takes_is_named(kind):
    with pytest.raises(TypeError, match="unexpected keyword argument 'gian'"):
        kind(gian=2)


def test_the_docstring_has_the_arguments_in_order_and_the_sections_that_it_lacks():
    own = "    times: How often; of\n        two lines."
    gain = "    gain: Multiplies every weight. Positive, dimensionless."
    axes = (
        "    input_axes: Axes of the weight that are inputs; None means Keras's convention.\n"
        "    output_axes: Axes of the weight that are outputs; given together with `input_axes`."
    )
    raises = "    InputError: If `gain` is not a positive finite number, or only one of the axes is given."
    assert inspect.getdoc(Doubled) == "\n\n".join(
        [
            "Twice as many of something.",
            "Draws nothing in particular.",
            f"Args:\n{own}\n{gain}\n    seed: Another word for it.\n{axes}",
            "Shapes: rank 7.",
            f"Raises:\n{raises}",
            "Reference: none.",
            ">>> 1 + 1\n2",
        ]
    )


def test_without_a_docstring_there_is_none():
    class Silent(HeNormal):
        pass

    assert Silent.__doc__ is None
