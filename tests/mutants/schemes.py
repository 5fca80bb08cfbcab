"""Mistakes in the schemes, their fans, seeds and names."""

from mutant import Mutant

CONFORMANCE = "tests/conformance/test_schemes.py"
BASE = "keras_initlab/initializers/base.py"
TRUE_FANS = ("tests/unit/network/test_layer_fans.py",)
SCHEME_NUMBERS = ("tests/golden/test_scheme_numbers.py",)
PLAIN = "keras_initlab/initializers/plain.py"


def scheme(name: str, file: str, before: str, after: str, selected: str) -> Mutant:
    """A mistake that the conformance run of a scheme should notice (NumPy cannot train)."""
    return Mutant(
        name, f"keras_initlab/{file}", before, after, (CONFORMANCE, "-k", f"({selected}) and not training")
    )


def base(name: str, before: str, after: str, *tests: str) -> Mutant:
    return Mutant(name, BASE, before, after, tests or ("tests/unit/initializers/test_base.py",))


MUTANTS = [
    scheme(
        "fans swapped",
        "initializers/fans.py",
        "return Fans(receptive_field * shape[-2], receptive_field * shape[-1])",
        "return Fans(receptive_field * shape[-1], receptive_field * shape[-2])",
        "initlab_he_normal and not truncated",
    ),
    Mutant(
        "fans without receptive field",
        "keras_initlab/initializers/fans.py",
        "receptive_field = math.prod(shape[:-2])",
        "receptive_field = 1",
        ("tests/properties/test_fans_and_seeds.py",),
    ),
    Mutant(
        "axes of input and output swapped",
        "keras_initlab/initializers/fans.py",
        "math.prod(shape[axis] for axis in input_axes)",
        "math.prod(shape[axis] for axis in output_axes)",
        ("tests/unit/initializers/test_base.py",),
    ),
    base(
        "gain squared",
        "return self.gain * math.sqrt",
        "return self.gain**2 * math.sqrt",
        CONFORMANCE,
        "-k",
        "glorot_normal and gain",
    ),
    base(
        "gain under the root",
        "return self.gain * math.sqrt(self.scale / max(1, fan))",
        "return math.sqrt(self.gain * self.scale / max(1, fan))",
        CONFORMANCE,
        "-k",
        "glorot_normal and gain",
    ),
    base(
        "gain of a unit forgotten",
        "return self.gain * self.unit(shape)",
        "return self.unit(shape)",
        CONFORMANCE,
        "-k",
        "initlab_normc and gain",
    ),
    Mutant(
        "arguments of the base before one's own",
        "keras_initlab/initializers/inheriting.py",
        "found |= {one.name: one for one in named if one.name not in found}",
        "found = {one.name: one for one in named if one.name not in found} | found",
        ("tests/unit/initializers/test_inheriting.py",),
    ),
    base(
        "truncation uncorrected",
        "std=std / TRUNCATED_STD",
        "std=std",
        CONFORMANCE,
        "-k",
        "he_normal_truncated and not training",
    ),
    base(
        "uniform limit without its root of three",
        "limit = math.sqrt(3) * std",
        "limit = std",
        CONFORMANCE,
        "-k",
        "he_uniform and not training",
    ),
    Mutant(
        "draws in half precision",
        "keras_initlab/core/draws.py",
        'draw((most,), first, second, dtype="float32", seed=seed)',
        'draw((most,), first, second, dtype="bfloat16", seed=seed)',
        ("tests/unit/initializers/test_base.py", "-k", "coarse"),
        backend="jax",
    ),
    base("seeds shared by shapes", "[*shape, kind, purpose]", "[kind, purpose]", CONFORMANCE, "-k", "seeds"),
    base("seeds shared by layers", "[*shape, kind, purpose]", "[*shape, purpose]"),
    base("seeds shared by unseeded layers", "parts.append(seen.index(path))", "pass"),
    base("seeds keep automatic numbers", 'kind = re.sub(r"_\\d+(?=/|$)", "", path)', "kind = path"),
    base(
        "unseeded instances share a seed",
        "random.getrandbits(31) if seed is None else seed",
        "0 if seed is None else seed",
        CONFORMANCE,
        "-k",
        "seeds",
    ),
    base(
        "generators are not folded",
        "state + ops.convert_to_tensor([self.offset, 0]",
        "state + ops.convert_to_tensor([0, 0]",
    ),
    base("config forgets a value", "getattr(self, name))", "None)", CONFORMANCE, "-k", "config"),
    base(
        "ranks are not checked",
        "if not self.claims.allows(len(shape)):",
        "if False:",
        CONFORMANCE,
        "-k",
        "ranks",
    ),
    scheme("zeros are ones", "initializers/plain.py", "ops.zeros(", "ops.ones(", "initlab_zeros"),
    scheme("ones are zeros", "initializers/plain.py", "ops.ones(", "ops.zeros(", "initlab_ones"),
    Mutant(
        "constant ignores its value",
        PLAIN,
        "ops.full(shape, self.value, dtype)",
        "ops.full(shape, 0.0, dtype)",
        ("tests/golden/test_schemes.py",),
    ),
    scheme(
        "random_uniform is not symmetric",
        "initializers/plain.py",
        "self.uniform(shape, self.minval, self.maxval)",
        "self.uniform(shape, 0.0, self.maxval)",
        "random_uniform",
    ),
    scheme(
        "random_normal takes a variance",
        "initializers/plain.py",
        "self.normal(shape, self.mean, self.stddev)",
        "self.normal(shape, self.mean, self.stddev**0.5)",
        "random_normal",
    ),
    scheme(
        "truncated_normal is not truncated",
        "initializers/plain.py",
        "self.truncated_normal(shape, self.mean, self.stddev)",
        "self.normal(shape, self.mean, self.stddev)",
        "truncated_normal",
    ),
    Mutant(
        "taken names are overwritten",
        "keras_initlab/initializers/registry.py",
        "_refuse_taken(key, name)",
        "pass",
        ("tests/unit/initializers/test_registry.py",),
    ),
    Mutant(
        "only the saved name is registered",
        "keras_initlab/initializers/registry.py",
        "keras.saving.get_custom_objects()[full] = cls",
        "pass",
        (CONFORMANCE, "-k", "config"),
    ),
    Mutant(
        "only the string is registered",
        "keras_initlab/initializers/registry.py",
        "keras.saving.register_keras_serializable(PACKAGE)(cls)",
        "pass",
        ("tests/unit/initializers/test_registry.py",),
    ),
    Mutant(
        "depthwise fans count the channels",
        "keras_initlab/network/layer_fans.py",
        "return Fans(taps, _share(taps * last, stride))",
        "return Fans(taps * second_last, _share(taps * last, stride))",
        TRUE_FANS,
    ),
    Mutant(
        "transposed fans forget the stride",
        "keras_initlab/network/layer_fans.py",
        "return Fans(_share(last * taps, math.prod(layer.strides)), second_last * taps)",
        "return Fans(last * taps, second_last * taps)",
        TRUE_FANS,
    ),
    Mutant(
        "shared einsum axes count as outputs",
        "keras_initlab/network/layer_fans.py",
        "if letter not in inputs]",
        "if letter in result]",
        TRUE_FANS,
    ),
    Mutant(
        "gates count as one",
        "keras_initlab/network/layer_fans.py",
        "shape_fans((*shape[:-1], shape[-1] // count))",
        "shape_fans(shape)",
        TRUE_FANS,
    ),
    Mutant(
        "grouped fan_out counts all groups",
        "keras_initlab/network/layer_fans.py",
        "_share(taps * last, layer.groups * stride)",
        "_share(taps * last, stride)",
        TRUE_FANS,
    ),
    Mutant(
        "biases have their own fans",
        "keras_initlab/network/layer_fans.py",
        'return kernel if variable.name == "bias" and kernel else shape_fans',
        "return shape_fans",
        TRUE_FANS,
    ),
    Mutant(
        "embeddings sum their entries",
        "keras_initlab/network/layer_fans.py",
        "Fans(1, shape[1]) for name",
        "Fans(shape[0], shape[1]) for name",
        TRUE_FANS,
    ),
]
