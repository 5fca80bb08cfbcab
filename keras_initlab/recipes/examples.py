"""Small models that have what recipes look for."""

import keras


def small_relu_net(widen: int = 1) -> keras.Model:
    """Three hidden layers of ReLUs.

    Args:
        widen: Multiplies the hidden widths.
    """
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((20,)),
            layers.Dense(64 * widen, "relu", name="first"),
            layers.Dense(48 * widen, "relu", name="second"),
            layers.Dense(32 * widen, "relu", name="third"),
            layers.Dense(5, name="head"),
        ]
    )


def wide_relu_net() -> keras.Model:
    """The same, four times as wide."""
    return small_relu_net(4)


def adapted_net() -> keras.Model:
    """The same as `small_relu_net`, with adapters of rank 3 whose scale is 2."""
    model = small_relu_net()
    for layer in model.layers:
        layer.enable_lora(3, lora_alpha=6)
    return model


def linear_net() -> keras.Model:
    """Three linear layers of one width."""
    layers = [keras.layers.Dense(16, name=name) for name in ("first", "second", "third")]
    return keras.Sequential([keras.Input((16,)), *layers])


def paired_relu_net() -> keras.Model:
    """Two hidden layers of ReLUs, twice as wide as inputs and outputs."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((16,)),
            layers.Dense(32, "relu", name="first"),
            layers.Dense(32, "relu", name="second"),
            layers.Dense(16, name="head"),
        ]
    )


def residual_net() -> keras.Model:
    """Two residual blocks without norms, the second beside a projection."""
    layers = keras.layers
    given = keras.Input((12,))
    x = layers.Dense(16, name="stem")(given)
    for number, width in ((1, 16), (2, 24)):
        inner = layers.Dense(20, "relu", name=f"block_{number}_first")(x)
        inner = layers.Dense(width, name=f"block_{number}_last")(inner)
        skip = x if width == x.shape[-1] else layers.Dense(width, name=f"block_{number}_skip")(x)
        x = layers.Add(name=f"block_{number}_add")([skip, inner])
    return keras.Model(given, layers.Dense(3, name="head")(x))


def normed_residual_net() -> keras.Model:
    """Two residual blocks whose branches end in a norm."""
    layers = keras.layers
    given = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, padding="same", name="stem")(given)
    for number in (1, 2):
        inner = layers.Conv2D(6, 3, padding="same", name=f"block_{number}_first")(x)
        inner = layers.ReLU()(layers.BatchNormalization(name=f"block_{number}_norm_1")(inner))
        inner = layers.Conv2D(6, 3, padding="same", name=f"block_{number}_last")(inner)
        inner = layers.BatchNormalization(name=f"block_{number}_norm_2")(inner)
        x = (
            layers.ReLU()(layers.Add(name=f"block_{number}_add")([x, inner]))
            if number == 2
            else (layers.Add(name=f"block_{number}_add")([x, inner]))
        )
    return keras.Model(given, layers.Dense(3, name="head")(layers.GlobalAveragePooling2D()(x)))


def small_transformer(norms: str = "before", scale: float = 1.0) -> keras.Model:
    """Two layers of attention and feed-forward on sequences of vectors.

    Args:
        norms: `"before"` the branches, `"after"` the additions, `"both"` before and inside, or `"none"`.
        scale: What the skips are multiplied by.
    """
    layers = keras.layers

    def normed(x, name, where):
        return layers.LayerNormalization(name=name)(x) if norms in where else x

    given = keras.Input((6, 16))
    x = given
    for number in (1, 2):
        inner = normed(x, f"layer_{number}_norm_1", ("before", "both"))
        inner = layers.MultiHeadAttention(2, 8, name=f"layer_{number}_attention")(inner, inner)
        x = _added(x, inner, scale)
        x = normed(x, f"layer_{number}_norm_2", ("after",))
        inner = normed(x, f"layer_{number}_norm_3", ("before", "both"))
        inner = layers.Dense(32, "gelu", name=f"layer_{number}_up")(inner)
        inner = normed(inner, f"layer_{number}_norm_4", ("both",))
        inner = layers.Dense(16, name=f"layer_{number}_down")(inner)
        x = _added(x, inner, scale)
        x = normed(x, f"layer_{number}_norm_5", ("after",))
    return keras.Model(given, layers.Dense(3, name="head")(layers.GlobalAveragePooling1D()(x)))


def _added(skip, branch, scale):
    return keras.layers.Add()([skip if scale == 1 else skip * scale, branch])


def plain_transformer() -> keras.Model:
    """A small Transformer without norms."""
    return small_transformer("none")


def post_norm_transformer() -> keras.Model:
    """A small Transformer with norms after the additions, and DeepNorm's α of two layers on the skips."""
    return small_transformer("after", 4**0.25)


class SubNormed(keras.layers.Layer):
    """Attention with one head and a norm before its last kernel."""

    def __init__(self, width: int, **arguments):
        super().__init__(**arguments)
        self.width = width
        layers = keras.layers
        self.query, self.key, self.value, self.out_proj = (
            layers.Dense(width, name=name) for name in ("query", "key", "value", "out_proj")
        )
        self.norm = layers.LayerNormalization(name="norm")

    def build(self, shape):
        for layer in (self.query, self.key, self.value, self.out_proj, self.norm):
            layer.build((*shape[:-1], self.width) if layer in (self.out_proj, self.norm) else shape)

    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        ops = keras.ops
        scores = ops.matmul(self.query(x), ops.transpose(self.key(x), (0, 2, 1))) / self.width**0.5
        return self.out_proj(self.norm(ops.matmul(ops.softmax(scores), self.value(x))))


def sub_ln_transformer() -> keras.Model:
    """A small Transformer with a norm before each branch and one inside."""
    layers = keras.layers
    given = keras.Input((6, 16))
    x = given
    for number in (1, 2):
        inner = layers.LayerNormalization(name=f"layer_{number}_norm_1")(x)
        x = layers.Add()([x, SubNormed(16, name=f"layer_{number}_attention")(inner)])
        inner = layers.LayerNormalization(name=f"layer_{number}_norm_2")(x)
        inner = layers.Dense(32, "gelu", name=f"layer_{number}_up")(inner)
        inner = layers.LayerNormalization(name=f"layer_{number}_norm_3")(inner)
        x = layers.Add()([x, layers.Dense(16, name=f"layer_{number}_down")(inner)])
    return keras.Model(given, layers.Dense(3, name="head")(layers.GlobalAveragePooling1D()(x)))


class Positions(keras.layers.Layer):
    """Adds a table of positions."""

    def build(self, shape):
        self.positions = self.add_weight(shape=(1, *shape[1:]), name="positions")

    def call(self, x):
        return x + self.positions


def small_vit() -> keras.Model:
    """A vision Transformer of two layers on four patches."""
    layers = keras.layers
    given = keras.Input((8, 8, 3))
    x = layers.Reshape((4, 16))(layers.Conv2D(16, 4, 4, name="patch")(given))
    x = Positions(name="places")(x)
    for number in (1, 2):
        inner = layers.LayerNormalization(name=f"layer_{number}_norm_1")(x)
        inner = layers.MultiHeadAttention(2, 8, name=f"layer_{number}_attention")(inner, inner)
        x = layers.Add()([x, inner])
        inner = layers.LayerNormalization(name=f"layer_{number}_norm_2")(x)
        inner = layers.Dense(32, "gelu", name=f"layer_{number}_up")(inner)
        x = layers.Add()([x, layers.Dense(16, name=f"layer_{number}_down")(inner)])
    x = layers.LayerNormalization(name="norm")(x)
    return keras.Model(given, layers.Dense(3, name="head")(layers.GlobalAveragePooling1D()(x)))
