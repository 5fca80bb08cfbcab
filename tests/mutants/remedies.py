"""Mistakes in what stands beside the start."""

from mutant import Mutant

R = "keras_initlab/remedies/"
GRAPH = ("tests/unit/remedies/test_graph.py",)
LAYERS = ("tests/unit/remedies/test_layers.py",)
LABELS = ("tests/unit/remedies/test_labels_and_mixing.py",)
ORDERS = ("tests/unit/remedies/test_inputs_and_orders.py",)
STEPS = ("tests/unit/remedies/test_stepping.py",)
HELD = "keras_initlab/engines/hyperparameters.py"


def of(file, tests):
    def mistake(name, before, after):
        return Mutant(name, file if file.startswith("keras") else f"{R}{file}", before, after, tests)

    return mistake


insertion, slots = (
    of("keras_initlab/network/insertion.py", GRAPH),
    of("keras_initlab/network/slots.py", GRAPH),
)
graph, norm, drop = of("graph.py", GRAPH), of("normalizing.py", GRAPH), of("dropping.py", GRAPH)
layer, bn = of("layers.py", LAYERS), of("normalizing.py", LAYERS)
label, target, mix = of("labels.py", LABELS), of("targets.py", LABELS), of("mixing.py", LABELS)
stream, order, scale = of("streams.py", LABELS), of("orders.py", ORDERS), of("inputs.py", ORDERS)
held, draw, every = of(HELD, STEPS), of("draws.py", LAYERS), ("tests/unit/remedies/test_every_remedy.py",)

MUTANTS = [
    insertion("inserted layers shift the seeds of others", "inserted.get(id(variable)) or", "None or"),
    insertion(
        "two inserted layers share a seed", "layer.remedy, layer.place, index)", "layer.remedy, index)"
    ),
    slots(
        "the seed depends on the position again",
        "return (*self.place, self.role)",
        "return (self.index, self.role)",
    ),
    graph("layers are counted in the order of the new graph", "        count_layers(made, ordered)\n", ""),
    graph("weights are not carried over", "        new.assign(keras.ops.convert_to_tensor(old))\n", ""),
    graph("weights are called otherwise", "        call_alike(new, old)\n", ""),
    graph("the last layer is hidden too", "ahead = {id(tensor): leads_on", "ahead = {id(tensor): True"),
    graph("models inside are left out", "        if is_graph(operation):\n", "        if False:\n"),
    graph(
        "a model inside ends in an output",
        "hidden(operation, kinds, is_hidden[id(operation)])",
        "hidden(operation, kinds)",
    ),
    graph("dropout before the activation", "        if _activates(operation):\n", "        if False:\n"),
    graph("the loss is made from its config", "loss=model.loss if", "loss=keras.losses.get('mse') if"),
    graph("the optimizer is the user's own", "fresh_optimizer(model.optimizer)", "model.optimizer"),
    graph("layers are shared with the original", "copy: Copy = copied,", "copy: Copy = lambda layer: layer,"),
    norm("normalization behind the activation", "copied(layer, activation=None)", "copied(layer)"),
    norm(
        "normalized twice",
        "if any(isinstance(layer, keras.layers.BatchNormalization)",
        "if False and any(isinstance(layer, keras.layers.BatchNormalization)",
    ),
    norm("a batch of one", "[0]) == 1:", "[0]) == 0:"),
    drop("dropout beside SELU", '== "selu"', '== "no"'),
    bn("Keras's momentum", "momentum=self.momentum", "momentum=0.99"),
    layer("dropout does not divide by what is kept", "inputs / rest", "inputs"),
    layer(
        "dropout keeps what it should drop",
        "ops.where(drawn >= self.strength, inputs",
        "ops.where(drawn < self.strength, inputs",
    ),
    layer("noise by its variance", "self.strength * drawn", "self.strength**2 * drawn"),
    layer("uniform noise", "normal(ops", "uniform(ops"),
    layer("the strength is trained", "            trainable=False,\n", "            trainable=True,\n"),
    layer(
        "one mask for all examples", "self.masks.draw(rows, kernel.shape)", "self.masks.draw(1, kernel.shape)"
    ),
    layer(
        "biases are never dropped",
        "self.masks.draw(rows, (self.units,)), kernel.dtype) * self.bias",
        "self.masks.draw(rows, (self.units,)), kernel.dtype) * 0 + self.bias",
    ),
    layer("the variance without the share that is dropped", "kept * (1 - kept) * square", "kept * square"),
    layer("measured by the plain mean", "ops.expand_dims(spread, -1) * nodes", "0 * nodes"),
    layer("masked where nothing is dropped", "ops.where(kept < 1, dropping", "ops.where(kept < 2, dropping"),
    layer(
        "augmented when measured",
        "        if not training:\n            return inputs\n        found",
        "        found",
    ),
    label("noise to any class", "generator.integers(1, count, shape)", "generator.integers(0, count, shape)"),
    label(
        "flips by a seed of the strength",
        "generator.random(shape) < self.p",
        "np.random.default_rng(int(1000 * self.p)).random(shape) < self.p",
    ),
    label(
        "labels that are not counted are flipped", "known = (y >= 0) & (y < count)", "known = y < count + 1"
    ),
    label("one-hot noise the other way round", "(np.arange(count) - steps", "(np.arange(count) + steps"),
    label("smoothed towards nothing", " + self.e / count)", ")"),
    label(
        "binary smoothing over one class",
        'count = 2 if kind(subject) == "binary"',
        'count = 1 if kind(subject) == "binary"',
    ),
    stream(
        "noise the same in every step",
        "seeds.remedy(self._purpose, epoch, step)",
        "seeds.remedy(self._purpose)",
    ),
    stream(
        "noise of a run new in each epoch",
        "return self._of(seeds).epoch(seeds, epoch)",
        "self._last = None; return self._of(Seeds(epoch, 0)).epoch(seeds, epoch)",
    ),
    stream("replicates share their noise", "self._last[0] != seeds:", "False:"),
    target(
        "validation keeps whole numbers",
        "validation=subject.validation and mapped(subject.validation, change)",
        "validation=subject.validation",
    ),
    target("a metric under another name", '{"name": name}', "{}"),
    target(
        "the twin takes probabilities for logits",
        "CategoricalCrossentropy.from_config(config)\n\n",
        "CategoricalCrossentropy()\n\n",
    ),
    target(
        "smoothed targets are no classes",
        "likelier = keras.ops.cast(y_true, self.dtype) > 0.5",
        "likelier = keras.ops.cast(y_true, self.dtype)",
    ),
    mix("targets are not mixed", "mix(y), *weights", "y, *weights"),
    mix("one share for all", "generator.random(size))", "np.full(size, generator.random()))"),
    mix(
        "shares of a uniform law",
        "betaincinv(self.alpha, self.alpha, generator.random(size))",
        "generator.random(size)",
    ),
    mix("a box of side 1 - λ", "length * np.sqrt(1 - kept)", "length * (1 - kept)"),
    mix("the target by λ, not by the area", "share = inside.mean(axis=(1, 2))", "share = 1 - kept"),
    order(
        "with replacement is a permutation",
        ".integers(0, source.examples, source.examples)",
        ".permutation(source.examples)",
    ),
    order("once is anew in each epoch", "seeds.order(0)", "seeds.order(epoch)"),
    order("the hardest first", '-numbers if self.order == "anti"', '-numbers if self.order == "easy"'),
    order("pacing by the epoch alone", "epoch * in_epoch + step, given", "epoch, given"),
    order("pacing over all of the training", "step / (self.end * steps)", "step / steps"),
    order("pacing from nothing", "self.start + (1 - self.start) *", "self.start *"),
    order("examples twice in a batch", "rows, replace=False", "rows, replace=True"),
    order("a random order that replicates share", 'seeds.remedy(self.name, "order")', "0"),
    scale(
        "validation by its own statistics",
        "lambda one, values: one(values), maps, batch[0]",
        "lambda values: self.fitted(values)(values), batch[0]",
    ),
    scale("deviation by the variance", "values.std(axis=axes, dtype", "values.var(axis=axes, dtype"),
    scale("statistics over all features", "axes = tuple(range(max(values.ndim - 1, 1)))", "axes = None"),
    scale("whitened by the inverse covariance", "axes / np.sqrt(np.maximum", "axes / (np.maximum"),
    scale("ZCA is PCA", 'if self.kind == "zca"', 'if self.kind == "no"'),
    scale(
        "PCA's axes from the least variance",
        "variances, axes = variances[::-1], axes[:, ::-1]",
        "axes = axes",
    ),
    of("orders.py", every)(
        "a part of the epochs has another pace", "epoch * in_epoch + step", "epoch * given.steps + step"
    ),
    of("remedy.py", every)(
        "strengths make structures",
        "free = {self.claims.strength} if self.scalars() else set()",
        "free = set()",
    ),
    of("remedy.py", ORDERS)("functions are not told apart", "sort_keys=True), *functions", "sort_keys=True)"),
    draw(
        "the same numbers in every step",
        "seed, count = state[:1], state[1:]",
        "seed, count = state[:1], state[:1]",
    ),
    draw(
        "one key for the stream",
        "ops.bitwise_xor(_mixed(_places(shape) + first), second)",
        "_places(shape) + first",
    ),
    draw("rows draw alike", "found = found * length +", "found = found * 0 +"),
    draw("shifted with the sign", "2 ** (32 - by) - 1)", "-1)"),
    draw("a normal law of variance 2", "2**0.5 * ops.erfinv", "2 * ops.erfinv"),
    held("L2 with a half", "2 * self._column", "self._column"),
    held("L1 by the weight", "keras.ops.sign(variable)", "variable"),
    held(
        "decay by the square of the rate",
        'self._column("weight_decay", variable) * rate)',
        'self._column("weight_decay", variable) * rate * rate)',
    ),
    held("noise that never falls", "(1 + time) ** NOISE_DECAY", "1"),
    held("gradient noise by its variance", "keras.ops.sqrt(variance) * drawn", "variance * drawn"),
    held("each norm by all together", '("clipnorm", keras.ops.sqrt(square))', '("clipnorm", total)'),
    held(
        "clipped to the limit's square",
        "limit / keras.ops.where(norm > limit, norm, 1), 1)",
        "limit * limit / keras.ops.where(norm > limit, norm, 1), 1)",
    ),
]
