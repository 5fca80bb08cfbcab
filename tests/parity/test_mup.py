"""μP beside the package `mup` of its authors, where that is installed."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_initlab as initlab
from keras_initlab.recipes import Mup, mup_optimizer
from tests.engines import BACKEND

mup = pytest.importorskip("mup", reason="the package mup is not installed")
torch = pytest.importorskip("torch", reason="mup needs PyTorch")

X = np.random.default_rng(0).normal(size=(32, 6)).astype("float32")
Y = np.random.default_rng(1).normal(size=(32, 2)).astype("float32")


def theirs(width):
    return torch.nn.Sequential(
        torch.nn.Linear(6, width),
        torch.nn.Tanh(),
        torch.nn.Linear(width, 2 * width),
        torch.nn.Tanh(),
        mup.MuReadout(2 * width, 2),
    )


def shaped(width=64, base=16):
    model = theirs(width)
    mup.set_base_shapes(model, theirs(base), delta=theirs(2 * base))
    return model


def ours(width):
    hidden = [
        layers.Dense(size, "tanh", name=f"layer_{place}") for place, size in enumerate((width, 2 * width))
    ]
    return keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(2, name="head")])


BASES = {
    "normal": (lambda tensor: mup.init.normal_(tensor, std=0.05), "random_normal"),
    "xavier": (mup.init.xavier_uniform_, "glorot_uniform"),
    "fan in": (
        lambda tensor: mup.init.kaiming_normal_(tensor, nonlinearity="linear"),
        keras.initializers.VarianceScaling(1.0, "fan_in", "untruncated_normal"),
    ),
    "fan out": (
        lambda tensor: mup.init.kaiming_normal_(tensor, mode="fan_out", nonlinearity="linear"),
        keras.initializers.VarianceScaling(1.0, "fan_out", "untruncated_normal"),
    ),
}


@pytest.mark.parametrize("name", BASES)
def test_the_factors_of_its_initializers(name):
    draw, base = BASES[name]
    wide, plain = shaped(), shaped(64, 64)
    ratios = []
    for model in (wide, plain):
        torch.manual_seed(0)
        for part in model[::2]:
            draw(part.weight)
    for at, (one, other) in enumerate(zip(wide[::2], plain[::2], strict=True)):
        ratio = float((one.weight / other.weight).detach().median())
        ratios.append(ratio / 4 if at == 2 else ratio)  # the readout's output is multiplied by 1 / 4
    account = initlab.reinitialize(ours(64), Mup(ours(16), base))
    assert [row.factor for row in account if row.factor] == pytest.approx(ratios, rel=1e-5)


@pytest.mark.skipif(BACKEND != "torch", reason="trains beside PyTorch's optimizers")
@pytest.mark.parametrize(("keras_kind", "kind"), [("SGD", "MuSGD"), ("Adam", "MuAdam")], ids=["SGD", "Adam"])
def test_five_steps_of_its_optimizers(keras_kind, kind):
    model = ours(64)
    settings = {"epsilon": 1e-8} if keras_kind == "Adam" else {}
    rate = 0.01
    model.compile(
        mup_optimizer(model, ours(16), getattr(keras.optimizers, keras_kind)(rate, **settings)), "mse"
    )
    initlab.reinitialize(model, Mup(ours(16)), seed=2)
    other = shaped()
    start = [torch.from_numpy(np.array(value)) for value in model.get_weights()]
    with torch.no_grad():
        for part, kernel, bias in zip(other[::2], start[::2], start[1::2], strict=True):
            part.weight.copy_(kernel.T)
            part.bias.copy_(bias)
        other[4].weight.mul_(4)  # theirs divides the output instead
    optimizer = getattr(mup, kind)(other.parameters(), lr=rate)
    for _ in range(5):
        model.train_on_batch(X, Y)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(other(torch.from_numpy(X)), torch.from_numpy(Y)).backward()
        optimizer.step()
    found = [part.detach().numpy() for part in other.parameters()]
    found = [value.T if value.ndim == 2 else value for value in found]
    found[4] = found[4] / 4
    for one, value, before in zip(model.get_weights(), found, start, strict=True):
        off = np.abs(one - value)  # where Adam's gradients all but vanish, rounding decides
        assert np.quantile(off, 0.9) < 5e-3 * rate
        assert off.max() < 0.1 * rate
        assert np.abs(one - before.numpy()).max() > 1e-2 * rate
