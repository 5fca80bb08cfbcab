"""Models with a `train_step` of their own, as in published examples: `fit` trains them, so they compare."""

import keras
import numpy as np
import pytest

import keras_initlab as initlab
from keras_initlab.core.errors import InputError

BACKEND = keras.backend.backend()
RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 6)).astype("float32")
Y = RNG.integers(0, 3, 48)

BUILT = BACKEND != "tensorflow"  # elsewhere `fit` would call a model that does not say so

graph = pytest.mark.skipif(BACKEND != "tensorflow", reason="elsewhere `fit` builds the loss by a call")
imperative = pytest.mark.skipif(BACKEND == "jax", reason="JAX trains through a stateless step")


def descend(loss_of, variables, optimizer, model):
    """One update of some variables, written as on the backend at hand."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = loss_of()
        optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
        return loss
    import torch

    model.zero_grad()
    loss = loss_of()
    loss.backward()
    with torch.no_grad():
        optimizer.apply([variable.value.grad for variable in variables], variables)
    return loss.detach()


class Autoencoder(keras.Model):
    """No `call`, two parts, losses of its own, as the variational autoencoder."""

    def __init__(self):
        super().__init__()
        self.encoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, name="code")])
        self.decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(6, name="image")])
        self.seed = keras.random.SeedGenerator(1)
        self.total = keras.metrics.Mean(name="loss")
        self.spread = keras.metrics.Mean(name="kl_loss")
        self.built = BUILT

    @property
    def metrics(self):
        return [self.total, self.spread]

    def losses_of(self, x):
        code = self.encoder(x)
        mean, log_variance = code[:, :2], code[:, 2:]
        noise = keras.random.normal(keras.ops.shape(mean), seed=self.seed)
        image = self.decoder(mean + keras.ops.exp(log_variance / 2) * noise)
        spread = keras.ops.mean(mean**2 + keras.ops.exp(log_variance) - 1 - log_variance)
        return keras.ops.mean((x - image) ** 2) + spread, spread

    if BACKEND == "jax":

        def train_step(self, state, data):
            import jax

            trainable, others, optimizer, metrics = state

            def loss_of(values):
                pairs = [*zip(self.trainable_variables, values, strict=True)]
                pairs += zip(self.non_trainable_variables, others, strict=True)
                with keras.StatelessScope(pairs) as scope:
                    total, spread = self.losses_of(data[0])
                return total, (spread, [scope.get_current_value(v) for v in self.non_trainable_variables])

            (total, (spread, others)), gradient = jax.value_and_grad(loss_of, has_aux=True)(trainable)
            trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradient, trainable)
            return {"loss": total, "kl_loss": spread}, (trainable, others, optimizer, metrics)
    else:

        def train_step(self, data):
            x, parts = data[0], []

            def loss_of():
                parts[:] = self.losses_of(x)
                return parts[0]

            descend(loss_of, self.trainable_variables, self.optimizer, self)
            self.total.update_state(parts[0])
            self.spread.update_state(parts[1])
            return {metric.name: metric.result() for metric in self.metrics}


class Adversaries(keras.Model):
    """Two optimizers, a `compile` of its own, no `loss` among its logs, as the DCGAN."""

    def __init__(self):
        super().__init__()
        self.critic = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, name="judge")])
        self.artist = keras.Sequential([keras.Input((2,)), keras.layers.Dense(6, name="paint")])
        self.seed = keras.random.SeedGenerator(1)
        self.built = BUILT

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile(optimizer=None)
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn

    def train_step(self, data):
        x = data[0] if isinstance(data, tuple | list) else data
        noise = keras.random.normal((keras.ops.shape(x)[0], 2), seed=self.seed)
        ones = keras.ops.ones((keras.ops.shape(x)[0], 1))

        def fooled():
            return self.loss_fn(ones, self.critic(self.artist(noise)))

        def judged():
            made = self.critic(self.artist(noise))
            return self.loss_fn(ones, self.critic(x)) + self.loss_fn(0 * ones, made)

        d_loss = descend(judged, self.critic.trainable_variables, self.d_optimizer, self)
        g_loss = descend(fooled, self.artist.trainable_variables, self.g_optimizer, self)
        return {"d_loss": d_loss, "g_loss": g_loss}


class Distiller(keras.Model):
    """A frozen teacher beside the student, no `call`, as the example of knowledge distillation."""

    def __init__(self):
        super().__init__()
        self.teacher = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, name="teacher")])
        self.student = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, name="student")])
        self.teacher.trainable = False
        self.built = BUILT

    def train_step(self, data):
        x, y = data[:2]

        def loss_of():
            made = self.student(x, training=True)
            hard = self.compute_loss(x=x, y=y, y_pred=made)
            return hard + keras.ops.mean((made - self.teacher(x, training=False)) ** 2)

        loss = descend(loss_of, self.student.trainable_variables, self.optimizer, self)
        return {"loss": loss}


class Pairs(keras.Model):
    """A built functional model whose batches are pairs that its `call` cannot take, as in metric learning."""

    def train_step(self, data):
        x = data[0] if isinstance(data, tuple | list) else data

        def loss_of():
            anchor, positive = self(x[:, 0], training=True), self(x[:, 1], training=True)
            close = keras.ops.matmul(anchor, keras.ops.transpose(positive))
            return self.compute_loss(y=keras.ops.arange(keras.ops.shape(close)[0]), y_pred=close)

        loss = descend(loss_of, self.trainable_variables, self.optimizer, self)
        self._loss_tracker.update_state(loss)
        return {metric.name: metric.result() for metric in self.metrics}


def autoencoder():
    model = Autoencoder()
    model.compile("adam")
    return model


def adversaries():
    model = Adversaries()
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), keras.optimizers.Nadam(0.02), loss)
    return model


def distiller():
    model = Distiller()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def metric_learning():
    inputs = keras.Input((6,))
    model = Pairs(inputs, keras.layers.Dense(4, name="place")(inputs))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


MODELS = {
    "autoencoder": (autoencoder, (X,), {"loss", "kl_loss"}),
    "adversaries": (adversaries, (X,), {"d_loss", "g_loss"}),
    "distiller": (distiller, (X, Y), {"loss"}),
    "metric_learning": (metric_learning, (np.stack([X, X + 0.1], 1),), {"loss"}),
}


@pytest.mark.parametrize(
    "kind",
    [
        "autoencoder",
        pytest.param("adversaries", marks=imperative),
        pytest.param("distiller", marks=graph),
        pytest.param("metric_learning", marks=graph),
    ],
)
def test_a_model_with_its_own_step_is_trained_by_fit(kind):
    make, data, names = MODELS[kind]
    schemes = {"one": "initlab_he_normal", "twin": "initlab_he_normal", "zeros": "zeros"}
    model = make()
    weights = model.get_weights()
    result = initlab.compare(model, schemes, *data, batch_size=16, epochs=2, replicates=2, verbose=False)
    assert {record.status for record in result.records} == {"completed"}, result.records[0].message
    assert result.config["engine"]["name"] == "sequential"
    found = {(record.label, record.replicate): record for record in result.records}
    for replicate in range(2):
        one, twin, zeros = (found[label, replicate] for label in schemes)
        assert set(one.epochs) == names
        assert len(one.step_losses) == 6
        # TensorFlow adds up in another order where arrays lie otherwise in memory.
        np.testing.assert_allclose(one.step_losses, twin.step_losses, rtol=1e-6)
        assert one.step_losses != zeros.step_losses
    assert found["one", 0].step_losses != found["one", 1].step_losses
    assert "one" in repr(result)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


@imperative
def test_every_optimizer_of_a_model_starts_fresh_and_is_given_back():
    fresh, used = adversaries(), adversaries()
    used.fit(X, epochs=2, verbose=0)
    held = used.d_optimizer, used.g_optimizer
    state = [np.array(variable) for one in held for variable in one.variables]
    runs = [
        initlab.compare(model, ["he_normal"], X, batch_size=16, replicates=2, verbose=False)
        for model in (fresh, used)
    ]
    for one, other in zip(runs[0].records, runs[1].records, strict=True):
        assert one.step_losses == other.step_losses
    assert (used.d_optimizer, used.g_optimizer) == held
    for before, variable in zip(state, [v for one in held for v in one.variables], strict=True):
        np.testing.assert_array_equal(before, np.array(variable))
    assert set(runs[0].config["optimizer"]) == {"d_optimizer", "g_optimizer"}


class Stubborn(keras.optimizers.SGD):
    """Its config is not enough to make it."""

    @classmethod
    def from_config(cls, config, **given):
        raise TypeError("needs a schedule that no config holds")


class Picky(keras.optimizers.SGD):
    """Refuses the weights that it is given."""

    def build(self, variables):
        raise TypeError("needs the weights of a generator")


@imperative
@pytest.mark.parametrize("kind", [Stubborn, Picky])
def test_if_one_of_several_optimizers_cannot_be_made_again_all_are_given_back(kind):
    model = Adversaries()
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), kind(0.02), loss)
    held = model.d_optimizer, model.g_optimizer
    with pytest.raises(TypeError, match="needs"):
        initlab.compare(model, ["zeros"], X, replicates=1, verbose=False)
    assert (model.d_optimizer, model.g_optimizer) == held


@graph
def test_a_model_that_diverges_in_its_own_way_is_a_finding():
    huge = keras.initializers.RandomNormal(stddev=1e25)
    result = initlab.compare(
        metric_learning(), {"huge": huge}, MODELS["metric_learning"][1][0], verbose=False
    )
    assert {record.status for record in result.records} == {"diverged"}


def test_a_model_without_weights_is_refused():
    class Lazy(Distiller):
        def __init__(self):
            keras.Model.__init__(self)
            self.student = keras.Sequential([keras.layers.Dense(3)])

    model = Lazy()
    model.compile("adam", "mse")
    with pytest.raises(InputError, match=r"has no weights yet: give its layers a keras\.Input"):
        initlab.compare(model, ["zeros"], X, X)
