"""The ready-made models, by name."""

import pytest

from keras_initlab import UnknownNameError, presets


def test_an_unknown_model_is_refused_with_the_nearest():
    with pytest.raises(
        UnknownNameError, match=r"^Unknown model 'mpl'\. Did you mean 'mlp'\? Give one of mlp, "
    ):
        presets.build("mpl", (8, 8), 10)


@pytest.mark.parametrize("name", presets.MODELS)
def test_every_model_has_an_output_for_each_class(name):
    model = presets.build(name, (8, 8), 7)
    assert model.output_shape == (None, 7)
    assert model.name == name
