"""What remedies do in an optimizer's step, against the arithmetic of their laws."""

import keras
import numpy as np
import pytest

from keras_initlab.core.errors import InputError
from keras_initlab.core.seeds import Seeds
from keras_initlab.engines.hyperparameters import holding, set_numbers
from keras_initlab.remedies import L1, L2, ClipNorm, GlobalClipNorm, GradientNoise, WeightDecay

SEEDS = Seeds(3, 0)


def begun(optimizer, remedies, *starts):
    """An optimizer with remedies, and the weights that it is to train, all of them kernels."""
    variables = [keras.Variable(np.asarray(start, "float32"), name=f"w{i}") for i, start in enumerate(starts)]
    numbers = {name: number for one in remedies for name, number in one.scalars().items()}
    made = holding(optimizer, tuple(numbers), None, [True] * len(variables))
    made.build(variables)
    set_numbers(made, [numbers], SEEDS)
    return made, variables


def stepped(made, variables, *gradients):
    made.apply([keras.ops.convert_to_tensor(np.asarray(one, "float32")) for one in gradients], variables)
    return [keras.ops.convert_to_numpy(one).copy() for one in variables]


def test_weight_decay_without_a_gradient_is_a_power():
    """Rate .01, decay .1, 100 steps: .999**100 = .90479."""
    made, w = begun(keras.optimizers.SGD(0.01), [WeightDecay(0.1)], [2.0, -5.0])
    for _ in range(100):
        (now,) = stepped(made, w, [0.0, 0.0])
    np.testing.assert_allclose(now, [2 * 0.90479, -5 * 0.90479], rtol=1e-5)


def path(optimizer, remedy, steps=10):
    made, w = begun(optimizer, [remedy], [1.0, -2.0, 3.0])
    target = np.array([0.5, 0.5, -1.0])
    return np.stack([stepped(made, w, keras.ops.convert_to_numpy(w[0]) - target)[0] for _ in range(steps)])


def test_l2_is_half_a_weight_decay_with_sgd_and_another_thing_with_adam():
    sgd = [path(keras.optimizers.SGD(0.1), one) for one in (L2(0.05), WeightDecay(0.1))]
    np.testing.assert_allclose(*sgd, rtol=1e-5)
    adam = [path(keras.optimizers.Adam(0.1), one) for one in (L2(0.05), WeightDecay(0.1))]
    assert np.abs(adam[0] - adam[1]).max() > 0.01
    free = path(keras.optimizers.SGD(0.1), L2(0.0))
    expected = np.array([0.5, 0.5, -1.0]) + np.outer(0.9 ** np.arange(1, 11), [0.5, -2.5, 4.0])
    np.testing.assert_allclose(free, expected, rtol=1e-4, atol=1e-5)


def test_l1_takes_the_same_from_every_weight_until_it_swings_below_a_step():
    made, w = begun(keras.optimizers.SGD(0.1), [L1(0.2)], [0.5, -0.09])
    found = np.stack([stepped(made, w, [0.0, 0.0])[0] for _ in range(40)])
    np.testing.assert_allclose(found[:4, 0], 0.5 - 0.02 * np.arange(1, 5), rtol=1e-5)
    np.testing.assert_allclose(found[:4, 1], -0.09 + 0.02 * np.arange(1, 5), rtol=1e-4)
    assert np.abs(found[30:]).max() <= 0.02 + 1e-6


def noise(eta, steps, rate=1.0, size=2000, seeds=SEEDS):
    made, w = begun(keras.optimizers.SGD(rate), [GradientNoise(eta)], np.zeros(size))
    set_numbers(made, [{"gradient_noise": eta}], seeds)
    return np.stack([stepped(made, w, np.zeros(size))[0] for _ in range(steps)])


def test_gradient_noise_falls_as_in_its_paper_and_makes_a_random_walk():
    """η = .3: deviation .5477 at t = 0 and .1544 at t = 99."""
    walk = noise(0.3, 100)
    steps = np.diff(np.vstack([np.zeros((1, 2000)), walk]), axis=0)
    sampling = 4 / np.sqrt(2 * 2000)
    assert steps[0].std() == pytest.approx(0.5477, rel=sampling)
    assert steps[99].std() == pytest.approx(0.1544, rel=sampling)
    assert walk[-1].var() == pytest.approx(0.3 * ((1 + np.arange(100.0)) ** -0.55).sum(), rel=2 * sampling)
    np.testing.assert_allclose(noise(1.2, 2), 2 * noise(0.3, 2), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(noise(0.3, 2, rate=0.1), 0.1 * noise(0.3, 2), rtol=1e-4, atol=1e-6)
    assert (noise(0.0, 1) == 0).all()
    assert (noise(0.3, 1, seeds=Seeds(3, 1)) != noise(0.3, 1)).any()


def test_clipping_bounds_each_norm_or_that_of_all_together():
    gradients = [3.0, 4.0], [12.0]
    for one, expected in (
        (ClipNorm(1.0), ([0.6, 0.8], [1.0])),
        (ClipNorm(8.0), ([3.0, 4.0], [8.0])),
        (GlobalClipNorm(1.3), ([0.3, 0.4], [1.2])),
        (GlobalClipNorm(20.0), gradients),
        (ClipNorm(1.0).off(), gradients),
        (GlobalClipNorm(1.0).off(), gradients),
    ):
        made, w = begun(keras.optimizers.SGD(1.0), [one], [0.0, 0.0], [0.0])
        for found, wanted in zip(stepped(made, w, *gradients), expected, strict=True):
            np.testing.assert_allclose(found, -np.array(wanted), rtol=1e-5)


def test_what_is_out_of_range_is_refused_and_off_has_no_effect():
    for kind in (L1, L2, WeightDecay, GradientNoise):
        with pytest.raises(InputError, match="is -1: give a finite number of at least 0"):
            kind(-1)
        assert list(kind().off().scalars().values()) == [0]
        assert kind(0.5).structure == kind().structure
    with pytest.raises(InputError, match="norm is 0: give a finite number above 0"):
        ClipNorm(0)
    assert GlobalClipNorm().off().scalars() == {"global_clipnorm": float("inf")}
