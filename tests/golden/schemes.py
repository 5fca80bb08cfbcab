"""Write schemes.json: what torch, jax and scipy say about the laws. Never imports keras_initlab.

Run it by hand when a case is added: `python tests/golden/schemes.py`.

Random laws: standard deviation and largest magnitude that the other library's own initializer gives on a
large kernel, averaged over draws, with the number of values behind them. Deterministic laws: the values.
"""

import json
import math
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np
import scipy.stats
import torch

SHAPES = [(60, 900), (900, 60), (3, 3, 20, 80)]  # Keras layout
DRAWS = 20


def torch_layout(shape):
    """Keras `(*k, in, out)` -> torch `(out, in, *k)`."""
    return (shape[-1], shape[-2], *shape[:-2])


def torch_case(fill):
    def draw(shape, seed):
        torch.manual_seed(seed)
        tensor = torch.empty(torch_layout(shape))
        fill(tensor)
        return tensor.numpy()

    return draw


def torch_layer_default(shape, seed):
    """Weights of torch's own Linear or Conv2d as constructed."""
    torch.manual_seed(seed)
    *kernel, inputs, outputs = shape
    if kernel:
        return torch.nn.Conv2d(inputs, outputs, tuple(kernel)).weight.detach().numpy()
    return torch.nn.Linear(inputs, outputs).weight.detach().numpy()


def jax_case(initializer):
    return lambda shape, seed: np.asarray(initializer(jax.random.key(seed), shape))


init, jinit = torch.nn.init, jax.nn.initializers
RANDOM = {
    "torch.nn.init.xavier_uniform_": ("initlab_glorot_uniform", {}, torch_case(init.xavier_uniform_)),
    "torch.nn.init.xavier_normal_": ("initlab_glorot_normal", {}, torch_case(init.xavier_normal_)),
    "torch.nn.init.xavier_normal_(gain=5/3)": (
        "initlab_glorot_normal",
        {"gain": 5 / 3},
        torch_case(lambda tensor: init.xavier_normal_(tensor, gain=5 / 3)),
    ),
    "torch.nn.init.kaiming_uniform_(relu)": (
        "initlab_he_uniform",
        {},
        torch_case(lambda tensor: init.kaiming_uniform_(tensor, nonlinearity="relu")),
    ),
    "torch.nn.init.kaiming_normal_(relu)": (
        "initlab_he_normal",
        {},
        torch_case(lambda tensor: init.kaiming_normal_(tensor, nonlinearity="relu")),
    ),
    "torch.nn.init.kaiming_normal_(fan_out, linear)": (
        "initlab_variance_scaling",
        {"mode": "fan_out", "distribution": "untruncated_normal"},
        torch_case(lambda tensor: init.kaiming_normal_(tensor, mode="fan_out", nonlinearity="linear")),
    ),
    "torch.nn.Linear and Conv2d, default": ("initlab_uniform_sqrt_n", {}, torch_layer_default),
    "torch.nn.init.kaiming_normal_(linear)": (
        "initlab_normal_sqrt_n",
        {},
        torch_case(lambda tensor: init.kaiming_normal_(tensor, nonlinearity="linear")),
    ),
    "torch.nn.init.trunc_normal_(std=.05, ±.1)": (
        "initlab_truncated_normal",
        {},
        torch_case(lambda tensor: init.trunc_normal_(tensor, std=0.05, a=-0.1, b=0.1)),
    ),
    "jax lecun_uniform": ("initlab_lecun_uniform", {}, jax_case(jinit.lecun_uniform())),
    "jax lecun_normal (truncated)": ("initlab_lecun_normal_truncated", {}, jax_case(jinit.lecun_normal())),
    "jax he_normal (truncated)": ("initlab_he_normal_truncated", {}, jax_case(jinit.he_normal())),
    "jax glorot_normal (truncated)": (
        "initlab_glorot_normal_truncated",
        {},
        jax_case(jinit.glorot_normal()),
    ),
    "jax variance_scaling(1, fan_in, normal)": (
        "initlab_lecun_normal",
        {},
        jax_case(jinit.variance_scaling(1.0, "fan_in", "normal")),
    ),
    "jax variance_scaling(1, fan_in, normal), as Xavier's simple form": (
        "initlab_xavier_simple",
        {},
        jax_case(jinit.variance_scaling(1.0, "fan_in", "normal")),
    ),
    "jax variance_scaling(1, fan_avg, normal)": (
        "initlab_he_fan_avg_normal",
        {},
        jax_case(jinit.variance_scaling(1.0, "fan_avg", "normal")),
    ),
    "jax variance_scaling(.5, fan_geo_avg, uniform)": (
        "initlab_variance_scaling",
        {"scale": 0.5, "mode": "fan_geo_avg", "distribution": "uniform"},
        jax_case(jinit.variance_scaling(0.5, "fan_geo_avg", "uniform")),
    ),
    "jax uniform(.1) shifted to ±.05": (
        "initlab_random_uniform",
        {},
        lambda shape, seed: np.asarray(jinit.uniform(0.1)(jax.random.key(seed), shape)) - 0.05,
    ),
    "jax normal(.05)": ("initlab_random_normal", {}, jax_case(jinit.normal(0.05))),
}


def moments(draw):
    found = []
    for shape in SHAPES:
        values = [draw(shape, seed) for seed in range(DRAWS)]
        found.append(
            {
                "shape": shape,
                "std": math.sqrt(np.mean([np.square(value).mean() for value in values])),
                "largest": float(max(np.abs(value).max() for value in values)),
                "values": DRAWS * math.prod(shape),
            }
        )
    return found


def torch_exact(fill, shape):
    tensor = torch.empty(torch_layout(shape))
    fill(tensor)
    axes = (*range(2, len(shape)), 1, 0)
    return tensor.permute(axes).tolist()


EXACT = [
    ("torch.nn.init.eye_", "initlab_identity", {}, (4, 6), init.eye_),
    ("torch.nn.init.dirac_", "initlab_identity", {}, (3, 3, 4, 6), init.dirac_),
    ("torch.nn.init.zeros_", "initlab_zeros", {}, (2, 3), init.zeros_),
    ("torch.nn.init.ones_", "initlab_ones", {}, (2, 3), init.ones_),
    (
        "torch.nn.init.constant_(.3)",
        "initlab_constant",
        {"value": 0.3},
        (2, 3),
        lambda tensor: init.constant_(tensor, 0.3),
    ),
]


def main():
    cut = scipy.stats.truncnorm(-2, 2)
    golden = {
        "versions": {name: version(name) for name in ("torch", "jax", "scipy")},
        "truncated_std": float(cut.std()),
        "random": [
            {"source": source, "scheme": scheme, "arguments": arguments, "cases": moments(draw)}
            for source, (scheme, arguments, draw) in RANDOM.items()
        ],
        "exact": [
            {
                "source": source,
                "scheme": scheme,
                "arguments": arguments,
                "shape": shape,
                "values": torch_exact(fill, shape),
            }
            for source, scheme, arguments, shape, fill in EXACT
        ],
    }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
